"""Batches in which some videos are stills, as the systems want them that learn from pictures and videos at once.

From: PPLLaVA (arXiv 2411.02327) and Video-LLaVA (arXiv 2311.10122) mix the kinds in every batch, PVC (arXiv 2412.09613)
by shares; a picture goes with its caption as here a frame of the evidence with its question.
Departures: which rows are stills is drawn anew for each batch; the dice are kept with a checkpoint, so a run that goes
on draws the same.
Shapes: seen.mask [B, T] -> [B, T] with one valid frame in the rows that became stills
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sightline.training.batches import Batch


def drawn_rows(batch: Batch, share: float) -> Tensor:
    """Which rows become stills, [B] bool."""
    return torch.rand(len(batch)) < share


def with_stills(batch: Batch, rows: Tensor) -> Batch:
    """The same questions; of the videos of these rows only one frame is left, drawn from the evidence."""
    luck = torch.rand(batch.seen.mask.shape) + batch.evidence
    only = torch.zeros_like(batch.seen.mask)
    only.scatter_(1, luck.masked_fill(~batch.seen.mask, -1.0).argmax(dim=1, keepdim=True), True)
    mask = torch.where(rows[:, None], only, batch.seen.mask)
    return replace(batch, seen=replace(batch.seen, mask=mask))
