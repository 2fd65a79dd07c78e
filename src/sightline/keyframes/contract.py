"""The contract of choosing: exactly min(K, valid T) distinct frames, in time order, the same twice.

A way of choosing is written as a `pick`: a plain function of `Candidates` (frames that may be chosen, with finite
scores) and k, smaller than their number, that returns k places among them. `@chooser` turns it into the function
people call: masked frames never reach the pick, and neither do NaN and infinity, so no pick has to defend itself.

Shapes: scores [T], vectors [T, E], mask [T] bool (True = valid), seconds [T] -> Choice, B = 1, K = min(k, valid T).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sightline.errors import BadQuery, BadRecord
from sightline.records import Choice

HUGE = 1e150  # scores beyond it are scaled down, so that differences and squares stay finite


@dataclass(frozen=True)
class Candidates:
    """The frames that may be chosen. Places are positions in these arrays; `index` says where they lie in the video.

    Shapes: index [V] ascending, scores [V] float64 and finite, given_vectors [V, E], seconds [V].
    """

    index: np.ndarray
    scores: np.ndarray
    given_vectors: np.ndarray | None = None
    seconds: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def relevance(self) -> np.ndarray:
        """Scores scaled to 0 .. 1; all zero where they are all equal."""
        low, high = self.scores.min(), self.scores.max()
        return (self.scores - low) / (high - low) if high > low else np.zeros(len(self))

    @cached_property
    def unit(self) -> np.ndarray:
        """Vectors of unit length, float32; a row that is zero or not finite becomes zero: like nothing else."""
        if self.given_vectors is None:
            raise BadRecord(
                "this way of choosing compares frames with each other: give vectors [T, E] besides the scores"
            )
        rows = np.asarray(self.given_vectors, dtype=np.float32)
        lengths = np.sqrt(np.einsum("te,te->t", rows, rows))[:, None]
        usable = np.isfinite(lengths) & (lengths > 0)
        return np.divide(rows, lengths, out=np.zeros_like(rows), where=usable)


class Chooser(Protocol):
    """Every way of choosing, as it is called. Options of its own are keywords."""

    def __call__(
        self,
        scores: Any,
        k: int,
        *,
        vectors: Any = None,
        mask: Any = None,
        seconds: Any = None,
        **options: Any,
    ) -> Choice: ...


def chooser(pick: Callable[..., np.ndarray]) -> Chooser:
    """Makes the public function of a pick and holds it to the contract."""

    @functools.wraps(pick)
    def choose(
        scores: Any, k: int, *, vectors: Any = None, mask: Any = None, seconds: Any = None, **options: Any
    ) -> Choice:
        frames = candidates(scores, vectors=vectors, mask=mask, seconds=seconds)
        return as_choice(frames.index[places(pick, frames, k, **options)], scores)

    own = [p for p in inspect.signature(pick).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    shared = [p for p in inspect.signature(Chooser.__call__).parameters.values() if p.name not in ("self", "options")]
    choose.__signature__ = inspect.Signature([*shared, *own], return_annotation="Choice")  # type: ignore[attr-defined]
    return choose


def places(pick: Callable[..., np.ndarray], frames: Candidates, k: int, **options: Any) -> np.ndarray:
    """The picked places, ascending; all of them where there are no more than k."""
    if k < 1:
        raise BadQuery(f"asked for {k} frames; ask for at least 1")
    if k >= len(frames):
        return np.arange(len(frames))
    picked = np.unique(pick(frames, k, **options))
    if len(picked) != k:
        raise AssertionError(f"{pick.__name__} picked {len(picked)} distinct frames of {len(frames)}, not {k}")
    return picked


def candidates(scores: Any, *, vectors: Any = None, mask: Any = None, seconds: Any = None) -> Candidates:
    """The valid frames, with lengths checked and scores made finite."""
    curve = np.asarray(scores, dtype=np.float64)
    if curve.ndim != 1:
        raise BadRecord(f"scores need one dimension [T], have shape {curve.shape}; choose for one video at a time")
    keep = np.ones(len(curve), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    rows = None if vectors is None else np.asarray(vectors)
    times = None if seconds is None else np.asarray(seconds, dtype=np.float64)
    for name, array, rank in (("mask", keep, 1), ("vectors", rows, 2), ("seconds", times, 1)):
        if array is not None and (array.ndim != rank or len(array) != len(curve)):
            raise BadRecord(f"scores and {name} disagree: {len(curve)} frames against shape {array.shape}")
    index = np.flatnonzero(keep)
    if len(index) == len(curve):  # spares copies
        return Candidates(index, finite(curve), rows, times)
    return Candidates(
        index, finite(curve[index]), None if rows is None else rows[index], None if times is None else times[index]
    )


def finite(scores: np.ndarray) -> np.ndarray:
    """The same order without NaN and infinities: +inf just above the rest, -inf and NaN just below it."""
    known = np.isfinite(scores)
    largest = np.abs(scores[known]).max(initial=0.0)
    if largest > HUGE:
        scores = scores / largest
    if known.all():
        return scores
    low, high = (scores[known].min(), scores[known].max()) if known.any() else (0.0, 0.0)
    above, below = np.nextafter(high, np.inf), np.nextafter(low, -np.inf)
    return np.where(known, scores, np.where(scores == np.inf, above, below))


def as_choice(index: Any, scores: Any, weight: np.ndarray | None = None, **extras: np.ndarray) -> Choice:
    """A choice for a batch of one. Without a weight every row is one-hot.

    Shapes: index [K] ascending, scores [T], weight [K, T] with rows that sum to 1, extras any shape.
    """
    curve, index = np.asarray(scores, dtype=np.float64), np.asarray(index, dtype=np.int64)
    if weight is None:
        weight = np.zeros((len(index), len(curve)), dtype=np.float32)
        weight[np.arange(len(index)), index] = 1.0
    return Choice(weight[None], index[None], curve[None], {name: array[None] for name, array in extras.items()})
