"""GCG's grounding: question and frames together say where to look, as centres in time with a Gaussian around each.

The mixture's value at a frame is its score; the k highest are chosen, while learning by perturbed top-k, so that the
centres feel which frames helped. The centres are also what the losses of the paper pull to the likely frames.

From: GCG (arXiv 2401.10711); the description of the public code, which has no licence.
Departures: a Gaussian is 0.7 frames wide at any number of frames. The released width (`released_width=0.2`) is fixed in
normalised time: right at 32 frames, but at 8 frames a centre between two of them lights neither. Time is the share of
the way from the first to the last valid frame, so padding and uneven sampling change nothing. No dropout inside the
transformer.
Shapes: seen.vectors [B, T, E], words.vector [B, E], options [B, O, E] -> Choice with K = min(centres, valid T),
extras centres [B, centres] in 0 .. 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.nn.choice import one_hot, perturbed_top_k, top_k_in_time
from sightline.nn.padding import cleared
from sightline.nn.transformer import TransformerBlock
from sightline.records import Choice, Seen, Words

TEXT, FRAME = range(2)
FRAMES_WIDE = 0.7  # a Gaussian's sigma, in frames


class GaussianChooser(nn.Module):
    """The generator and its choice. `inner` is E / 4 in the paper; `frames` is the length of the position table."""

    def __init__(
        self,
        width: int,
        centres: int,
        *,
        inner: int | None = None,
        frames: int = 32,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.3,
        released_width: float | None = None,
        samples: int = 500,
        sigma: float = 0.05,
        gradient: str = "true",
    ) -> None:
        super().__init__()
        inner = inner or width // 4
        self.down = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, inner, bias=False))
        self.kind = nn.Parameter(torch.zeros(2, inner))
        self.positions = nn.Parameter(interleaved_sinusoid(frames, inner))
        self.blocks = nn.ModuleList(TransformerBlock(inner, heads, eps=1e-12) for _ in range(layers))
        self.attend = nn.Sequential(nn.Linear(inner, inner // 2), nn.Tanh(), nn.Linear(inner // 2, 1))
        self.point = nn.Sequential(nn.Dropout(dropout), nn.Linear(inner, centres))
        self.released_width, self.samples, self.sigma, self.gradient = released_width, samples, sigma, gradient

    def forward(self, seen: Seen, words: Words, options: Tensor | None = None) -> Choice:
        when = share_of_the_way(seen.seconds, seen.mask).to(seen.vectors.dtype)  # [B, T]
        texts = words.vector[:, None] if options is None else torch.cat([words.vector[:, None], options], dim=1)
        centres = self._centres(seen.vectors, seen.mask, when, texts)
        scores = mixture(centres, when, seen.mask, self._widths(seen.mask)).masked_fill(~seen.mask, -math.inf)
        k = min(centres.shape[1], int(seen.mask.sum(dim=1).min()))
        index = top_k_in_time(scores, k)
        if self.training:
            weight = perturbed_top_k(scores, k, samples=self.samples, sigma=self.sigma, gradient=self.gradient)
        else:
            weight = one_hot(index, scores.shape[1], scores.dtype)
        return Choice(weight, index, scores, {"centres": centres})

    def _centres(self, vectors: Tensor, mask: Tensor, when: Tensor, texts: Tensor) -> Tensor:
        """Where to look, as shares of the way: [B, centres]."""
        position = _read(self.positions, when)
        frames = self.down(cleared(vectors, mask)) + position + self.kind[FRAME]
        x = torch.cat([frames, self.down(texts) + self.kind[TEXT]], dim=1)
        visible = torch.cat([mask, mask.new_ones(texts.shape[:2])], dim=1)
        for block in self.blocks:
            x = block(x, visible)
        frames = x[:, : mask.shape[1]] + position  # positions a second time, as released
        attention = self.attend(frames).squeeze(-1).masked_fill(~mask, -math.inf).softmax(dim=-1)
        centres: Tensor = self.point(torch.einsum("bt,btd->bd", attention, frames)).sigmoid()
        return centres

    def _widths(self, mask: Tensor) -> Tensor:
        """Sigma of each sample, in shares of the way: [B, 1]."""
        if self.released_width is not None:
            return torch.full((len(mask), 1), max(self.released_width, 0.01) / 9, device=mask.device)
        return FRAMES_WIDE / (mask.sum(dim=1, keepdim=True) - 1).clamp(min=1)


def mixture(centres: Tensor, when: Tensor, mask: Tensor, sigma: Tensor) -> Tensor:
    """The sum of the Gaussians over its own maximum, 0 on padding.

    Measured from the nearest centre, so that a mixture too narrow to reach any frame still says which frame is nearest.
    Shapes: centres [B, K], when and mask [B, T], sigma [B, 1] -> [B, T] in 0 .. 1.
    """
    heights = -((when[:, None] - centres[..., None]) ** 2) / (2 * sigma[..., None] ** 2)  # [B, K, T]
    log_sum = heights.logsumexp(dim=1).masked_fill(~mask, -math.inf)
    return (log_sum - log_sum.amax(dim=1, keepdim=True)).exp()


def share_of_the_way(seconds: Tensor, mask: Tensor) -> Tensor:
    """0 at the first valid frame, 1 at the last; 0 where there is no way to go, and on padding."""
    first = seconds.masked_fill(~mask, math.inf).amin(dim=1, keepdim=True)
    last = seconds.masked_fill(~mask, -math.inf).amax(dim=1, keepdim=True)
    way = last - first
    share = torch.where(way > 0, (seconds - first) / way.clamp(min=1e-9), torch.zeros_like(seconds))
    return share.masked_fill(~mask, 0.0)


def interleaved_sinusoid(rows: int, width: int) -> Tensor:
    """Positions 0 .. rows - 1: sines in even columns, cosines in odd ones, base 10000."""
    columns = torch.arange(width)
    rates = 10_000.0 ** (-(columns // 2 * 2) / width)
    angles = torch.arange(rows)[:, None] * rates
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos())


def _read(table: Tensor, share: Tensor) -> Tensor:
    """The table read linearly at a share of its length: [rows, C], [B, T] -> [B, T, C]."""
    at = share * (len(table) - 1)
    below = at.floor().clamp(max=max(len(table) - 2, 0)).long()
    above = (below + 1).clamp(max=len(table) - 1)
    return torch.lerp(table[below], table[above], (at - below)[..., None])
