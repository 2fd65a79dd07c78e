"""Uniform frames and one linear layer: LLaVA's way, frame after frame. What every other system has to beat.

Shows: how far one gets without looking at the question: the middle frame of each of K equal segments, their tokens
averaged in order down to the budget.
Command: sightline train uniform-linear --size tiny --out DIR
From: LLaVA (arXiv 2304.08485), one linear layer between the tower and the language model; frames sampled by segments.
Departures: the linear layer begins as the language model learned to read it, so there is no align stage of its own; the
language model learns along at a third of the rate.
Shapes: seen.tokens [B, T, N, D] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.choosing import middles
from sightline.training.system import Shown, System, answer_terms, frames_of

SYSTEM = {
    "name": "LLaVA on uniform frames",
    "paper": "arXiv 2304.08485",
    "family": "connect",
    "idea": "visual tokens before the words, through one linear layer",
    "without": "no visual tokens at all: the blind baseline",
}


class UniformLinear(System):
    def __init__(self, start: Start, sighted: bool) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(runs, start.project, start.tokens) if sighted else None
        self.choose = start.choose

    def see(self, batch: Batch) -> Shown:
        if self.connect is None:
            return Shown(None)
        choice = middles(batch.seen.mask, self.choose)
        return Shown(self.connect(frames_of(batch.seen, choice)), choice)


def build(start: Start, idea: bool = True) -> UniformLinear:
    return UniformLinear(start, sighted=idea)


def losses(model: UniformLinear, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
