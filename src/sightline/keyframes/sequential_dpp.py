"""A determinantal point process per segment, and a dynamic programme that shares the budget among the segments.

Each segment's set is diverse given the last frame chosen before it, not given all frames of the video: a place that is
seen again much later may be chosen again. How many frames each segment gets is what makes the whole worth most.

From: MDP3 (arXiv 2501.02885): segments of 32 frames, condition on one frame.
Departures: as in `dpp`; what a segment adds is its gain given the earlier frame (the public code counts that frame
again). All budgets a segment may start with are tried at once as one batch.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser
from sightline.keyframes.dpp import LEAST, kernel, log_worth, own_kernel

NONE = -1


@chooser
def sequential_dpp(frames: Candidates, k: int, *, trade: float = 0.2, segment: int = 32) -> np.ndarray:
    """k frames, shared among segments of `segment` frames so that relevance and diversity together are greatest."""
    worth = log_worth(frames.relevance, trade)
    best = np.full(k + 1, -np.inf)  # [spent] the value of the best choice so far
    best[0] = 0.0
    last = np.full(k + 1, NONE)  # [spent] its latest frame
    trace = []
    for first in range(0, len(frames), segment):
        gains, picks = _greedy(frames.unit, worth, last, range(first, min(first + segment, len(frames))), k)
        best, last, taken = _share(best, last, gains, picks)
        trace.append((picks, taken))
    return _unwind(trace, k)


def _greedy(
    unit: np.ndarray, worth: np.ndarray, last: np.ndarray, segment: range, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """For every frame that may have come before: the greedy order inside the segment and the value of its beginnings.

    Shapes: last [S] -> gains [S, n + 1] (of the first 0 .. n picks), picks [S, n].
    """
    states, here, most = np.arange(len(last)), unit[segment.start : segment.stop], min(k, len(segment))
    alike = kernel(here @ here.T)
    rows = np.zeros((len(last), most + 1, len(segment)))  # Cholesky rows; row 0 is the frame before
    before = np.where(last == NONE, 0, last)
    condition = kernel(unit[before] @ here.T) / np.sqrt(own_kernel(unit[before]))[:, None]
    rows[:, 0] = np.where((last == NONE)[:, None], 0.0, condition)
    volume = np.maximum(own_kernel(here) - rows[:, 0] ** 2, LEAST)
    open_gain = np.tile(worth[segment.start : segment.stop], (len(last), 1))  # -inf once picked
    gains, picks = np.zeros((len(last), most + 1)), np.zeros((len(last), most), dtype=np.int64)
    for step in range(most):
        gain = open_gain + np.log(volume)
        pick = gain.argmax(axis=1)
        gains[:, step + 1] = gains[:, step] + gain[states, pick]
        picks[:, step] = pick + segment.start
        open_gain[states, pick] = -np.inf
        known = rows[:, : step + 1]
        unexplained = alike[pick] - np.einsum("sr,srv->sv", known[states, :, pick], known)
        own = volume[states, pick][:, None]  # of a perfect copy LEAST: it explains nothing more
        rows[:, step + 1] = np.where(own > LEAST, unexplained / np.sqrt(own), 0.0)
        volume = np.maximum(volume - rows[:, step + 1] ** 2, LEAST)
    return gains, picks


def _share(
    best: np.ndarray, last: np.ndarray, gains: np.ndarray, picks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step of the dynamic programme: the best value, latest frame and frames taken here, by frames spent in all."""
    new_best, new_last, taken = np.full_like(best, -np.inf), last.copy(), np.zeros(len(best), dtype=np.int64)
    latest = np.maximum.accumulate(picks, axis=1)
    for take in range(gains.shape[1]):
        before = np.arange(len(best) - take)
        value = best[before] + gains[before, take]
        better = before[value > new_best[before + take]]
        new_best[better + take], taken[better + take] = value[better], take
        new_last[better + take] = latest[better, take - 1] if take else last[better]
    return new_best, new_last, taken


def _unwind(trace: list[tuple[np.ndarray, np.ndarray]], spent: int) -> np.ndarray:
    """The frames of the best whole choice, from the last segment back to the first."""
    chosen: list[int] = []
    for picks, taken in reversed(trace):
        take = int(taken[spent])
        spent -= take
        chosen.extend(picks[spent, :take])
    return np.array(chosen)
