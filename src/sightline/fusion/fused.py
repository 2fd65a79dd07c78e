"""What a fuser in the middle gives back.

Shapes: words [B, L, W]; seen [B, S, .] where the fuser changes it too, else None.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Fused(NamedTuple):
    words: Tensor
    seen: Tensor | None = None


def cleared(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zeros where the mask is False, so that not even a NaN in the padding can spread."""
    return x if mask is None else x.masked_fill(~mask[..., None], 0.0)
