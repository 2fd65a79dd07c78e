"""Whether pictures are of the one world that a model of a closed world knows: it must not judge any other.

Every picture of the picture-book world shows one of its ten places, and the model says which. A photograph shows none
of them, so the best of the ten scores about what directions at random score. How far it lies above that, in the lower
quarter of a video's pictures, says whether the video is of this world: one frame that looks like night by accident
does not make a film a picture book.

Departures: this is judged by what the towers say, not taught to them; a drawing in flat colours of a beach may pass.
Shapes: rows [n, E] of one video, places [P, E], all of unit length -> a share from 0 (another world) to 1 (this world)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any

PLACES = (
    "on the beach",
    "in the forest",
    "in the meadow",
    "in the desert",
    "in the snow",
    "under the night sky",
    "in the street",
    "under water",
    "in the room",
    "in the kitchen",
)
LOWER = 0.25  # of a video's pictures may score worse: dissolves, and moments when something fills the picture
RARE = 2e-4  # the chance at which the judgement is even


def at_home(rows: Array, places: Array) -> float:
    """How sure it is that these pictures are of the world that has these places; 1 where there is no picture."""
    if not len(rows):
        return 1.0
    best = (np.asarray(rows, np.float32) @ places.T).max(axis=1)
    return 1.0 / (1.0 + chance(float(np.quantile(best, LOWER)), len(places), places.shape[1]) / RARE)


def chance(score: float, places: int, width: int) -> float:
    """The share of directions at random of which the best of so many places scores at least this.

    The cosine with a direction at random is about normal, with a spread of 1 / sqrt(width).
    """
    return places * 0.5 * math.erfc(score * math.sqrt(width / 2))
