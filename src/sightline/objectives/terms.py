"""What the objectives are written in: a mean over what counts, and a cross entropy to targets that are shares.

Departures: where nothing counts the mean is 0, not NaN; a target of 0 may stand at a logit of -inf.
Shapes: values and mask [...] -> scalar; logits and targets [..., V] -> [...].
"""

from __future__ import annotations

import torch
from torch import Tensor


def mean_of(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of the values whose mask is True (of all, without a mask)."""
    if mask is None:
        return values.mean() if values.numel() else values.sum()
    counted = torch.where(mask, values, torch.zeros_like(values))
    return counted.sum() / mask.expand_as(values).sum().clamp(min=1)


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """- sum over V of target x log softmax(logits)."""
    logs = logits.log_softmax(dim=-1)
    return -torch.where(targets > 0, targets * logs, torch.zeros_like(logs)).sum(dim=-1)


def similarity(left: Tensor, right: Tensor) -> Tensor:
    """Cosines of rows: [n, E] and [m, E] -> [n, m]; several vectors a row, [n, Q, E], count by their best one."""
    left, right = (torch.nn.functional.normalize(side, dim=-1) for side in (left, right))
    if left.ndim == 2:
        return left @ right.T
    return torch.einsum("nqe,me->nmq", left, right).amax(dim=-1)
