"""A picture said in a few words of a codebook shall be drawn again from them, and all codes shall be of use.

From: the discrete autoencoder of DALL-E (2102.12092): what comes back against what went in, plus beta times the
distance KL(q || uniform) of the code shares from even use; the relaxed one-hot is `sightline.nn.choice`.
Departures: both terms are means (the distance over cells and batch, summed over codes), so that beta means the same at
any size; a widely used port forgets to divide the distance by the batch.
Shapes: rebuilt and pictures [B, C, H, W] ([B, 2 C, H, W] rebuilt for "laplace"), code_logits [B, cells, V] -> scalar.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

AWAY = 0.1  # "laplace" keeps values this far from 0 and 1, where the logit has no end
WAYS = ("squares", "smooth", "laplace")


def code_reconstruction(
    rebuilt: Tensor, pictures: Tensor, code_logits: Tensor, beta: float = 0.0, kind: str = "squares"
) -> Tensor:
    """`kind` is "squares", "smooth" L1, or "laplace" (pictures 0 .. 1; rebuilt holds means, then log widths)."""
    if kind not in WAYS:
        raise ValueError(f"a picture is compared by one of {WAYS}, not {kind!r}")
    if kind == "laplace":
        kept = logit_laplace(pictures * (1 - 2 * AWAY) + AWAY, *rebuilt.chunk(2, dim=1)).mean()
    else:
        kept = (F.mse_loss if kind == "squares" else F.smooth_l1_loss)(rebuilt, pictures)
    return kept + beta * uneven_use(code_logits)


def uneven_use(code_logits: Tensor) -> Tensor:
    """KL(q || uniform) = log V - entropy, summed over codes, mean over cells: 0 for even use, log V for one code."""
    logs = code_logits.log_softmax(dim=-1)
    return math.log(code_logits.shape[-1]) + (logs.exp() * logs).sum(dim=-1).mean()


def logit_laplace(values: Tensor, mean: Tensor, log_width: Tensor) -> Tensor:
    """- log of the density on (0, 1) whose logit is Laplace distributed."""
    density = (torch.logit(values) - mean).abs() * torch.exp(-log_width) + log_width + math.log(2)
    return density + torch.log(values * (1 - values))
