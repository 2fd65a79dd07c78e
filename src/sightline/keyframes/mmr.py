"""Maximal marginal relevance: each next frame is relevant, less what an already chosen frame shows as well.

From: Carbonell and Goldstein, SIGIR 1998.
Departures: relevance is the score scaled to 0 .. 1, so one balance suits cosines, logits and probabilities.
Redundancy is kept as a running maximum, one matrix-vector product per chosen frame, instead of comparing all pairs
again.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser


@chooser
def mmr(frames: Candidates, k: int, *, balance: float = 0.7) -> np.ndarray:
    """k frames by balance x relevance - (1 - balance) x the greatest cosine to a chosen frame."""
    unit, value = frames.unit, (balance * frames.relevance).astype(np.float32)
    chosen = [int(value.argmax())]
    redundancy = np.full(len(frames), -1.0, dtype=np.float32)  # the least a cosine can be
    while len(chosen) < k:
        value[chosen[-1]] = -np.inf
        np.maximum(redundancy, unit @ unit[chosen[-1]], out=redundancy)
        chosen.append(int((value - np.float32(1 - balance) * redundancy).argmax()))
    return np.array(chosen)
