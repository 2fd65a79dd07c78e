"""A slow twin of a model, and a queue of what it said lately: many negatives from small batches.

From: MoCo (1911.05722); ALBEF (2107.07651) moves the twin before the keys are made and fills the queue afterwards.
Departures: the queue writes modulo its size, so no batch size has to divide it; unwritten rows are never handed out.
Shapes: rows [n, C] -> queue [up to size, C].
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class MomentumTwin(nn.Module):
    """theta_twin <- m theta_twin + (1 - m) theta; the twin never learns by gradient."""

    def __init__(self, model: nn.Module, momentum: float = 0.995) -> None:
        super().__init__()
        self.momentum = momentum
        self.twin = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """One step towards `model`; buffers (counts, running means) are taken over as they are."""
        for slow, quick in zip(self.twin.parameters(), model.parameters(), strict=True):
            slow.lerp_(quick.detach(), 1.0 - self.momentum)
        for mine, theirs in zip(self.twin.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.twin(*inputs, **named)


class Queue(nn.Module):
    """The last `size` rows pushed. A batch longer than the queue leaves its last rows."""

    rows: Tensor
    pushed: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(size, width))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, rows: Tensor) -> None:
        size, start = self.rows.shape[0], int(self.pushed)
        places = torch.arange(start, start + len(rows), device=rows.device)[-size:] % size
        self.rows[places] = rows.detach()[-size:].to(self.rows.dtype)
        self.pushed += len(rows)

    def filled(self) -> Tensor:
        """A copy of the rows written so far: a later push does not reach into a running backward pass."""
        return self.rows[: min(int(self.pushed), self.rows.shape[0])].clone()
