"""Visual tokens take the place of a mark among the words, and the language model reads on as if they were words.

From: LLaVA (2304.08485): one mark becomes all tokens of its picture; loss is asked for on words only, padding right.
Departures: any number of marks (`at` per visual token); without a mark the visual tokens go before the words; invalid
tokens are left out rather than attended to; done by one sort for the whole batch.
Shapes: words [B, L, W], prefix [B, M, W], at [B] or [B, M] -> embeddings [B, L', W], L' = the longest row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.errors import BadRecord
from sightline.nn.padding import cleared

BEFORE = -1  # the place of visual tokens that replace no mark


@dataclass(frozen=True)
class Spliced:
    """`order` says which of the L + M tokens (words first, then prefix) stands at each place."""

    embeddings: Tensor
    mask: Tensor
    order: Tensor
    words: int

    @property
    def is_word(self) -> Tensor:
        """True where a word of the text stands, [B, L']."""
        return self.mask & (self.order < self.words)

    def carried(self, values: Tensor, fill: float | bool) -> Tensor:
        """What was known of each word (ids, asked), at its new place; `fill` at visual tokens and padding."""
        moved = values.gather(1, self.order.clamp(max=self.words - 1))
        return torch.where(self.is_word, moved, torch.full_like(moved, fill))


def splice(
    words: Tensor,
    prefix: Tensor,
    words_mask: Tensor | None = None,
    prefix_mask: Tensor | None = None,
    at: Tensor | int | None = None,
    longest: int | None = None,
) -> Spliced:
    """`at`: the place of the mark that visual tokens replace, one for all or one for each; `longest` cuts the end."""
    batch, length, width = words.shape
    if prefix.shape[0] != batch or prefix.shape[2] != width:
        raise BadRecord(f"words {tuple(words.shape)} and prefix {tuple(prefix.shape)} need the same batch and width")
    words_mask = words.new_ones(words.shape[:2], dtype=torch.bool) if words_mask is None else words_mask
    prefix_mask = words.new_ones(prefix.shape[:2], dtype=torch.bool) if prefix_mask is None else prefix_mask
    place = _places(at, prefix_mask, length)
    marks = torch.zeros(batch, length + 1, dtype=torch.bool, device=words.device)
    marks.scatter_(1, place + 1, True)  # column 0 is BEFORE
    keep = torch.cat([words_mask & ~marks[:, 1:], prefix_mask], dim=1)
    order, mask = _order(torch.arange(length, device=words.device).expand(batch, -1), place, keep, longest)
    tokens = torch.cat([cleared(words, words_mask), cleared(prefix, prefix_mask)], dim=1)
    embeddings = tokens.gather(1, order[..., None].expand(-1, -1, width))
    return Spliced(cleared(embeddings, mask), mask, order, length)


def _order(words: Tensor, prefix: Tensor, keep: Tensor, longest: int | None) -> tuple[Tensor, Tensor]:
    """Places in the text sorted, visual tokens of one mark in their own order, the invalid last and cut off."""
    place = torch.cat([words, prefix], dim=1).masked_fill(~keep, torch.iinfo(torch.long).max)
    counts = keep.sum(dim=1)
    longest = int(counts.max()) if longest is None else min(longest, int(counts.max()))
    order = place.argsort(dim=1, stable=True)[:, :longest]
    return order, torch.arange(longest, device=keep.device) < counts[:, None]


def _places(at: Tensor | int | None, prefix_mask: Tensor, length: int) -> Tensor:
    """[B, M] places from one number, one per sample, or one per visual token; an invalid token has no mark."""
    place = torch.as_tensor(BEFORE if at is None else at, dtype=torch.long, device=prefix_mask.device)
    place = (place[:, None] if place.ndim == 1 else place).expand(prefix_mask.shape)
    place = place.masked_fill(~prefix_mask, BEFORE)
    low, high = (int(place.min()), int(place.max())) if place.numel() else (BEFORE, BEFORE)
    if low < BEFORE or high >= length:
        raise BadRecord(f"marks stand at {low} .. {high}; a text of {length} words has places {BEFORE} .. {length - 1}")
    return place
