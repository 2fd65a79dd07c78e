"""VALLEY, its third way: beside the mean over time, what the last frame knows after looking at all others.

Shows: one layer of attention along time at each place, whose last step is added to the mean.
Command: sightline train valley-v3 --size tiny --out DIR
From: VALLEY (arXiv 2306.07207), v3: mean + Enc(x + positions) at the last frame, Enc one post-norm encoder layer.
Departures: as in `valley`; the last *valid* frame (encoders/frame_pooling.py); before the projector; a hidden layer of
D (2048 in the paper). The scale of Enc's last norm begins near 0: it begins as v1 and has to earn its place.
Shapes: as in `valley`
"""

from __future__ import annotations

from torch import Tensor, nn

from sightline.encoders.frame_pooling import POOLINGS
from sightline.recipes.starting_lm import Start
from sightline.recipes.valley import STAGES, Valley, each_place, losses
from sightline.records import Seen

__all__ = ["STAGES", "SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "VALLEY v3",
    "paper": "arXiv 2306.07207",
    "family": "connect",
    "idea": "the last step of an attention along time is added to the mean",
    "without": "the mean alone: v1",
}
HEADS = 8
QUIET = 0.001  # the scale of the last step at the beginning


class Looking(Valley):
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.last_step = POOLINGS["temporal_transformer"](start.seen_width, heads=HEADS, hidden=start.seen_width)
        nn.init.constant_(self.last_step.block.think.norm.weight, QUIET)

    def pool(self, places: Tensor, seen: Seen) -> Tensor:
        return each_place(self.last_step, places, seen)


def build(start: Start, idea: bool = True) -> Valley:
    return Looking(start) if idea else Valley(start)
