"""GCG as the paper tells it: top-K labels from the whole statement, L_reg in shares of the video, no hinge.

Shows: the imbalance that the reading notes object to: when the statement fits a long scene better than the short one
that answers, all K labels fall into the long one.
Command: sightline train gcg-paper --size tiny --out DIR
From: GCG (arXiv 2401.10711): smooth L1 over shares of the video, negatives from the same video; weights 1 and 1 (it
names none).
Departures: as in `gcg` but for the settings below. Frames of other videos, which the paper counts among the negatives,
are left out, as the public code does.
Shapes: as in `gcg`
"""

from __future__ import annotations

from sightline.recipes.gcg import GCG, Settings, losses
from sightline.recipes.starting_lm import Start

__all__ = ["SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "GCG, as in the paper",
    "paper": "arXiv 2401.10711",
    "family": "choose",
    "idea": "Gaussians in time, learned from the K frames most like the statement",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}
PAPER = Settings(
    pointing=False,
    text="statement",
    by_place=False,
    unit="share",
    hinge=False,
    negatives=("left_frames",),
    released_width=0.2,
    gradient="true",
    regression=1.0,
    contrast=1.0,
)


def build(start: Start, idea: bool = True) -> GCG:
    return GCG(start, PAPER, idea)
