"""Tell a true pair from a false one that looks true: negatives are drawn the likelier, the more alike they are.

From: ALBEF (2107.07651) and BLIP-2 (2301.12597): one false text per picture, one false picture per text, softmax over
their similarity; two logits and a cross entropy, 1 = a match.
Departures: drawn by Gumbel-max, the same distribution in one step, so nothing can overflow and no loop retries; a pair
that is right (`positives`) is never drawn; a row with no negative brings none. ViLBERT's labels are the other way
round: pass `match=0`.
Shapes: similarity [B, B] (scaled, row: picture) -> pairs left, right, label [up to 3 B]; logits [P, 2] -> scalar.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.nn.choice import gumbel_noise
from sightline.objectives.terms import mean_of


class Pairs(NamedTuple):
    """Which picture goes with which words: rows of the batch, and whether they belong together."""

    left: Tensor
    right: Tensor
    label: Tensor


def matching(logits: Tensor, label: Tensor, match: int = 1) -> Tensor:
    """Cross entropy over (no match, match), or the other way round with match=0."""
    target = label.long() if match == 1 else 1 - label.long()
    return mean_of(F.cross_entropy(logits, target, reduction="none"))


@torch.no_grad()
def hard_negatives(
    scores: Tensor, positives: Tensor | None = None, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """For each row a column drawn by softmax of the scores, never a positive: (column [B], there is one [B])."""
    wrong = ~(torch.eye(*scores.shape, dtype=torch.bool, device=scores.device) if positives is None else positives)
    exact = scores.detach().float().clamp(min=torch.finfo(torch.float32).min / 2)  # -inf is for positives alone
    drawn = (exact + gumbel_noise(exact, generator)).masked_fill(~wrong, -torch.inf).argmax(dim=1)
    return drawn, wrong.any(dim=1)


def matching_pairs(scores: Tensor, positives: Tensor | None = None, generator: torch.Generator | None = None) -> Pairs:
    """The true pairs, then each picture with false words, then each words with a false picture."""
    rows = torch.arange(len(scores), device=scores.device)
    words, has_words = hard_negatives(scores, positives, generator)
    picture, has_picture = hard_negatives(scores.T, None if positives is None else positives.T, generator)
    left = torch.cat([rows, rows[has_words], picture[has_picture]])
    right = torch.cat([rows, words[has_words], rows[has_picture]])
    return Pairs(left, right, (torch.arange(len(left), device=scores.device) < len(rows)).long())
