"""Frames where the similarity curve is steepest: something begins or ends there.

From: an idea in reading notes on GCG (arXiv 2401.10711): the steeper the curve, the more important the frame.
Departures: the curve is smoothed first (one noisy frame is no edge), and neighbours of a chosen frame wait, because
an edge is steep on both of its sides. Every cut is steep, so it weakens as scenes are added: prefer merging on busy
footage.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser
from sightline.keyframes.suppression import highest_apart


@chooser
def steepest(frames: Candidates, k: int, *, reach: int = 1) -> np.ndarray:
    """The k steepest frames of the smoothed curve that lie more than `reach` apart, as far as there are such frames."""
    return highest_apart(slopes(frames.scores), k, reach)


def slopes(curve: np.ndarray) -> np.ndarray:
    """How much the curve, smoothed by [1 2 1] / 4, changes per frame around each frame.

    Shapes: [T] -> [T], central differences inside and one-sided ones at both ends.
    """
    padded = np.pad(curve, 1, mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return np.abs(np.gradient(smooth)) if len(curve) > 1 else np.zeros(len(curve))
