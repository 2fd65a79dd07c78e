"""Neighbouring frames merge until K segments are left, and each sends the frame most similar to the question.

Shows: coverage and relevance at once: a short scene that is a little less similar than a long one still sends a frame.
Command: sightline train merged --size tiny --out DIR
From: an idea in reading notes on GCG (arXiv 2401.10711): merge neighbours until n are left, soften by a temperature.
Departures: merged by the pictures' vectors (keyframes/merging.py says why). While it learns, each segment's frame is a
mean weighted by softmax(similarity / temperature), so that neighbours of the best frame are seen too; reading is hard.
Shapes: seen.vectors [B, T, E], words.vector [B, E] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing, best_of_each, by_rule, relevance, segments
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "merging with temperature",
    "paper": "notes on arXiv 2401.10711",
    "family": "choose",
    "idea": "merge neighbours until K segments are left; each sends its best frame",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}
TEMPERATURE = 0.05


class Merged(Choosing):
    def pick(self, batch: Batch) -> Choice:
        scores = relevance(batch.seen, batch.words.vector)
        if not self.training:
            return by_rule("merged-by-features", scores, self.k, batch.seen.mask, batch.seen.vectors)
        return softly_merged(batch, scores, self.k)


def softly_merged(batch: Batch, scores: Tensor, k: int, temperature: float = TEMPERATURE) -> Choice:
    """The merged segments of each video, every frame of a segment by its similarity. Shapes: scores [B, T]"""
    own = segments(batch.seen.vectors, min(k, int(batch.seen.mask.sum(dim=1).min())), batch.seen.mask)
    heat = (scores[:, None] / temperature).masked_fill(~own, -torch.inf)
    return Choice(heat.softmax(dim=-1), best_of_each(scores, own), scores)


def build(start: Start, idea: bool = True) -> Merged:
    return Merged(start, idea)


def losses(model: Merged, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
