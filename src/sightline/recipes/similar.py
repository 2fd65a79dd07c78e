"""The K frames most similar to the question: the first thing anybody tries, without anything learned about choosing.

Shows: what a shared space of pictures and words is worth as a chooser, and where it fails: all goes to one scene.
Command: sightline train similar --size tiny --out DIR
From: similarity top-k, as in GCG's pseudo-labels (arXiv 2401.10711), asked with the question instead of the answer.
Departures: a frame counts by its best place or by its whole picture, whichever is more like the question.
Shapes: seen.tokens [B, T, N, D], words.vector [B, E] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

from torch import Tensor

from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing, highest, relevance
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "similarity top-k",
    "paper": "arXiv 2401.10711",
    "family": "choose",
    "idea": "show the frames most similar to the question",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}


class Similar(Choosing):
    def pick(self, batch: Batch) -> Choice:
        return highest(relevance(batch.seen, batch.words.vector), self.k, batch.seen.mask)


def build(start: Start, idea: bool = True) -> Similar:
    return Similar(start, idea)


def losses(model: Similar, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
