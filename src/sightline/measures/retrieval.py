"""How often the right one is among the first k, and how often the best of a few is the right one.

From: recall at k as CLIP-like models are compared (arXiv 2103.00020). Departures: a tie counts against the right one,
so an encoder that gives everything the same score gets nothing.
Shapes: scores [n, m], right [n] (the column that belongs to each row)
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def ranks(scores: Array, right: Array) -> Array:
    """The place of the right column in each row, 1 the best; others that score the same come first. Shapes: -> [n]"""
    scores = np.asarray(scores, dtype=np.float64)
    own = scores[np.arange(len(scores)), right]
    return (scores >= own[:, None]).sum(axis=1)


def recall_at(scores: Array, right: Array, k: int) -> float:
    """The share of rows whose right column is among the k best."""
    return float((ranks(scores, right) <= k).mean())


def accuracy(scores: Array, right: Array) -> float:
    """The share of rows whose right column is the one best."""
    return recall_at(scores, right, 1)
