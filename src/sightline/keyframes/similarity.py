"""The K frames most similar to the words: what GCG takes as its labels, and the first thing anybody tries.

From: GCG's pseudo-labels (arXiv 2401.10711).
Departures: equal scores keep the earlier frame, so the answer is the same on every machine.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser


@chooser
def similarity(frames: Candidates, k: int) -> np.ndarray:
    """The k highest scores."""
    return np.argsort(-frames.scores, kind="stable")[:k]
