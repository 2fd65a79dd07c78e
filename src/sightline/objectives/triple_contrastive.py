"""Three contrasts, each for pictures and for words: with the other kind, with its own kind, with its own parts.

From: TCL (2202.10401): 1, 2 across kinds with ALBEF's soft targets; 3, 4 within a kind, a picture against the twin's
view of another augmentation of it; 5, 6 the whole against the twin's local vectors (patches, words).
Departures: patches are pooled to any asked square (`pooled_patches`); the public reshape is right for 16 x 16 only.
The local mean is taken over the unpadded parts of a sample, then over samples, for pictures as for words.
Shapes: vectors [B, E], queues [n, E], locals [B, P, E] with mask [B, P] -> scalar.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.objectives.queue_contrastive import right_answers, toward
from sightline.objectives.terms import mean_of


class Side(NamedTuple):
    """One kind (pictures or words): what the learner says, and what its twin says, said, and says of the parts."""

    vectors: Tensor
    twin: Tensor
    queue: Tensor
    parts: Tensor
    parts_mask: Tensor | None = None


def triple_contrastive(pictures: Side, words: Side, temperature: Tensor | float = 0.07, alpha: float = 0.4) -> Tensor:
    """The mean of the six terms."""
    return torch.stack(list(six_terms(pictures, words, temperature, alpha).values())).mean()


def six_terms(pictures: Side, words: Side, temperature: Tensor | float = 0.07, alpha: float = 0.4) -> dict[str, Tensor]:
    def contrast(asks: Side, keys: Side, softness: float) -> Tensor:
        own = right_answers(len(asks.vectors), len(keys.queue), None, None, asks.vectors.device)
        return toward(asks.vectors, asks.twin, keys.twin, keys.queue, temperature, softness, own)

    return {
        "picture_to_words": contrast(pictures, words, alpha),
        "words_to_picture": contrast(words, pictures, alpha),
        "picture_to_picture": contrast(pictures, pictures, 0.0),
        "words_to_words": contrast(words, words, 0.0),
        "picture_to_parts": local_contrastive(pictures.vectors, pictures.parts, pictures.parts_mask, temperature),
        "words_to_parts": local_contrastive(words.vectors, words.parts, words.parts_mask, temperature),
    }


def local_contrastive(
    whole: Tensor, parts: Tensor, mask: Tensor | None = None, temperature: Tensor | float = 0.07
) -> Tensor:
    """Each part of its own sample is picked out, one at a time, from the parts of all other samples.

    From: TCL (2202.10401), its terms 5 and 6.
    """
    valid = torch.ones(parts.shape[:2], dtype=torch.bool, device=parts.device) if mask is None else mask
    parts = F.normalize(parts.detach().masked_fill(~valid[..., None], 0.0), dim=-1)
    logits = torch.einsum("be,npe->bnp", F.normalize(whole, dim=-1), parts) / temperature  # [B, B, P]
    own = torch.eye(len(whole), dtype=torch.bool, device=whole.device)
    nobody = torch.finfo(logits.dtype).min / 2
    others = logits.masked_fill(own[..., None] | ~valid, nobody).flatten(1).logsumexp(dim=1)  # [B]
    right = logits.diagonal().T  # [B, P]
    surprise = torch.where(valid, torch.logaddexp(right, others[:, None]) - right, torch.zeros_like(right))
    counts = valid.sum(dim=1)
    return mean_of(surprise.sum(dim=1) / counts.clamp(min=1), counts > 0)


def pooled_patches(patches: Tensor, grid: tuple[int, int], side: int = 4) -> Tensor:
    """Patches averaged to a square of side x side, from any grid: [B, h * w, E] -> [B, side * side, E]"""
    pictures = patches.transpose(1, 2).unflatten(2, grid)
    return F.adaptive_avg_pool2d(pictures, side).flatten(2).transpose(1, 2)
