"""Score an even grid first, then look closer where it promises most: good frames without scoring every frame.

Scoring a frame costs a model's forward pass, so the budget here is frames *looked at*, beside the k frames chosen.

From: the idea of FOCUS (arXiv 2510.27280): coarse look at clips, finer look at the most promising, then a fifth of the
frames by score and the others spread by a sharpened distribution.
Departures: deterministic. Clips are the gaps between frames looked at; the gap beside the highest scores is halved
first, wide gaps before narrow ones. The grid takes most of the budget, because an event that falls between two grid
frames cannot be found by looking closer anywhere else. Frames are spread by even steps, not drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.errors import BadQuery
from sightline.keyframes.contract import Candidates, as_choice, candidates, chooser, places
from sightline.keyframes.inverse_cdf import even_steps
from sightline.records import Choice

ScoreAt = Callable[[np.ndarray], Any]  # frame numbers, ascending -> their scores
GRID = 0.8  # of the budget goes to the even grid
SURE = 0.2  # of the k frames are simply the highest
TEMPERATURE = 0.06


@chooser
def coarse_to_fine(frames: Candidates, k: int, *, share: float = 0.4) -> np.ndarray:
    """k of the frames looked at, when only this share of all scores may be read."""
    budget = min(max(k, round(share * len(frames))), len(frames))
    looked, found = look(lambda at: frames.scores[at], len(frames), budget)
    return looked[_some_sure_some_spread(Candidates(looked, found), k)]


def choose_within(score_at: ScoreAt, total: int, k: int, *, budget: int) -> Choice:
    """The same where scores are made on demand: `score_at` is asked for `budget` of `total` frames, each once.

    The choice's scores are NaN where nobody looked; `extras["looked"]` holds the frames looked at.
    """
    if budget < k:
        raise BadQuery(f"asked for {k} frames while only {budget} may be scored; score at least as many")
    looked, found = look(score_at, total, min(budget, total))
    scores = np.full(total, np.nan)
    scores[looked] = found
    chosen = looked[places(_some_sure_some_spread, candidates(found), k)]
    return as_choice(chosen, scores, looked=looked)


def look(score_at: ScoreAt, total: int, budget: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames looked at, ascending, and their scores: a grid, then rounds that halve the most promising gaps."""
    grid = max(1, round(GRID * budget)) if budget < total else total
    looked = (2 * np.arange(grid) + 1) * total // (2 * grid)
    found = np.asarray(score_at(looked), dtype=np.float64)
    while len(looked) < budget:
        middles = _promising(looked, candidates(found).scores, total)
        new = np.sort(middles[: max(1, (budget - len(looked)) // 2)])
        found = np.concatenate([found, np.asarray(score_at(new), dtype=np.float64)])
        looked = np.concatenate([looked, new])
        order = np.argsort(looked)
        looked, found = looked[order], found[order]
    return looked, found


def _promising(looked: np.ndarray, found: np.ndarray, total: int) -> np.ndarray:
    """The middles of all gaps that still hide a frame, most promising first: the highest neighbour, then the widest."""
    before, after = np.r_[-1, looked], np.r_[looked, total]
    promise = np.maximum(np.r_[-np.inf, found], np.r_[found, -np.inf])
    width = after - before - 1
    order = np.lexsort((before, -width, -promise))
    return ((before + after) // 2)[order[width[order] > 0]]


def _some_sure_some_spread(frames: Candidates, k: int) -> np.ndarray:
    """A fifth of k by score; the others spread over the rest, denser where scores are high."""
    falling = np.argsort(-frames.relevance, kind="stable")
    sure = max(1, round(SURE * k))
    rest = np.sort(falling[sure:])
    if sure == k:
        return falling[:k]
    weight = np.exp((frames.relevance[rest] - 1.0) / TEMPERATURE)
    return np.concatenate([falling[:sure], rest[even_steps(weight, k - sure)]])
