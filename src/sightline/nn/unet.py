"""A small network that says which noise is in a picture, and the arithmetic that takes it off step by step.

From: DDPM (2006.11239): sinusoid of the step into every block, GroupNorm and SiLU, attention at the coarsest grid;
x_t = sqrt(kept) x_0 + sqrt(1 - kept) noise, beta from 1e-4 to 0.02.
Departures: pictures of any size (what was halved unevenly is cut back to its neighbour's size); a condition may be
added to the time embedding; last layers do not begin at zero.
Shapes: x [B, P, H, W], step [B], condition [B, Z] -> the noise [B, P, H, W].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.nn.attention import attention_block
from sightline.nn.positions import sinusoid


class NoisyBlock(nn.Module):
    """Two normed convolutions with the step's embedding between them, around which the input passes by."""

    def __init__(self, inside: int, outside: int, embedding: int) -> None:
        super().__init__()
        self.first = _normed_conv(inside, outside)
        self.second = _normed_conv(outside, outside)
        self.when = nn.Linear(embedding, outside)
        self.past = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, when: Tensor) -> Tensor:
        middle = self.first(x) + self.when(F.silu(when))[..., None, None]
        return self.past(x) + self.second(middle)


def _normed_conv(inside: int, outside: int) -> nn.Sequential:
    """At least four channels share a norm: one that had its own would lose what the step added to it."""
    groups = math.gcd(inside, max(1, inside // 4), 8)
    return nn.Sequential(nn.GroupNorm(groups, inside), nn.SiLU(), nn.Conv2d(inside, outside, 3, padding=1))


class UNet(nn.Module):
    """Down through `widths`, attention at the bottom, and up again with what each size looked like on the way."""

    def __init__(
        self, pictures: int = 3, widths: tuple[int, ...] = (32, 64), heads: int = 4, condition_width: int | None = None
    ) -> None:
        super().__init__()
        first, last = widths[0], widths[-1]
        embedding = 4 * first
        self.codes = first
        self.time = nn.Sequential(nn.Linear(first, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.condition = nn.Linear(condition_width, embedding) if condition_width else None
        self.enter = nn.Conv2d(pictures, first, 3, padding=1)
        before = (first, *widths[:-1])
        self.down = nn.ModuleList(NoisyBlock(a, b, embedding) for a, b in zip(before, widths, strict=True))
        self.smaller = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for width in widths)
        self.bottom = NoisyBlock(last, last, embedding)
        self.look = attention_block(last, heads)
        self.up = nn.ModuleList(NoisyBlock(2 * b, a, embedding) for a, b in zip(before, widths, strict=True))
        self.leave = _normed_conv(first, pictures)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor | None = None) -> Tensor:
        when = self.time(sinusoid(step, self.codes).to(x.dtype))
        if self.condition is not None and condition is not None:
            when = when + self.condition(condition)
        x, passed = self.enter(x), []
        for block, smaller in zip(self.down, self.smaller, strict=True):
            x = block(x, when)
            passed.append(x)
            x = smaller(x)
        x = self._looked(self.bottom(x, when))
        for block, beside in zip(reversed(self.up), reversed(passed), strict=True):
            x = block(torch.cat([F.interpolate(x, size=beside.shape[-2:]), beside], dim=1), when)
        return self.leave(x)

    def _looked(self, x: Tensor) -> Tensor:
        """Every place of the coarsest grid looks at every other."""
        return self.look(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[-2:])


class Noise:
    """How much noise each of `steps` steps adds; step 0 is nearly the picture. Tables [steps] are float64: near
    step 0 the share of noise is 1 minus a number so close to 1 that float32 would lose it.
    """

    def __init__(self, steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> None:
        beta = torch.linspace(first, last, steps, dtype=torch.float64)
        kept = (1.0 - beta).cumprod(dim=0)  # of the picture's power, alpha-bar
        before = torch.cat([torch.ones(1, dtype=torch.float64), kept[:-1]])
        self.beta, self.kept = beta, kept
        self.signal, self.noise = kept.sqrt(), (1.0 - kept).sqrt()
        self.to_picture = before.sqrt() * beta / (1.0 - kept)  # the two weights of the posterior mean
        self.to_now = (1.0 - beta).sqrt() * (1.0 - before) / (1.0 - kept)
        self.small = beta * (1.0 - before) / (1.0 - kept)  # 0 at step 0, where nothing is left to be uncertain of
        self.large = beta.where(torch.arange(steps) > 0, 0.0)

    def added(self, picture: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """The picture as it is after so many steps: what the network is trained on, to give back `noise`."""
        return _at(self.signal, step, picture) * picture + _at(self.noise, step, picture) * noise

    def picture(self, x: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """The picture behind x, if `noise` is what is in it."""
        return (x - _at(self.noise, step, x) * noise) / _at(self.signal, step, x)

    def mean_before(self, x: Tensor, step: Tensor, noise: Tensor, clip: bool = False) -> Tensor:
        """Where x was one step earlier, on average: the posterior mean, between the picture and x."""
        picture = self.picture(x, step, noise)
        if clip:
            picture = picture.clamp(-1.0, 1.0)
        return _at(self.to_picture, step, x) * picture + _at(self.to_now, step, x) * x

    def variance_before(self, step: Tensor, like: Tensor, small: bool = False) -> Tensor:
        """Of the step back: beta ("fixed large"), or what the posterior says ("fixed small"); 0 at step 0."""
        return _at(self.small if small else self.large, step, like)


def _at(table: Tensor, step: Tensor, like: Tensor) -> Tensor:
    """A number for each row, in the type and rank of what it multiplies.  [B] -> [B, 1, ...]"""
    return table.to(like.device)[step].to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))


@torch.no_grad()
def draw(
    net: Callable[[Tensor, Tensor, Tensor | None], Tensor],
    noise: Noise,
    shape: tuple[int, ...],
    *,
    condition: Tensor | None = None,
    seed: int = 0,
    clip: bool = True,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Pictures out of nothing; the chance comes from the processor, so a seed means the same on every device.

    Shapes: shape (B, P, H, W), condition [B, Z] -> [B, P, H, W].
    """
    chance = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=chance).to(device)
    for now in reversed(range(len(noise.beta))):
        step = torch.full((shape[0],), now, device=device)
        mean = noise.mean_before(x, step, net(x, step, condition), clip)
        x = mean + noise.variance_before(step, x).sqrt() * torch.randn(shape, generator=chance).to(device)
    return x
