"""Merges the most similar tokens, half against half, until the asked number is left.

From: the idea of token merging (2210.09461), from its description: split the tokens alternately in two sets, let each
token of the first point at its most similar one in the second, merge the strongest pairs, sizes weighing in.
Departures: as many rounds as it takes, so any ratio (one round stops at half); within frames first, across frames only
when there are fewer tokens than frames; keys are the tokens themselves.
Shapes: tokens [T, N, D] -> groups of all T * N rows; without a count, half of each frame.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, gathered, in_blocks, numbered, shares
from sightline.connectors.mlp import projector


def merge_round(tokens: Tensor, less: int) -> Tensor:
    """Where each token goes in a round that leaves `less` fewer; at most half of them.  [G, n, D] -> [G, n]"""
    length = torch.linalg.vector_norm(tokens, dim=-1).clamp(min=1e-12)  # dividing by it later spares a copy of all
    product = tokens[:, ::2] @ tokens[:, 1::2].transpose(1, 2)  # [G, ceil(n / 2), floor(n / 2)]
    best, mate = (product / length[:, None, 1::2]).max(dim=-1)
    leaving = (best / length[:, ::2]).argsort(dim=1, descending=True, stable=True)[:, :less]
    target = torch.arange(tokens.shape[1], device=tokens.device).repeat(len(tokens), 1)
    target.scatter_(1, 2 * leaving, 2 * mate.gather(1, leaving) + 1)
    stays = torch.ones_like(target).scatter_(1, 2 * leaving, 0)
    return (stays.cumsum(dim=1) - 1).gather(1, target)


def averaged(tokens: Tensor, sizes: Tensor, place: Tensor, left: int) -> tuple[Tensor, Tensor]:
    """The `left` tokens of each group after they went to their places, and of how many each is made."""
    group = torch.arange(len(tokens), device=place.device)[:, None]
    means = gathered(tokens.flatten(0, 1), Groups.of((place + left * group).flatten(), weight=sizes.flatten()))
    return means.view(len(tokens), left, -1), sizes.new_zeros(len(tokens), left).scatter_add(1, place, sizes)


def merged_down(tokens: Tensor, sizes: Tensor, left: int) -> Tensor:
    """The place of every token after rounds until no more than `left` of each group remain.  [G, n, D] -> [G, n]"""
    place = torch.arange(tokens.shape[1], device=tokens.device).repeat(len(tokens), 1)
    while (now := tokens.shape[1]) > left:
        after = max(left, now - now // 2)
        moved = merge_round(tokens, now - after)
        place = moved.gather(1, place)
        if after == left:  # nobody needs the means of the last round: they are made of the tokens themselves
            return place
        tokens, sizes = averaged(tokens, sizes, moved, after)
    return place


@torch.no_grad()
def bipartite(clip: Clip, count: int | None) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    count = min(count or frames * max(1, per_frame // 2), frames * per_frame)
    ones = torch.ones(clip.tokens.shape[:2], device=clip.tokens.device, dtype=clip.tokens.dtype)
    fewest, most = count // frames, -(-count // frames)
    place = in_blocks(partial(merged_down, left=most), clip.tokens, ones)
    if fewest < most:
        tokens, sizes = averaged(clip.tokens, ones, place, most)
        if fewest == 0:  # fewer tokens than frames: one of each frame is left, and frames are merged
            across = merged_down(tokens.transpose(0, 1), sizes.transpose(0, 1), count)[0]
            return Groups.of(numbered(across.repeat_interleave(per_frame)))
        one_less = torch.tensor([share == fewest for share in shares(count, frames)], device=place.device)
        place[one_less] = merged_down(tokens[one_less], sizes[one_less], fewest).gather(1, place[one_less])
    frame = torch.arange(frames, device=place.device)[:, None]
    return Groups.of(numbered((frame * most + place).flatten()))


def token_merging(width: int, out_width: int, tokens: int | None = None) -> Gathering:
    return Gathering(bipartite, projector(width, out_width), tokens)
