"""A small convolutional network that sees a picture of any shape as the sum of what stands at its places.

Residual 3 x 3 convolutions down to an eighth of the picture's size; there, each place says what it shows (a vector of
the shared space) and how much it matters. The picture's vector is the weighted mean over its places, and one more part
for the whole. In training the vector at a thing's own place is compared with its phrases as well (`at_places`), which
is what lets names be learned in minutes: the sum alone leaves open who is who.

From: ResNet (He et al., arXiv 1512.03385) for the blocks; attention pooling as in Ilse et al. (arXiv 1802.04712).
Departures: no classifier; the vector's mean over the training pictures (`centre`) is taken off, so that pictures which
have nothing in common score about zero.
Shapes: pixels [B, 3, H, W] uint8 -> [B, E] of unit length
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus


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
    def __init__(self, widths: tuple[int, int, int], blocks: tuple[int, int], hidden: int, out: int) -> None:
        super().__init__()
        self.halved, self.quartered, self.eighth = (
            _conv(inside, outside, 2) for inside, outside in zip((3, *widths), widths, strict=False)
        )
        self.fine = nn.Sequential(*(Block(widths[1]) for _ in range(blocks[0])))
        self.coarse = nn.Sequential(*(Block(widths[2]) for _ in range(blocks[1])))
        self.shown, self.what = nn.Conv2d(widths[2], hidden, 1), nn.Conv2d(hidden, out, 1)
        self.weight = nn.Conv2d(widths[2], 1, 1)
        self.whole = nn.Linear(widths[2], out)
        self.register_buffer("centre", torch.zeros(out))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.at_places(pixels)[0]

    def at_places(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The picture's vector, what each place shows, and the features that say it.

        Shapes: -> [B, E] of unit length, [B, E, h, w], [B, hidden, h, w]
        """
        x = pixels.float() / 64 - 2  # about -2..2
        x = torch.relu(self.halved(x))
        x = self.fine(torch.relu(self.quartered(x)))  # [B, C, H/4, W/4]
        x = self.coarse(torch.relu(self.eighth(x)))  # [B, C, H/8, W/8]
        shown = torch.relu(self.shown(x))  # [B, hidden, h, w]
        what = self.what(shown)  # [B, E, h, w]
        weight = softplus(self.weight(x).float())  # [B, 1, h, w]
        things = (what * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
        vector = things + self.whole(x.mean(dim=(2, 3)))
        return normalize(normalize(vector.float(), dim=1) - self.centre, dim=1), what, shown
