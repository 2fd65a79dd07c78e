"""A language model stays as it is; in its upper layers every word may also listen to a few learned prompts.

What was seen is read by learned queries and added to the prompts. The prompts have a softmax of their own beside that
of the words, behind a gate a head: out = softmax(q k) v + tanh(g) softmax(q k_prompt) v_prompt, g = 0 at the start.

From: LLaMA-Adapter (2303.16199) and its multimodal form (2304.15010).
Departures: the stack is this project's (no rotary positions, of which prompts have none anyway).
Shapes: words [B, L, W], seen [B, S, D] -> Fused(words [B, L, W]); prompts [layers, P, W].
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.fusion.fused import Fused
from sightline.fusion.gated import reading_mask
from sightline.nn.attention import Attention
from sightline.nn.padding import cleared
from sightline.nn.transformer import Transformer


class PromptedAttention(nn.Module):
    """An attention as it was, and beside it the same attention's view of the prompts, behind a gate."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention
        self.gate = nn.Parameter(torch.zeros(attention.heads, 1, 1))

    def forward(self, x: Tensor, prompts: Tensor, mask: Tensor | None = None) -> Tensor:
        plain = self.attention(x, mask=mask)
        query, key, value = self.attention.query(x), self.attention.key(prompts), self.attention.value(prompts)
        heard = F.scaled_dot_product_attention(self._heads(query), self._heads(key), self._heads(value))
        gated = (self.gate.tanh() * heard).transpose(1, 2).flatten(2)
        return plain + F.linear(gated, self.attention.out.weight)  # the bias of `out` is in the plain part already

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.attention.heads, -1)).transpose(1, 2)  # [B, heads, L, W / heads]


class Listener(nn.Module):
    """Learned queries read what was seen, all in one row: [B, S, D] -> [B, P, W]"""

    def __init__(self, width: int, seen_width: int, prompts: int, inner: int, heads: int, layers: int) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(seen_width, inner), nn.LayerNorm(inner))
        self.queries = nn.Parameter(torch.randn(prompts, inner))
        self.mix = Transformer(inner, heads, layers)
        self.say = nn.Sequential(nn.Linear(inner, width), nn.LayerNorm(width))

    def forward(self, seen: Tensor, seen_mask: Tensor | None) -> Tensor:
        count = len(self.queries)
        x = torch.cat([self.queries.expand(len(seen), -1, -1), self.read(cleared(seen, seen_mask))], dim=1)
        mask = None if seen_mask is None else F.pad(seen_mask, (count, 0), value=True)
        said: Tensor = self.say(self.mix(x, mask)[:, :count])
        return said


class LayerPrompts(nn.Module):
    """Takes over the upper `prompted` layers of `stack` (all of a fresh causal transformer where none is passed).

    Train `learned()` and leave the rest frozen, as the paper does.
    """

    def __init__(
        self,
        width: int,
        seen_width: int,
        *,
        heads: int = 4,
        layers: int = 2,
        prompted: int | None = None,
        prompts: int = 10,
        inner: int | None = None,
        listening: int = 2,
        stack: Transformer | None = None,
    ) -> None:
        super().__init__()
        self.stack = Transformer(width, heads, layers) if stack is None else stack
        depth = len(self.stack.blocks)
        prompted = depth if prompted is None else prompted
        if not 1 <= prompted <= depth:
            raise ValueError(f"asked for prompts in the upper {prompted} layers of {depth}; take 1 to {depth}")
        self.first = depth - prompted
        for block in self._prompted():
            block.attend.inner = PromptedAttention(block.attend.inner)
        self.prompts = nn.Parameter(torch.randn(prompted, prompts, width))
        self.listen = Listener(width, seen_width, prompts, inner or width, heads, listening)

    def _prompted(self) -> list[Any]:
        return list(self.stack.blocks[self.first :])

    def learned(self) -> list[nn.Parameter]:
        """Prompts, gates and the listener."""
        gates = [block.attend.inner.gate for block in self._prompted()]
        return [self.prompts, *gates, *self.listen.parameters()]

    def forward(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> Fused:
        heard = self.listen(seen, seen_mask)
        words, mask = cleared(words, words_mask), reading_mask(words, words_mask)
        for block in self.stack.blocks[: self.first]:
            words = block(words, mask)
        for block, prompts in zip(self._prompted(), self.prompts, strict=True):
            words = block.think(block.attend(words, prompts=prompts + heard, mask=mask))
        return Fused(self.stack.norm(words))
