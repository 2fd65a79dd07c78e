"""Statements measured on the frames of a snapshot: how sure it is that a frame shows one, and where it holds.

A search looks through everything with the frames that are stored. Here a few videos are looked at more closely: frames
that were decoded since stand among the stored ones, and moments grow on that finer curve by the same rule.
Shapes: seconds [n] float64 ascending, vectors [n, E] float32, sureness [n] 0 to 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sightline.finding import sources as of
from sightline.finding.borders import sharpened
from sightline.finding.confidence import Calibration, calibration, rarity, word_confidence
from sightline.finding.moments import DROPS, Stretch, grow, lower_quarter
from sightline.finding.query import Term
from sightline.language.terms import query_terms, terms
from sightline.records import Line, Moment

Array = Any
Finer = Callable[[str], tuple[Array, Array]]  # video -> seconds [m], vectors [m, E] seen since it was indexed
STEP = 0.4  # of the way from a peak to the background: a smaller step is another thing that grows, comes or goes
FLOOR = 0.02  # of confidence: a peak below it is no moment (the best one is, in any case)


@dataclass(frozen=True)
class Said:
    """A line of a video, and how well it fits what was asked."""

    video: str
    line: Line
    score: float


@dataclass
class Statements:
    """`encoder` is None where the library holds no pictures: then lines alone are found."""

    library: Any
    view: Any
    contents: Sequence[int]
    encoder: Any
    finer: Finer
    _homes: dict[str, float] = field(default_factory=dict)

    @cached_property
    def paths(self) -> dict[str, int]:
        return {self.view.videos[content].path: content for content in self.contents}

    def known(self, video: str) -> tuple[Array, Array]:
        """Every frame known of a video, in the order of time."""
        rows = np.asarray(self.view.rows_of(self.paths[video]))
        seconds = np.asarray(self.view.seconds[rows], dtype=np.float64)
        vectors = np.asarray(self.view.vectors[rows], dtype=np.float32)
        since, seen = self.finer(video)
        if not len(since):
            return seconds, vectors
        unique, first = np.unique(np.concatenate([seconds, since]), return_index=True)
        return unique, np.concatenate([vectors, seen])[first]

    def measure(self, statement: str, video: str, vectors: Array) -> Array:
        """How sure it is of each frame that it shows the statement; 0 where the encoder sees nothing in the words."""
        direction, share = self._direction(statement)
        if direction is None:
            return np.zeros(len(vectors))
        share *= self._at_home(video)
        return np.array([share * self._chance.confidence(float(score)) for score in vectors @ direction])

    def trust(self, statement: str, video: str) -> float:
        """How far the encoder can be believed: the share of the words it sees, in a video of the world it knows."""
        direction, share = self._direction(statement)
        return share * self._at_home(video) if direction is not None else 0.0

    def _at_home(self, video: str) -> float:
        if video not in self._homes:
            self._homes[video] = of.at_home(self.view, self.paths[video], self.encoder)
        return self._homes[video]

    def moments(self, statement: str, video: str) -> list[Moment]:
        """Where in a video the statement holds, surest first, from every frame known."""
        direction, share = self._direction(statement)
        seconds, vectors = self.known(video)
        if direction is None or not len(seconds):
            return []
        content = self.paths[video]
        end = max(of.extent(self.view, content)[1], float(seconds[-1]))
        nowhere = np.full(len(seconds), -1)  # rows that are not the library's
        curve = of.Curve(content, nowhere, seconds, vectors @ direction, end, self.view.shots(content))
        grown = grow(curve, self._chance.score_at(FLOOR), self._chance.noise)
        closer = self.finer(video)[0]
        if len(closer):
            grown = [self._sharpened(one, curve, closer) for one in grown]
        share *= self._at_home(video)
        sure = [share * self._chance.confidence(one.score) for one in grown]
        found = [
            Moment(video, one.start, one.end, one.score, confidence, {"picture": one.score}, one.second)
            for one, confidence in zip(grown, sure, strict=True)
        ]
        return sorted(found, key=lambda moment: (-moment.confidence, moment.start))

    def rarer(self, best: float, score: float) -> float:
        """How many times as often chance reaches a score as it reaches the best one (far out, where it hardly does)."""
        return math.exp(min(max(best - score, 0.0) / self._chance.noise, 700.0))

    def _sharpened(self, one: Stretch, curve: of.Curve, closer: Array) -> Stretch:
        """From step to step where it was looked at more closely; the others as the search would have them."""
        looked = bool(((closer >= one.start) & (closer < one.end)).any())
        if not looked:
            return one
        stands = np.diff(np.append(curve.seconds, curve.end))
        above = one.score - lower_quarter(curve.scores, stands)
        return sharpened(one, curve, max(DROPS * self._chance.noise, STEP * above))

    def lines(self, words: str, count: int) -> list[Said]:
        """Lines that hold some of the words, and those that stand around them (they say the rest), best first."""
        wanted = query_terms(words)
        hits = self.view.text(words.replace('"', " "), count, contents=list(self.contents)) if wanted else []
        weights = rarity(wanted, [frozenset(terms(hit.line.text)) for hit in hits])
        paths = {content: video for video, content in self.paths.items()}
        found = []
        for hit in hits:
            sure = word_confidence(wanted, terms(hit.line.text), weights)
            found += [
                Said(paths[hit.content], line, sure if line == hit.line else sure / 2) for line in self._around(hit)
            ]
        return found

    def lines_between(self, video: str, start: float, end: float, score: float) -> list[Said]:
        """Everything that is said and written between two seconds."""
        lines = self.view.lines(self.paths[video])
        return [Said(video, line, score) for line in lines if line.start < end and line.end > start]

    def _around(self, hit: Any) -> list[Line]:
        """The line before and the two after it, of the same track: where a question was found, its answer follows."""
        if hit.line.source != "speech":
            return [hit.line]
        track = [line for line in self.view.lines(hit.content, "speech") if line.track == hit.line.track]
        place = track.index(hit.line)
        return track[max(place - 1, 0) : place + 3]

    def _direction(self, statement: str) -> tuple[Array | None, float]:
        """What the encoder reads in it (None: nothing), and the share of its words that it sees, where it knows few."""
        term = (Term(statement),)
        vector, _ = of.text_vector(term, self.encoder) if self.encoder is not None else (None, ())
        return vector, of.heard(term, self.encoder) if vector is not None and self._chance.few_words else 1.0

    @cached_property
    def _chance(self) -> Calibration:
        return calibration(self.library, self.view, self.encoder, (1.0,), False)
