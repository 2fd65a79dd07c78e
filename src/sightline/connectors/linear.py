"""One linear layer: every token is handed on as it is, in the language model's width.

From: LLaVA (2304.08485).  Departures: with a budget, neighbouring tokens are averaged until it is met.
Shapes: tokens [B, T, N, D] -> [B, T * N or M, W].
"""

from __future__ import annotations

from torch import nn

from sightline.connectors.clips import Gathering, runs


def linear(width: int, out_width: int, tokens: int | None = None) -> Gathering:
    return Gathering(runs, nn.Linear(width, out_width), tokens)
