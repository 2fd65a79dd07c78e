"""What recipes that choose frames share: choices of whole batches, by place, by score, and by the training-free ways.

Shapes: scores and mask [B, T] -> Choice with K = min(k, fewest valid frames), index ascending
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.keyframes import CHOOSERS
from sightline.nn.choice import top_k_in_time
from sightline.records import Choice, Seen
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, frames_of, hard


def middles(mask: Tensor, k: int) -> Choice:
    """The middle frame of each of k equal segments."""
    return by_rule("uniform", torch.zeros(mask.shape), k, mask)


def highest(scores: Tensor, k: int, mask: Tensor) -> Choice:
    """The k highest scores."""
    curve = scores.masked_fill(~mask, -torch.inf)
    return hard(top_k_in_time(curve, min(k, int(mask.sum(dim=1).min()))), curve)


def by_rule(rule: str, scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None = None, **options: Any) -> Choice:
    """A training-free way (keyframes.CHOOSERS), video by video. Shapes: vectors [B, T, E]"""
    k = min(k, int(mask.sum(dim=1).min()))
    rows = [
        CHOOSERS[rule](
            scores[b].detach().numpy(),
            k,
            mask=mask[b].numpy(),
            vectors=None if vectors is None else vectors[b].detach().numpy(),
            **options,
        ).index[0]
        for b in range(len(mask))
    ]
    return hard(torch.from_numpy(np.stack(rows)), scores)


def similarities(seen: Seen, text: Tensor) -> Tensor:
    """Cosines of each frame with a text, padding -inf. Shapes: text [B, E] -> [B, T]"""
    scores = torch.einsum("bte,be->bt", F.normalize(seen.vectors, dim=-1), F.normalize(text, dim=-1))
    return scores.masked_fill(~seen.mask, -torch.inf)


def relevance(seen: Seen, text: Tensor) -> Tensor:
    """How much a frame has to do with a text: its best place, or all of it. Shapes: text [B, E] -> [B, T], D = E"""
    assert seen.tokens is not None
    unit = F.normalize(text, dim=-1)
    lengths = seen.tokens.norm(dim=-1).clamp(min=1e-12)  # [B, T, N]; no copy of all tokens is made
    best = (torch.einsum("btnd,bd->btn", seen.tokens, unit) / lengths).amax(dim=-1)
    return torch.maximum(best, torch.einsum("bte,be->bt", seen.vectors, unit)).masked_fill(~seen.mask, -torch.inf)


class Choosing(System):
    """A system that shows K frames: `pick` says which, one linear layer takes their tokens to the language model.

    Without its idea (`picks` False) it shows the middle frame of each of K segments.
    """

    def __init__(self, start: Any, picks: bool = True) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(runs, start.project, start.tokens)
        self.k, self.picks = start.choose, picks

    def pick(self, batch: Batch) -> Choice:
        raise NotImplementedError

    def see(self, batch: Batch) -> Shown:
        choice = self.pick(batch) if self.picks else middles(batch.seen.mask, self.k)
        return Shown(self.connect(frames_of(batch.seen, choice)), choice)
