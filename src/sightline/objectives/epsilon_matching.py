"""Say which noise was added to a picture; then pictures can be drawn by taking it away, step by step.

From: DDPM (2006.11239), in the usual notation: the network says epsilon itself.
Departures: steps count from 0 (the least noise); the mean over values may be masked.
Shapes: pictures, noise [B, ...], step [B] int, betas [S]; predicted [B, ...] -> scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.objectives.terms import mean_of


def linear_betas(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """How much of each step is noise (variance), in float64: products of a thousand of them follow."""
    return torch.linspace(first, last, steps, dtype=torch.float64)


def noised(pictures: Tensor, noise: Tensor, step: Tensor, betas: Tensor) -> Tensor:
    """sqrt(kept) x picture + sqrt(1 - kept) x noise, where kept is the product of all 1 - beta up to the step."""
    kept = _each((1 - betas).cumprod(0), step, pictures)
    return kept.sqrt() * pictures + (1 - kept).sqrt() * noise


def epsilon_matching(predicted: Tensor, noise: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of (epsilon - predicted)^2."""
    return mean_of((noise.detach() - predicted).square(), mask)


def less_noisy(
    pictures: Tensor,
    predicted: Tensor,
    step: Tensor,
    betas: Tensor,
    noise: Tensor | None = None,
    variance: str = "large",
) -> Tensor:
    """One step back: (x - beta / sqrt(1 - kept) epsilon) / sqrt(1 - beta) + sigma z, without z at step 0.

    `variance` "large" is beta, "small" beta (1 - kept before) / (1 - kept). Without noise: the mean.
    """
    if variance not in ("large", "small"):
        raise ValueError(f"the variance of a step is 'large' or 'small', not {variance!r}")
    all_kept = (1 - betas).cumprod(0)
    beta, kept = _each(betas, step, pictures), _each(all_kept, step, pictures)
    mean = (pictures - beta / (1 - kept).sqrt() * predicted) / (1 - beta).sqrt()
    if noise is None:
        return mean
    before = _each(torch.cat([torch.ones_like(all_kept[:1]), all_kept[:-1]]), step, pictures)
    spread = beta if variance == "large" else beta * (1 - before) / (1 - kept)
    first = _each(torch.arange(len(betas), device=betas.device) == 0, step, pictures)
    return mean + (1 - first) * spread.sqrt() * noise


def _each(table: Tensor, step: Tensor, like: Tensor) -> Tensor:
    """The table's value at every sample's step, ready to multiply: [B, 1, 1, ...]"""
    return table.to(step.device)[step].to(like.dtype).reshape(-1, *(1,) * (like.ndim - 1))
