"""Averages the tokens in a grid of boxes of any shape over time, rows and columns.

From: PLLaVA (2404.16994): project, then adaptive 3-D average pooling; its (16, 12, 12) is the default's proportion.
Departures: a video with fewer frames than asked is not filled up by repeating frames; a budget that no box grid
meets is met by joining neighbouring boxes. A budget spends space first: pooling over time costs answers (its paper).
Shapes: tokens [B, T, N, D], N = h * w -> [B, T' * h' * w', W].
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups
from sightline.connectors.mlp import projector

Shape = tuple[int, int, int]


def boxes(size: Shape, shape: Shape, overlap: bool = True) -> tuple[Tensor, Tensor]:
    """The rows of each box as pairs (row, box). With `overlap` as torch's adaptive pooling: bin i of n in a length L is
    [floor(i L / n), ceil((i + 1) L / n)); without, the bins share the length out and each row is in one box."""
    members = [_bins(length, bins, overlap).nonzero().unbind(1) for length, bins in zip(size, shape, strict=True)]
    row = torch.zeros((), dtype=torch.long)
    box = torch.zeros((), dtype=torch.long)
    for (bin_, position), length, bins in zip(members, size, shape, strict=True):
        row = row[..., None] * length + position
        box = box[..., None] * bins + bin_
    return row.flatten(), box.flatten()


def _bins(length: int, bins: int, overlap: bool) -> Tensor:
    """Which positions are in which bin, [bins, length]."""
    starts = [i * length // bins for i in range(bins)]
    ends = [math.ceil((i + 1) * length / bins) if overlap else (i + 1) * length // bins for i in range(bins)]
    position = torch.arange(length)
    return (position >= torch.tensor(starts)[:, None]) & (position < torch.tensor(ends)[:, None])


def shape_for(count: int, size: Shape) -> Shape:
    """The smallest box grid of at least `count` boxes that keeps every frame; `count` stretches of time below that."""
    frames, rows, columns = size
    if count <= frames:
        return count, 1, 1
    for side in range(1, max(rows, columns) + 1):
        high = math.ceil(side * rows / max(rows, columns))
        wide = math.ceil(side * columns / max(rows, columns))
        if frames * high * wide >= count:
            return frames, high, wide
    return size


def box_means(clip: Clip, count: int | None, shape: Shape) -> Groups:
    size = clip.pictures().shape[:3]
    if count is not None:
        shape = shape_for(count, size)
    row, box = boxes(size, tuple(min(s, b) for s, b in zip(size, shape, strict=True)))
    device = clip.tokens.device
    return Groups.of(box.to(device), index=row.to(device)).at_most(count)


def adaptive_pool(
    width: int,
    out_width: int,
    tokens: int | None = None,
    *,
    shape: Shape = (16, 12, 12),
    project_first: bool = True,
) -> Gathering:
    return Gathering(partial(box_means, shape=shape), projector(width, out_width), tokens, project_first)
