"""GCG as its public code does it: labels from the bare answer, L_reg in frames with an order hinge, diagonal gradients.

Shows: what the four differences between the paper and its code are worth.
Command: sightline train gcg-released --size tiny --out DIR
From: the public code of GCG (arXiv 2401.10711), from its description: weights 1 and 1; negatives are this video's other
frames, the wrong options and the other samples' answers; the width 0.2 / 9 at any number of frames.
Departures: as in `gcg` but for the settings below. Its Q-Former reads the texts of other samples beside the frames of
this one in any batch above one; there is no Q-Former here to mix up.
Shapes: as in `gcg`
"""

from __future__ import annotations

from sightline.recipes.gcg import GCG, Settings, losses
from sightline.recipes.starting_lm import Start

__all__ = ["SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "GCG, as released",
    "paper": "arXiv 2401.10711",
    "family": "choose",
    "idea": "Gaussians in time, learned from the K frames most like the bare answer",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}
RELEASED = Settings(
    pointing=False,
    text="answer",
    by_place=False,
    unit="frames",
    hinge=True,
    negatives=("left_frames", "wrong_options", "other_answers"),
    released_width=0.2,
    gradient="diagonal",
    regression=1.0,
    contrast=1.0,
)


def build(start: Start, idea: bool = True) -> GCG:
    return GCG(start, RELEASED, idea)
