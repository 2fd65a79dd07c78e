"""A vision transformer over frames: plain, with time attention before space, or progressive.

From: ViT (2010.11929) in CLIP's form (2103.00020); patch dropout as FLIP and LanguageBind (2212.00794, 2310.01852);
"before" is LanguageBind's time attention, "progressive" is PVC's (2412.09613), causal with AdaLN and a layer scale.
Departures: any picture size (positions are resized); time embeddings come from elapsed seconds; padded frames are
neither looked at nor changed by others; PVC's layer scale starts at 0.1 where its value is not published.
Shapes: pixels [B, T, 3, H, W], seconds and mask [B, T] -> tokens [B, T, N, C], cls [B, T, C], grid (rows, columns).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.nn.adaln import AdaLN
from sightline.nn.attention import Attention, Residual, attention_block, causal
from sightline.nn.padding import cleared
from sightline.nn.positions import SecondsEmbedding, elapsed, interpolated_grid
from sightline.nn.transformer import feed_forward

Along = tuple[Tensor, Tensor]  # what the time attentions need: time embedding [B, T, C], mask [B, T]


def kept_patches(tokens: Tensor, drop: float) -> Tensor:
    """A random share of the patches, the same ones in every frame of a clip.  [B, T, N, C] -> [B, T, N', C]"""
    batch, frames, patches, width = tokens.shape
    keep = max(1, int(patches * (1.0 - drop)))
    chosen = torch.rand(batch, patches, device=tokens.device).topk(keep).indices.sort().values  # [B, N']
    return tokens.gather(2, chosen[:, None, :, None].expand(batch, frames, keep, width))


def over_time(tokens: Tensor) -> Tensor:
    """[B, T, N, C] -> [B * N, T, C]: one sequence per place."""
    return tokens.transpose(1, 2).flatten(0, 1)


def back_in_space(series: Tensor, batch: int) -> Tensor:
    return series.unflatten(0, (batch, -1)).transpose(1, 2)


class TimeBefore(nn.Module):
    """Time attention before space; it begins as a copy of the spatial attention (not as the identity)."""

    def __init__(self, width: int, heads: int, spatial: Residual) -> None:
        super().__init__()
        self.attend = attention_block(width, heads, init="copy", source=spatial.inner)
        self.attend.norm.load_state_dict(spatial.norm.state_dict())

    def forward(self, x: Tensor, along: Along) -> Tensor:
        when, mask = along
        series = over_time(x + when[:, :, None])
        return back_in_space(self.attend(series, mask=mask.repeat_interleave(x.shape[2], dim=0)), x.shape[0])


class Progressive(nn.Module):
    """Each place looks at its own past: what is already known is not encoded again."""

    def __init__(self, width: int, heads: int, layer_scale: float = 0.1) -> None:
        super().__init__()
        self.norm = AdaLN(width)
        self.attention = Attention(width, heads)
        self.layer_scale = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x: Tensor, along: Along) -> Tensor:
        when, mask = along
        series = over_time(self.norm(x, x + when[:, :, None]))
        past = causal(x.shape[1], x.device) & mask[:, None, :]  # [B, T, T]
        looked = self.attention(series, mask=past.repeat_interleave(x.shape[2], dim=0))
        return x + self.layer_scale * back_in_space(looked, x.shape[0])


class FrameBlock(nn.Module):
    """Space, then thought, with the time attention where `time` puts it."""

    def __init__(self, width: int, heads: int, time: str = "none", activation: str = "gelu") -> None:
        super().__init__()
        self.attend = attention_block(width, heads)
        self.before = TimeBefore(width, heads, self.attend) if time == "before" else None
        self.after = Progressive(width, heads) if time == "progressive" else None
        self.think = Residual(feed_forward(width, 4 * width, activation), width)

    def forward(self, x: Tensor, along: Along) -> Tensor:
        if self.before is not None:
            x = self.before(x, along)
        x = self.attend(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        if self.after is not None:
            x = self.after(x, along)
        return self.think(x)


class FrameTower(nn.Module):
    """Frames become tokens and one class vector each. With "progressive", only the last `time_layers` look back."""

    def __init__(
        self,
        width: int,
        heads: int,
        layers: int,
        *,
        side: int = 224,
        patch: int = 16,
        time: str = "none",
        time_layers: int | None = None,
        drop: float = 0.0,
        activation: str = "gelu",
    ) -> None:
        super().__init__()
        if time not in ("none", "before", "progressive"):
            raise ValueError(f"time is 'none', 'before' or 'progressive', not {time!r}")
        self.drop, self.grid = drop, (side // patch, side // patch)
        self.patchify = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.cls = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positions = nn.Parameter(width**-0.5 * torch.randn(1 + self.grid[0] * self.grid[1], width))
        self.when = SecondsEmbedding(width) if time != "none" else None
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        first_time = layers - (layers if time_layers is None else time_layers)
        self.blocks = nn.ModuleList(
            FrameBlock(width, heads, time if i >= first_time else "none", activation) for i in range(layers)
        )

    def forward(self, pixels: Tensor, seconds: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, tuple[int, int]]:
        patches = self.patchify(cleared(pixels, mask).flatten(0, 1))  # [B * T, C, h, w]
        grid = (int(patches.shape[2]), int(patches.shape[3]))
        places = interpolated_grid(self.positions[1:], self.grid, grid)
        tokens = (patches.flatten(2).transpose(1, 2) + places).unflatten(0, mask.shape)  # [B, T, N, C]
        if self.training and self.drop > 0:
            tokens = kept_patches(tokens, self.drop)
        cls = (self.cls + self.positions[0]).expand(*mask.shape, 1, -1)
        x = self.norm_in(torch.cat([cls, tokens], dim=2))
        when = x.new_zeros(*mask.shape, x.shape[-1]) if self.when is None else self.when(elapsed(seconds, mask))
        for block in self.blocks:
            x = block(x, (when, mask))
        x = self.norm_out(x)
        return x[:, :, 1:], x[:, :, 0], grid
