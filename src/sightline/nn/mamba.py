"""A selective state space: mixes a sequence over time at linear cost.

From: Mamba (2312.00752); Vision Mamba (2401.09417) for reading both ways.
Departures: the plain recurrence, no fused kernel; the sequence is unbound once before the loop (indexing it inside the
loop makes a full-size gradient at every step, a backward pass of quadratic cost); padding at either end leaves the
state alone, a gap lets it fade (pack the valid steps first).
Shapes: x [B, L, C], mask [B, L] -> [B, L, C].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.nn.padding import cleared


def selective_scan(u: Tensor, delta: Tensor, decay: Tensor, into: Tensor, out: Tensor) -> Tensor:
    """h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t,  y_t = C_t . h_t.

    Shapes: u and delta [B, L, E], decay A [E, n], into B and out C [B, L, n] -> y [B, L, E].
    """
    keep = torch.exp(delta[..., None] * decay)  # [B, L, E, n]
    add = (delta * u)[..., None] * into[:, :, None, :]
    state = torch.zeros_like(add[:, 0])
    said = []
    for keep_now, add_now, out_now in zip(keep.unbind(1), add.unbind(1), out.unbind(1), strict=True):
        state = keep_now * state + add_now
        said.append(torch.einsum("ben,bn->be", state, out_now))
    return torch.stack(said, dim=1)


class MambaMixer(nn.Module):
    """Gate, short causal convolution, selective scan."""

    def __init__(self, width: int, *, state: int = 16, expand: int = 2, kernel: int = 4) -> None:
        super().__init__()
        inner, rank = expand * width, math.ceil(width / 16)
        self.sizes = (rank, state, state)
        self.read = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, kernel, groups=inner, padding=kernel - 1)
        self.select = nn.Linear(inner, rank + 2 * state, bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1, state + 1).float().log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.write = nn.Linear(inner, width, bias=False)
        self._first_steps(rank)

    @torch.no_grad()
    def _first_steps(self, rank: int) -> None:
        """Steps begin log-uniform in [0.001, 0.1]; the bias is the inverse of softplus."""
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
        steps = torch.exp(torch.empty_like(self.step.bias).uniform_(math.log(1e-3), math.log(0.1))).clamp(min=1e-4)
        self.step.bias.copy_(steps + torch.log(-torch.expm1(-steps)))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        u, gate = self.read(cleared(x, mask)).chunk(2, dim=-1)
        u = F.silu(self.conv(u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        u = cleared(u, mask)  # the convolution's bias would speak on padding
        rank, into, out = self.select(u).split(self.sizes, dim=-1)
        delta = F.softplus(self.step(rank))
        y = selective_scan(u, delta, -self.log_decay.exp(), into, out) + self.skip * u
        return self.write(y * F.silu(gate))


class MambaBlock(nn.Module):
    """Residual and RMS norm around the mixer; `both_ways` adds a second mixer that reads from the end."""

    def __init__(self, width: int, *, state: int = 16, both_ways: bool = True) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.forwards = MambaMixer(width, state=state)
        self.backwards = MambaMixer(width, state=state) if both_ways else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        normed = self.norm(x)
        added = self.forwards(normed, mask)
        if self.backwards is not None:
            flipped = None if mask is None else mask.flip(1)
            added = added + self.backwards(normed.flip(1), flipped).flip(1)
        return x + added
