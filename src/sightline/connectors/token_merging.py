"""Merges the most similar tokens, half against half, until the asked number is left.

From: the idea of token merging (2210.09461), from its description: split the tokens alternately in two sets, let each
token of the first point at its most similar one in the second, merge the strongest pairs, sizes weighing in.
Departures: as many rounds as it takes, so any ratio (one round stops at half); within frames first, across frames only
when there are fewer tokens than frames; keys are the tokens themselves.
Shapes: tokens [T, N, D] -> groups of all T * N rows; without a count, half of each frame.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, gathered, numbered, shares
from sightline.connectors.mlp import projector


def merge_round(tokens: Tensor, sizes: Tensor, less: int) -> tuple[Tensor, Tensor, Tensor]:
    """One round that leaves `less` fewer tokens; at most half of them.

    Shapes: tokens [G, n, D], sizes [G, n] -> tokens [G, n - less, D], sizes, place [G, n] of each old token.
    """
    unit = F.normalize(tokens, dim=-1)
    best, mate = (unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)).max(dim=-1)  # [G, ceil(n / 2)]
    leaving = best.argsort(dim=1, descending=True, stable=True)[:, :less]
    target = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2]).clone()
    target.scatter_(1, 2 * leaving, 2 * mate.gather(1, leaving) + 1)
    stays = torch.ones_like(target).scatter_(1, 2 * leaving, 0)
    place = (stays.cumsum(dim=1) - 1).gather(1, target)
    groups, fewer = len(tokens), tokens.shape[1] - less
    everywhere = (place + fewer * torch.arange(groups, device=place.device)[:, None]).flatten()
    means = gathered(tokens.flatten(0, 1), Groups.of(everywhere, weight=sizes.flatten()))
    new_sizes = sizes.new_zeros(groups, fewer).scatter_add(1, place, sizes)
    return means.view(groups, fewer, -1), new_sizes, place


def merged_down(tokens: Tensor, sizes: Tensor, left: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rounds until `left` tokens a group remain; the place of every token it began with."""
    place = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2])
    while tokens.shape[1] > left:
        less = min(tokens.shape[1] - left, tokens.shape[1] // 2)
        tokens, sizes, moved = merge_round(tokens, sizes, less)
        place = moved.gather(1, place)
    return tokens, sizes, place


@torch.no_grad()
def bipartite(clip: Clip, count: int | None) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    count = min(count or frames * max(1, per_frame // 2), frames * per_frame)
    ones = torch.ones(clip.tokens.shape[:2], device=clip.tokens.device, dtype=clip.tokens.dtype)
    fewest, most = count // frames, -(-count // frames)
    tokens, sizes, place = merged_down(clip.tokens, ones, most)
    if fewest == 0:  # fewer tokens than frames: one of each frame is left, and frames are merged
        across = merged_down(tokens.transpose(0, 1), sizes.transpose(0, 1), count)[2][0]
        return Groups.of(numbered(across.repeat_interleave(per_frame)))
    if fewest < most:
        one_less = torch.tensor([share == fewest for share in shares(count, frames)], device=place.device)
        again = merged_down(tokens[one_less], sizes[one_less], fewest)[2]
        place = place.clone()
        place[one_less] = again.gather(1, place[one_less])
    frame = torch.arange(frames, device=place.device)[:, None]
    return Groups.of(numbered((frame * most + place).flatten()))


def token_merging(width: int, out_width: int, tokens: int | None = None) -> Gathering:
    return Gathering(bipartite, projector(width, out_width), tokens)
