"""The chosen frames' tokens averaged to a budget, reading no frame that was not drawn, and none twice.

A soft choice gives few frames a weight, and averaging and weighting may be exchanged: each drawn frame is first summed
over its cells, and those few sums are weighted and projected. It comes to the same as choosing all tokens and averaging
them afterwards, at a fraction of time and memory (`python -m benches 12`).

Departures: none from what `frames_of` and a gathering of runs give; a test compares them.
Shapes: tokens [B, T, N, D], weight [B, K, T] -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.records import Choice, Prefix, Seen

FRAMES_AT_ONCE = 2  # so that their tokens stay in the processor's cache


def averaged(seen: Seen, choice: Choice, project: nn.Module, budget: int) -> Prefix:
    """The chosen frames in at most `budget` tokens, runs of neighbours averaged, in the language model's width.

    Sums and weights may be exchanged: each frame is first summed over its cells, the tokens that stay together in
    whichever place in time the frame takes, and those few sums are weighted.
    """
    assert seen.tokens is not None
    places, per_frame = choice.weight.shape[1], seen.tokens.shape[2]
    count = min(budget, places * per_frame)
    run = torch.arange(places * per_frame) * count // (places * per_frame)
    at = run.view(places, per_frame)
    begins = torch.ones(per_frame, dtype=torch.bool)
    begins[1:] = (at[:, 1:] != at[:, :-1]).any(dim=0)
    weight, frames = drawn(choice.weight)
    weighted = torch.einsum("bkr,brcd->bkcd", weight, cell_sums(seen, frames, begins)).flatten(1, 2)
    sums = weighted.new_zeros(len(weighted), count, weighted.shape[2]).index_add(1, at[:, begins].flatten(), weighted)
    sizes = run.bincount()
    last = sizes.cumsum(dim=0) - 1
    seconds = seen.seconds.gather(1, choice.index)
    span = torch.stack([seconds[:, (last + 1 - sizes) // per_frame], seconds[:, last // per_frame]], dim=2)
    return Prefix(project(sums / sizes[:, None]), torch.ones(sums.shape[:2], dtype=torch.bool), span)


def drawn(weight: Tensor) -> tuple[Tensor, Tensor]:
    """The frames that any place may hold, and their weights; no other frame has a weight or a gradient.

    Shapes: weight [B, K, T] -> [B, K, R], frames [B, R], where R is the most of any sample
    """
    taken = weight.detach().any(dim=1)
    frames = taken.int().argsort(dim=1, descending=True, stable=True)[:, : int(taken.sum(dim=1).max())]
    return weight.gather(2, frames[:, None].expand(-1, weight.shape[1], -1)), frames


def cell_sums(seen: Seen, frames: Tensor, begins: Tensor) -> Tensor:
    """Sums over the cells of these frames, a few frames at a time; zeros on padding.

    Shapes: frames [B, R], begins [N] bool: where a cell begins -> [B, R, C, D]
    """
    assert seen.tokens is not None
    tokens, cell = seen.tokens.flatten(0, 1), begins.cumsum(dim=0) - 1
    rows = (torch.arange(len(frames))[:, None] * seen.mask.shape[1] + frames).flatten()
    sums = seen.vectors.new_zeros(len(rows), int(begins.sum()), tokens.shape[2])
    for some in seen.mask.flatten()[rows].nonzero()[:, 0].split(FRAMES_AT_ONCE):
        part = tokens[rows[some]].to(sums.dtype)
        sums[some] = sums.new_zeros(len(some), *sums.shape[1:]).index_add_(1, cell, part)
    return sums.unflatten(0, frames.shape)
