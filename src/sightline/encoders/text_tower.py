"""A tiny transformer that reads words of a closed vocabulary, so that a colour binds to its own noun.

From: the pre-norm transformer encoder (Vaswani et al., arXiv 1706.03762; Xiong et al., arXiv 2002.04745), with a
depthwise convolution over the words before each attention, as in the Conformer (arXiv 2005.08100) and Primer (arXiv
2109.08668): what binds a colour to its noun is that they stand side by side.
Departures: the vector is the mean over the words, because what a phrase names are parts that add up; its mean over
training phrases (`centre`) is taken off.
Shapes: ids [B, L] int64, mask [B, L] bool (True = a word) -> [B, E] of unit length
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

NEIGHBOURS = 9  # words that stand about a word, itself in the middle: as far as a colour is from its noun


class Layer(nn.Module):
    """A glance at the neighbours, attention over all words, then two linear steps at each. Shapes: [B, L, W] -> same"""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first = nn.LayerNorm(width)
        self.beside = nn.Conv1d(width, width, NEIGHBOURS, padding=NEIGHBOURS // 2, groups=width)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        near = self.first(x) * mask.unsqueeze(2).to(x.dtype)
        x = x + self.beside(near.transpose(1, 2)).transpose(1, 2)
        parts = self.qkv(self.before(x)).unflatten(2, (3, self.heads, -1))  # [B, L, 3, heads, W / heads]
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        closeness = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5  # [B, heads, L, L]
        looked = closeness.masked_fill(~mask[:, None, None, :], -1e4).softmax(dim=-1).to(value.dtype) @ value
        x = x + self.joined(looked.transpose(1, 2).flatten(2))
        return x + self.down(gelu(self.up(self.between(x))))


class TextTower(nn.Module):
    def __init__(self, words: int, longest: int, width: int, layers: int, heads: int, out: int) -> None:
        super().__init__()
        self.word = nn.Embedding(words, width)
        self.place = nn.Parameter(torch.randn(longest, width) * 0.02)
        nn.init.normal_(self.word.weight, std=0.3)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.after = nn.LayerNorm(width)
        self.project = nn.Linear(width, out)
        self.register_buffer("centre", torch.zeros(out))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.word(ids) + self.place[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, mask)
        seen = mask.unsqueeze(2).to(x.dtype)
        mean = (self.after(x) * seen).sum(dim=1) / seen.sum(dim=1)  # [B, W]
        return normalize(normalize(self.project(mean).float(), dim=1) - self.centre, dim=1)
