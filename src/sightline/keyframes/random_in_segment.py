"""A random frame in each of K equal segments: uniform's training twin, which shows a learner every frame in time.

From: TSN sampling (arXiv 1608.00859); ViLA samples its training frames this way (arXiv 2312.08367).
Departures: seeded by the caller, so the same seed gives the same frames; advance the seed with the epoch.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser


@chooser
def random_in_segment(frames: Candidates, k: int, *, seed: int = 0) -> np.ndarray:
    """One frame drawn from each of k equal segments; the same seed draws the same frames."""
    borders = np.arange(k + 1) * len(frames) // k
    return np.random.default_rng(seed).integers(borders[:-1], borders[1:])
