"""A determinantal point process: the set whose frames are relevant and span the largest volume, found greedily.

log det of the chosen kernel = (2 / trade) sum log r + log det S: r says how close a frame is to the words, S how
alike two frames are; both through one Gaussian kernel. Greedy selection adds the frame with the greatest gain; its
gain is the part of the frame not yet spanned by the others, kept up to date by one Cholesky row per step.

From: the list-wise part of MDP3 (arXiv 2501.02885, kernel widths 2^-3 .. 2^1, trade 0.2); fast greedy inference from
Chen et al. (arXiv 1709.05135).
Departures: any scorer may have made the scores, so they are scaled to 0 .. 0.2 and read as cosines to the words:
about as far as cosines between pictures and words spread in one video. Copies of a chosen frame keep a tiny rest of
volume, so that the budget is kept.
"""

from __future__ import annotations

import numpy as np

from sightline.keyframes.contract import Candidates, chooser

WIDTHS = 2.0 ** np.arange(-3, 2)
SPREAD = 0.2  # of cosines between the words and the frames of one video
LEAST = 1e-12  # of a frame's volume that a perfect copy keeps


@chooser
def dpp(frames: Candidates, k: int, *, trade: float = 0.2) -> np.ndarray:
    """k frames by greedy log-determinant; a smaller `trade` listens more to the words."""
    unit, worth = frames.unit, log_worth(frames.relevance, trade)
    volume = own_kernel(unit)
    rows = np.zeros((k, len(frames)))
    chosen: list[int] = []
    taken = np.zeros(len(frames))
    for step in range(k):
        best = int((worth + np.log(volume) + taken).argmax())
        chosen.append(best)
        taken[best] = -np.inf
        unexplained = kernel(unit @ unit[best]) - rows[:step].T @ rows[:step, best]
        if volume[best] > LEAST:  # a perfect copy explains nothing more, and would only blow rounding up
            rows[step] = unexplained / np.sqrt(volume[best])
        volume = np.maximum(volume - rows[step] ** 2, LEAST)
    return np.array(chosen)


def kernel(cosines: np.ndarray) -> np.ndarray:
    """The mean of Gaussians of several widths, of the distance between unit vectors: 1 for equals."""
    distances = 2.0 - 2.0 * np.asarray(cosines, dtype=np.float64)
    return np.exp(-distances[..., None] / (2 * WIDTHS)).mean(axis=-1)


def own_kernel(unit: np.ndarray) -> np.ndarray:
    """The kernel of each frame with itself: 1, less for a row without a picture."""
    return kernel(np.einsum("te,te->t", unit, unit))


def log_worth(relevance: np.ndarray, trade: float) -> np.ndarray:
    """What the words add to a frame's gain."""
    return 2.0 / trade * np.log(kernel(SPREAD * relevance))
