"""Late fusion of scores, without learning: a blend, a product, and a cascade that asks the dear judge about few.

Departures: factors below 0 count as 0, since the product of two bad scores is not good; below the re-ranked ones the
first order goes on (not a score of -100); a factor that is missing (NaN) leaves the first order as it is.
Shapes: scores [..., R], of any number of queries -> scores [..., R], or order [..., R] of row numbers, best first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.floating[Any]]
Order = NDArray[np.int64]


def best_first(scores: ArrayLike) -> Order:
    """Row numbers by falling score; equal ones in their own order; NaN last."""
    falling = np.where(np.isnan(scores), np.inf, -np.asarray(scores, dtype=np.float64))
    return np.argsort(falling, axis=-1, kind="stable")


def blend(scores: Sequence[ArrayLike], weights: Sequence[float] | None = None) -> Scores:
    """The weighted mean of several scores of one scale (equal weights where none are given); NaN is left out.

    From: CLIP2Video (2106.11097): half of the pooled score, half of the one over shared centres.
    """
    stacked = np.stack([np.asarray(part, dtype=np.float64) for part in scores])
    shares = np.ones(len(stacked)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(stacked),) or (shares < 0).any() or not shares.sum() > 0:
        raise ValueError(f"{len(stacked)} scores need as many weights, none below 0 and not all 0; got {weights}")
    there = ~np.isnan(stacked) * shares.reshape(-1, *(1,) * (stacked.ndim - 1))
    total = there.sum(axis=0)
    mean = (np.nan_to_num(stacked) * there).sum(axis=0) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)


def product(first: ArrayLike, second: ArrayLike, keep: int = 100) -> Order:
    """The best `keep` by the first score in the order of first x second, then the others in the order of the first.

    From: Socratic Models (2204.00598): picture against words, times a summary of the speech against words.
    """
    order, factor = best_first(first), np.asarray(second, dtype=np.float64)
    head = order[..., :keep]
    one = np.take_along_axis(np.asarray(first, dtype=np.float64), head, axis=-1)
    two = np.take_along_axis(factor, head, axis=-1)
    whole = np.clip(one, 0, None) * np.clip(two, 0, None)
    again = np.where(np.isnan(two).any(axis=-1, keepdims=True), np.arange(head.shape[-1]), best_first(whole))
    return np.concatenate([np.take_along_axis(head, again, axis=-1), order[..., keep:]], axis=-1)


def cascade(first: ArrayLike, judge: Callable[[Order], ArrayLike], keep: int = 100) -> Order:
    """The best `keep` by the first score in the order of the judge, who sees only them; then the others.

    `judge` takes the row numbers [..., keep] and gives their scores [..., keep].

    From: ALBEF (2107.07651): cosines choose, the matching head of the fused pair orders.
    """
    order = best_first(first)
    head = order[..., :keep]
    judged = np.asarray(judge(head), dtype=np.float64)
    if judged.shape != head.shape:
        raise ValueError(f"the judge was asked about {head.shape} and answered {judged.shape}")
    return np.concatenate([np.take_along_axis(head, best_first(judged), axis=-1), order[..., keep:]], axis=-1)
