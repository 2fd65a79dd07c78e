"""Reads the answer's form out of a model's words: as they come, and once they are all there.

Models wrap JSON in fences, thoughts and small talk, forget quotes and break off. What can be read is read: the object,
else its fields one by one, else plain prose with numbers in brackets. What cannot is None, never guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_ANSWER = re.compile(r'"answer"\s*:\s*"')
_THOUGHT = re.compile(r"^\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_BRACKETED = re.compile(r"\[(\d{1,6}(?:\s*[,;]\s*\d{1,6})*)\]")


@dataclass(frozen=True)
class Form:
    answer: str
    evidence: list[int] = field(default_factory=list)
    confidence: float | None = None
    in_evidence: bool = True
    whole: bool = True  # False: pieced together from broken JSON, or prose


def form_of(text: str) -> Form | None:
    """What the model answered, or None where there is nothing to read."""
    words = without_thought(text).strip()
    for value in _objects(words):
        if isinstance(value, dict) and isinstance(value.get("answer"), str | int | float):
            read = _from(value)
            return read if read.answer or not read.in_evidence else None
    if '"answer"' in words:
        return _pieced(words)
    prose = words.strip("`").strip()
    if not prose or prose[0] in "{[":
        return None
    return Form(prose, bracketed(prose), None, whole=False)


def without_thought(text: str) -> str:
    """The text with what a reasoning model thinks aloud replaced by spaces, so that places in it stay the same."""
    return _THOUGHT.sub(lambda thought: " " * len(thought.group()), text)


def answer_so_far(text: str) -> tuple[str, int, int]:
    """The answer's words in a form that may still be growing, and from where to where they stand in the text."""
    shown = without_thought(text)
    found = _ANSWER.search(shown)
    if found is None:
        return "", 0, 0
    words, end = _string(shown, found.end())
    return words, found.end(), end


def bracketed(text: str) -> list[int]:
    """The numbers that prose names as [2] or [2, 5]."""
    found = (int(number) for group in _BRACKETED.findall(text) for number in re.split(r"\s*[,;]\s*", group))
    return list(dict.fromkeys(found))


def _objects(words: str) -> list[Any]:
    """Every JSON object that begins somewhere in the words and is whole."""
    decoder, place = json.JSONDecoder(strict=False), words.find("{")
    found: list[Any] = []
    while place >= 0 and len(found) < 20:
        try:
            value, end = decoder.raw_decode(words, place)
            found.append(value)
        except (ValueError, RecursionError):
            end = place + 1
        place = words.find("{", end)
    return found


def _from(value: dict[str, Any]) -> Form:
    evidence = value.get("evidence", [])
    numbers = evidence if isinstance(evidence, list) else re.findall(r"\d{1,6}", str(evidence))
    return Form(
        str(value["answer"]).strip(),
        list(dict.fromkeys(number for number in map(_integer, numbers) if number is not None)),
        _share(value.get("confidence")),
        value.get("in_evidence") not in (False, "false", "False", "no", 0),
    )


def _pieced(words: str) -> Form | None:
    """Field by field, from JSON that is broken or was cut."""
    answer = answer_so_far(words)[0].strip()
    if not answer:
        return None
    evidence = re.search(r'"evidence"\s*:\s*\[([^\]]*)', words)
    confidence = re.search(r'"confidence"\s*:\s*"?([\d.]{1,20})', words)
    return Form(
        answer,
        [int(number) for number in re.findall(r"\d{1,6}", evidence.group(1))] if evidence else [],
        _share(confidence.group(1)) if confidence else None,
        not re.search(r'"in_evidence"\s*:\s*"?false', words, re.IGNORECASE),
        whole=False,
    )


def _integer(value: Any) -> int | None:
    """2, 2.0, "2" and "[2]" are the exhibit 2; nothing else is an exhibit."""
    found = re.fullmatch(r"\[?(\d{1,6})(?:\.0*)?\]?", str(value).strip())
    return int(found.group(1)) if found and not isinstance(value, bool) else None


def _share(value: Any) -> float | None:
    """A confidence between 0 and 1, also where it was said in percent."""
    try:
        number = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    if not 0 <= number <= 100:  # also refuses not-a-number
        return None
    return number / 100 if number > 1 else number


def _string(text: str, start: int) -> tuple[str, int]:
    """The JSON string that begins at `start`, as far as it has come, and where it ends."""
    words, place = [], start
    while place < len(text) and text[place] != '"':
        if text[place] != "\\":
            words.append(text[place])
            place += 1
        elif text[place + 1 : place + 2] == "u":
            if len(text) < place + 6:
                break
            words.append(_unit(text[place + 2 : place + 6]))
            place += 6
        elif place + 1 < len(text):
            words.append(_ESCAPES.get(text[place + 1], text[place + 1]))
            place += 2
        else:
            break
    if words and "\ud800" <= words[-1] <= "\udbff" and (place >= len(text) or text[place] == "\\"):
        words.pop()  # the first half of a character whose second half has not come
    return "".join(words).encode("utf-16", "surrogatepass").decode("utf-16", "replace"), place


def _unit(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except ValueError:
        return "\ufffd"
