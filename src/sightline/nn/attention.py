"""One attention block that serves as self, cross, gated and co-attention.

From: Attention Is All You Need (1706.03762); the zero gate is Flamingo's (2204.14198), starting as a copy of another
attention is LanguageBind's (2310.01852), the two streams at once are ViLBERT's (1908.02265).
Departures: a position that may look at nothing gives exactly zero (Flamingo's text before the first picture), not NaN.
Shapes: x [B, Lq, C], context [B, Lk, C'], mask bool, True = may look: [B, Lk] or [B, Lq, Lk] or [B, heads, Lq, Lk].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pairs(mask: Tensor) -> Tensor:
    """Any of the three mask forms as [B, 1 or heads, 1 or Lq, Lk]."""
    if mask.ndim == 2:
        return mask[:, None, None, :]
    return mask[:, None] if mask.ndim == 3 else mask


def causal(length: int, device: torch.device | None = None) -> Tensor:
    """[1, L, L]: a position looks at itself and at earlier ones."""
    return torch.ones(1, length, length, dtype=torch.bool, device=device).tril()


class Attention(nn.Module):
    """Queries from x, keys and values from the context (x itself where there is none)."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        context_width: int | None = None,
        head_width: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if head_width is None and width % heads:
            raise ValueError(f"{width} channels do not divide into {heads} heads; pass head_width, or other heads")
        inner = heads * (head_width or width // heads)
        self.heads = heads
        self.query = nn.Linear(width, inner, bias=bias)
        self.key = nn.Linear(context_width or width, inner, bias=bias)
        self.value = nn.Linear(context_width or width, inner, bias=bias)
        self.out = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        context = x if context is None else context
        query, key, value = self._split(self.query(x)), self._split(self.key(context)), self._split(self.value(context))
        if mask is None:
            return self._join(F.scaled_dot_product_attention(query, key, value))
        allowed = pairs(mask)
        blind = ~allowed.any(dim=-1, keepdim=True)  # [B, heads, Lq, 1]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed | blind)
        return self._join(mixed).masked_fill(blind.all(dim=1), 0.0)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, heads, L, C / heads]

    def _join(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.transpose(1, 2).flatten(2))


class Residual(nn.Module):
    """Adds what `inner` makes of x to x: normed before ("pre") or after the sum ("post"), behind a gate if asked.

    `zero_gate` multiplies by tanh(g) with g = 0: the block begins as the identity, bit for bit, and still learns.
    """

    def __init__(
        self, inner: nn.Module, width: int, *, order: str = "pre", zero_gate: bool = False, eps: float = 1e-5
    ) -> None:
        super().__init__()
        if order not in ("pre", "post"):
            raise ValueError(f"the norm goes 'pre' or 'post', not {order!r}")
        self.inner, self.order = inner, order
        self.norm = nn.LayerNorm(width, eps=eps)
        self.gate = nn.Parameter(torch.zeros(1)) if zero_gate else None

    def forward(self, x: Tensor, *context: Tensor | None, **named: Tensor | None) -> Tensor:
        added = self.inner(self.norm(x) if self.order == "pre" else x, *context, **named)
        summed = x + (added if self.gate is None else self.gate.tanh() * added)
        return summed if self.order == "pre" else self.norm(summed)


def attention_block(
    width: int,
    heads: int,
    *,
    context_width: int | None = None,
    order: str = "pre",
    init: str = "fresh",
    source: nn.Module | None = None,
    eps: float = 1e-5,
) -> Residual:
    """Attention with its norm and sum. `init`: "fresh", "copy" (the weights of `source`) or "zero-gate" (identity)."""
    if init not in ("fresh", "copy", "zero-gate"):
        raise ValueError(f"init is 'fresh', 'copy' or 'zero-gate', not {init!r}")
    attention = Attention(width, heads, context_width=context_width)
    if init == "copy":
        if source is None:
            raise ValueError("init='copy' needs the attention to copy from: pass source=")
        attention.load_state_dict(source.state_dict())
    return Residual(attention, width, order=order, zero_gate=init == "zero-gate", eps=eps)


def co_attention(
    left_block: Residual,
    right_block: Residual,
    left: Tensor,
    right: Tensor,
    left_mask: Tensor | None = None,
    right_mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Each stream asks the other, both from the states before the exchange."""
    return left_block(left, right, mask=right_mask), right_block(right, left, mask=left_mask)
