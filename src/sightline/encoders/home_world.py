"""Whether pictures are of the one world that a model of a closed world knows: it must not judge any other.

One direction of the model's own space tells pictures of its world from strange ones. It is fitted to what the tower
says of drawn pictures and of such that follow the statistics of photographs, test cards and pages (recipes/
built_in_files.py); real footage had no part in it. The lower quarter of a video's pictures decides: one frame that
looks like night by accident does not make a film a picture book.

From: outlier exposure (Hendrycks et al., arXiv 1812.04606), here for one direction after training.
Departures: a drawing in flat colours of a beach may pass.
Shapes: rows [n, E] of one video, direction [E] -> a share from 0 (another world) to 1 (this world)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any

LOWER = 0.25  # of a video's pictures may score worse: dissolves, and moments when something fills the picture
SURE = 3.0  # the odds (as a logarithm) at which all but few pictures of either world are told apart


@dataclass(frozen=True)
class HomeWorld:
    """The odds, as a logarithm, that a picture is of this world: rows @ direction + offset."""

    direction: Array
    offset: float

    def at_home(self, rows: Array) -> float:
        """How sure it is that these pictures are of this world; 1 where there is no picture."""
        if not len(rows):
            return 1.0
        odds = np.asarray(rows, np.float32) @ self.direction + self.offset
        return 1.0 / (1.0 + math.exp(-float(np.quantile(odds, LOWER))))


def between(direction: Array, own: Array, strange: Array, few: float = 0.05) -> HomeWorld:
    """The odds along a direction: even halfway between all but `few` of one's own pictures and of strange ones.

    Shapes: direction [E], own [n, E], strange [m, E]
    """
    lowest = float(np.quantile(own @ direction, few))
    highest = float(np.quantile(strange @ direction, 1 - few))
    scale = 2 * SURE / max(lowest - highest, 1e-6)
    return HomeWorld(direction * scale, -scale * (lowest + highest) / 2)
