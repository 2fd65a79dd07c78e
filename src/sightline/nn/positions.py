"""Where and when: positions by seconds, and tables that stretch to lengths they were not trained for.

From: the sinusoid of 1706.03762 over seconds; PVC's time embedding TE = W2 SiLU(W1 sinusoid) (2412.09613); CLIP's
grid table resized as LanguageBind does (2310.01852); the 20/4 context stretch of Long-CLIP and PPLLaVA (2411.02327).
Departures: time is counted in elapsed seconds, so that any number of frames fits and later frames change nothing.
Shapes: seconds [...] -> [..., C]; table [L, C] -> [L', C].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sinusoid(seconds: Tensor, width: int, longest: float = 10_000.0) -> Tensor:
    """Cosines and sines of geometrically spaced frequencies, 1 to 1 / longest radians a second; any width."""
    half = (width + 1) // 2
    steps = torch.arange(half, dtype=torch.float32, device=seconds.device) / half
    angles = seconds.float()[..., None] * torch.exp(-math.log(longest) * steps)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)[..., :width]


def elapsed(seconds: Tensor, mask: Tensor) -> Tensor:
    """Seconds since each sample's first valid frame; 0 on padding, whatever lies there.  [B, T] -> [B, T]"""
    first = seconds.masked_fill(~mask, math.inf).amin(dim=1, keepdim=True)
    return (seconds - first).masked_fill(~mask, 0.0)


class SecondsEmbedding(nn.Module):
    """Seconds as a learned vector. `scale` multiplies them first: at 10, a tenth of a second tells frames apart."""

    def __init__(self, width: int, *, hidden: int | None = None, codes: int = 256, scale: float = 1.0) -> None:
        super().__init__()
        self.codes, self.scale = codes, scale
        self.mlp = nn.Sequential(nn.Linear(codes, hidden or width), nn.SiLU(), nn.Linear(hidden or width, width))

    def forward(self, seconds: Tensor) -> Tensor:
        return self.mlp(sinusoid(seconds * self.scale, self.codes).to(next(self.parameters()).dtype))


def interpolated(table: Tensor, length: int) -> Tensor:
    """A position table of another length, read linearly; the ends keep their rows.  [L, C] -> [length, C]"""
    if length == table.shape[0]:
        return table
    return F.interpolate(table.T[None], size=length, mode="linear", align_corners=True)[0].T


def interpolated_grid(table: Tensor, from_grid: tuple[int, int], to_grid: tuple[int, int]) -> Tensor:
    """A grid of positions for pictures of another size, bicubic.  [h * w, C] -> [h' * w', C]"""
    if from_grid == to_grid:
        return table
    picture = table.T.unflatten(1, from_grid)[None]  # [1, C, h, w]
    return F.interpolate(picture, size=to_grid, mode="bicubic", align_corners=False)[0].flatten(1).T


def stretched(table: Tensor, keep: int = 20, factor: int = 4) -> Tensor:
    """The first `keep` rows as they are, the others `factor` times as long: 77 rows become 248 with 20 and 4.

    New row i reads the old coordinate i below `keep` and keep + (i - keep) / factor from there; the last rows go on
    in the direction of the last step. The token table is another table: copy it, never leave it random.
    """
    rows = table.shape[0]
    if not 0 <= keep <= rows - 2:
        raise ValueError(f"stretching {rows} positions needs keep between 0 and {rows - 2}, not {keep}")
    index = torch.arange(keep + (rows - keep) * factor, device=table.device)
    place = torch.where(index < keep, index.float(), keep + (index - keep) / factor)
    left = place.long().clamp(max=rows - 2)
    return torch.lerp(table[left], table[left + 1], (place - left)[:, None].to(table.dtype))
