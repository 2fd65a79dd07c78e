"""Choosing that can be learned: gradients through "which frame" and "which k frames".

`straight_through` sends a hard one-hot forward and the gradient of a softmax backward; with Gumbel noise it samples,
without (reading) it is the argmax. `perturbed_top_k` smooths top-k by noise on the scores: its value is how often
each frame took each place in time, its gradient the derivative of that expectation.

The true gradient is E[ <g, y> z ] / sigma: how good a whole draw y was, times the noise z that made it. It needs the
k drawn indices only, never the one-hot [B, n, k, T]. Subtracting the mean over the other draws leaves it unbiased and
much quieter. The form that public code uses keeps only the diagonal of the Jacobian: it forgets that a rising frame
pushes another one out.

From: Gumbel-softmax (arXiv 1611.01144); perturbed optimisers (arXiv 2002.08676), top-k by Cordonnier et al. (arXiv
2104.03059).
Departures: the index form and its baseline; the public diagonal form is an option, to reproduce papers.
Shapes: logits [..., T] -> weight [..., T]; scores [B, T] -> weight [B, K, T], rows sum to 1, row j = the j-th in time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sightline.errors import BadRecord

GRADIENTS = ("true", "diagonal")


def gumbel_noise(like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Standard Gumbel noise in the shape of `like`: minus the logarithm of exponential noise."""
    return -torch.empty_like(like).exponential_(generator=generator).log()


def straight_through(logits: Tensor, *, temperature: float = 1.0, noise: Tensor | None = None) -> Tensor:
    """One-hot at the highest of logits + noise; the gradient is that of softmax((logits + noise) / temperature).

    Entries of -inf are never chosen; every row needs one that is not.
    """
    moved = logits if noise is None else logits + noise
    soft = (moved / temperature).softmax(dim=-1)
    hard = torch.zeros_like(soft).scatter_(-1, moved.argmax(dim=-1, keepdim=True), 1.0)
    return hard + (soft - soft.detach())


def top_k_in_time(scores: Tensor, k: int) -> Tensor:
    """Indices [B, k] of the highest scores, ascending; of equal scores the earlier frame."""
    _enough(scores, k)
    return scores.argsort(dim=-1, descending=True, stable=True)[:, :k].sort(dim=-1).values


def one_hot(index: Tensor, frames: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Hard weights: index [B, K] -> [B, K, frames]."""
    return torch.nn.functional.one_hot(index, frames).to(dtype)


def perturbed_top_k(
    scores: Tensor,
    k: int,
    *,
    samples: int = 500,
    sigma: float = 0.05,
    gradient: str = "true",
    noise: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Smoothed top-k in time order; `gradient` is "true" or "diagonal" (the public form).

    Shapes: scores [B, T] (-inf: never), noise [B, samples, T] standard normal or drawn here -> weight [B, k, T].
    """
    _enough(scores, k)
    if gradient not in GRADIENTS:
        raise BadRecord(f"gradient is one of {GRADIENTS}, not {gradient!r}")
    exact = scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores  # halves cannot count draws
    if noise is None:
        shape = (scores.shape[0], samples, scores.shape[1])
        noise = torch.randn(shape, dtype=exact.dtype, device=scores.device, generator=generator)
    if noise.shape[1] < 2:
        raise BadRecord(f"perturbed top-k compares draws with each other and needs at least 2, not {noise.shape[1]}")
    weight: Tensor = _PerturbedTopK.apply(exact, k, noise.to(exact.dtype), sigma, gradient)
    return weight.to(scores.dtype)


def _enough(scores: Tensor, k: int) -> None:
    shape = tuple(scores.shape)
    if len(shape) != 2 or not 1 <= k <= shape[1]:
        raise BadRecord(f"asked for {k} frames of scores with shape {shape}; needs [B, T] and 1 <= k <= T")


class _PerturbedTopK(torch.autograd.Function):
    """Places are the k drawn indices of each draw, in time order: [B, k, n]."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, k: int, noise: Tensor, sigma: float, gradient: str) -> Tensor:
        drawn = torch.add(scores.unsqueeze(1), noise, alpha=sigma).topk(k, dim=-1, sorted=False).indices
        places = drawn.sort(dim=-1).values.transpose(1, 2)
        ctx.save_for_backward(places, noise)
        ctx.sigma, ctx.gradient = sigma, gradient
        share = scores.new_full((1, 1, 1), 1.0 / noise.shape[1]).expand(places.shape)
        return scores.new_zeros(len(scores), k, scores.shape[1]).scatter_add_(2, places, share)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        places, noise = ctx.saved_tensors
        rule = _true_gradient if ctx.gradient == "true" else _diagonal_gradient
        return rule(upstream[0], places, noise) / ctx.sigma, None, None, None, None


def _true_gradient(upstream: Tensor, places: Tensor, noise: Tensor) -> Tensor:
    """Mean over draws of (worth - mean worth of the other draws) x noise."""
    worth = upstream.gather(2, places).sum(dim=1)  # [B, n]
    draws = noise.shape[1]
    surplus = (worth - worth.mean(dim=1, keepdim=True)) / (draws - 1)
    return torch.einsum("bn,bnt->bt", surplus, noise)


def _diagonal_gradient(upstream: Tensor, places: Tensor, noise: Tensor) -> Tensor:
    """Sum over places j of upstream[j, t] x the mean noise of frame t over the draws that put it in place j."""
    its_own = noise.transpose(1, 2).gather(1, places)  # [B, k, n]: noise [B, T, n] at frame = places
    summed = torch.zeros_like(upstream).scatter_add_(2, places, its_own)
    return (upstream * summed).sum(dim=1) / noise.shape[1]
