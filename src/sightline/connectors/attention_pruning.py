"""Keeps the tokens that the class token looks at, and lets each take in its nearest pruned neighbours.

From: the idea of LLaVA-PruMerge (2403.15388): kept are the outliers of the class token's attention (above the third
quartile by 1.5 interquartile ranges); each kept token becomes the attention-weighted mean of itself and the pruned
tokens among its k most similar.
Departures: means, where the released code adds weighted sums to the token; keys are the tokens themselves; where the
encoder gives no class token, the frame's mean asks. With a budget exactly so many are kept, dealt evenly to the frames.
Shapes: tokens [T, N, D] -> groups of the rows that are kept or taken in; some rows are in none.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, in_blocks, shares
from sightline.connectors.mlp import projector


def attention(clip: Clip) -> Tensor:
    """How much the class token looks at each token, [T, N]; rows add up to 1."""
    asks = clip.tokens.mean(dim=1) if clip.cls is None else clip.cls
    return torch.softmax(torch.einsum("td,tnd->tn", asks, clip.tokens) / clip.tokens.shape[-1] ** 0.5, dim=1)


def outliers(looked: Tensor) -> Tensor:
    """How many tokens of each frame are outliers by the interquartile rule, at least one.  [T, N] -> [T]"""
    first, third = torch.quantile(looked, torch.tensor([0.25, 0.75], device=looked.device, dtype=looked.dtype), dim=1)
    return (looked > (third + 1.5 * (third - first))[:, None]).sum(dim=1).clamp(min=1)


def kept_places(looked: Tensor, keep: Tensor) -> Tensor:
    """The `keep[t]` most looked-at places of each frame in picture order, then N as a blank.  [T, N] -> [T, most]"""
    order = looked.argsort(dim=1, descending=True, stable=True)[:, : int(keep.max())]
    blank = torch.arange(order.shape[1], device=looked.device) >= keep[:, None]
    return order.masked_fill(blank, looked.shape[1]).sort(dim=1).values


@torch.no_grad()
def pruned(clip: Clip, count: int | None, neighbours: int = 32) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    looked = attention(clip)
    if count is None:
        keep = outliers(looked)
    else:
        keep = torch.tensor(shares(min(count, frames * per_frame), frames), device=looked.device)
    kept = kept_places(looked, keep)
    is_kept = kept < per_frame
    survives = torch.zeros(frames, per_frame + 1, dtype=torch.bool, device=kept.device).scatter_(1, kept, True)[:, :-1]
    kept = kept.clamp(max=per_frame - 1)
    near = in_blocks(partial(nearest, neighbours=neighbours), clip.tokens, kept)
    is_near = is_kept[..., None] & ~survives.gather(1, near.flatten(1)).view_as(near)

    group = (is_kept.flatten().cumsum(0) - 1).view_as(kept)
    member = torch.cat([kept[..., None], near], dim=2)  # [T, most kept, 1 + k]
    is_member = torch.cat([is_kept[..., None], is_near], dim=2)
    frame = torch.arange(frames, device=kept.device)[:, None, None]
    row = (frame * per_frame + member)[is_member]
    weight = looked.flatten().clamp(min=torch.finfo(looked.dtype).tiny)  # a group nobody looks at is a plain mean
    return Groups.of(group[..., None].expand_as(member)[is_member], index=row, weight=weight[row])


def nearest(tokens: Tensor, kept: Tensor, neighbours: int) -> Tensor:
    """The k tokens of the same frame most similar to each kept one, itself among them.  kept [T, m] -> [T, m, k]"""
    unit = F.normalize(tokens, dim=-1)
    mine = unit.gather(1, kept[..., None].expand(-1, -1, unit.shape[2]))
    alike = mine @ unit.transpose(1, 2)  # [T, m, N]
    return alike.topk(min(neighbours, tokens.shape[1]), dim=2).indices


def attention_pruning(width: int, out_width: int, tokens: int | None = None, *, neighbours: int = 32) -> Gathering:
    return Gathering(partial(pruned, neighbours=neighbours), projector(width, out_width), tokens)
