"""Looks at boxes instead of whole frames: what a thing looks like on its way through a clip.

From: RoIAlign (1703.06870) for cutting out: bilinear, nothing rounded to pixels; tracks as rows of their own as in
ChatVideo (2304.14407).
Departures: crops are stretched to a square and sampled `fine` x `fine` times per pixel, then averaged, so that large
boxes do not flicker.
Shapes: pixels [B, T, 3, H, W], boxes [B, R, T, 4] (x0 y0 x1 y1 in shares of the picture), seconds [B, T],
mask [B, R, T] -> Seen of B * R rows (track b * R + r), T frames each.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.encoders.image import ImageEncoder
from sightline.errors import BadRecord
from sightline.records import Seen


def cut_out(pixels: Tensor, boxes: Tensor, side: int, fine: int = 2) -> Tensor:
    """Every box of every frame as a square picture.  [n, 3, H, W], [n, R, 4] -> [n, R, 3, side, side]"""
    shares = (torch.arange(side * fine, device=boxes.device, dtype=boxes.dtype) + 0.5) / (side * fine)
    start, end = boxes[..., None, :2], boxes[..., None, 2:]
    across, down = (start + shares[:, None] * (end - start)).unbind(dim=-1)  # each [n, R, side * fine]
    places = torch.stack(torch.broadcast_tensors(across[:, :, None, :], down[:, :, :, None]), dim=-1)
    grid = (2.0 * places - 1.0).flatten(1, 2)  # the boxes of a frame one below the other; -1 and 1 are its outer edges
    sampled = F.grid_sample(pixels, grid.to(pixels.dtype), padding_mode="border", align_corners=False)
    return F.avg_pool2d(sampled, fine).unflatten(2, (-1, side)).transpose(1, 2)


class CropEncoder(nn.Module):
    """Sees each track as a clip of its own; its frames look at each other if the tower's do."""

    def __init__(self, see: ImageEncoder, side: int) -> None:
        super().__init__()
        self.see, self.side = see, side

    def forward(self, pixels: Tensor, boxes: Tensor, seconds: Tensor, mask: Tensor) -> Seen:
        self._check(boxes, mask)
        usable = boxes.masked_fill(~mask[..., None], 0.0).transpose(1, 2).flatten(0, 1)  # [B * T, R, 4]
        crops = cut_out(pixels.flatten(0, 1), usable, self.side).unflatten(0, pixels.shape[:2])
        tracks = crops.transpose(1, 2).flatten(0, 1)  # [B * R, T, 3, side, side]
        return self.see(tracks, seconds.repeat_interleave(boxes.shape[1], dim=0), mask.flatten(0, 1))

    def _check(self, boxes: Tensor, mask: Tensor) -> None:
        empty = ~(boxes[..., 2:] > boxes[..., :2]).all(dim=-1) & mask
        if bool(empty.any()):
            sample, track, frame = (int(n) for n in empty.nonzero()[0])
            raise BadRecord(
                f"box {boxes[sample, track, frame].tolist()} (sample {sample}, track {track}, frame {frame}) is empty: "
                "give x0 < x1 and y0 < y1 in shares of the picture, or mask it out"
            )
