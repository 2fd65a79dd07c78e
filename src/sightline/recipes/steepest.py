"""The frames where the similarity to the question changes most: something begins or ends there.

Shows: that every cut is steep: the more scenes a video has, the more the budget goes to borders instead of evidence.
Command: sightline train steepest --size tiny --out DIR
From: an idea in reading notes on GCG (arXiv 2401.10711): the steeper the curve, the more important the frame.
Departures: as in keyframes/steepness.py: the curve is smoothed, and neighbours of a chosen frame wait.
Shapes: seen.tokens [B, T, N, D], words.vector [B, E] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

from torch import Tensor

from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing, by_rule, relevance
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "steepness",
    "paper": "notes on arXiv 2401.10711",
    "family": "choose",
    "idea": "show the frames where the similarity curve is steepest",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}


class Steepest(Choosing):
    def pick(self, batch: Batch) -> Choice:
        return by_rule("steepest", relevance(batch.seen, batch.words.vector), self.k, batch.seen.mask)


def build(start: Start, idea: bool = True) -> Steepest:
    return Steepest(start, idea)


def losses(model: Steepest, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
