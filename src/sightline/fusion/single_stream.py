"""Words, tags and what was seen in one row, read by one transformer: the tags, words for things seen, are the anchors.

From: Oscar (2004.06165): words (kind 0), tags as text (kind 1), regions through a linear layer; one BERT over all.
Departures: regions get a kind of their own, since nothing else would tell them from text; words and tags come embedded
(with their positions). Without tags it is the plain single stream of UNITER.
Shapes: words [B, L, W], seen [B, S, D], tags [B, G, W] -> Fused(words [B, L, W], seen [B, S, W]).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.fusion.fused import Fused
from sightline.nn.padding import cleared
from sightline.nn.transformer import TransformerBlock

WORD, TAG, REGION = range(3)


class SingleStream(nn.Module):
    def __init__(
        self,
        width: int,
        seen_width: int,
        *,
        heads: int = 4,
        layers: int = 2,
        hidden: int | None = None,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.region = nn.Linear(seen_width, width)
        self.kind = nn.Parameter(0.02 * torch.randn(3, width))
        self.norm = nn.LayerNorm(width, eps=eps)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, hidden=hidden, order="post", eps=eps) for _ in range(layers)
        )

    def forward(
        self,
        words: Tensor,
        seen: Tensor,
        words_mask: Tensor | None = None,
        seen_mask: Tensor | None = None,
        tags: Tensor | None = None,
        tags_mask: Tensor | None = None,
    ) -> Fused:
        row = [cleared(words, words_mask) + self.kind[WORD]]
        masks = [_all_or(words_mask, words)]
        if tags is not None:
            row.append(cleared(tags, tags_mask) + self.kind[TAG])
            masks.append(_all_or(tags_mask, tags))
        row.append(self.region(cleared(seen, seen_mask)) + self.kind[REGION])
        masks.append(_all_or(seen_mask, seen))
        x, mask = self.norm(torch.cat(row, dim=1)), torch.cat(masks, dim=1)
        for block in self.blocks:
            x = block(x, mask)
        return Fused(x[:, : words.shape[1]], x[:, -seen.shape[1] :])


def _all_or(mask: Tensor | None, x: Tensor) -> Tensor:
    return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
