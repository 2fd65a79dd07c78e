"""LLaMA-VID: two tokens for a frame, what the question's words find in it and what it shows on average.

Shows: how little a frame needs when the question may gather it.
Command: sightline train llama-vid --size tiny --out DIR
From: LLaMA-VID (arXiv 2311.17043): context = mean over words of softmax(q K^T / sqrt(D)) X, content = mean of X
(connectors/two_token.py).
Departures: two tokens are not affordable for every frame at tiny: contexts of two neighbouring frames are averaged, and
their contents. The words are the language model's own, read back into the pictures' space; the layers before the
softmax begin as the identity, since pictures and words meet there. The text decoder (a Q-Former in the paper) is
left out.
Shapes: seen.tokens [B, T, N, D], words [B, L, W] -> prefix [B, M, W], context before content
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from sightline.connectors.adaptive_pool import box_means
from sightline.connectors.clips import Gathering
from sightline.connectors.two_token import TwoToken
from sightline.recipes.first_looks import read_words
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "LLaMA-VID",
    "paper": "arXiv 2311.17043",
    "family": "compress",
    "idea": "a token that the question's words gather from each frame, beside the frame's mean",
    "without": "the frames' means alone",
}
SHARP = 12.0  # how much likeness counts in the softmax at the beginning


class LLaMAVID(System):
    def __init__(self, start: Start) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = TwoToken(start.seen_width, start.width, start.tokens, words_width=start.width)
        self.connect.project = start.project
        self.connect.ask = read_words(start)
        begin_at_likeness(self.connect)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen, self.question(batch)))


def begin_at_likeness(connect: TwoToken) -> None:
    """Words look at what is like them; contexts are handed on as they are. What asks without a question rests here."""
    sharp = (SHARP * connect.key.in_features**0.5) ** 0.5
    with torch.no_grad():
        connect.ask.weight.mul_(sharp)
        connect.key.weight.copy_(sharp * torch.eye(connect.key.in_features))
        nn.init.eye_(connect.context.weight)
        for layer in (connect.key, connect.context):
            nn.init.zeros_(layer.bias)
    unasked = connect.unasked.detach()
    del connect.unasked
    connect.register_buffer("unasked", unasked)


class Means(System):
    """The frames' means alone, as many as fit."""

    def __init__(self, start: Start) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(partial(box_means, shape=(start.frames, 1, 1)), start.project, start.tokens)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen))


def build(start: Start, idea: bool = True) -> System:
    return LLaMAVID(start) if idea else Means(start)


def losses(model: System, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
