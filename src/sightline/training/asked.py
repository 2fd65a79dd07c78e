"""A question about a video as one line of a file: the form in which storybook's questions are kept, and anybody's own.

    {"video": "trip.mp4", "question": "What colour is the tent?", "options": ["red", "green"], "answer": 0,
     "seconds": [[12.0, 19.5]], "statement": "the tent is red", "kind": "colour", "language": "en"}

`video`, `question`, `options` (two or more, all different) and `answer` (the place of the right one, from 0) are asked
for. `seconds` are the stretches that the answer rests on (none: unknown), `statement` is the answer as a sentence.
Shapes: a file of jsonl -> a list of `Asked`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError

LONGEST = 64 << 10  # bytes of a line


class BadQuestions(SightlineError):
    """A file of questions that cannot be used; the message names the file and the line."""

    code = "bad-questions"


@dataclass(frozen=True)
class Asked:
    """One question with its options and what its answer rests on."""

    video: str
    question: str
    options: tuple[str, ...]
    answer: int
    seconds: tuple[tuple[float, float], ...] = ()
    statement: str = ""
    kind: str = "question"
    language: str = "en"

    @property
    def right(self) -> str:
        return self.options[self.answer]


def write_asked(path: Path, questions: Iterable[Asked]) -> None:
    lines = (json.dumps(asdict(question), ensure_ascii=False) + "\n" for question in questions)
    path.write_text("".join(lines), encoding="utf-8")


def read_asked(path: Path) -> list[Asked]:
    """The questions of a file; BadQuestions says which line is wrong, what was found there, and what belongs there."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as problem:
        raise BadQuestions(f"{path} cannot be read ({problem.strerror}); name a file of jsonl") from problem
    questions = [_asked(line, f"{path}, line {k}") for k, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise BadQuestions(f"{path} has no questions; write one a line (see sightline.training.asked)")
    return questions


def _asked(line: bytes, where: str) -> Asked:
    if len(line) > LONGEST:
        raise BadQuestions(f"{where}: {len(line):,} bytes; a question has at most {LONGEST:,}")
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise BadQuestions(f"{where}: not JSON ({problem})") from problem
    if not isinstance(content, dict):
        raise BadQuestions(f"{where}: a {type(content).__name__}; a question is an object with fields")
    strange = sorted(set(content) - {field.name for field in fields(Asked)})
    if strange:
        raise BadQuestions(
            f"{where}: unknown field {strange[0]!r}; there are {', '.join(f.name for f in fields(Asked))}"
        )
    for name in ("video", "question"):
        _must(isinstance(content.get(name), str) and bool(content[name].strip()), where, name, content, "text")
    for name in ("statement", "kind", "language"):
        _must(isinstance(content.get(name, ""), str), where, name, content, "text")
    options, answer, seconds = content.get("options"), content.get("answer"), content.get("seconds", [])
    several = isinstance(options, list) and len(options) > 1 and all(isinstance(o, str) and o.strip() for o in options)
    _must(several, where, "options", content, "two or more texts")
    assert isinstance(options, list)
    _must(len(set(options)) == len(options), where, "options", content, "texts that are all different")
    places = range(len(options))
    _must(
        type(answer) is int and answer in places, where, "answer", content, f"a whole number, 0 to {len(options) - 1}"
    )
    _must(_are_spans(seconds), where, "seconds", content, "stretches [[start, end], …] with 0 <= start <= end")
    spans = tuple((float(start), float(end)) for start, end in seconds)
    return Asked(**(content | {"options": tuple(options), "seconds": spans}))


def _are_spans(value: Any) -> bool:
    def number(n: Any) -> bool:
        return isinstance(n, int | float) and not isinstance(n, bool)

    def span(s: Any) -> bool:
        return isinstance(s, list) and len(s) == 2 and all(map(number, s)) and 0 <= s[0] <= s[1] < float("inf")

    return isinstance(value, list) and all(map(span, value))


def _must(fine: bool, where: str, name: str, content: dict[str, Any], meant: str) -> None:
    if not fine:
        found = f"is {str(content[name])[:60]!r}" if name in content else "is missing"
        raise BadQuestions(f"{where}: {name!r} {found}; it needs {meant}")
