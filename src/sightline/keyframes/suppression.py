"""Similarity top-K with temporal suppression: a chosen frame silences its neighbours, so no scene can take all.

From: non-maximum suppression along time.
Departures: when everything left is silenced the silence is lifted and a new round begins, so the budget is always kept.
"""

from __future__ import annotations

import numpy as np

from sightline.errors import BadRecord
from sightline.keyframes.contract import Candidates, chooser


@chooser
def suppressed_similarity(
    frames: Candidates, k: int, *, reach: float = 2, reach_seconds: float | None = None
) -> np.ndarray:
    """The k highest scores more than `reach` frames (or `reach_seconds`) apart, as far as there are such frames."""
    if reach_seconds is None:
        return highest_apart(frames.scores, k, reach)
    if frames.seconds is None:
        raise BadRecord(f"keeping frames {reach_seconds} seconds apart needs their seconds [T]")
    return highest_apart(frames.scores, k, reach_seconds, frames.seconds)


def highest_apart(values: np.ndarray, k: int, reach: float, when: np.ndarray | None = None) -> np.ndarray:
    """Places of the k highest values; each silences what is within `reach` of it, until all are silent.

    Shapes: values [V], when [V] (the places themselves where not given) -> [k].
    """
    when = np.arange(len(values)) if when is None else when
    left = np.array(values, dtype=np.float64)  # -inf: taken
    heard = left.copy()  # -inf: taken or silenced
    chosen: list[int] = []
    while len(chosen) < k:
        best = int(heard.argmax())
        if heard[best] == -np.inf:
            heard = left.copy()
            continue
        chosen.append(best)
        left[best] = heard[best] = -np.inf
        heard[np.abs(when - when[best]) <= reach] = -np.inf
    return np.array(chosen)
