"""PVC: every frame adds what earlier ones have not told, then squares of tokens are folded; stills are repeated.

Shows: one encoding for stills and videos, and whether a token that knows its past is worth more than one by itself.
Command: sightline train pvc --size tiny --out DIR
From: PVC (arXiv 2412.09613): stills standardised to 4 copies; causal attention along time at each place with
AdaLN(x; x + TE) (nn/vit.py); v = MLP(AdaLN(x~; x~ + TE)) of folded squares (connectors/pixel_shuffle.py); two stages,
pictures to videos 1 : 1 and 3 : 1, in both of which all parameters learn.
Departures: the tower's outputs are kept on disk, so the attention along time comes behind the tower instead of within
its last layers, and its layer scale begins at 0.01. As many frames as keep tokens of their own within the budget (every
other one at tiny). The MLP is one linear layer that begins as the start's, on the mean of a square. Stills are frames
of the evidence.
Shapes: seen.tokens [B, T, N, D] -> T' frames -> folded [B, T', N', 16 D] -> prefix [B, M, W]
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from sightline.connectors.pixel_shuffle import PixelShuffle
from sightline.encoders.progressive import repeated_stills
from sightline.nn.positions import SecondsEmbedding, elapsed
from sightline.nn.vit import Progressive
from sightline.recipes.starting_lm import Start
from sightline.recipes.stills import drawn_rows, with_stills
from sightline.records import Seen
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms, frames_of, hard

SYSTEM = {
    "name": "PVC",
    "paper": "arXiv 2412.09613",
    "family": "compress",
    "idea": "each place looks back in time before squares of tokens are folded; stills are repeated",
    "without": "every frame by itself, and no copy of a still knows that it is one",
}
SQUARE, COPIES, HEADS = 4, 4, 4


class PVC(System):
    def __init__(self, start: Start, progressive: bool) -> None:
        super().__init__(start.lm, start.tokens)
        width, (rows, columns) = start.seen_width, start.grid
        squares = math.ceil(rows / SQUARE) * math.ceil(columns / SQUARE)
        self.every = max(1, start.frames * squares // start.tokens)
        self.fold = PixelShuffle(width, start.width, start.tokens, square=SQUARE)
        self.fold.project = mean_of_squares(start.project)
        self.progressive = progressive
        if progressive:
            self.when = SecondsEmbedding(width)
            self.look_back = Progressive(width, HEADS, layer_scale=0.01)

    def see(self, batch: Batch) -> Shown:
        seen = standardised(batch.seen, self.every)
        if not self.progressive:
            timeless = self.fold(replace(seen, seconds=torch.zeros_like(seen.seconds)))
            return Shown(replace(timeless, span=self.fold(seen).span))
        when = self.when(elapsed(seen.seconds, seen.mask))
        return Shown(self.fold(replace(seen, tokens=self.look_back(seen.tokens, (when, seen.mask)))))


def standardised(seen: Seen, every: int) -> Seen:
    """Of videos every so many frames; a still as COPIES of itself, a second apart."""
    still = seen.mask.sum(dim=1) == 1
    tokens, seconds, mask = repeated_stills(seen.tokens, seen.seconds, seen.mask, COPIES)
    vectors, _, _ = repeated_stills(seen.vectors, seen.seconds, seen.mask, COPIES)
    frames = max(mask.shape[1] // every, min(COPIES, mask.shape[1]))
    index = torch.arange(frames) * torch.where(still, 1, every)[:, None]
    kept = hard(index.clamp(max=mask.shape[1] - 1), torch.zeros(mask.shape))
    return frames_of(Seen(vectors, seconds, mask, tokens, grid=seen.grid), kept)


def mean_of_squares(project: nn.Linear) -> nn.Linear:
    """`project` on the mean of the tokens folded into one, which come out of a layer norm: Linear(s * s * D, W)."""
    pieces, width = SQUARE * SQUARE, project.in_features
    begun = nn.Linear(pieces * width, project.out_features)
    with torch.no_grad():
        begun.weight.copy_(project.weight.repeat(1, pieces) / (pieces * width**0.5))
        begun.bias.copy_(project.bias)
    return begun


def build(start: Start, idea: bool = True) -> PVC:
    return PVC(start, idea)


def losses(model: PVC, batch: Batch, stills: float = 0.0) -> dict[str, Tensor]:
    scores, _ = model(with_stills(batch, drawn_rows(batch, stills)))
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


ALL = {"lm": "trained 0.3"}
STAGES = (
    ("pre-train", 0.5, ALL, partial(losses, stills=0.5)),
    ("instruct", 0.5, ALL, partial(losses, stills=0.75)),
)
