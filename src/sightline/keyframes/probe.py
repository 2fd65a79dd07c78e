"""ATP: the one frame that answers best, found without knowing the order of frames; a bound on what needs no video.

A small transformer looks at the frames as a set, with the question and the options beside them, and points at one.

From: ATP (arXiv 2206.01720); sizes of its public code: 2 layers, 2 heads, width 128, post-norm, ReLU.
Departures: padding is masked; no dropout. Reading takes the argmax, training samples by Gumbel straight-through, as
there.
Shapes: seen.vectors [B, T, E], words.vector [B, E], options [B, O, E] -> Choice with K = 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.nn.choice import gumbel_noise, straight_through
from sightline.nn.padding import cleared
from sightline.nn.transformer import TransformerBlock
from sightline.records import Choice, Seen, Words

FRAME, QUESTION, OPTION = range(3)


class SingleFrameProbe(nn.Module):
    """Points at one frame per video. No positions anywhere: shuffled frames get the same scores."""

    def __init__(
        self, width: int, *, inner: int = 128, layers: int = 2, heads: int = 2, temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.down = nn.Linear(width, inner)
        self.kind = nn.Embedding(3, inner)
        self.blocks = nn.ModuleList(
            TransformerBlock(inner, heads, hidden=inner, order="post", activation="relu") for _ in range(layers)
        )
        self.score = nn.Linear(inner, 1)
        self.temperature = temperature

    def forward(self, seen: Seen, words: Words | None = None, options: Tensor | None = None) -> Choice:
        x, mask = self._as_set(seen, words, options)  # [B, T + 1 + O, inner]
        for block in self.blocks:
            x = block(x, mask)
        frames = seen.vectors.shape[1]
        scores = self.score(x[:, :frames]).squeeze(-1).masked_fill(~seen.mask, -math.inf)  # [B, T]
        noise = gumbel_noise(scores) if self.training else None
        weight = straight_through(scores, temperature=self.temperature, noise=noise)[:, None]
        return Choice(weight, weight.argmax(dim=-1), scores)

    def _as_set(self, seen: Seen, words: Words | None, options: Tensor | None) -> tuple[Tensor, Tensor]:
        """Everything to look at, each with its kind, and what of it is valid."""
        members = [(FRAME, cleared(seen.vectors, seen.mask))]
        if words is not None:
            members.append((QUESTION, words.vector[:, None]))
        if options is not None:
            members.append((OPTION, options))
        scale = math.sqrt(self.down.out_features)
        x = torch.cat([self.down(rows) * scale + self.kind.weight[kind] for kind, rows in members], dim=1)
        texts = seen.mask.new_ones(len(x), x.shape[1] - seen.mask.shape[1])
        return x, torch.cat([seen.mask, texts], dim=1)
