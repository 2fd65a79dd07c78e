"""Ovis: each square of a picture becomes a mixture of visual words, read from a table as texts are.

Shows: pictures said in the language model's own way: every square can be read aloud as its likeliest words.
Command: sightline train ovis --size tiny --out DIR
From: Ovis (arXiv 2405.20797): logits = LN(W f), p = softmax, embedding = p E (connectors/vocabulary.py).
Departures: the table begins as the language model's word table and the head as its words' place among pictures, so that
a red square says "red" from the beginning; the paper learns both from nothing. The middle frames of equal segments, as
many as the budget has squares for. Without its idea: the same frames through one linear layer.
Shapes: K frames [B, K, N, D] -> words [B, K, N / 4, V] -> prefix [B, M, W]
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.connectors.clips import Gathering, runs
from sightline.connectors.vocabulary import Vocabulary
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.choosing import middles
from sightline.training.system import Shown, System, answer_terms, frames_of

SYSTEM = {
    "name": "Ovis",
    "paper": "arXiv 2405.20797",
    "family": "connect",
    "idea": "visual tokens as mixtures of words of a table",
    "without": "the same tokens through one linear layer",
}
SQUARE = 2
SHARP = 6.0  # scale of the norm before the softmax: how few words a square says at the beginning


class Ovis(System):
    def __init__(self, start: Start, worded: bool) -> None:
        super().__init__(start.lm, start.tokens)
        rows, columns = start.grid
        squares = math.ceil(rows / SQUARE) * math.ceil(columns / SQUARE)
        self.frames = max(1, start.tokens // squares)
        self.connect = as_words(start) if worded else Gathering(runs, start.project, start.tokens)

    def see(self, batch: Batch) -> Shown:
        choice = middles(batch.seen.mask, self.frames)
        return Shown(self.connect(frames_of(batch.seen, choice)), choice)


def as_words(start: Start) -> Vocabulary:
    """A visual vocabulary that begins as the language model's."""
    table = start.lm.words.weight.detach()
    words = Vocabulary(start.seen_width, start.width, start.tokens, words=len(table), square=SQUARE)
    with torch.no_grad():
        words.table.copy_(table)
        words.head.weight.copy_((table @ start.project.weight).repeat(1, SQUARE * SQUARE))
    nn.init.constant_(words.norm.weight, SHARP)
    return words


def build(start: Start, idea: bool = True) -> Ovis:
    return Ovis(start, worded=idea)


def losses(model: Ovis, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
