"""Each token becomes a mixture of learned visual words, read from a table like the one of the text.

From: Ovis (2405.20797): logits = LN(W f) with squares of s * s neighbours in f, p = softmax(logits), embedding = p E.
Departures: the five indicator words (picture begins, ends …) belong to the language side and are not here; grids that
the square does not divide are filled with zeros. `words_of` shows p: which visual words a place says.
Shapes: tokens [B, T, N, D], N = h * w -> [B, T * ceil(h / s) * ceil(w / s) or M, W].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.clips import Clip, clips, in_blocks, shortened, stacked
from sightline.connectors.pixel_shuffle import folded
from sightline.records import Prefix, Seen, Words


class Vocabulary(nn.Module):
    def __init__(
        self, width: int, out_width: int, tokens: int | None = None, *, words: int = 1024, square: int = 2
    ) -> None:
        super().__init__()
        self.tokens, self.square = tokens, square
        self.head = nn.Linear(square * square * width, words, bias=False)
        self.norm = nn.LayerNorm(words)
        self.table = nn.Parameter(torch.randn(words, out_width))

    def words_of(self, pictures: Tensor) -> Tensor:
        """How much of each visual word is in each square: rows add up to 1.  [T, h, w, D] -> [T, N', words]"""
        high, wide = pictures.shape[1:3]
        filled = F.pad(pictures, (0, 0, 0, -wide % self.square, 0, -high % self.square))
        return torch.softmax(self.norm(self.head(folded(filled, self.square))), dim=-1)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        return stacked([self._one(clip) for clip in clips(seen)])

    def _one(self, clip: Clip) -> tuple[Tensor, Tensor]:
        embeddings = in_blocks(lambda pictures: self.words_of(pictures) @ self.table, clip.pictures())
        return shortened(embeddings, clip.seconds, self.tokens)
