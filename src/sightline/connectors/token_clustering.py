"""Clusters tokens around density peaks, event by event.

From: Chat-UniVi (2311.08046) with density peaks over k nearest neighbours (DPC-KNN): density exp(-mean squared
distance to the k nearest), distance to the nearest denser token; the largest products are centres, the others join the
nearest centre, clusters are averaged.
Departures: equal densities are ordered by position instead of by random noise, so the same comes twice; events are
stretches without gaps and of at most `longest` frames, which bounds the work.
Shapes: tokens [T, N, D] -> groups of all T * N rows; without a count, a quarter of them.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, numbered, shares
from sightline.connectors.mlp import projector


def squared_distances(rows: Tensor) -> Tensor:
    """[n, D] -> [n, n], divided by D as in the paper's code; exactly 0 between equal rows.

    Differences are taken from the first row: the product form loses small distances between rows far from zero.
    """
    rows = rows - rows[:1]
    square = (rows * rows).sum(dim=1)
    distance = (square[:, None] + square[None] - 2 * rows @ rows.T).clamp(min=0)
    return distance / rows.shape[1]


def density_peaks(rows: Tensor, centres: int, neighbours: int = 5) -> Tensor:
    """The cluster (0 .. centres - 1) of each row, [n]."""
    distance = squared_distances(rows)
    nearest = distance.topk(min(neighbours, len(rows)), dim=1, largest=False).values
    sparsity = nearest.mean(dim=1)
    order = sparsity.argsort(stable=True)  # equal densities: the earlier token counts as denser
    density = torch.exp(sparsity.min() - sparsity)  # a common factor: it keeps far points from all becoming 0
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(rows), device=rows.device))
    denser = rank[None, :] < rank[:, None]
    apart = distance.sqrt().masked_fill(~denser, torch.inf).amin(dim=1)
    apart[order[0]] = distance.max().sqrt()
    peak = (density * apart).argsort(descending=True, stable=True)[:centres]
    cluster = distance[:, peak].argmin(dim=1)
    cluster[peak] = torch.arange(len(peak), device=rows.device)
    return cluster


def events(frames: Tensor, longest: int) -> list[range]:
    """Stretches of frames that belong together, from frame vectors [T, D]: one centre for every four frames."""
    together = density_peaks(frames, max(1, len(frames) // 4)).tolist()
    stretches, start = [], 0
    for frame in range(1, len(together) + 1):
        if frame == len(together) or together[frame] != together[start] or frame - start == longest:
            stretches.append(range(start, frame))
            start = frame
    return stretches


@torch.no_grad()
def clustered(clip: Clip, count: int | None, longest: int = 4, neighbours: int = 5) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    count = min(count or max(1, frames * per_frame // 4), frames * per_frame)
    share = shares(count, frames)
    owner, made = [], 0
    for event in events(clip.tokens.mean(dim=1), longest):
        rows = clip.tokens[event.start : event.stop].flatten(0, 1)
        centres = max(1, sum(share[event.start : event.stop]))
        owner.append(made + density_peaks(rows, centres, neighbours))
        made += centres
    return Groups.of(numbered(torch.cat(owner))).at_most(count)


def token_clustering(
    width: int, out_width: int, tokens: int | None = None, *, longest: int = 4, neighbours: int = 5
) -> Gathering:
    rule = partial(clustered, longest=longest, neighbours=neighbours)
    return Gathering(rule, projector(width, out_width), tokens)
