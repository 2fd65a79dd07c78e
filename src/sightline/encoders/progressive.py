"""Each frame adds to what earlier frames have told; a still is shown several times and told in more detail each time.

From: PVC (2412.09613): the last layers have causal time attention at each place with AdaLN(x; x + time) and a layer
scale (`nn.vit`, `time="progressive"`); stills are repeated four times so that pictures and videos are one input.
Departures: copies of a still stand `step` seconds apart, because time alone tells them apart; how many layers look
back is not published, half of them here. The compression to 64 tokens a frame is `connectors.pixel_shuffle`.
Shapes: pixels [B, T, 3, H, W], seconds and mask [B, T] -> Seen with max(T, copies) frames where a still is among them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sightline.encoders.image import ImageEncoder
from sightline.records import Seen


def repeated_stills(
    pixels: Tensor, seconds: Tensor, mask: Tensor, copies: int = 4, step: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Samples of one valid frame become clips of `copies` equal frames; clips stay as they are."""
    stills = mask.sum(dim=1) == 1
    if not bool(stills.any()):
        return pixels, seconds, mask
    batch, frames = mask.shape
    longest = max(frames, copies)
    order = torch.arange(longest, device=mask.device)
    only = mask.int().argmax(dim=1)  # where the still stands
    index = torch.where(stills[:, None], only[:, None], order.clamp(max=frames - 1))  # [B, longest]
    row = torch.arange(batch, device=mask.device)[:, None]
    inside = (order < frames) & mask[row, index]
    valid = torch.where(stills[:, None], order < copies, inside)
    apart = torch.where(stills[:, None] & (order < copies), order * step, 0.0).to(seconds.dtype)
    return pixels[row, index], seconds[row, index] + apart, valid


class ProgressiveEncoder(nn.Module):
    """What an earlier frame became never changes when later frames come."""

    def __init__(
        self,
        width: int,
        heads: int,
        layers: int,
        out_width: int,
        *,
        copies: int = 4,
        step: float = 1.0,
        time_layers: int | None = None,
        **tower: Any,
    ) -> None:
        super().__init__()
        self.copies, self.step = copies, step
        looking_back = max(1, layers // 2) if time_layers is None else time_layers
        self.see = ImageEncoder(width, heads, layers, out_width, time="progressive", time_layers=looking_back, **tower)

    def forward(self, pixels: Tensor, seconds: Tensor, mask: Tensor) -> Seen:
        return self.see(*repeated_stills(pixels, seconds, mask, self.copies, self.step))
