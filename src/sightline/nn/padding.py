"""Padding never matters: what lies there becomes zero before anything looks at it, so that not even a NaN can spread.

Shapes: x [B, T, …] or [B, L, …], mask [B, T] or [B, L] bool, True = valid.
"""

from __future__ import annotations

from torch import Tensor


def cleared(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zeros where the mask is False; x itself, not a copy, where there is no padding."""
    if mask is None or bool(mask.all()):
        return x
    return x.masked_fill(~mask.view(*mask.shape, *[1] * (x.ndim - mask.ndim)), 0.0)
