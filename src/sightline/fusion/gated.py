"""Before some layers of a language model, its words may look at the latest picture before them, behind a gate.

From: Flamingo (2204.14198): x + tanh(a) look(x), x + tanh(f) think(x), both gates 0 at the start, so the language model
begins exactly as it was; no biases; a word sees only the latest medium before it, and a word before any sees nothing.
Departures: GELU, as the public ports. The language model is any stack of blocks x, mask -> x; a causal transformer is
made where none is passed.
Shapes: words [B, L, W], seen [B, S, D], seen_mask [B, S] or [B, L, S] (`latest_medium`) -> Fused(words [B, L, W]).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.fusion.fused import Fused
from sightline.nn.attention import Attention, Residual, causal
from sightline.nn.padding import cleared
from sightline.nn.transformer import Transformer, feed_forward


def latest_medium(begins: Tensor, owner: Tensor) -> Tensor:
    """Which tokens each word may look at: those of the medium that began last at or before it.

    Shapes: begins bool [B, L] (a medium is mentioned here), owner [B, S] (of which medium a token is, from 0; -1: of
    none) -> [B, L, S].
    """
    latest = begins.long().cumsum(dim=1)[:, :, None] - 1  # -1 before the first, whom nothing matches
    return (latest == owner[:, None]) & (owner >= 0)[:, None]


class GatedBlock(nn.Module):
    """The identity, bit for bit, until it has learned."""

    def __init__(self, width: int, seen_width: int, heads: int = 8, head_width: int = 64) -> None:
        super().__init__()
        attention = Attention(width, heads, context_width=seen_width, head_width=head_width, bias=False)
        self.look = Residual(attention, width, zero_gate=True)
        self.think = Residual(feed_forward(width, 4 * width, bias=False), width, zero_gate=True)

    def forward(self, words: Tensor, seen: Tensor, seen_mask: Tensor | None = None) -> Tensor:
        return self.think(self.look(words, seen, mask=seen_mask))


class Gated(nn.Module):
    """A gated block before every `every`-th layer of `stack`."""

    def __init__(
        self,
        width: int,
        seen_width: int,
        *,
        heads: int = 4,
        head_width: int | None = None,
        layers: int = 2,
        every: int = 1,
        stack: Transformer | None = None,
    ) -> None:
        super().__init__()
        self.stack = Transformer(width, heads, layers) if stack is None else stack
        if not 1 <= every <= len(self.stack.blocks):
            raise ValueError(f"asked to look before every {every}th of {len(self.stack.blocks)} layers: nowhere, then")
        self.gated = nn.ModuleDict(
            {
                str(layer): GatedBlock(width, seen_width, heads, head_width or width // heads)
                for layer in range(len(self.stack.blocks))
                if (layer + 1) % every == 0
            }
        )

    def forward(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> Fused:
        words, mask = cleared(words, words_mask), reading_mask(words, words_mask)
        seen = cleared(seen, seen_mask.any(dim=1) if seen_mask is not None and seen_mask.ndim == 3 else seen_mask)
        for layer, block in enumerate(self.stack.blocks):
            if str(layer) in self.gated:
                words = self.gated[str(layer)](words, seen, seen_mask)
            words = block(words, mask)
        return Fused(self.stack.norm(words))


def reading_mask(words: Tensor, words_mask: Tensor | None) -> Tensor:
    """A word reads itself and valid words before it: [1 or B, L, L]"""
    earlier = causal(words.shape[1], words.device)
    return earlier if words_mask is None else earlier & words_mask[:, None]


def gates(fuser: nn.Module) -> dict[str, Tensor]:
    """How far every gate is open, tanh(g), by name."""
    return {name: torch.tanh(value) for name, value in fuser.named_parameters() if name.endswith("gate")}
