"""Guess the words that were covered, from the other words and from what was seen.

From: BERT (1810.04805): 15 % are asked for, of which 80 % are covered, 10 % replaced, 10 % left as they are; ALBEF
(2107.07651) mixes in what a slow twin guessed, alpha of the whole.
Departures: none. The loss of a pair that does not match is switched off by its `asked` rows (ViLBERT does so).
Shapes: ids and mask [B, L]; logits [B, L, V], asked bool [B, L] -> scalar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.objectives.terms import mean_of, soft_cross_entropy


def cover_words(
    ids: Tensor,
    mask: Tensor,
    cover: int,
    vocabulary: int,
    share: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """The words as shown and which are asked for. `mask` is True where a word may be asked (no padding, no marks)."""
    asked = (_uniform(ids, generator) < share) & mask
    fate = _uniform(ids, generator)
    drawn = torch.randint(vocabulary, ids.shape, generator=generator, device=ids.device)
    shown = torch.where(asked & (fate < 0.8), torch.full_like(ids, cover), ids)
    return torch.where(asked & (fate >= 0.8) & (fate < 0.9), drawn, shown), asked


def masked_words(
    logits: Tensor, ids: Tensor, asked: Tensor, twin_logits: Tensor | None = None, alpha: float = 0.4
) -> Tensor:
    """Mean cross entropy of the asked words; with the twin's logits, alpha of it towards the twin's softmax."""
    hard = F.cross_entropy(logits[asked], ids[asked], reduction="none")
    if twin_logits is None:
        return mean_of(hard)
    soft = soft_cross_entropy(logits[asked], twin_logits[asked].detach().softmax(dim=-1))
    return mean_of((1 - alpha) * hard + alpha * soft)


def _uniform(ids: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.rand(ids.shape, generator=generator, device=ids.device)
