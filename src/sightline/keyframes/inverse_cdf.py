"""Even steps up the cumulated scores: frames stand where the words are, as densely as the scores say.

From: BOLT (arXiv 2503.21483): scale to 0 .. 1, sharpen by a power, read the inverse of the cumulated curve on a fixed
grid.
Departures: no frame may hold more than one step (its surplus is shared out among the others), which is exactly the
condition for distinct frames; the public form returns a peaked curve's frame many times. Steps start at their middle,
and every frame keeps a little weight, so constant scores give uniform sampling instead of NaN.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser

FLOOR = 1e-6  # of the highest weight


@chooser
def inverse_cdf(frames: Candidates, k: int, *, power: float = 2.5) -> np.ndarray:
    """k frames at even steps of the cumulated scores; a greater power crowds them around the peaks."""
    return even_steps(frames.relevance**power, k)


def even_steps(weight: np.ndarray, k: int) -> np.ndarray:
    """k distinct places, at the middles of k even steps up the cumulated weight; k is at most the number of weights."""
    share = capped(weight / max(float(weight.max()), FLOOR) + FLOOR, k)
    cumulated = share.cumsum()
    reached = np.searchsorted(cumulated, (np.arange(k) + 0.5) * (cumulated[-1] / k), side="right")
    # Rounding may let two steps meet on a frame: the later one moves on, at the end the earlier one back.
    steps = np.arange(k)
    distinct = np.maximum.accumulate(reached - steps) + steps
    return np.minimum(distinct, len(weight) - k + steps)


def capped(weight: np.ndarray, k: int) -> np.ndarray:
    """Shares that sum to 1, none above 1 / k: too heavy frames give their surplus to the others, in proportion.

    With the heaviest m frames held at 1 / k, the rest is scaled to 1 - m / k; m is the first that leaves nobody too
    heavy.
    """
    falling = np.sort(weight)[::-1]
    rest = falling[::-1].cumsum()[::-1]  # [m] the weight left when m frames are held
    scale = (1.0 - np.arange(k) / k) / rest[:k]
    held = int(np.argmax(falling[:k] * scale <= (1.0 + 1e-9) / k))
    return np.minimum(weight * scale[held], 1.0 / k)
