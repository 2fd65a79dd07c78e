"""Joins the average over time (what stays) with the average over space (what changes).

From: Video-ChatGPT (2306.05424); its code puts the frames first, the order here is the paper's.
Departures: padded frames are not averaged in and not handed on; a budget is dealt to both parts by their lengths.
Shapes: tokens [B, T, N, D] -> [B, N + T or M, W].
"""

from __future__ import annotations

import torch
from torch import nn

from sightline.connectors.clips import Clip, Gathering, Groups


def time_and_space(clip: Clip, count: int | None) -> Groups:
    frames, per_frame = clip.tokens.shape[:2]
    count = min(count or frames + per_frame, frames + per_frame)
    places = count * per_frame // (frames + per_frame)  # tokens left for the average over time
    moments = count - places
    row = torch.arange(frames * per_frame, device=clip.tokens.device)
    over_time = row % per_frame * places // per_frame
    over_space = places + row // per_frame * moments // frames
    if places == 0:
        return Groups.of(over_space)
    return Groups.of(torch.cat([over_time, over_space]), index=torch.cat([row, row]))


def mean_pool(width: int, out_width: int, tokens: int | None = None) -> Gathering:
    return Gathering(time_and_space, nn.Linear(width, out_width), tokens)
