"""Two linear layers with a GELU between them.

From: LLaVA-1.5 (2310.03744).  Departures: with a budget, neighbouring tokens are averaged first.
Shapes: tokens [B, T, N, D] -> [B, T * N or M, W].
"""

from __future__ import annotations

from torch import nn

from sightline.connectors.clips import Gathering, runs


def projector(width: int, out_width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, out_width), nn.GELU(), nn.Linear(out_width, out_width))


def mlp(width: int, out_width: int, tokens: int | None = None) -> Gathering:
    return Gathering(runs, projector(width, out_width), tokens)
