"""Describes a row of vectors by how it lies around a few centres that pictures and words share.

From: CLIP2Video's temporal alignment block (2106.11097), after NetVLAD (1511.07247): z_k = sum_s a_sk (x_s - e_k), each
normalised, averaged over k, normalised again: one vector for each row.
Departures: none. Sharing means calling the same module with frame tokens and with word tokens; what it is given is
the caller's choice (the public code adds every second frame once more, after `difference`).
Shapes: x [B, S, D], mask [B, S] -> [B, D] of unit length.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class SharedCentres(nn.Module):
    def __init__(self, width: int, centres: int = 5) -> None:
        super().__init__()
        self.assign = nn.Parameter(torch.randn(centres, width) / 8.0)
        self.centres = nn.Parameter(torch.randn(centres, width) / 8.0)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return normalize(normalize(self.residuals(x, mask), dim=-1).mean(dim=1), dim=-1)

    def residuals(self, x: Tensor, mask: Tensor) -> Tensor:
        """How the row leans away from each centre.  -> [B, k, D]"""
        x = x.masked_fill(~mask[..., None], 0.0)
        share = torch.softmax(x @ self.assign.T, dim=-1) * mask[..., None]  # [B, S, k]
        return share.transpose(1, 2) @ x - share.sum(dim=1)[..., None] * self.centres
