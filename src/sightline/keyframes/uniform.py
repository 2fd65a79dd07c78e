"""The middle frame of each of K equal segments: blind to content, the line every other way of choosing has to beat.

From: common practice (frame sampling by segment mid-points).
Departures: counts in valid frames, so padding is never sampled and a clip shorter than K repeats no frame.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser


@chooser
def uniform(frames: Candidates, k: int) -> np.ndarray:
    """The frame at the middle of each of k equal segments."""
    return (2 * np.arange(k) + 1) * len(frames) // (2 * k)
