"""Guess what is in the regions that were blanked, as the detector (or any teacher) saw it: a share for every class.

From: ViLBERT (1908.02265): 15 % of the regions are asked for, 90 % of them blanked, and whatever overlaps one of them
by more than 0.4 is blanked and asked for too, or the answer would shine through.
Departures: none. The loss of a pair that does not match is switched off by its `asked` rows.
Shapes: regions [B, S, D], mask [B, S], boxes [B, S, 4] (x0 y0 x1 y1); logits and seen [B, S, V] -> scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.objectives.terms import mean_of


def blank_regions(
    regions: Tensor,
    mask: Tensor,
    boxes: Tensor | None = None,
    share: float = 0.15,
    overlap: float = 0.4,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """The regions as shown and which are asked for."""
    drawn = torch.rand(mask.shape, generator=generator, device=mask.device)
    asked, blank = (drawn < share) & mask, (drawn < 0.9 * share) & mask
    if boxes is not None:
        itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        near = (box_overlap(boxes) > overlap) & mask[:, None] & ~itself  # [B, S, S]
        beside = (near & asked[..., None]).any(dim=1)
        asked, blank = asked | beside, blank | beside
    return regions.masked_fill(blank[..., None], 0.0), asked


def masked_regions(logits: Tensor, seen: Tensor, asked: Tensor) -> Tensor:
    """KL(seen || softmax(logits)) summed over classes, mean of the regions asked for. `seen` rows sum to 1."""
    logs, seen = logits[asked].log_softmax(dim=-1), seen[asked].detach()
    return mean_of((torch.xlogy(seen, seen) - seen * logs).sum(dim=-1))


def box_overlap(boxes: Tensor) -> Tensor:
    """Intersection over union of every two boxes of a sample; 0 for boxes without area. [B, S, 4] -> [B, S, S]"""
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    area = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)
    return shared / (area[:, :, None] + area[:, None] - shared).clamp(min=torch.finfo(boxes.dtype).tiny)
