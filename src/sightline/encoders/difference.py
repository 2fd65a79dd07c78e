"""Puts the change from each frame to the next between them, so that a clip's vector knows about motion.

From: CLIP2Video's temporal difference block (2106.11097): d = v' - v through one attention layer and 2 sigmoid - 1,
the row v1 d1 v2 d2 ... vT with places and types through the temporal transformer, frames kept and added to v.
Departures: places come from seconds, not from a table of 77 rows; a change counts only between two valid frames (the
public code gives it the left frame's mask, so the last one is a change to padding).
Shapes: vectors [B, T, D], seconds and mask [B, T] -> frames [B, T, D] (unit), clip [B, D] (unit).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sightline.nn.positions import SecondsEmbedding, elapsed
from sightline.nn.transformer import Transformer, TransformerBlock

CHANGE, FRAME = 0, 1  # rows of the type table


def interleaved(frames: Tensor, changes: Tensor) -> Tensor:
    """v1 d1 v2 d2 … vT.  [B, T, ...] and [B, T - 1, ...] -> [B, 2T - 1, ...]"""
    pairs = torch.stack([frames[:, :-1], changes], dim=2).flatten(1, 2)
    return torch.cat([pairs, frames[:, -1:]], dim=1)


class DifferenceBlock(nn.Module):
    def __init__(self, width: int, heads: int, layers: int = 4) -> None:
        super().__init__()
        self.when = SecondsEmbedding(width)
        self.kind = nn.Embedding(2, width)
        self.compare = Transformer(width, heads, 1, activation="quick-gelu")  # ends with its norm
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, activation="quick-gelu") for _ in range(layers))

    def forward(self, vectors: Tensor, seconds: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        vectors = vectors.masked_fill(~mask[..., None], 0.0)
        when = self.when(elapsed(seconds, mask))  # [B, T, D]
        both = mask[:, :-1] & mask[:, 1:]
        x = interleaved(
            vectors + when + self.kind.weight[FRAME],
            self._changes(vectors, when, both) + when[:, :-1] + self.kind.weight[CHANGE],
        )
        valid = interleaved(mask, both)
        for block in self.blocks:
            x = block(x, valid)
        frames = normalize(x[:, ::2] + vectors, dim=-1)
        total = frames.masked_fill(~mask[..., None], 0.0).sum(dim=1)
        return frames, normalize(total / mask.sum(dim=1, keepdim=True).clamp(min=1), dim=-1)

    def _changes(self, vectors: Tensor, when: Tensor, both: Tensor) -> Tensor:
        """What is new in each frame, between -1 and 1.  -> [B, T - 1, D]"""
        steps = vectors[:, 1:] - vectors[:, :-1]
        if steps.shape[1] == 0:
            return steps
        return 2.0 * torch.sigmoid(self.compare(steps + when[:, 1:], both)) - 1.0
