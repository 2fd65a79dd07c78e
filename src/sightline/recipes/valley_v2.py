"""VALLEY, its second way: a learned weight for each frame, the same for all its places.

Shows: frames that count more, by what they show and not by what was asked: the weights do not hear the question.
Command: sightline train valley-v2 --size tiny --out DIR
From: VALLEY (arXiv 2306.07207), v2: softmax over time of Linear(all patches of a frame -> 1), weighted sum.
Departures: as in `valley`; weighed before the projector, where a frame is narrower. The weights begin equal, as v1's.
Shapes: as in `valley`; a frame is [P * D] for its weight
"""

from __future__ import annotations

from torch import Tensor, nn

from sightline.encoders.frame_pooling import POOLINGS
from sightline.recipes.starting_lm import Start
from sightline.recipes.valley import STAGES, Valley, losses
from sightline.records import Seen

__all__ = ["STAGES", "SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "VALLEY v2",
    "paper": "arXiv 2306.07207",
    "family": "connect",
    "idea": "a learned weight for each frame in the mean over time",
    "without": "equal weights: v1",
}


class Weighing(Valley):
    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.weigh = POOLINGS["learned_weights"](self.places * start.seen_width)
        nn.init.zeros_(self.weigh.score.weight)

    def pool(self, places: Tensor, seen: Seen) -> Tensor:
        pooled: Tensor = self.weigh(places.flatten(2), seen.mask)  # [B, 1, P * D]
        return pooled.squeeze(1).unflatten(1, places.shape[2:])


def build(start: Start, idea: bool = True) -> Valley:
    return Weighing(start) if idea else Valley(start)
