"""Pull the centres of attention in time to the frames that look most like the answer, and keep them in order.

From: GCG (2401.10711). The paper regresses shares of the video; the public code regresses frames and adds the order
hinge, which the paper does not have; both weigh 1 there.
Departures: one centre has no order to keep: 0, not a division by zero. Padded videos have their own last frame.
Shapes: centres [B, K] in 0 .. 1 in order of time, likely [B, K] frame numbers ascending, frames: T or [B] -> scalar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.nn.choice import top_k_in_time


def likely_frames(vectors: Tensor, event: Tensor, k: int, mask: Tensor) -> Tensor:
    """The k frames most like the answer's vector, in time order: [B, T, E], [B, E], [B, T] -> [B, k]"""
    scores = torch.einsum("bte,be->bt", F.normalize(vectors, dim=-1), F.normalize(event, dim=-1))
    return top_k_in_time(scores.masked_fill(~mask, -torch.inf), k)


def centre_regression(centres: Tensor, likely: Tensor, frames: Tensor | int, unit: str = "frames") -> Tensor:
    """Smooth L1 between centres and likely frames; `unit` "frames" as released, "share" as in the paper."""
    if unit not in ("frames", "share"):
        raise ValueError(f"centres are measured in 'frames' or as a 'share' of the video, not in {unit!r}")
    last = _last(centres, frames)
    if unit == "frames":
        return F.smooth_l1_loss(centres * last, likely.to(centres.dtype))
    return F.smooth_l1_loss(centres, likely.to(centres.dtype) / last.clamp(min=1))


def order_hinge(centres: Tensor, frames: Tensor | int) -> Tensor:
    """How far each centre is from being a frame or more after the one before it, on average.

    From: the public code of GCG (2401.10711).
    """
    at = centres * _last(centres, frames)
    late = (1 + at[:, :-1] - at[:, 1:]).clamp(min=0)
    return late.mean() if late.numel() else centres.sum() * 0.0


def _last(centres: Tensor, frames: Tensor | int) -> Tensor:
    """The number of the last frame, [B, 1] or [1, 1]."""
    return (torch.as_tensor(frames, device=centres.device, dtype=centres.dtype) - 1).reshape(-1, 1)
