"""Frames become vectors of the shared space, with the tokens and the class vector they were made from.

From: CLIP's picture tower (2103.00020): the normed class token, projected without bias. A clip's own vector is the
mean of its frames' class tokens, projected once, as LanguageBind does (2310.01852).
Departures: those of `nn.vit` (any picture size, padded frames not looked at).
Shapes: pixels [B, T, 3, H, W], seconds and mask [B, T] -> Seen: vectors [B, T, E], tokens [B, T, N, D], cls [B, T, D].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sightline.errors import BadRecord
from sightline.nn.vit import FrameTower
from sightline.records import Seen

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP's pictures


def as_floats(pixels: Tensor) -> Tensor:
    """Bytes as the numbers CLIP was trained with.  [..., 3, H, W] uint8 -> float32"""
    mean, std = (torch.tensor(numbers, device=pixels.device)[:, None, None] for numbers in (MEAN, STD))
    return (pixels.float() / 255 - mean) / std


class ImageEncoder(nn.Module):
    """A frame tower and the way into the shared space. `time` lets frames look at one another (see `nn.vit`)."""

    def __init__(
        self,
        width: int,
        heads: int,
        layers: int,
        out_width: int,
        *,
        side: int = 224,
        patch: int = 16,
        time: str = "none",
        time_layers: int | None = None,
        drop: float = 0.0,
        activation: str = "quick-gelu",
    ) -> None:
        super().__init__()
        self.tower = FrameTower(
            width,
            heads,
            layers,
            side=side,
            patch=patch,
            time=time,
            time_layers=time_layers,
            drop=drop,
            activation=activation,
        )
        self.project = nn.Linear(width, out_width, bias=False)
        nn.init.normal_(self.project.weight, std=width**-0.5)

    def forward(self, pixels: Tensor, seconds: Tensor, mask: Tensor) -> Seen:
        tokens, cls, grid = self.tower(pixels, seconds, mask)
        whole = tokens.shape[2] == grid[0] * grid[1]  # while training, some patches may have been dropped
        vectors = normalize(self.project(cls), dim=-1)
        return Seen(vectors, seconds, mask, tokens, cls, grid if whole else None)

    def of_clip(self, seen: Seen) -> Tensor:
        """One unit vector for each clip: the mean over its valid frames, then the projection.  -> [B, E]"""
        if seen.cls is None:
            raise BadRecord(
                "a clip's vector is made from Seen.cls [B, T, D], which is missing here; see the frames again"
            )
        valid = seen.mask[..., None]
        mean = seen.cls.masked_fill(~valid, 0.0).sum(dim=1) / valid.sum(dim=1).clamp(min=1)
        return normalize(self.project(mean), dim=-1)
