"""A small convolutional network that sees a picture of any shape as one vector: what is there, wherever it is.

Residual 3 x 3 convolutions at an eighth of the picture's size, then, per channel, the greatest and the mean answer over
all places. The greatest keeps a small thing from drowning in its surroundings and does not ask how wide the picture is.

From: ResNet (He et al., arXiv 1512.03385) for the blocks; max pooling over places as in PointNet (arXiv 1612.00593).
Departures: no classifier; the vector's mean over the training pictures (`centre`) is taken off, so that pictures which
have nothing in common score about zero.
Shapes: pixels [B, 3, H, W] uint8 -> [B, E] of unit length
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


def _conv(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside))


class Block(nn.Module):
    """Two convolutions around which the input passes by. Shapes: [B, C, h, w] -> the same"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class PictureTower(nn.Module):
    def __init__(self, widths: tuple[int, int, int], blocks: tuple[int, int], pooled: int, out: int) -> None:
        super().__init__()
        self.halved, self.quartered, self.eighth = (
            _conv(inside, outside, 2) for inside, outside in zip((3, *widths), widths, strict=False)
        )
        self.fine = nn.Sequential(*(Block(widths[1]) for _ in range(blocks[0])))
        self.coarse = nn.Sequential(*(Block(widths[2]) for _ in range(blocks[1])))
        self.spread = nn.Conv2d(widths[2], pooled, 1)
        self.project = nn.Linear(2 * pooled, out)
        self.register_buffer("centre", torch.zeros(out))

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.float() / 64 - 2  # about -2..2
        x = torch.relu(self.halved(x))
        x = self.fine(torch.relu(self.quartered(x)))  # [B, C, H/4, W/4]
        x = self.coarse(torch.relu(self.eighth(x)))  # [B, C, H/8, W/8]
        x = torch.relu(self.spread(x)).flatten(2)  # [B, P, N]
        both = torch.cat([x.amax(dim=2), x.mean(dim=2)], dim=1)  # [B, 2P]
        return normalize(normalize(self.project(both).float(), dim=1) - self.centre, dim=1)
