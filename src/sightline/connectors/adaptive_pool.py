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
    """The rows of each box as pairs (row, box), box after box.

    With `overlap` as torch's adaptive pooling: bin i of n in a length L is [floor(i L / n), ceil((i + 1) L / n));
    without, the bins share the length out and each row is in one box.
    """
    row, inside = torch.zeros((), dtype=torch.long), torch.ones((), dtype=torch.bool)
    for axis, (length, bins) in enumerate(zip(size, shape, strict=True)):
        position, within = (_along(axis, part) for part in _bins(length, bins, overlap))
        row, inside = row * length + position, inside & within  # [T', h', w', t, h, w]
    row, inside = row.flatten(3).flatten(0, 2), inside.flatten(3).flatten(0, 2)
    box = torch.arange(len(row))[:, None].expand_as(row)
    return (row.flatten(), box.flatten()) if bool(inside.all()) else (row[inside], box[inside])


def _bins(length: int, bins: int, overlap: bool) -> tuple[Tensor, Tensor]:
    """The positions of each bin and which of them are inside: shorter bins are filled up.  [bins, longest] each"""
    i = torch.arange(bins)
    starts, ends = i * length // bins, ((i + 1) * length + (bins - 1) * overlap) // bins
    position = starts[:, None] + torch.arange(int((ends - starts).max()))
    return position, position < ends[:, None]


def _along(axis: int, part: Tensor) -> Tensor:
    """[bins, longest] with its bins at that axis of a box grid and its positions three axes on."""
    shape = [1] * 6
    shape[axis], shape[axis + 3] = part.shape
    return part.view(shape)


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
    size = clip.size
    time, high, wide = shape if count is None else shape_for(count, size)
    row, box = boxes(size, (min(time, size[0]), min(high, size[1]), min(wide, size[2])))
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
