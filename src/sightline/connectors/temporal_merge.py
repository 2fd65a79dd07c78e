"""Merges tokens that repeat what the same place showed shortly before, in groups of four frames.

From: the idea of DyCoke (2411.15024): in each group of four the second and fourth frame lose the tokens most similar
to the frame before, the third those most similar to the first.
Departures: a token that repeats is averaged into the one it repeats instead of dropped, so the span says how long it
stayed; any number of frames (the last group may be short); a budget is met exactly, by merging the most similar tokens
of all frames, then the first frames of groups into each other, then neighbours in space.
Shapes: tokens [T, N, D] -> groups of all T * N rows; without a count, a share `merged` of frames 2, 3 and 4.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups, numbered
from sightline.connectors.mlp import projector

GROUP = 4
LOOKS_BACK = (GROUP, 1, 2, 1)  # how many frames back each of the four looks; the first of a group, to the group before


def chains(joined: Tensor, back: Tensor) -> Tensor:
    """The row that each token ends up in, when joined tokens go to their place `back[t]` frames before.

    Shapes: joined [T, N] bool, back [T] -> owner [T * N].
    """
    frames, per_frame = joined.shape
    owner = torch.arange(frames * per_frame, device=joined.device).view(frames, per_frame)
    for frame in range(1, frames):
        owner[frame] = torch.where(joined[frame], owner[frame - int(back[frame])], owner[frame])
    return owner.flatten()


def strongest(preference: Tensor, links: int) -> Tensor:
    """The `links` largest finite entries of [T, N], equal ones in order."""
    order = preference.flatten().argsort(descending=True, stable=True)[:links]
    chosen = torch.zeros(preference.numel(), dtype=torch.bool, device=preference.device)
    chosen[order] = True
    return chosen.view_as(preference) & preference.isfinite()


@torch.no_grad()
def likeness(tokens: Tensor, back: Tensor) -> Tensor:
    """Cosine of each token with its place `back[t]` frames before; -inf where there is no such frame.  [T, N]

    A frame at a time into the same memory: products of all tokens at once leave the cache and take twice as long.
    """
    before = torch.arange(len(tokens), device=tokens.device) - back
    then = before.clamp(min=0)
    dots, products = tokens.new_empty(tokens.shape[:2]), torch.empty_like(tokens[0])
    for frame, earlier in enumerate(then.tolist()):
        torch.mul(tokens[frame], tokens[earlier], out=products)
        torch.sum(products, dim=-1, out=dots[frame])
    norm = torch.linalg.vector_norm(tokens, dim=-1).clamp(min=1e-12)
    return (dots / norm / norm[then]).masked_fill((before < 0)[:, None], -torch.inf)


@torch.no_grad()
def repeated(clip: Clip, count: int | None, merged: float = 0.7) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    turn = torch.arange(frames, device=clip.tokens.device) % GROUP
    back = torch.tensor(LOOKS_BACK, device=turn.device)[turn]
    alike = likeness(clip.tokens, back)
    if count is None:
        rank = alike.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        joined = (rank < int(merged * per_frame)) & (turn > 0)[:, None]
    else:
        within = alike + 4.0 * (turn > 0)[:, None]  # tokens within a group go before its first frame's
        joined = strongest(within, max(0, frames * per_frame - count))
    return Groups.of(numbered(chains(joined, back))).at_most(count)


def temporal_merge(width: int, out_width: int, tokens: int | None = None, *, merged: float = 0.7) -> Gathering:
    return Gathering(partial(repeated, merged=merged), projector(width, out_width), tokens)
