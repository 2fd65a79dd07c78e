"""Folds squares of neighbouring tokens into one wide token, scaled and shifted by content and time, then projected.

From: PVC (2412.09613): pixel shuffle in the order (row offset, column offset, channel), v = MLP(AdaLN(x; x + TE)).
Departures: time is elapsed seconds, so later frames never change earlier tokens; grids that the square does not divide
are filled with their last row and column; TE and AdaLN pass a bottleneck of the token's own width.
Shapes: tokens [B, T, N, D], N = h * w -> [B, T * ceil(h / s) * ceil(w / s) or M, W].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.connectors.clips import Clip, clips, in_blocks, shortened, stacked
from sightline.connectors.mlp import projector
from sightline.nn.adaln import AdaLN
from sightline.nn.positions import SecondsEmbedding
from sightline.records import Prefix, Seen, Words


def folded(pictures: Tensor, square: int) -> Tensor:
    """[T, h, w, D] -> [T, h / s * w / s, s * s * D]; the sides must divide."""
    frames, high, wide, width = pictures.shape
    cut = pictures.reshape(frames, high // square, square, wide // square, square, width)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(frames, -1, square * square * width)


def filled_by_edges(pictures: Tensor, square: int) -> Tensor:
    """The last row and column repeated until `square` divides both sides."""
    row, column = (
        torch.arange(side + -side % square, device=pictures.device).clamp(max=side - 1) for side in pictures.shape[1:3]
    )
    return pictures[:, row][:, :, column]


class PixelShuffle(nn.Module):
    def __init__(self, width: int, out_width: int, tokens: int | None = None, *, square: int = 4) -> None:
        super().__init__()
        self.tokens, self.square = tokens, square
        wide = square * square * width
        self.when = SecondsEmbedding(wide, hidden=width)
        self.norm = AdaLN(wide, bottleneck=width)
        self.project = projector(wide, out_width)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        return stacked([self._one(clip) for clip in clips(seen)])

    def _one(self, clip: Clip) -> tuple[Tensor, Tensor]:
        embeddings = in_blocks(self._embedded, clip.pictures(), clip.seconds - clip.seconds[0])
        return shortened(embeddings, clip.seconds, self.tokens)

    def _embedded(self, pictures: Tensor, elapsed: Tensor) -> Tensor:
        x = folded(filled_by_edges(pictures, self.square), self.square)  # [T, N', s * s * D]
        return self.project(self.norm(x, x + self.when(elapsed)[:, None]))
