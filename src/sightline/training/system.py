"""What every system is: something that shows a language model part of a video, and the language model that answers.

A recipe writes `see`: which frames, which tokens of them, in the language model's width. The rest is the same for all.

From: each option is read, and the language model says yes or no, as SeViLA's localiser does (arXiv 2305.06988).
Departures: learns from the right option's odds against the others, and from each option's yes or no. A language model
of this size learns to recognise an answer in minutes, and to say it in hours (LOG.md).
Shapes: Batch -> Shown(prefix [B, M, W], choice [B, K, T] or none) -> scores [B, O]
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.language.tiny_lm import TinyLM, option_verdicts
from sightline.nn.choice import one_hot
from sightline.records import Choice, Prefix, Seen, Words
from sightline.training.batches import Batch


@dataclass(frozen=True)
class Shown:
    """What the language model gets to see, and where it came from; `extras` are for the recipe's own losses."""

    prefix: Prefix | None
    choice: Choice | None = None
    extras: dict[str, Any] = field(default_factory=dict)


class System(nn.Module):
    """The base of every system. `tokens` is M, the budget that no system may go beyond."""

    def __init__(self, lm: TinyLM, tokens: int) -> None:
        super().__init__()
        self.lm, self.tokens = lm, tokens

    def see(self, batch: Batch) -> Shown:
        raise NotImplementedError

    def forward(self, batch: Batch) -> tuple[Tensor, Shown]:
        """How surely each option is right, and what was shown for it."""
        shown = self.see(batch)
        return self.scores(batch, shown.prefix), shown

    def scores(self, batch: Batch, prefix: Prefix | None) -> Tensor:
        """The log-odds of yes for each option [B, O]; those that a question does not have are -inf."""
        if prefix is not None and prefix.mask.shape[1] > self.tokens:
            raise BadRecord(f"{prefix.mask.shape[1]} visual tokens were shown, and the budget is {self.tokens}")
        assert batch.words.ids is not None and batch.words.mask is not None
        scores = option_verdicts(self.lm, (batch.words.ids, batch.words.mask), batch.options, prefix)
        return scores.masked_fill(~batch.real, -torch.inf)

    def question(self, batch: Batch) -> Words:
        """The question with its words as the language model holds them."""
        return replace(batch.words, tokens=self.lm.words(batch.words.ids))


def answer_terms(scores: Tensor, batch: Batch) -> dict[str, Tensor]:
    """ "options": the right one against the others. "words": yes or no, said of each option by itself.

    Shapes: scores [B, O] -> two scalars
    """
    right = F.one_hot(batch.answer, scores.shape[1]).float()
    said = F.binary_cross_entropy_with_logits(scores[batch.real], right[batch.real])
    return {"options": F.cross_entropy(scores, batch.answer), "words": said}


def frames_of(seen: Seen, choice: Choice) -> Seen:
    """The chosen frames, K of T: one einsum, so that hard and soft choices are interchangeable."""
    weight = choice.weight
    rows = torch.arange(len(weight))[:, None]
    return Seen(
        torch.einsum("bkt,bte->bke", weight, seen.vectors),
        seen.seconds[rows, choice.index],
        seen.mask[rows, choice.index],
        None if seen.tokens is None else torch.einsum("bkt,btnd->bknd", weight, seen.tokens),
        grid=seen.grid,
    )


def hard(index: Tensor, scores: Tensor, **extras: Tensor) -> Choice:
    """A choice of these frames. Shapes: index [B, K] ascending, scores [B, T]"""
    return Choice(one_hot(index, scores.shape[1]), index, scores, extras)
