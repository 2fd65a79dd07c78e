"""PLLaVA: all frames, their tokens pooled over space and time to one budget.

Shows: what pooling keeps that choosing throws away: every frame leaves a trace, none of them sharp.
Command: sightline train pllava --size tiny --out DIR
From: PLLaVA (arXiv 2404.16994): adaptive average pooling in three dimensions.
Departures: pooled before the linear layer instead of behind an MLP (the same numbers for a linear layer, 18 times less
work), so that it can begin as the language model learned to read it. Without its idea: the same budget from the tokens
of the first frames in order, which is what a context that is too short keeps.
Shapes: seen.tokens [B, T, N, D] -> prefix [B, M, W]
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from sightline.connectors.adaptive_pool import box_means
from sightline.connectors.clips import Clip, Gathering, Groups
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "PLLaVA",
    "paper": "arXiv 2404.16994",
    "family": "compress",
    "idea": "average pooling over time and space to the budget",
    "without": "the first tokens in order, until the budget is spent",
}


class PLLaVA(System):
    def __init__(self, start: Start, pooled: bool) -> None:
        super().__init__(start.lm, start.tokens)
        rule = partial(box_means, shape=(start.frames, *start.grid)) if pooled else first_ones
        self.connect = Gathering(rule, start.project, start.tokens)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen))


def first_ones(clip: Clip, count: int | None) -> Groups:
    """The first `count` tokens by themselves."""
    import torch

    return Groups.of(torch.arange(min(count or len(clip.rows), len(clip.rows))))


def build(start: Start, idea: bool = True) -> PLLaVA:
    return PLLaVA(start, pooled=idea)


def losses(model: PLLaVA, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
