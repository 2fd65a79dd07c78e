"""Transformer blocks, with the norm before or after the sum, with or without attention to a context.

From: Attention Is All You Need (1706.03762, post), and its pre-norm form (2002.04745).
Departures: none; no dropout (the recipes regularise by data and weight decay).
Shapes: x [B, L, C] -> [B, L, C]; context [B, S, C'].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.nn.attention import Residual, attention_block


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), what CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS = {"gelu": nn.GELU, "quick-gelu": QuickGELU, "relu": nn.ReLU, "silu": nn.SiLU}


def feed_forward(width: int, hidden: int, activation: str = "gelu", bias: bool = True) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden, bias=bias), ACTIVATIONS[activation](), nn.Linear(hidden, width, bias=bias)
    )


class TransformerBlock(nn.Module):
    """Looks at itself, then (with `context_width`) at a context, then thinks for itself."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        hidden: int | None = None,
        order: str = "pre",
        activation: str = "gelu",
        context_width: int | None = None,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.attend = attention_block(width, heads, order=order, eps=eps)
        self.look = (
            attention_block(width, heads, context_width=context_width, order=order, eps=eps) if context_width else None
        )
        self.think = Residual(feed_forward(width, hidden or 4 * width, activation), width, order=order, eps=eps)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, context: Tensor | None = None, context_mask: Tensor | None = None
    ) -> Tensor:
        x = self.attend(x, mask=mask)
        if self.look is not None and context is not None:
            x = self.look(x, context, mask=context_mask)
        return self.think(x)


class Transformer(nn.Module):
    """A stack of blocks; a pre-norm stack ends with a norm, a post-norm one has it already."""

    def __init__(self, width: int, heads: int, layers: int, *, order: str = "pre", activation: str = "gelu") -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, order=order, activation=activation) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width) if order == "pre" else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)
