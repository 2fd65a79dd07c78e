"""A small convolutional network that sees a picture of any shape as the sum of what stands at its places.

Residual 3 x 3 convolutions down to an eighth of the picture's size; there, each place says what it shows and how much
it matters. The picture's vector is the weighted mean over its places of what is there, of what is there times how far
right it is, and times how far down (so that "under" and "left of" are differences of two things), and one more part for
the whole. In training what stands at a thing's own place is compared with its phrases as well (`at_places`), which is
what lets names be learned in minutes: the sum alone leaves open who is who.

From: ResNet (He et al., arXiv 1512.03385) for the blocks; attention pooling as in Ilse et al. (arXiv 1802.04712).
Departures: no classifier; the vector's mean over the training pictures (`centre`) is taken off, so that pictures which
have nothing in common score about zero.
Shapes: pixels [B, 3, H, W] uint8 -> [B, E] of unit length
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus


def _conv(inside: int, outside: int, stride: int = 1, across: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, across, stride, across // 2, bias=False), nn.BatchNorm2d(outside))


class Block(nn.Module):
    """Two convolutions around which the input passes by. Shapes: [B, C, h, w] -> the same"""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


def where(x: Tensor) -> Tensor:
    """Of each place how far right and how far down it is, -1..1. Shapes: [B, C, h, w] -> [B, 2, h, w]"""
    high, wide = x.shape[2:]
    down, right = ((torch.arange(side, device=x.device) * 2 + 1) / side - 1 for side in (high, wide))
    flat = torch.zeros_like(x[:, :1], dtype=torch.float32)
    return torch.cat([flat + right, flat + down[:, None]], dim=1)


class PictureTower(nn.Module):
    def __init__(self, widths: tuple[int, int, int], blocks: tuple[int, int], hidden: int, out: int) -> None:
        super().__init__()
        self.halved = _conv(3, widths[0], 2, across=5)
        self.quartered, self.eighth = (_conv(a, b, 2) for a, b in zip(widths, widths[1:], strict=False))
        self.fine = nn.Sequential(*(Block(widths[1]) for _ in range(blocks[0])))
        self.coarse = nn.Sequential(*(Block(widths[2]) for _ in range(blocks[1])))
        self.shown, self.weight = nn.Conv2d(widths[2], hidden, 1), nn.Conv2d(widths[2], 1, 1)
        self.what, self.right, self.down = (nn.Linear(hidden, out) for _ in range(3))
        self.whole = nn.Linear(widths[2], out)
        self.register_buffer("centre", torch.zeros(out))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.at_places(pixels)[0]

    def at_places(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The picture's vector, and the features from which `what` says what each place shows.

        Shapes: -> [B, E] of unit length, [B, hidden, h, w]
        """
        x = pixels.float() / 64 - 2  # about -2..2
        x = torch.relu(self.halved(x))
        x = self.fine(torch.relu(self.quartered(x)))  # [B, C, H/4, W/4]
        x = self.coarse(torch.relu(self.eighth(x)))  # [B, C, H/8, W/8]
        shown = torch.relu(self.shown(x))  # [B, hidden, h, w]
        weight = softplus(self.weight(x).float()).flatten(2)  # [B, 1, places]
        weight = weight / weight.sum(dim=2, keepdim=True)
        shares = torch.cat([weight, weight * where(x).flatten(2)], dim=1)  # [B, 3, places]
        what, right, down = (shares @ shown.float().flatten(2).transpose(1, 2)).unbind(dim=1)  # [B, hidden] each
        vector = self.what(what) + self.right(right) + self.down(down) + self.whole(x.mean(dim=(2, 3)))
        return normalize(normalize(vector.float(), dim=1) - self.centre, dim=1), shown
