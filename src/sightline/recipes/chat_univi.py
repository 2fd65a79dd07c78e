"""Chat-UniVi: tokens that are alike become one, event by event, so that the budget goes where there is most to see.

Shows: pooling by content instead of by place: a small thing keeps a token of its own, a wide sky becomes one.
Command: sightline train chat-univi --size tiny --out DIR
From: Chat-UniVi (arXiv 2311.08046): DPC-KNN clusters of tokens within events (connectors/token_clustering.py).
Departures: one level of clusters (the paper hands on three of different fineness); events have at most four frames;
averaged before the linear layer, so that it can begin as the language model learned to read it.
Shapes: seen.tokens [B, T, N, D] -> M clusters -> prefix [B, M, W]
"""

from __future__ import annotations

from torch import Tensor

from sightline.connectors.clips import Gathering
from sightline.connectors.token_clustering import clustered
from sightline.recipes.pllava import PLLaVA
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "Chat-UniVi",
    "paper": "arXiv 2311.08046",
    "family": "compress",
    "idea": "tokens clustered by what they show, event by event",
    "without": "tokens pooled by where they stand, to the same number",
}


class ChatUniVi(System):
    def __init__(self, start: Start) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(clustered, start.project, start.tokens)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen))


def build(start: Start, idea: bool = True) -> System:
    return ChatUniVi(start) if idea else PLLaVA(start, pooled=True)


def losses(model: System, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
