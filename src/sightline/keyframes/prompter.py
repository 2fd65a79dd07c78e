"""ViLA's frame prompter: the video is cut into as many segments as frames are wanted, and each picks one of its own.

`FramePrompter` is what the paper means, `ReleasedPrompter` what its public code does. The released one never sees the
question, averages over channels *after* a layer norm (which is zero unless the norm has learned otherwise), and keeps
its noise on when reading, so that the same video gives other frames every time.

From: ViLA (arXiv 2312.08367).
Departures (FramePrompter): looks at each frame with the question; pools before it normalises; argmax without noise
when reading; any number of frames and tokens, padding never chosen. Frames of a segment are scored alone and meet in
its softmax.
Shapes: seen.tokens [B, T, N, D], words.vector [B, E] -> Choice with K = min(segments, valid T).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.nn.choice import gumbel_noise, straight_through
from sightline.nn.padding import cleared
from sightline.records import Choice, Seen, Words


class FramePrompter(nn.Module):
    """One frame per segment, for this question. A zero question leaves it to look at frames as they are."""

    def __init__(
        self, width: int, word_width: int, segments: int, *, hidden: int = 64, temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.question = nn.Linear(word_width, width, bias=False)
        self.judge = nn.Sequential(
            nn.LayerNorm(3 * width), nn.Linear(3 * width, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )
        self.segments, self.temperature = segments, temperature

    def forward(self, seen: Seen, words: Words) -> Choice:
        tokens = cleared(_tokens(seen), seen.mask)
        question = self.question(words.vector)  # [B, D]
        where = torch.einsum("btnd,bd->btn", tokens, question) / math.sqrt(tokens.shape[-1])
        looked_at = torch.einsum("btn,btnd->btd", where.softmax(dim=-1), tokens)
        whole = tokens.mean(dim=2)
        scores = self.judge(torch.cat([looked_at, whole, looked_at * question[:, None]], dim=-1)).squeeze(-1)  # [B, T]
        apart = _apart(scores, segment_of(seen.mask, self.segments))  # [B, K, T]
        noise = gumbel_noise(scores)[:, None] if self.training else None
        weight = straight_through(apart, temperature=self.temperature, noise=noise)
        return Choice(weight, weight.argmax(dim=-1), scores.masked_fill(~seen.mask, -math.inf))


class ReleasedPrompter(nn.Module):
    """The public code's prompter: T frames of N tokens (a CLS counts), equal segments, noise when reading too."""

    def __init__(
        self,
        tokens: int,
        frames: int,
        segments: int,
        *,
        temperature: float = 1.0,
        noise_when_reading: bool = True,
    ) -> None:
        super().__init__()
        if frames % segments:
            raise BadRecord(f"{frames} frames do not make {segments} equal segments; choose a divisor of {frames}")
        length = frames // segments
        self.judge = nn.Sequential(
            nn.Linear(length * tokens, length), nn.LayerNorm(length), nn.ReLU(), nn.Linear(length, length)
        )
        self.frames, self.segments, self.temperature = frames, segments, temperature
        self.noise_when_reading = noise_when_reading

    def forward(self, seen: Seen, words: Words | None = None, noise: Tensor | None = None) -> Choice:
        """`words` are not looked at. `noise` [B, segments, T / segments] takes the place of drawn Gumbel noise."""
        if seen.mask.shape[1] != self.frames or not bool(seen.mask.all()):
            raise BadRecord(f"the released prompter reads {self.frames} frames without padding; use FramePrompter")
        pooled = _tokens(seen).mean(dim=-1)  # [B, T, N]: over channels
        if seen.cls is not None:
            pooled = torch.cat([seen.cls.mean(dim=-1, keepdim=True), pooled], dim=2)
        scores = self.judge(pooled.unflatten(1, (self.segments, -1)).flatten(2))  # [B, S, T / S]
        if noise is None and (self.training or self.noise_when_reading):
            noise = gumbel_noise(scores)
        one = straight_through(scores, temperature=self.temperature, noise=noise)
        own = torch.eye(self.segments, dtype=one.dtype, device=one.device)
        weight = torch.einsum("bsl,sr->bsrl", one, own).flatten(2)  # [B, S, T]
        return Choice(weight, weight.argmax(dim=-1), scores.flatten(1))


def released_temperature(step: int, steps_per_epoch: int) -> float:
    """The released schedule: from 1 to 0.01 over 50 epochs; after the 10 that were trained it stands at 0.398."""
    return float(0.01 ** (step / (50 * steps_per_epoch)))


def segment_of(mask: Tensor, segments: int) -> Tensor:
    """The segment of each valid frame; padding is -1. Segments are equal in valid frames, to one frame.

    Shapes: mask [B, T] -> [B, T] in -1 .. min(segments, fewest valid frames in the batch) - 1.
    """
    valid = mask.sum(dim=1, keepdim=True)
    rank = mask.cumsum(dim=1) - 1
    count = min(segments, int(valid.min()))
    return torch.where(mask, rank * count // valid.clamp(min=1), -1)


def _apart(scores: Tensor, segment: Tensor) -> Tensor:
    """Each segment's scores in a row of its own, -inf elsewhere: [B, T] -> [B, K, T]."""
    rows = torch.arange(int(segment.max()) + 1, device=scores.device)[None, :, None]
    return scores[:, None].masked_fill(segment[:, None] != rows, -math.inf)


def _tokens(seen: Seen) -> Tensor:
    if seen.tokens is None:
        raise BadRecord("the prompter looks at patches; encode with tokens [B, T, N, D]")
    tokens: Tensor = seen.tokens
    return tokens
