"""A fixed number of learned vectors look at all tokens, and at each other, a few times.

From: Perceiver (2103.03206) as in Flamingo (2204.14198): queries are the latents, keys and values the tokens and the
latents, pre-norm, no biases.  Departures: frames are placed by elapsed seconds, so any number of frames fits.
Shapes: tokens [B, T, N, D] -> [B, M, W], every token over the whole video.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.connectors.clips import over_everything, tokens_and_mask
from sightline.nn.attention import Attention, Residual
from sightline.nn.positions import SecondsEmbedding, elapsed
from sightline.nn.transformer import feed_forward
from sightline.records import Prefix, Seen, Words


class PerceiverLayer(nn.Module):
    def __init__(self, width: int, heads: int, head_width: int, activation: str) -> None:
        super().__init__()
        self.norm_tokens, self.norm_latents = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, head_width=head_width, bias=False)
        self.think = Residual(feed_forward(width, 4 * width, activation, bias=False), width)

    def forward(self, latents: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        asks = self.norm_latents(latents)
        looked_at = torch.cat([self.norm_tokens(tokens), asks], dim=1)
        allowed = torch.cat([mask, mask.new_ones(latents.shape[:2])], dim=1)
        return self.think(latents + self.attention(asks, looked_at, mask=allowed))


class Perceiver(nn.Module):
    """tokens [B, S, D], mask [B, S] -> [B, M, D]"""

    def __init__(
        self,
        width: int,
        latents: int,
        *,
        depth: int = 2,
        heads: int = 4,
        head_width: int = 64,
        activation: str = "gelu",
    ) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(latents, width))
        self.layers = nn.ModuleList(PerceiverLayer(width, heads, head_width, activation) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        latents = self.latents.expand(len(tokens), -1, -1)
        for layer in self.layers:
            latents = layer(latents, tokens, mask)
        return self.norm(latents)


class Resampler(nn.Module):
    def __init__(
        self,
        width: int,
        out_width: int,
        tokens: int | None = None,
        *,
        depth: int = 2,
        heads: int = 4,
        head_width: int = 64,
    ) -> None:
        super().__init__()
        self.when = SecondsEmbedding(width)
        self.perceiver = Perceiver(width, tokens or 64, depth=depth, heads=heads, head_width=head_width)
        self.project = nn.Linear(width, out_width)

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        tokens, mask = tokens_and_mask(seen)
        when = self.when(elapsed(torch.as_tensor(seen.seconds, device=mask.device), mask))
        placed = (tokens + when[:, :, None]).flatten(1, 2)  # [B, T * N, D]
        looked = self.perceiver(placed, mask.repeat_interleave(tokens.shape[2], dim=1))
        return over_everything(self.project(looked), seen, mask)
