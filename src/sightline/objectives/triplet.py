"""A right answer shall score higher than a wrong one by a margin.

From: FaceNet (1503.03832) for which wrong ones to take: "hardest" the highest; "semi-hard" the highest that is still
below the right one (where there is none, the lowest: the least unfair); "all" every one, on average.
Departures: scores, not distances; works on the whole matrix at once; rows without a wrong answer do not count.
Shapes: scores [B, A], positives bool [B, A], mask bool [B, A] -> scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.objectives.terms import mean_of

WAYS = ("hardest", "semi-hard", "all")


def triplet(
    scores: Tensor,
    positives: Tensor | None = None,
    mask: Tensor | None = None,
    margin: float = 0.2,
    negatives: str = "hardest",
) -> Tensor:
    """max(0, margin - right + wrong), mean over the right answers of each row; the diagonal is right if not said."""
    if negatives not in WAYS:
        raise ValueError(f"wrong answers are taken as one of {WAYS}, not {negatives!r}")
    right = torch.eye(*scores.shape, dtype=torch.bool, device=scores.device) if positives is None else positives
    valid = torch.ones_like(right) if mask is None else mask
    wrong, right = ~right & valid, right & valid
    if negatives == "all":
        short = (margin - scores[:, :, None] + scores[:, None]).clamp(min=0)  # [B, right, wrong]
        return mean_of(short, right[:, :, None] & wrong[:, None])
    rival = _hardest(scores, wrong) if negatives == "hardest" else _semi_hard(scores, wrong)
    counted = right & wrong.any(dim=1, keepdim=True)
    return mean_of((margin - scores + rival).clamp(min=0), counted)


def _hardest(scores: Tensor, wrong: Tensor) -> Tensor:
    return scores.masked_fill(~wrong, _lowest(scores)).amax(dim=1, keepdim=True).expand_as(scores)


def _semi_hard(scores: Tensor, wrong: Tensor) -> Tensor:
    """For every entry taken as the right one, its rival: [B, A]"""
    below = wrong[:, None] & (scores[:, None] < scores[:, :, None])  # [B, right, wrong]
    rival = scores[:, None].expand_as(below).masked_fill(~below, _lowest(scores)).amax(dim=2)
    easiest = scores.masked_fill(~wrong, -_lowest(scores)).amin(dim=1, keepdim=True).expand_as(scores)
    return torch.where(below.any(dim=2), rival, easiest)


def _lowest(scores: Tensor) -> float:
    return torch.finfo(scores.dtype).min / 4
