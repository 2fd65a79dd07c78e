"""Reads a question and all its options at once, looks at the shown frames, and says how well each option fits.

A language model has to say the answer; a judge has only to recognise it, which a small one learns in minutes. Each
option sees the question, its own words and the frames, never another option, so its value does not depend on what it
is compared with or on their order.

From: the fusion encoder of ALBEF (arXiv 2107.07651) for text that looks at pictures, and its matching head.
Departures: one pass for all options; frames are numbered in their order, and how long after the one before each comes
is told beside it, so that a film's length does not matter.
Shapes: ids, place, group [B, L]; tokens [B, F, N, D], seconds [B, F], shown [B, F] -> values [B, L]
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.nn.transformer import TransformerBlock

LONGEST = 96  # words of a question with one of its options
FRAMES = 16  # that a judge can tell apart by their order


class Judge(nn.Module):
    """`group`: 0 for the question's words, k for those of option k, -1 for padding. A word's value counts for its
    option; the question's own have none that means anything."""

    def __init__(self, vocabulary: int, seen_width: int, cells: int, width: int, layers: int, heads: int = 4) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(LONGEST, width)
        self.project = nn.Linear(seen_width, width)
        self.cell, self.order = nn.Embedding(cells, width), nn.Embedding(FRAMES, width)
        self.later = nn.Linear(1, width)
        self.layers = nn.ModuleList(TransformerBlock(width, heads, context_width=width) for _ in range(layers))
        self.calm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.value = nn.Linear(width, 1)
        nn.init.normal_(self.words.weight, std=0.02)
        for small in (self.places, self.cell, self.order, self.later):
            nn.init.normal_(small.weight, std=0.01)  # where and when begin as hints beside what is seen
        nn.init.zeros_(self.later.bias)

    def forward(
        self, ids: Tensor, place: Tensor, group: Tensor, tokens: Tensor, seconds: Tensor, shown: Tensor
    ) -> Tensor:
        sees = (group[:, :, None] == group[:, None]) | (group == 0)[:, None]  # [B, L, L]
        x = self.words(ids) + self.places(place)
        pictures = self.pictures(tokens, seconds)
        looks = shown.repeat_interleave(tokens.shape[2], dim=1)  # [B, F * N]
        for layer in self.layers:
            x = layer(x, mask=sees, context=pictures, context_mask=looks)
        return self.value(self.norm(x))[..., 0]

    def pictures(self, tokens: Tensor, seconds: Tensor) -> Tensor:
        """The frames' tokens with where in the picture and when they are. -> [B, F * N, W]"""
        count = tokens.shape[1]
        gap = torch.cat([torch.zeros_like(seconds[:, :1]), seconds[:, 1:] - seconds[:, :-1]], dim=1)
        when = self.order.weight[:count] + self.later(torch.log1p(gap.clamp(min=0.0))[..., None])  # [B, F, W]
        return (self.calm(self.project(tokens)) + self.cell.weight + when[:, :, None]).flatten(1, 2)


def by_option(values: Tensor, group: Tensor, count: int) -> Tensor:
    """The mean value of each option's words, -inf where there is no such option. [B, L] -> [B, count]"""
    own = group[:, None] == torch.arange(1, count + 1)[:, None]  # [B, count, L]
    mean = (values[:, None] * own).sum(dim=2) / own.sum(dim=2).clamp(min=1)
    return mean.masked_fill(~own.any(dim=2), -torch.inf)
