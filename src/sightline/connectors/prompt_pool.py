"""Pools boxes of time and space with weights that the question decides.

From: PPLLaVA (2411.02327) as released: cosine of every token with the question, softmax over the whole video of
scale * cosine, softmax in each box of that / 0.01, weighted mean.
Departures: `weighting="box"` (the default) is one softmax of scale * cosine within each box: the released double
softmax hardly differs from the plain mean, for its first softmax leaves values near 1 / (T h w).  Boxes share out a
length that the kernel does not divide, so the last frame is never dropped. The pooled tokens are projected;
`project_first` is the released order (18 times the work at its kernel). Without a question the weights are equal.
Shapes: tokens [B, T, N, D], question [B, E] -> [B, T' * h' * w', W].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.adaptive_pool import Shape, boxes, shape_for
from sightline.connectors.clips import Clip, Groups, clips, handed_on, in_blocks, stacked
from sightline.connectors.mlp import projector
from sightline.records import Prefix, Seen, Words

WEIGHTINGS = ("box", "released")


def softmax_within(scores: Tensor, place: Tensor, count: int) -> Tensor:
    """The softmax of the scores among those with the same place.  [n] -> [n]"""
    top = scores.new_full((count,), -math.inf).scatter_reduce(0, place, scores.detach(), "amax")
    raised = torch.exp(scores - top[place])
    return raised / raised.new_zeros(count).index_add(0, place, raised)[place]


def box_weights(cosine: Tensor, place: Tensor, count: int, weighting: str, scale: float, temperature: float) -> Tensor:
    """Weights [n] that add up to 1 in every box, from the cosines [n] of the tokens with the question."""
    if weighting == "released":
        return softmax_within(torch.softmax(scale * cosine, dim=0) / temperature, place, count)
    return softmax_within(scale * cosine, place, count)


def _boxes_of(kernel: Shape, size: Shape) -> Shape:
    time, high, wide = (math.ceil(length / step) for length, step in zip(size, kernel, strict=True))
    return time, high, wide


class PromptPool(nn.Module):
    """`words_width` is the width E in which pictures and questions meet; `scale` is CLIP's frozen exp(logit scale)."""

    def __init__(
        self,
        width: int,
        out_width: int,
        tokens: int | None = None,
        *,
        words_width: int | None = None,
        kernel: Shape = (2, 3, 3),
        weighting: str = "box",
        scale: float = 100.0,
        temperature: float = 0.01,
        project_first: bool = False,
    ) -> None:
        super().__init__()
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting is one of {WEIGHTINGS}, not {weighting!r}")
        self.tokens, self.kernel, self.project_first = tokens, kernel, project_first
        self.weighting, self.scale, self.temperature = weighting, scale, temperature
        self.norm = nn.LayerNorm(width)
        self.to_words = nn.Linear(width, words_width or width, bias=False)
        self.project = projector(width, out_width)

    def cosines(self, clip: Clip) -> Tensor | None:
        """How much each token has to do with the question, [T * N]; None without a question."""
        if clip.question_vector is None:
            return None
        asked = F.normalize(clip.question_vector.to(clip.tokens.dtype), dim=-1)

        def of_some(tokens: Tensor) -> Tensor:
            return F.normalize(self.to_words(self.norm(tokens)), dim=-1) @ asked

        return in_blocks(of_some, clip.tokens).flatten()

    def groups(self, clip: Clip) -> Groups:
        size = clip.size
        shape = _boxes_of(self.kernel, size) if self.tokens is None else shape_for(self.tokens, size)
        row, box = (pair.to(clip.tokens.device) for pair in boxes(size, shape, overlap=False))
        cosine = self.cosines(clip)
        if cosine is None:
            return Groups.of(box, index=row).at_most(self.tokens)
        weight = box_weights(cosine[row], box, math.prod(shape), self.weighting, self.scale, self.temperature)
        return Groups(row, box, weight, math.prod(shape)).at_most(self.tokens)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        return stacked(
            [handed_on(clip, self.groups(clip), self.project, self.project_first) for clip in clips(seen, words)]
        )
