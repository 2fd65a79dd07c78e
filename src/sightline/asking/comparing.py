"""Answers from pictures without a language model: every candidate is put into the question's statement ("red" makes "a
red cat"), and the encoder that made the library compares these statements with the chosen frames.

Statements differ in what they score on any picture at all, so a score is measured from what the same statement scores
on the library's other pictures, in units of how far these scatter. A candidate counts by its best frame (a thing is
there if one frame shows it); an option that names several things by the mean of its parts. Null candidates, things that
are hardly ever there, take part: where they do as well as the best candidate, nothing was seen and the reader abstains.

From: zero-shot classification with prompts (CLIP, arXiv 2103.00020). Departures: nulls and the library's own pictures
calibrate it; what moves, and in which order, is read from all known frames where they can be had (`in_time`), and first
and last from the order of the chosen ones otherwise; counting is by the number of separate moments.
Shapes: pictures [F, E], statements [C, E], background [n, E] -> scores [F, C]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.asking.candidates import NO, NULLS, YES, YES_NO, candidates, contrasts
from sightline.asking.happening import in_spreads
from sightline.asking.in_time import InTime
from sightline.asking.moving import Watched
from sightline.asking.question import IN_WORDS, Asked, understand
from sightline.language.reader import Turn, Wants
from sightline.records import Exhibit, Frames, Reading

Array = Any
SHARPNESS = 2.5  # how fast a lead over the next candidate makes sure; fitted on films that are not measured
AS_SURE = 0.95  # as sure as the surest: both stand out so far that nothing lies between
SURE = 0.5  # below this confidence nothing is answered
ABSENT = 0.1  # a statement is called absent where the search is no surer of any frame than this
ANYWHERE = frozenset(
    {"which", "gist", "colour", "present", "yes", "other"}
)  # one frame may show it: the best one counts
IN_MOTION = frozenset({"action", "direction", "times"})  # what a single picture does not show
TOGETHER = 3  # elsewhere the frames show one moment, and the best three count together
PARTS = re.compile(r",\s*|\s+and\s+|、|和|，")


@dataclass(frozen=True)
class Compared:
    """The scores of all candidates on all frames, and what they add up to.

    Shapes: scores [F, C], values [C], null [n]
    """

    scores: Array
    values: Array
    nulls: Array


class ComparingReader:
    """`vectors` gives the vector of an exhibit where it is known already; other pictures are seen by the encoder.
    `background`: a sample of the library's pictures. `trust`: how far the encoder knows a statement's words and a
    video's world, 0 to 1. `watched`: all known frames of a video; without it nothing is said of movement.
    """

    name = "comparing"

    def __init__(
        self,
        encoder: Any,
        vectors: Callable[[Exhibit], Array | None] | None = None,
        background: Array | None = None,
        trust: Callable[[str, str], float] | None = None,
        language: str | None = None,
        watched: Callable[[str], Watched] | None = None,
    ) -> None:
        self.encoder, self.vectors, self.background, self.language = encoder, vectors, background, language
        self.trust = trust or (lambda statement, video: 1.0)
        self.in_time = InTime(watched, self._scores, self.trust) if watched else None
        self.wants = Wants(pictures=vectors is None, side=max(int(encoder.card.side), 64))

    # --- the protocol --------------------------------------------------------------------------

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
        shown = [one for one in exhibits if one.source == "picture" and one.score > 0]
        reading = self._answer(asked, shown, options)
        if told and not reading.abstained:
            told(reading.text)
        return reading

    def score(self, question: str, exhibits: Sequence[Exhibit], answer: str) -> float:
        """How well an answer fits these exhibits: the value of its statement. For ablation."""
        asked = understand(question, self.language)
        shown = [one for one in exhibits if one.source == "picture" and one.score > 0]
        compared = self._compare(asked, shown, [answer]) if shown else None
        return float(compared.values[0]) if compared is not None else float("-inf")

    # --- by kind -------------------------------------------------------------------------------

    def _answer(self, asked: Asked, shown: Sequence[Exhibit], options: Sequence[str]) -> Reading:
        if not shown:
            return nothing("no picture was chosen")
        if not self.encoder.card.words:
            return nothing("the encoder reads no words")
        if asked.kind in ("present", "yes") or (asked.kind == "other" and not options):  # "a blue whale" asks for one
            return self._present(asked, shown, options)
        choices = list(options) or list(candidates(asked.kind, asked.language, self.encoder))
        in_time = self.in_time.answer(asked, shown, choices) if self.in_time else None
        if in_time is not None:
            return in_time
        if asked.kind == "when":
            return self._when(asked, shown)
        if asked.kind == "times" and not options:
            return self._times(shown, asked.language)
        if not choices:
            return nothing(f"no table of answers for a question of the kind {asked.kind!r}; give --options")
        return self._choose(asked, shown, choices, bool(options))

    def _choose(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str], given: bool) -> Reading:
        compared = self._compare(asked, shown, choices)
        if compared is None:
            return nothing("the encoder sees nothing in these words")
        best, sure = self._best(asked, compared, shown, given)
        notes: dict[str, Any] = {
            "by": "pictures",
            "scores": {c: round(float(v), 2) for c, v in zip(choices, compared.values, strict=True)},
        }
        why = self._doubt(asked, shown)
        stated = asked.filled(choices[best])
        sure = min(sure, SURE / 2) if why else sure * min(self.trust(stated, one.video) for one in shown)
        cited = _cited(compared.scores[:, best], shown)
        return Reading(choices[best], cited, sure, sure < SURE, notes | ({"why": why} if why else {}))

    def _doubt(self, asked: Asked, shown: Sequence[Exhibit]) -> str:
        """Why the best candidate is a guess and no more; "" where nothing speaks against it."""
        if asked.kind in IN_WORDS | IN_MOTION:
            return "pictures compared one by one do not tell what is said, written, or how something moves"
        if asked.look_for and max(one.score for one in shown) < ABSENT:
            return f"{asked.look_for!r} is not seen"
        return ""

    def _best(self, asked: Asked, compared: Compared, shown: Sequence[Exhibit], given: bool) -> tuple[int, float]:
        """The candidate that is answered, and how sure that is."""
        if asked.order in ("first", "last") and given:
            return self._end_most(asked, compared, shown)
        best = int(np.argmax(compared.values))
        sure = float(sureness(compared.values, compared.nulls)[best])
        if asked.mark:  # no surer than the place that was looked at
            sure = min(sure, max(one.score for one in shown))
        return best, sure

    def _end_most(self, asked: Asked, compared: Compared, shown: Sequence[Exhibit]) -> tuple[int, float]:
        """Of the options that are seen, the one whose best frame is first (last); as sure as the least seen of all."""
        level = float(np.quantile(compared.nulls, 0.75)) if len(compared.nulls) else 0.0
        seen = 1 / (1 + np.exp(-SHARPNESS * (compared.values - level)))
        seconds = np.array([one.second for one in shown])[compared.scores.argmax(axis=0)]
        kept = seen >= np.median(seen)
        times = np.where(kept, seconds if asked.order == "first" else -seconds, np.inf)
        return int(times.argmin()), float(seen.min())

    def _present(self, asked: Asked, shown: Sequence[Exhibit], options: Sequence[str]) -> Reading:
        """Yes where the search is sure of a frame and no other colour fits better; no where it is sure of none."""
        yes, no = yes_no(options, asked.language)
        if min(self.trust(asked.look_for, one.video) for one in shown) < SURE:  # what it cannot know is not absent
            return nothing("the encoder does not know these words, or what these pictures show")
        best = max(shown, key=lambda one: one.score)
        rivals = contrasts(asked.look_for, asked.language)
        other = 0.0
        if rivals:
            compared = self._statements([asked.look_for, *rivals], shown)
            if compared is not None:
                other = float(compared.values[1:].max() - compared.values[0])
        notes = {"by": "pictures", "sureness": round(best.score, 3), "rival": round(other, 3)}
        there = best.score * (1 / (1 + np.exp(SHARPNESS * (other - 1)))) if rivals else best.score
        if there >= SURE:
            return Reading(yes, moment_of(best, shown), float(there), notes=notes)
        absent = float(1 - there)
        if options or there <= ABSENT:
            return Reading(no, [], absent, abstained=there > ABSENT, notes=notes)
        return Reading("", moment_of(best, shown), float(there), True, notes)

    def _when(self, asked: Asked, shown: Sequence[Exhibit]) -> Reading:
        """The frame of which the search is surest (of several, that which fits best); who asked knows its seconds."""
        text = np.asarray(self.encoder.read([asked.look_for]).vector, np.float32)
        fits = self._measured(self._pictures(shown), text)[:, 0]
        surest = max(one.score for one in shown)
        best = max(zip(shown, fits, strict=True), key=lambda pair: (pair[0].score > AS_SURE * surest, pair[1]))[0]
        here = {"en": "here", "zh": "在这里"}[asked.language]
        return Reading(here, moment_of(best, shown), best.score, best.score < SURE, {"by": "pictures"})

    def _times(self, shown: Sequence[Exhibit], language: str) -> Reading:
        """As often as there are separate moments of which the search is sure."""
        sure = [one for one in shown if one.score >= SURE]
        moments = {(one.video, one.start, one.end) for one in sure}
        if not moments:
            return nothing("no moment is sure enough to be counted")
        confidence = float(np.mean([one.score for one in sure]))
        text = str(len(moments)) if language == "en" else f"{len(moments)}次"
        return Reading(
            text, [one.number for one in sure], confidence, notes={"by": "pictures", "moments": len(moments)}
        )

    # --- comparing -----------------------------------------------------------------------------

    def _compare(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Compared | None:
        if asked.kind == "where" and asked.look_for:
            return self._places(asked, shown, choices)
        return self._statements([asked.filled(choice) for choice in choices], shown, asked)

    def _places(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Compared | None:
        """A place is what all of a picture shows; it counts by how likely the thing that is asked about is in it."""
        texts = np.asarray(self.encoder.read([asked.look_for, *choices]).vector, np.float32)
        if not texts[0].any() or not texts[1:].any(axis=1).any():
            return None
        pictures = self._pictures(shown)
        measured = self._measured(pictures, texts)
        thing, scores = measured[:, :1], measured[:, 1:]
        weight = np.exp(SHARPNESS * (thing - thing.max()))
        values = (weight * scores).sum(axis=0) / weight.sum()
        return Compared(thing + scores, values, self._nulls(pictures, asked.language))

    def _statements(
        self, statements: Sequence[str], shown: Sequence[Exhibit], asked: Asked | None = None
    ) -> Compared | None:
        """None where the encoder reads fewer than two of the statements (nothing can be compared)."""
        whole = asked is not None and asked.kind not in ("gist", "which")
        parts = [[statement] if whole else _parts(statement) for statement in statements]
        flat = [part for several in parts for part in several]
        texts = np.asarray(self.encoder.read(flat).vector, np.float32)
        if texts.any(axis=1).sum() < min(2, len(flat)):
            return None
        pictures = self._pictures(shown)
        scores = self._measured(pictures, texts)
        ends = np.cumsum([len(several) for several in parts])[:-1]
        by_choice = np.stack([part.mean(axis=1) for part in np.split(scores, ends, axis=1)], axis=1)
        best = _best(scores, 1 if asked is None or asked.kind in ANYWHERE else TOGETHER)
        values = np.array([part.mean() for part in np.split(best, ends)])
        witnesses = min(map(len, parts))  # parts that all agree say more than one part alone
        nulls = self._nulls(pictures, asked.language if asked else "en")
        return Compared(by_choice, witnesses * values, witnesses * nulls)

    def _nulls(self, pictures: Array, language: str) -> Array:
        texts = np.asarray(self.encoder.read(list(NULLS[language])).vector, np.float32)
        texts = texts[texts.any(axis=1)]
        return self._measured(pictures, texts).max(axis=0) if len(texts) >= 5 else np.zeros(0)

    def _scores(self, texts: Sequence[str], pictures: Array) -> Array:
        return self._measured(pictures, np.asarray(self.encoder.read(list(texts)).vector, np.float32))

    def _measured(self, pictures: Array, texts: Array) -> Array:
        """Scores [F, C] from what each text scores on other pictures, in units of how far it scatters there."""
        measured = in_spreads(pictures, texts, self.background)
        measured[:, ~texts.any(axis=1)] = measured.min(initial=0.0)
        return measured

    def _pictures(self, shown: Sequence[Exhibit]) -> Array:
        known = [self.vectors(one) if self.vectors else None for one in shown]
        missing = [k for k, vector in enumerate(known) if vector is None]
        if missing:
            pixels = np.stack([np.asarray(shown[k].pixels) for k in missing])
            seen = np.asarray(self.encoder.see(Frames(pixels, np.array([shown[k].second for k in missing]))).vectors)[0]
            for k, vector in zip(missing, seen, strict=True):
                known[k] = vector
        return np.stack([np.asarray(vector, np.float32) for vector in known])


def sureness(values: Array, nulls: Array) -> Array:
    """The share of the belief each candidate gets: a softmax over the candidates and the level that nulls reach."""
    level = [float(np.quantile(nulls, 0.75))] if len(nulls) else []
    odds = np.exp(SHARPNESS * (np.append(values, level) - values.max()))
    return (odds / odds.sum())[: len(values)]


def _best(scores: Array, count: int) -> Array:
    """The mean of each column's highest scores. Shapes: [F, C] -> [C]"""
    return np.asarray(np.sort(scores, axis=0)[-count:].mean(axis=0))


def _cited(scores: Array, shown: Sequence[Exhibit]) -> list[int]:
    """The best frame, and the other chosen frames of its moment."""
    return moment_of(shown[int(np.argmax(scores))], shown)


def moment_of(best: Exhibit, shown: Sequence[Exhibit]) -> list[int]:
    same = (best.video, best.start, best.end)
    rest = [one.number for one in shown if (one.video, one.start, one.end) == same and one is not best]
    return [best.number, *rest]


def _parts(statement: str) -> list[str]:
    return [part for part in PARTS.split(statement) if part.strip()] or [statement]


def yes_no(options: Sequence[str], language: str) -> tuple[str, str]:
    yes = next((o for o in options if o.strip().casefold() in YES), YES_NO[language][0])
    no = next((o for o in options if o.strip().casefold() in NO), YES_NO[language][1])
    return yes, no


def nothing(why: str) -> Reading:
    return Reading("", [], 0.0, True, {"why": why})
