"""Answers from words alone: the sentence that answers, quoted, with who said it, from speech, subtitles and the screen.

A sentence counts by the share of the question's words it holds, each by its rarity among the lines at hand, words of
the sentences beside it for less, and more where it holds the kind of thing that is asked for (a number, a colour, a
reason). A sentence that is the question itself is answered by the next one. No model takes part.

From: the classic overlap baseline of extractive question answering (arXiv 1606.05250, section 5). Departures: options
are judged by the sentences that fit the question; lines that the search placed by their pictures need no shared word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from sightline.asking.candidates import TABLES
from sightline.asking.question import Asked, understand
from sightline.asking.sentences import Sentence, sentences
from sightline.language.reader import Turn, Wants
from sightline.language.terms import query_terms, terms
from sightline.records import Exhibit, Reading

SURE = 0.5
ALONE = 0.75  # how sure it is that a sign says the one option that stands on any sign
BESIDE = 0.4  # what a word counts for that stands in the sentence before or after
_NUMBER = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand"
    r"|million|once|twice)\b|[一二两三四五六七八九十百千万]"
)
_TIME = (
    r"\d{1,2}:\d\d|\b(?:19|20)\d\d\b|\b(?:january|february|march|april|may|june|july|august"
    r"|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday"
    r"|sunday|today|tomorrow|yesterday|century|year|o'clock)\b|[年月日号点]|今天|明天|昨天|世纪"
)
_HINTS = {
    "number": re.compile(_NUMBER, re.IGNORECASE),
    "times": re.compile(_NUMBER, re.IGNORECASE),
    "when": re.compile(f"{_TIME}|{_NUMBER}", re.IGNORECASE),
    "explain": re.compile(
        r"\b(?:because|since|so that|in order to|due to|therefore|reason|by)\b|因为|由于|所以|为了|原因", re.IGNORECASE
    ),
    "define": re.compile(r"\b(?:is|are|was|means?|called|refers?|defined)\b|是|叫|指|意思", re.IGNORECASE),
    "where": re.compile(r"\b(?:in|at|on|near|under|behind|from)\b|在", re.IGNORECASE),
}
_ASKING = frozenset(
    query_terms(
        "say said tell told mention mentioned explain talk happen happens many much long kind type 说 讲 提到 发生"
    )
)


class WordsReader:
    name = "words"
    wants = Wants(pictures=False)

    def __init__(self, language: str | None = None) -> None:
        self.language = language

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
        asked = understand(question, self.language)
        said = _by_source(asked, sentences(exhibits))
        if not said:
            return _nothing("no line of speech or screen text was found")
        fits = fit(asked, said)
        reading = _option(asked, said, fits, options) if options else _sentence(asked, said, fits)
        if told and not reading.abstained:
            told(reading.text)
        return reading


def _by_source(asked: Asked, said: list[Sentence]) -> list[Sentence]:
    """What is written is asked of the screen, what is said of speech, and of a speaker where lines name speakers."""
    sources = {"text": "screen", "said": "speech", "speaker": "speech"}
    wanted = [one for one in said if one.exhibits[0].source == sources.get(asked.kind, one.exhibits[0].source)]
    who = set(query_terms(asked.who))
    named = [one for one in wanted if who and one.speaker and who & set(terms(one.speaker))]
    return named or wanted


def fit(asked: Asked, said: Sequence[Sentence]) -> list[float]:
    """How well each sentence answers, 0 to 1."""
    wanted = _wanted(asked)
    placed = [one.score for one in said]  # by the search: what is said where somebody is seen, a sign where it stands
    if not wanted:
        return placed
    held = [set(one.terms) | set(terms(one.speaker)) for one in said]
    weights = _rarity(wanted, held)
    whole = sum(weights.values())
    shares = []
    for k in range(len(said)):
        own = sum(weights[term] for term in weights if term in held[k])
        beside = {term for j in (k - 1, k + 1) if _beside(said, k, j) for term in weights if term in held[j] - held[k]}
        shares.append((own + BESIDE * sum(weights[term] for term in beside) * (own > 0)) / whole)
    hint = _HINTS.get(asked.kind)
    fits = [
        min(share**1.5 * (1.0 if hint is None or hint.search(one.text) else 0.75), 0.99)
        for share, one in zip(shares, said, strict=True)
    ]
    fits = [max(pair) for pair in zip(fits, placed, strict=True)] if asked.kind == "text" else fits
    return _answered_by_next(said, fits)


def _wanted(asked: Asked) -> list[str]:
    found = query_terms(f"{asked.look_for} {asked.mark}" if asked.look_for else asked.text)
    if asked.kind in ("said", "text") and not asked.look_for:
        return []
    return [term for term in found if term not in _ASKING] or found


def _rarity(wanted: Sequence[str], held: Sequence[set[str]]) -> dict[str, float]:
    """Smoothed inverse document frequency among the lines at hand."""
    return {term: math.log1p((len(held) + 1) / (0.5 + sum(term in one for one in held))) for term in wanted}


def _beside(said: Sequence[Sentence], k: int, j: int) -> bool:
    if not 0 <= j < len(said) or said[j].exhibits[0].source != said[k].exhibits[0].source:
        return False
    early, late = (said[j], said[k]) if j < k else (said[k], said[j])
    return early.exhibits[0].video == late.exhibits[0].video and late.exhibits[0].start - early.exhibits[-1].end <= 4.0


def _answered_by_next(said: Sequence[Sentence], fits: list[float]) -> list[float]:
    """A sentence that asks gives what it holds to the one that follows."""
    given = list(fits)
    for k, one in enumerate(said):
        if one.asks and _beside(said, k, k + 1):
            given[k + 1] = max(fits[k + 1], 0.95 * fits[k])
            given[k] = 0.3 * fits[k]
    return given


def _sentence(asked: Asked, said: Sequence[Sentence], fits: Sequence[float]) -> Reading:
    best = max(range(len(said)), key=lambda k: (fits[k], -k))
    chosen = said[best]
    text = (
        chosen.speaker if asked.kind == "speaker" and chosen.speaker else _short(asked, chosen.text) or quoted(chosen)
    )
    notes = {"by": "words", "quote": chosen.text, "speaker": chosen.speaker}
    return Reading(text, chosen.numbers, float(fits[best]), bool(fits[best] < SURE), notes)


def _short(asked: Asked, text: str) -> str:
    """The one entry of the kind's table that the sentence holds: "red" of "the cat is red"."""
    table = TABLES.get(asked.kind, {}) if asked.kind in ("colour", "where") else {}
    held = [
        word
        for word in table.get(asked.language, ())
        if re.search(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word), text, re.IGNORECASE)
    ]
    return held[0] if len(held) == 1 else ""


def quoted(one: Sentence) -> str:
    """“what was said”, with who said it where the line tells."""
    return f"{one.speaker}: “{one.text}”" if one.speaker else f"“{one.text}”"


def _option(asked: Asked, said: Sequence[Sentence], fits: Sequence[float], options: Sequence[str]) -> Reading:
    """The option that the fitting sentences say most of; a sentence that says all options says none.

    A sentence that is one of the options, word by word, says nothing of the others, whatever words they share with it.
    """
    kept = [set(query_terms(option)) - set(_wanted(asked)) or set(terms(option)) for option in options]
    common = set.intersection(*kept) if len(kept) > 1 else set()
    kept = [held - common or held for held in kept]
    values, places = [], []
    itself = [_as_said(option) for option in options]
    whole = [[_as_said(one.text) == text for text in itself] for one in said]
    for number, held in enumerate(kept):
        shares = [
            fits[k] * (float(whole[k][number]) if any(whole[k]) else _overlap(held, one)) for k, one in enumerate(said)
        ]
        place = max(range(len(said)), key=lambda k: (shares[k], -k))
        values.append(shares[place])
        places.append(place)
    best = max(range(len(options)), key=lambda k: (values[k], -k))
    second = max((value for k, value in enumerate(values) if k != best), default=0.0)
    confidence = values[best] * (1 - second / values[best] / 2) if values[best] > 0 else 0.0
    written = [number for number in range(len(options)) if any(row[number] for row in whole)]
    if asked.kind == "text" and written == [best]:  # whatever sign is meant, no other option stands on one
        confidence = max(confidence, ALONE)
    chosen = said[places[best]]
    unsure = confidence < SURE or second == values[best]
    notes = {"by": "words", "quote": chosen.text, "scores": dict(zip(options, values, strict=True))}
    return Reading(options[best], chosen.numbers, float(confidence), unsure, notes)


def _as_said(text: str) -> str:
    """Letters and numbers alone, so that a full stop or a capital makes no difference."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _overlap(held: set[str], one: Sentence) -> float:
    """The share of an option's words in a sentence; where lines stand for themselves (a sign), of both."""
    said = set(one.terms)
    return len(held & said) / max(len(held), 1)


def _nothing(why: str) -> Reading:
    return Reading("", [], 0.0, True, {"by": "words", "why": why})
