"""How sure a match is: scores measured against queries about nothing, on this very library.

Pictures. A score means little by itself: some libraries give every sentence 0.3. So a bank of sentences about things
that are not there (for pictures: frames of one video, searched in the others) is searched once; the best score of each
is one draw of *how high chance reaches here*. Maxima follow a Gumbel law; its tail gives p, the share of such queries
that reach a score. The confidence is 1 / (1 + p / RARE): at the default line, 0.5, stands the score one in 200 reaches.
Words. The share of the query's terms a line holds, each by its rarity, and whether they stand side by side.

Departures: the fit leaves out the upper maxima, for a null sentence may happen to be true of a library. An encoder
that reads next to nothing of the bank (colour names, a closed vocabulary) is measured with directions that mean
nothing, at right angles to what all pictures of the library share (which is no accident, and would widen the law), and
vouches only for the share of the words it sees: of "red submarine" the colours know one half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from sightline.errors import LibraryError
from sightline.finding.null_queries import NULL_QUERIES
from sightline.finding.sources import DEEP_LINES, Encoder, View, sample, unit

RARE = 0.005
LINE = 0.5  # below this confidence nothing is said to match
GROWN = 1.2  # a library this much larger is measured again
DRAWS = 64
SAMPLE = 4_096  # pictures whose mean is taken for that of all
VERSION = 2  # raise it when the way of measuring changes: stored measurements are of another kind then
FEWEST = 24  # different null sentences that a measurement needs
LEAST_SPREAD = 0.02  # of meaningless directions: where all pictures are alike, a colour must stand out all the same
CEILING = 0.99  # nothing measured on a few dozen draws is surer than this
IDENTICAL = 0.995  # two frames this close are one picture


class Library(Protocol):
    def fact(self, key: str) -> Any: ...
    def set_fact(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True)
class Calibration:
    """Where chance reaches: a Gumbel law with its centre and spread, measured when the library had `rows` rows.

    Between pictures the law is of closeness, -log(1 - score): a cosine near 1 means more than its distance to 0.9 says.
    """

    centre: float
    spread: float
    draws: int
    rows: int
    closeness: bool = False
    few_words: bool = False  # the encoder reads next to nothing of the null bank, so it may see a part of a query only

    def confidence(self, score: float) -> float:
        return CEILING / (1.0 + self.chance(score) / RARE)

    def chance(self, score: float) -> float:
        """The share of queries about nothing whose best score is at least this."""
        measured = closeness(score) if self.closeness else score
        return float(-math.expm1(-math.exp(min(-(measured - self.centre) / self.spread, 700.0))))

    def score_at(self, confidence: float) -> float:
        """The score that has this confidence (the inverse of `confidence`)."""
        chance = min(RARE * (CEILING / confidence - 1.0), 1.0 - 1e-12)
        return self._score(self.centre - self.spread * math.log(-math.log1p(-chance)))

    @property
    def noise(self) -> float:
        """How far chance moves a score."""
        return self._score(self.centre + self.spread) - self._score(self.centre)

    def _score(self, measured: float) -> float:
        return 1.0 - math.exp(-measured) if self.closeness else measured


def closeness(score: float) -> float:
    return -math.log(max(1.0 - score, 1e-6))


def gumbel_fit(maxima: Sequence[float] | np.ndarray, keep: float = 0.7) -> tuple[float, float]:
    """Centre and spread by a straight line through the probability plot of the lower `keep` of the maxima."""
    ordered = np.sort(np.asarray(maxima, dtype=np.float64))
    share = (np.arange(len(ordered)) + 0.5) / len(ordered)
    kept = max(int(len(ordered) * keep), 2)
    spread, centre = np.polyfit(-np.log(-np.log(share[:kept])), ordered[:kept], 1)
    return float(centre), max(float(spread), 1e-3)


def calibration(library: Library, view: View, encoder: Encoder, signs: tuple[float, ...], like: bool) -> Calibration:
    """The stored calibration for this kind of query, measured (again) where it is missing or the library has grown.

    A kind is its signs (+, +-, ...) and whether a picture is in it.
    """
    kind = ("picture" if like else "") + "".join("+" if sign > 0 else "-" for sign in sorted(signs, reverse=True))
    key = f"{view.generation.id} {kind} {VERSION}"
    known = library.fact("calibration") or {}
    if key in known and view.rows < GROWN * known[key]["rows"] and known[key]["rows"] < GROWN * view.rows:
        return Calibration(**known[key])
    measured = measure(view, encoder, signs, like)
    with suppress(LibraryError):  # busy, or not ours to write: the next search measures again
        library.set_fact("calibration", {**known, key: asdict(measured)})
    return measured


def measure(view: View, encoder: Encoder, signs: tuple[float, ...], like: bool) -> Calibration:
    best = (view.nearest(null.vector, 1, contents=null.contents)[1] for null in nulls(view, encoder, signs, like))
    maxima = [float(scores[0]) for scores in best if len(scores)]
    pictures = like and not signs
    centre, spread = gumbel_fit([closeness(score) for score in maxima] if pictures else maxima)
    few_words = bool(signs) and len(_bank(encoder)) < FEWEST
    spread = max(spread, LEAST_SPREAD) if few_words else spread
    return Calibration(centre, spread, len(maxima), view.rows, pictures, few_words)


@dataclass(frozen=True)
class Null:
    """A query about nothing, and where it is about nothing (None: everywhere)."""

    vector: np.ndarray
    contents: list[int] | None = None


def nulls(view: View, encoder: Encoder, signs: tuple[float, ...], like: bool) -> list[Null]:
    """Queries of the same kind about nothing: null sentences by the signs, and a frame searched in the other videos."""
    draw = np.random.default_rng(20_240_229)
    said = _sentences(view, encoder, draw) if signs else np.zeros((0, 0), np.float32)
    if not like and len(signs) == 1:
        return [Null(vector) for vector in said]
    living = np.flatnonzero(view.content_of(np.arange(view.rows)) >= 0) if like else np.zeros(0, np.int64)
    joined = []
    for _ in range(DRAWS):
        frame = _foreign_frame(view, living, draw) if like else None
        parts = [frame.vector] if frame else []
        if signs:
            chosen = draw.choice(len(said), size=len(signs), replace=len(signs) > len(said))
            parts += [sign * said[i] for sign, i in zip(signs, chosen, strict=True)]
        joined.append(Null(unit(np.sum(parts, axis=0)), frame.contents if frame else None))
    return joined


def _sentences(view: View, encoder: Encoder, draw: np.random.Generator) -> np.ndarray:
    """What the encoder reads in the null bank; where that is too little to measure with, directions at random.

    These stand at right angles to the mean of the library's pictures (of SAMPLE of them).
    """
    different = _bank(encoder)
    if len(different) >= FEWEST:
        return different
    drawn = draw.standard_normal((DRAWS, different.shape[1])).astype(np.float32)
    mean = unit(sample(view, SAMPLE).mean(axis=0))
    drawn -= np.outer(drawn @ mean, mean)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _bank(encoder: Encoder) -> np.ndarray:
    """The different things that the encoder reads in the null bank."""
    vectors = np.asarray(encoder.read(list(NULL_QUERIES)).vector, dtype=np.float32)
    return np.unique(vectors[vectors.any(axis=1)].round(4), axis=0)


def _foreign_frame(view: View, living: np.ndarray, draw: np.random.Generator) -> Null:
    """A frame of one video, to be searched in the others.

    Where there is one video only: its mean, and a step as long as its frames lie off it, in a direction of no frame.
    """
    rows = draw.choice(living, size=64)
    vectors = np.asarray(view.vectors[rows], dtype=np.float32)
    others = [content for content in view.videos if content != view.content_of(rows[:1])[0]]
    if others:
        return Null(vectors[0], others)
    mean, step = vectors.mean(axis=0), draw.standard_normal(vectors.shape[1])
    spread = float(np.sqrt(((vectors - mean) ** 2).sum(axis=1).mean()))
    return Null(unit(mean + spread * step / np.linalg.norm(step)))


# --- words ----------------------------------------------------------------------------------------

GRAMMAR_WEIGHT = 0.05  # of a word such as "the", where a query has nothing else: alone it says nothing, in a row it may


def rarity(query: Sequence[str], found: Sequence[frozenset[str]]) -> dict[str, float]:
    """A weight for each term of the query: how rare it is among the lines found for them (DEEP_LINES at most)."""
    weights = {}
    for term in query:
        held = sum(term in line for line in found)
        rare = math.log((DEEP_LINES + 1.0) / (held + 0.5))
        weights[term] = max(rare, 1.0) * (GRAMMAR_WEIGHT if _is_grammar(term) else 1.0)
    return weights


def word_confidence(query: Sequence[str], line: Sequence[str], weights: dict[str, float]) -> float:
    """How sure it is that a line with these terms answers a query with those.

    share of the query's weight that the line holds ** 1.5, less where words that stand side by side in the query stand
    apart in the line, less where all that matched is common: 'the' in a line is no answer to 'the'.
    """
    held = set(query) & set(line)
    if not held:
        return 0.0
    mass = sum(weights[term] for term in held)
    share = mass / sum(weights[term] for term in set(query))
    pairs = set(zip(query, query[1:], strict=False))
    beside = len(pairs & set(zip(line, line[1:], strict=False))) / len(pairs) if pairs else 1.0
    return CEILING * share**1.5 * (0.85 + 0.15 * beside) * -math.expm1(-mass)


def _is_grammar(term: str) -> bool:
    from sightline.language.stems import stem
    from sightline.language.stops import ENGLISH, content_of

    return term in ENGLISH or term in {stem(word) for word in ENGLISH} or not content_of(term)


# --- was the stated confidence right? -------------------------------------------------------------


@dataclass(frozen=True)
class CurveRow:
    """Of the answers stated in [low, high): how many, the mean of what they stated, the share that was right."""

    low: float
    high: float
    count: int
    stated: float
    observed: float


def calibration_curve(stated: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[CurveRow]:
    """Stated confidence against observed precision; bins without answers are left out."""
    said, truth = np.asarray(stated, dtype=np.float64), np.asarray(right, dtype=bool)
    if said.shape != truth.shape:
        raise ValueError(f"{len(said)} confidences stand against {len(truth)} judgements; give one judgement for each")
    place = np.clip((said * bins).astype(int), 0, bins - 1)
    rows = []
    for k in range(bins):
        inside = place == k
        if inside.any():
            rows.append(
                CurveRow(
                    k / bins, (k + 1) / bins, int(inside.sum()), float(said[inside].mean()), float(truth[inside].mean())
                )
            )
    return rows
