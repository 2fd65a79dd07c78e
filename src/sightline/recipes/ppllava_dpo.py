"""PPLLaVA, then DPO: in a last stage the language model learns which of two answers is preferred.

Shows: what preferences do to a system that answers already; in the paper judged text gets better and multiple
choice worse.
Command: sightline train ppllava-dpo --size tiny --out DIR
From: PPLLaVA (arXiv 2411.02327): DPO (arXiv 2305.18290) with beta 0.1 and no other term, only the language model
learns.
Departures: the preferred answer is the right option, the other one the wrong option that the model finds likeliest (the
paper takes 17k judged pairs of texts); 0.3 of the steps at the course's rate.
Shapes: scores [B, O] -> chosen, rejected [B]
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from sightline.language.tiny_lm import option_verdicts
from sightline.objectives.preference import preference
from sightline.recipes.ppllava import PPLLaVA, Settings
from sightline.recipes.ppllava import losses as answer_losses
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch

SYSTEM = {
    "name": "PPLLaVA with DPO",
    "paper": "arXiv 2411.02327",
    "family": "compress",
    "idea": "a last stage in which preferred answers become likelier than the others",
    "without": "the same steps without preferences",
}
BETA = 0.1


class Preferring(PPLLaVA):
    """`before` is the language model as it was when the last stage began: the point from which DPO measures."""

    def __init__(self, start: Start) -> None:
        super().__init__(start, Settings())
        self.before = copy.deepcopy(start.lm)
        self.register_buffer("remembered", torch.zeros((), dtype=torch.bool))  # kept, so that a run can go on

    def remember(self) -> None:
        if not bool(self.remembered):
            self.before.load_state_dict(self.lm.state_dict())
            self.remembered.fill_(True)


def build(start: Start, idea: bool = True) -> Preferring:
    return Preferring(start)


def losses(model: Preferring, batch: Batch) -> dict[str, Tensor]:
    model.remember()
    scores, shown = model(batch)
    with torch.no_grad():
        assert batch.words.ids is not None and batch.words.mask is not None
        before = option_verdicts(model.before, (batch.words.ids, batch.words.mask), batch.options, shown.prefix)
    rows, chosen = torch.arange(len(batch)), batch.answer
    rejected = scores.detach().masked_fill(~batch.wrong, -torch.inf).argmax(dim=1)
    dpo = preference(scores[rows, chosen], scores[rows, rejected], before[rows, chosen], before[rows, rejected], BETA)
    return {"loss": dpo, "preference": dpo}


INSTRUCT = {"lm": "trained 0.3", "before": "locked"}
PREFER = {"": "frozen", "lm": "trained 0.3", "before": "locked"}
STAGES = (("instruct", 0.7, INSTRUCT, answer_losses), ("prefer", 0.3, PREFER, losses))
STAGES_WITHOUT = (("instruct", 1.0, INSTRUCT, answer_losses),)
