"""PPLLaVA on batches of stills, several pictures and videos mixed: one pooling for all of them.

Shows: whether short inputs teach what long ones need. A still fills one stretch of boxes; the model is the same.
Command: sightline train ppllava-mixed --size tiny --out DIR
From: PPLLaVA (arXiv 2411.02327): images, multi-images and videos in one shuffled list, so kinds mix within a batch.
Departures: several pictures are pooled as a short video is. The stills and the several pictures are frames of the
videos, at least one of them of the evidence.
Shapes: as in `ppllava`; seen.mask [B, T] has one, K or all frames
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sightline.recipes.ppllava import PPLLaVA, Settings
from sightline.recipes.ppllava import losses as answer_losses
from sightline.recipes.starting_lm import Start
from sightline.recipes.stills import with_stills
from sightline.training.batches import Batch

SYSTEM = {
    "name": "PPLLaVA, interleaved batches",
    "paper": "arXiv 2411.02327",
    "family": "compress",
    "idea": "stills, several pictures and videos in one batch",
    "without": "videos alone",
}


class Mixed(PPLLaVA):
    def __init__(self, start: Start, mixed: bool) -> None:
        super().__init__(start, Settings())
        self.mixed, self.several = mixed, start.choose


def interleaved(batch: Batch, several: int) -> Batch:
    """A third of the rows each: one frame of the evidence, `several` frames of which one is, the whole video."""
    kind = torch.randint(3, (len(batch),))
    one = with_stills(batch, kind < 2)
    luck = torch.rand(batch.seen.mask.shape).masked_fill(~batch.seen.mask, -1.0) + 2.0 * one.seen.mask
    few = torch.zeros_like(batch.seen.mask).scatter_(1, luck.topk(several, dim=1).indices, True)
    mask = torch.where((kind == 1)[:, None], few & batch.seen.mask, one.seen.mask)
    return replace(batch, seen=replace(batch.seen, mask=mask))


def build(start: Start, idea: bool = True) -> Mixed:
    return Mixed(start, idea)


def losses(model: Mixed, batch: Batch) -> dict[str, Tensor]:
    return answer_losses(model, interleaved(batch, model.several) if model.mixed else batch)
