"""A reader that answers through any OpenAI-compatible server: numbered exhibits go out, numbers of exhibits come back.

From: the chat completions form with pictures (data URLs) and a JSON schema for the answer.
Departures: the model names exhibits, never times; times it writes all the same are cut. Numbers outside the exhibits
are dropped. What does not fit is asked once more with fewer and smaller pictures. `Reading.notes` tells all of it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.language.reader import Turn, Wants
from sightline.language.served.address import address_of
from sightline.language.served.answer_form import Form, answer_so_far, bracketed, form_of
from sightline.language.served.connection import Connection, Reply
from sightline.language.served.failures import BrokenOff, NotAnAnswer, TooLong
from sightline.language.served.made_up_times import Cleaner, Telling
from sightline.language.served.pictures import Budget, Picture, fitted
from sightline.language.served.prompt import REMINDER, form, letters, messages
from sightline.language.served.sureness import likelihood, option_shares, within
from sightline.records import Exhibit, Reading

_ABSTAINS = re.compile(r'"in_evidence"\s*:\s*false')
UNKNOWN = 0.5  # the confidence of an answer whose server and model say nothing about it


def open_served(
    name: str,
    *,
    key: str | None = None,
    pictures: bool = True,
    side: int = 448,
    frames: int | None = 32,
    answer_tokens: int = 512,
    timeout: float = 120.0,
    say: Callable[[str], None] | None = None,
    backoff: float = 0.5,
) -> ServedReader:
    """A reader behind `openai:MODEL@http://host:port/v1`, or behind an address that serves one model.

    pictures, side, frames: what the model is shown at most; answer_tokens: how long it may answer; timeout: seconds of
    silence; say: hears of waits, retries and warnings, one line each (unset: the log of this module, which Python shows
    on the terminal); backoff: seconds before the second try.
    """
    address = address_of(name, key)
    connection = Connection(address, timeout=timeout, say=say or logging.getLogger(__name__).warning, backoff=backoff)
    if address.warning:
        connection.say(address.warning)
    model = address.model or connection.only_model()
    return ServedReader(connection, model, Wants(pictures, side, frames if pictures else 0), answer_tokens)


@dataclass(frozen=True)
class _Asked:
    """One question with the exhibits that fit it."""

    question: str
    shown: list[Exhibit]
    pictures: dict[int, Picture]
    options: Sequence[str]
    earlier: Sequence[Turn]

    @property
    def numbers(self) -> list[int]:
        return [exhibit.number for exhibit in self.shown]

    def cleaner(self) -> Cleaner:
        known = [self.question, *self.options, *(exhibit.text for exhibit in self.shown)]
        return Cleaner("\n".join(known), [(e.start, e.end) for e in self.shown], self.numbers)

    def messages(self) -> list[dict[str, Any]]:
        return messages(self.question, self.shown, self.pictures, self.options, self.earlier)


class ServedReader:
    """Answers from exhibits by asking a server. It keeps no state of a question: after any error, ask again."""

    def __init__(self, connection: Connection, model: str, wants: Wants, answer_tokens: int) -> None:
        self.connection, self.model, self.wants, self.answer_tokens = connection, model, wants, answer_tokens
        self.name = f"openai:{model}@{connection.address.url}"

    def answer(
        self,
        question: str,
        exhibits: Sequence[Exhibit],
        *,
        options: Sequence[str] = (),
        tokens: int | None = None,
        earlier: Sequence[Turn] = (),
        told: Callable[[str], None] | None = None,
    ) -> Reading:
        self.connection.lines.clear()
        budget = Budget(self.wants.side, self.wants.frames, tokens)
        lines = sum(exhibit.source != "picture" for exhibit in exhibits)
        asked = _fitting(question, exhibits, budget, lines, options, earlier)
        notes: dict[str, Any] = {"model": self.model, "server": self.connection.address.url}
        if not asked.shown:
            return _nothing(notes, "there is no exhibit to show")
        try:
            return self._read(asked, told, notes)
        except TooLong as fault:
            smaller = budget.smaller(len(asked.pictures), fault.frames)
            fewer = _fitting(question, exhibits, smaller, max(lines // 2, 1), options, earlier)
            self.connection.say(
                f"too long for {self.model}: asking with {len(fewer.pictures)} smaller pictures in place of "
                f"{len(asked.pictures)}, {len(fewer.shown) - len(fewer.pictures)} lines in place of "
                f"{len(asked.shown) - len(asked.pictures)}"
            )
            return self._read(fewer, told, notes)

    def _read(self, asked: _Asked, told: Callable[[str], None] | None, notes: dict[str, Any]) -> Reading:
        """Asks, and once more where the answer has another form than it should."""
        notes = notes | _shown(asked)
        dialogue = asked.messages()
        reply, form_read = self._asked(asked, dialogue, told)
        if form_read is None and not reply.declined:
            self.connection.say(f"{self.model} answered in another form; asking once more")
            dialogue += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": REMINDER}]
            first, (reply, form_read) = reply, self._asked(asked, dialogue, told)
            notes["first_reply"] = first.text
        notes |= {"tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out, "finish": reply.finish}
        if self.connection.lines:
            notes["said"] = list(self.connection.lines)
        if reply.declined:
            return _nothing(notes, f"the model declined: {reply.text[:200]}")
        if form_read is None:
            if asked.options:
                return _nothing(notes, "the model chose none of the options")
            raise NotAnAnswer(self._formless(reply), notes | {"partial": reply.text})
        return _chosen(asked, reply, form_read, notes, told) if asked.options else _said(asked, reply, form_read, notes)

    def _formless(self, reply: Reply) -> str:
        if reply.finish == "length":
            return (
                f"{self.model} used up its {self.answer_tokens} tokens before it answered; give it more with "
                "answer_tokens, or choose a model that thinks less"
            )
        return (
            f"{self.model} did not answer in the form it was asked for, twice; choose one that follows instructions, "
            "or a server with json_schema"
        )

    def _asked(
        self, asked: _Asked, dialogue: list[dict[str, Any]], told: Callable[[str], None] | None
    ) -> tuple[Reply, Form | None]:
        extras = {
            "response_format": form(asked.numbers, asked.options),
            "logprobs": True,
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "max_tokens": self.answer_tokens,
        }
        if asked.options:
            extras["top_logprobs"] = 20  # the most that servers tell
        hearing = _Hearing(Telling(told, asked.cleaner()) if told and not asked.options else None)
        try:
            reply = self.connection.ask(self.model, dialogue, extras, hearing)
        except BrokenOff as fault:
            words = asked.cleaner()(answer_so_far(fault.notes["partial"])[0]).strip()
            so_far = f"; so far it said: {words}" if words else ""
            raise BrokenOff(f"{fault}{so_far}", fault.notes | {"partial_answer": words}) from fault
        read = form_of(reply.text)
        if read and asked.options:
            read = read if _option(read.answer, asked.options) is not None or not read.in_evidence else None
        elif read and hearing.telling and read.in_evidence:
            hearing.telling.finish(asked.cleaner()(read.answer).strip())
        return reply, read


class _Hearing:
    """Hears the raw reply as it comes and lets the answer's words be told."""

    def __init__(self, telling: Telling | None) -> None:
        self.telling, self.text = telling, ""

    def __call__(self, piece: str) -> None:
        self.text += piece
        if self.telling and not _ABSTAINS.search(self.text):
            self.telling.grow(answer_so_far(self.text)[0].lstrip())


def _fitting(
    question: str,
    exhibits: Sequence[Exhibit],
    budget: Budget,
    lines: int,
    options: Sequence[str],
    earlier: Sequence[Turn],
) -> _Asked:
    pictures = fitted(exhibits, budget)
    spoken = sorted((e for e in exhibits if e.source != "picture"), key=lambda e: (-e.score, e.number))
    kept = {*pictures, *(exhibit.number for exhibit in spoken[:lines])}
    return _Asked(question, [e for e in exhibits if e.number in kept], pictures, options, earlier)


def _shown(asked: _Asked) -> dict[str, Any]:
    """What went out, for the trace."""
    pictures = asked.pictures.values()
    return {
        "shown": asked.numbers,
        "pictures": [(picture.number, picture.width, picture.height) for picture in pictures],
        "visual_tokens": sum(picture.tokens for picture in pictures),
        "picture_bytes": sum(len(picture.url) for picture in pictures),
    }


def _said(asked: _Asked, reply: Reply, read: Form, notes: dict[str, Any]) -> Reading:
    """An answer in words."""
    clean = asked.cleaner()
    text = clean(read.answer).strip()
    cited = _cited(asked, read, notes)
    if not text and cited:
        text = " ".join(f"[{number}]" for number in cited)  # the answer was a time alone: these numbers carry it
    _, start, end = answer_so_far(reply.text)
    sure = likelihood(within(reply.pieces, reply.text, start, end)) if end > start else None
    return _reading(text, cited, sure, read, notes | ({"cut_from_answer": clean.cut} if clean.cut else {}))


def _chosen(
    asked: _Asked, reply: Reply, read: Form, notes: dict[str, Any], told: Callable[[str], None] | None
) -> Reading:
    """An answer that is one of the options."""
    chosen = _option(read.answer, asked.options)
    _, start, end = answer_so_far(reply.text)
    shares = option_shares(within(reply.pieces, reply.text, start, end), letters(asked.options)) if end > start else {}
    if shares:
        notes["options"] = dict(zip(asked.options, (shares[letter] for letter in letters(asked.options)), strict=True))
    text = "" if chosen is None else asked.options[chosen]
    sure = notes["options"][text] if shares and chosen is not None else None
    if told and read.in_evidence:
        told(text)
    return _reading(text, _cited(asked, read, notes), sure, read, notes)


def _nothing(notes: dict[str, Any], why: str) -> Reading:
    return Reading("", [], 0.0, abstained=True, notes=notes | {"why": why})


def _reading(text: str, cited: list[int], sure: float | None, read: Form, notes: dict[str, Any]) -> Reading:
    if sure is not None:
        confidence, source = sure, "token probabilities"
    elif read.confidence is not None:
        confidence, source = read.confidence, "stated by the model"
    else:
        confidence, source = UNKNOWN, "unknown: neither server nor model says"
    notes |= {"confidence_from": source, "stated_confidence": read.confidence, "whole": read.whole}
    if not read.in_evidence:
        why = "the model says that the exhibits do not answer it"
        return Reading(text, [], confidence, abstained=True, notes=notes | {"why": why, "nearest": cited})
    return Reading(text, cited, confidence, notes=notes)


def _cited(asked: _Asked, read: Form, notes: dict[str, Any]) -> list[int]:
    """The exhibits an answer rests on; numbers of none that was shown are noted and dropped."""
    named = read.evidence or bracketed(read.answer)
    dropped = [number for number in named if number not in asked.numbers]
    if dropped:
        notes["dropped_numbers"] = dropped
    return [number for number in named if number in asked.numbers]


def _option(answer: str, options: Sequence[str]) -> int | None:
    """Which option is meant: by its letter, with or without its words, or by its words alone."""
    said = _plain(answer)
    words = [_plain(option) for option in options]
    if words.count(said) == 1:
        return words.index(said)
    for place, letter in enumerate(letters(options)):
        label, rest = letter.casefold(), said[len(letter) :]
        if said.startswith(label) and (
            not rest or (rest[0] in ").:、 " and rest.lstrip(").:、 ") in ("", words[place]))
        ):
            return place
    return None


def _plain(words: str) -> str:
    return words.strip(" \n()[]\"'*.。").casefold()
