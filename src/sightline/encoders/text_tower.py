"""A tiny transformer that reads words of a closed vocabulary, so that a colour binds to its own noun.

From: the pre-norm transformer encoder (Vaswani et al., arXiv 1706.03762; Xiong et al., arXiv 2002.04745).
Departures: the vector is the mean over the words, because what a phrase names are parts that add up; its mean over
training phrases (`centre`) is taken off.
Shapes: ids [B, L] int64, mask [B, L] bool (True = a word) -> [B, E] of unit length
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention


class Layer(nn.Module):
    """Attention over the words, then two linear steps at each. Shapes: [B, L, W] -> the same"""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        parts = self.qkv(self.before(x)).unflatten(2, (3, self.heads, -1))  # [B, L, 3, heads, W / heads]
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        looked = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
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
