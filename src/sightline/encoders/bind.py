"""Binds pictures, clips, sound and whatever else becomes a picture to one text space that no longer moves.

From: LanguageBind (2310.01852): a frozen text tower, one tower for each kind, time attention before space (`nn.vit`,
`time="before"`), patch dropout while training, a learned temperature that starts at 0.07.
Departures: the time embedding comes from seconds and stays trainable (the released low-rank form leaves it at its
random start); the temperature stays above 0.01, CLIP's limit.
Shapes: pixels [B, T, 3, H, W] (or what the tower of that kind takes), ids [Q, L] -> scores [B, Q].
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sightline.encoders.text import TextEncoder
from sightline.errors import BadRecord

LARGEST_SCALE = math.log(100.0)


class Binding(nn.Module):
    """`Binding(text, video=…, sound=…)`: each tower has `forward(x, seconds, mask) -> Seen` and `of_clip(seen)`.

    For clips that is `ImageEncoder(…, time="before", drop=0.3)`, for sound `AudioEncoder(…, drop=0.1)`.
    """

    def __init__(self, text: TextEncoder, **towers: nn.Module) -> None:
        super().__init__()
        self.text = text.requires_grad_(False)
        self.towers = nn.ModuleDict(towers)
        self.scale = nn.Parameter(torch.tensor(math.log(1.0 / 0.07)))

    def see(self, kind: str, x: Tensor, seconds: Tensor, mask: Tensor) -> Tensor:
        """Clips of one kind as unit vectors beside the words'.  -> [B, E]"""
        if kind not in self.towers:
            raise BadRecord(f"nothing here sees {kind!r}; bound are: {', '.join(self.towers) or 'none'}")
        tower: Any = self.towers[kind]
        return tower.of_clip(tower(x, seconds, mask))

    @torch.no_grad()
    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.text(ids, mask).vector

    def forward(self, vectors: Tensor, words: Tensor) -> Tensor:
        """Scaled cosines, what the symmetric contrastive loss takes.  [B, E], [Q, E] -> [B, Q]"""
        return self.scale.clamp(max=LARGEST_SCALE).exp() * vectors @ words.T
