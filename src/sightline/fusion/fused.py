"""What a fuser in the middle gives back.

Shapes: words [B, L, W]; seen [B, S, .] where the fuser changes it too, else None.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Fused(NamedTuple):
    words: Tensor
    seen: Tensor | None = None
