"""Cuts time into windows so that as many unmoving tokens as possible can be merged, then merges them.

From: the idea of HoliTom (2505.21334): a place is static in a window if each of its tokens is more similar than
`threshold` to the one before; a window of L frames saves (L - 1) x its static places; a dynamic programme finds the
windows that save most.
Departures: counts come from the lengths of static runs instead of a double loop. A budget is met exactly: the least
similar merges are undone, or the most similar neighbours in time merged beyond the windows, then neighbours in space.
Shapes: tokens [T, N, D] -> groups of all T * N rows.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, numbered
from sightline.connectors.mlp import projector
from sightline.connectors.temporal_merge import chains, likeness, strongest


def savings(run_start: Tensor) -> Tensor:
    """What each window [first, last] would save, from where the static run of each token began.  [T, N] -> [T, T]

    A place is static from `first` to `last` exactly if the run that holds its token at `last` began by `first`.
    """
    frames = len(run_start)
    began = run_start.new_zeros(frames, frames).scatter_add(1, run_start, torch.ones_like(run_start))
    static = began.cumsum(dim=1).T  # [first, last]
    frame = torch.arange(frames, device=run_start.device)
    return static * (frame[None] - frame[:, None]).clamp(min=0)


def windows(saved: Tensor) -> list[tuple[int, int]]:
    """The cut into windows (first, last) that saves most; of equal ones the longest last window.  saved [T, T]"""
    frames = len(saved)
    best = saved.new_zeros(frames + 1)
    begins = []
    for last in range(frames):
        total = best[: last + 1] + saved[: last + 1, last]
        begins.append(int(total.argmax()))
        best[last + 1] = total[begins[-1]]
    cut, last = [], frames - 1
    while last >= 0:
        cut.append((begins[last], last))
        last = begins[last] - 1
    return cut[::-1]


@torch.no_grad()
def static(clip: Clip, count: int | None, threshold: float = 0.8) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    frame = torch.arange(frames, device=clip.tokens.device)
    back = torch.ones_like(frame)
    alike = likeness(clip.tokens, back)
    run_start = torch.where(alike > threshold, 0, frame[:, None]).cummax(dim=0).values
    joined = torch.zeros_like(run_start, dtype=torch.bool)
    for first, last in windows(savings(run_start)):
        joined[first + 1 : last + 1] = run_start[last] <= first
    if count is not None:
        joined = strongest(alike + 4.0 * joined, max(0, frames * per_frame - count))
    return Groups.of(numbered(chains(joined, back))).at_most(count)


def static_windows(width: int, out_width: int, tokens: int | None = None, *, threshold: float = 0.8) -> Gathering:
    return Gathering(partial(static, threshold=threshold), projector(width, out_width), tokens)
