"""Pictures and words that belong together are drawn together, all others of the batch apart.

Two forms. `symmetric_contrastive` asks each side to find its partner among all of the other side (a softmax over the
batch, both ways). `sigmoid_contrastive` asks of each pair alone whether it belongs together, and so needs no big batch.

Departures: none; `scale` multiplies (CLIP's exp(s), which recipes hold at 100 or less; for a temperature pass 1 / t).
Shapes: left [B, E] or [B, Q, E], right [B, E], positives bool [B, B] (row: left) -> scalar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.objectives.terms import similarity, soft_cross_entropy

CLIP_SCALE = 1 / 0.07  # where CLIP's learned scale begins


def symmetric_contrastive(
    left: Tensor,
    right: Tensor,
    scale: Tensor | float = CLIP_SCALE,
    positives: Tensor | None = None,
    smoothing: float = 0.0,
) -> Tensor:
    """Half the cross entropy from left to right, half from right to left; the diagonal is right if not said.

    From: CLIP (2103.00020); several right answers, label smoothing, and several vectors a picture of which the best
    counts are BLIP-2's (2301.12597).
    """
    logits = scale * similarity(left, right)
    right_answers = _diagonal(logits) if positives is None else positives
    there = soft_cross_entropy(logits, spread(right_answers, smoothing)).mean()
    back = soft_cross_entropy(logits.T, spread(right_answers.T, smoothing)).mean()
    return (there + back) / 2


def sigmoid_contrastive(
    left: Tensor,
    right: Tensor,
    scale: Tensor | float = 10.0,
    bias: Tensor | float = -10.0,
    positives: Tensor | None = None,
) -> Tensor:
    """- log sigmoid(z (scale x cosine + bias)), z = 1 for partners, -1 for others; summed over right, mean of left.

    From: SigLIP (2303.15343).
    """
    logits = scale * similarity(left, right) + bias
    right_answers = _diagonal(logits) if positives is None else positives
    signed = torch.where(right_answers, logits, -logits)
    return -F.logsigmoid(signed).sum(dim=1).mean()


def spread(positives: Tensor, smoothing: float = 0.0) -> Tensor:
    """Right answers as shares of 1: equal among themselves, a `smoothing` of the whole equal over all columns."""
    share = positives / positives.sum(dim=-1, keepdim=True).clamp(min=1)
    return (1 - smoothing) * share + smoothing / positives.shape[-1]


def _diagonal(logits: Tensor) -> Tensor:
    return torch.eye(*logits.shape, dtype=torch.bool, device=logits.device)
