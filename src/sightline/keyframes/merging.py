"""Neighbours merge, most alike first, until K segments are left; each segment sends its best frame.

The answer's segment may be short and a little less similar to the words than a long scene beside it; top-K then never
sees it, while a segment of its own always sends a frame. Two keys: the similarity curve alone, or the pictures
themselves (better: two scenes may score alike). With a temperature each segment becomes a soft target over its frames
instead.

From: an idea in reading notes on GCG (arXiv 2401.10711): merge by falling similarity until n frames are left, then
soften as distillation softens labels.
Departures: what is compared is the mean of a segment; equally alike pairs merge the shortest first, so a still video
is cut into even pieces; of equal frames in a segment the middle one is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.keyframes.contract import Candidates, as_choice, candidates, chooser, places
from sightline.records import Choice

Distance = Callable[[np.ndarray, np.ndarray], float]


@chooser
def merged_by_curve(frames: Candidates, k: int) -> np.ndarray:
    """The best frame of each of k segments, merged where neighbouring scores are closest."""
    return _best_of_each(frames.scores, _segments_of_curve(frames, k))


@chooser
def merged_by_features(frames: Candidates, k: int) -> np.ndarray:
    """The best frame of each of k segments, merged where neighbouring pictures are most alike."""
    return _best_of_each(frames.scores, _segments_of_features(frames, k))


def soft_targets(
    scores: Any, k: int, *, temperature: float = 0.05, vectors: Any = None, mask: Any = None, seconds: Any = None
) -> Choice:
    """The merged choice with soft rows: within its segment a frame weighs softmax(score / temperature).

    Merged by features where vectors are given, by the curve otherwise. Towards temperature 0 the rows are one-hot;
    towards infinity they are the segment's mean. `extras["span"]` [1, K, 2] holds the first and last frame of each
    segment.
    """
    frames = candidates(scores, vectors=vectors, mask=mask, seconds=seconds)
    segments_of = _segments_of_curve if vectors is None else _segments_of_features
    borders = segments_of(frames, min(k, len(frames)))
    weight = np.zeros((len(borders) - 1, len(np.asarray(scores))), dtype=np.float32)
    for row, first, end in zip(weight, borders[:-1], borders[1:], strict=True):
        heat = frames.scores[first:end] - frames.scores[first:end].max()
        share = np.exp(heat / temperature)
        row[frames.index[first:end]] = share / share.sum()
    chosen = places(lambda frames, k: _best_of_each(frames.scores, borders), frames, k)
    span = np.stack([frames.index[borders[:-1]], frames.index[borders[1:] - 1]], axis=1)
    return as_choice(frames.index[chosen], scores, weight, span=span)


def merge_neighbours(rows: np.ndarray, k: int, distance: Distance) -> np.ndarray:
    """Borders [k + 1] of the segments left when the closest neighbours have merged again and again.

    Shapes: rows [V, E]; distance compares the means of two segments.
    """
    totals, starts = rows.astype(np.float64), [*range(len(rows) + 1)]

    def gap(at: int) -> tuple[float, int]:
        left, middle, right = starts[at : at + 3]
        return distance(totals[left] / (middle - left), totals[middle] / (right - middle)), right - left

    gaps = [gap(at) for at in range(len(rows) - 1)]
    while len(gaps) >= k:
        at = gaps.index(min(gaps))
        totals[starts[at]] += totals[starts.pop(at + 1)]
        del gaps[at]
        for neighbour in (at - 1, at):
            if 0 <= neighbour < len(gaps):
                gaps[neighbour] = gap(neighbour)
    return np.array(starts)


def _segments_of_curve(frames: Candidates, k: int) -> np.ndarray:
    return merge_neighbours(frames.scores[:, None], k, lambda left, right: abs(float(left[0] - right[0])))


def _segments_of_features(frames: Candidates, k: int) -> np.ndarray:
    return merge_neighbours(frames.unit, k, _angle_apart)


def _angle_apart(left: np.ndarray, right: np.ndarray) -> float:
    """1 - cosine of two means; means that cancelled out to nothing are as far apart as strangers."""
    lengths = float(np.sqrt((left @ left) * (right @ right)))
    return 1.0 - float(left @ right) / lengths if lengths else 1.0


def _best_of_each(scores: np.ndarray, borders: np.ndarray) -> np.ndarray:
    best = []
    for first, end in zip(borders[:-1], borders[1:], strict=True):
        equals = np.flatnonzero(scores[first:end] == scores[first:end].max())
        best.append(first + equals[len(equals) // 2])
    return np.array(best)
