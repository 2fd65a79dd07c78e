"""A judge learns to tell pictures' vectors from words' vectors; the vectors learn to leave it no clue.

One backward pass serves both: the judge gets its gradient as it is, what it judged gets it turned round.

From: gradient reversal, DANN (1409.7495); between pictures and words, ACMR (ACM MM 2017).
Departures: none; both kinds weigh the same however many there are of each.
Shapes: pictures [n, E], words [m, E], judge [., E] -> [., 2] -> scalar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

PICTURE, WORDS = range(2)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return vectors.view_as(vectors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        return -ctx.strength * upstream[0], None


def reversed_gradient(vectors: Tensor, strength: float = 1.0) -> Tensor:
    """The vectors as they are; on the way back, minus `strength` times the gradient."""
    out: Tensor = _Reverse.apply(vectors, strength)
    return out


def rising(progress: float, steepness: float = 10.0) -> float:
    """DANN's strength over training: 0 at progress 0, nearly 1 at progress 1."""
    return 2 / (1 + math.exp(-steepness * progress)) - 1


def modality_adversarial(
    pictures: Tensor, words: Tensor, judge: Callable[[Tensor], Tensor], strength: float = 1.0
) -> Tensor:
    """The judge's cross entropy, mean over pictures and mean over words, half each."""
    return (_judged(pictures, PICTURE, judge, strength) + _judged(words, WORDS, judge, strength)) / 2


def _judged(vectors: Tensor, kind: int, judge: Callable[[Tensor], Tensor], strength: float) -> Tensor:
    logits = judge(reversed_gradient(vectors, strength))
    return F.cross_entropy(logits, torch.full((len(vectors),), kind, device=vectors.device))
