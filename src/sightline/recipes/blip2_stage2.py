"""BLIP-2, both stages: the Q-Former learns with words, then its queries learn to be read by a frozen language model.

Shows: what stage 1 is worth: the same Q-Former thrown before the language model at once learns from answers alone.
Command: sightline train blip2-stage2 --size tiny --out DIR
From: BLIP-2 (arXiv 2301.12597): stage 2 leaves the text path out, one linear layer takes the queries to the language
model; tower and language model stay frozen in both stages.
Departures: as in `blip2_stage1`; frame by frame; 0.4 of the steps for stage 1.
Shapes: seen.tokens [B, T, N, D] -> queries [B, T, Q, D] -> prefix [B, M, W]
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.recipes.blip2_stage1 import Representing
from sightline.recipes.blip2_stage1 import losses as representing
from sightline.recipes.first_looks import LAYERS, project_normed
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "BLIP-2, stages 1 and 2",
    "paper": "arXiv 2301.12597",
    "family": "connect",
    "idea": "the Q-Former learns with words before it meets the language model",
    "without": "stage 2 alone, for all steps",
}


class Generating(Representing):
    def __init__(self, start: Start) -> None:
        super().__init__(start, tasks=True)
        self.connect = Gathering(runs, project_normed(start), start.tokens)

    def see(self, batch: Batch) -> Shown:
        assert batch.seen.tokens is not None
        gathered = self.queries(batch.seen.tokens.flatten(0, 1)).unflatten(0, batch.seen.mask.shape)
        return Shown(self.connect(replace(batch.seen, tokens=gathered, grid=None)))

    forward = System.forward


def build(start: Start, idea: bool = True) -> Generating:
    return Generating(start)


def losses(model: Generating, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


REPRESENT = {"lm": "frozen", "connect": "frozen"}
TEXT = ("read", "share_seen", "share_text", "decide", "say", *(f"qformer.layers.{k}.think_text" for k in range(LAYERS)))
GENERATE = {"lm": "frozen"} | {part: "frozen" for part in TEXT}
STAGES = (("represent", 0.4, REPRESENT, representing), ("generate", 0.6, GENERATE, losses))
STAGES_WITHOUT = (("generate", 1.0, GENERATE, losses),)
