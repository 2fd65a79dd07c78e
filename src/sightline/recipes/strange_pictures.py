"""Pictures that are not of the picture-book world, so that a model of that world learns to find nothing in them.

Six kinds, each from a formula: noise whose strength falls with frequency as in photographs, leaves that lie over each
other, soft spots as of a lens out of focus, flat panels with bars and signs, lines of writing, and one colour with a
caption. No photograph is used; that real ones are told from drawn ones as well is measured (docs/model-card.md).

From: outlier exposure (Hendrycks et al., arXiv 1812.04606); the dead leaves model of pictures (Lee, Mumford and Huang,
2001); the power law of natural pictures' spectra (Field, 1987).
Shapes: shape is (width, height); a picture is [3, H, W] uint8
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Array = Any
Shape = tuple[int, int]


def strange_pictures(count: int, shape: Shape, chance: np.random.Generator, plain: bool = False) -> Array:
    """`plain` adds the sixth kind, which so little is seen in that nothing is learned from it.

    Shapes: -> [count, 3, H, W] uint8
    """
    kinds = (_noise, _leaves, _spots, _panel, _writing, _plain)[: 6 if plain else 5]
    made = [kinds[int(chance.integers(len(kinds)))](shape, chance) for _ in range(count)]
    return np.stack([_exposed(picture, chance) for picture in made])


def _noise(shape: Shape, chance: np.random.Generator) -> Array:
    """Colour noise whose amplitude falls with a power of the frequency. Shapes: -> [3, H, W] float, 0..1"""
    return np.clip(0.5 + chance.uniform(0.1, 0.25) * _falling(shape, chance.uniform(0.6, 1.6), chance), 0, 1)


def _falling(shape: Shape, power: float, chance: np.random.Generator) -> Array:
    """Shapes: -> [3, H, W], of mean 0 and spread 1, the channels partly alike"""
    width, height = shape
    far = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width)
    grain = np.fft.rfft2(chance.standard_normal((3, height, width))) / np.maximum(far, 1) ** power
    field = np.fft.irfft2(grain, s=(height, width))
    alike = chance.uniform(0, 0.9)
    field = alike * field.mean(axis=0) * 3**0.5 + (1 - alike) * field
    return (field - field.mean()) / max(float(field.std()), 1e-9)


def _leaves(shape: Shape, chance: np.random.Generator) -> Array:
    """Ellipses and boxes of all sizes over each other, their colours near a few chosen ones, a little rough."""
    width, height = shape
    palette = chance.integers(0, 256, (int(chance.integers(2, 7)), 3))
    made = Image.new("RGB", shape, tuple(map(int, palette[0])))
    brush = ImageDraw.Draw(made)
    for _ in range(int(chance.integers(20, 160))):
        across, down = np.minimum(2.0 / chance.uniform(0.02, 1, 2), (width, height))  # few large ones, many small ones
        x, y = chance.uniform(-0.2, 1.2, 2) * shape
        colour = np.clip(palette[chance.integers(len(palette))] + chance.normal(0, 18, 3), 0, 255).astype(int)
        draw = brush.ellipse if chance.random() < 0.6 else brush.rectangle
        draw((x - across, y - down, x + across, y + down), fill=tuple(map(int, colour)))
    rough = chance.uniform(0, 0.12) * _falling(shape, 0.7, chance)
    return np.clip(_channels(made.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.5)))) + rough, 0, 1)


def _spots(shape: Shape, chance: np.random.Generator) -> Array:
    """A slope from one colour to another, with soft spots on it."""
    width, height = shape
    ends, way = chance.uniform(0, 1, (2, 3)), chance.uniform(-1, 1, 2)
    y, x = np.mgrid[:height, :width] / max(shape)
    along = np.clip(0.5 + way[0] * (x - x.mean()) + way[1] * (y - y.mean()), 0, 1)
    made = ends[0][:, None, None] * along + ends[1][:, None, None] * (1 - along)
    for _ in range(int(chance.integers(0, 7))):
        middle, wide = chance.uniform(0, 1, 2), chance.uniform(0.03, 0.3)
        near = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / (2 * wide**2))
        made += (chance.uniform(0, 1, 3)[:, None, None] - made) * near * chance.uniform(0.4, 1)
    return made + chance.uniform(0, 0.05) * chance.standard_normal((3, height, width))


def _panel(shape: Shape, chance: np.random.Generator) -> Array:
    """Flat fields beside each other, as of a test picture, a slide or a screen, some with a large sign on them."""
    width, height = shape
    made = Image.new("RGB", shape, _colour(chance))
    brush = ImageDraw.Draw(made)
    bars = int(chance.integers(0, 9))
    for k in range(bars):
        brush.rectangle((k * width / bars, 0, (k + 1) * width / bars, height), fill=_colour(chance))
    for _ in range(int(chance.integers(0, 4))):
        x, y, right, down = (*(chance.uniform(0, 0.9, 2) * shape), *(chance.uniform(0.05, 0.6, 2) * shape))
        brush.rectangle((x, y, x + right, y + down), fill=_colour(chance))
    if chance.random() < 0.6:
        sign = "".join(chr(int(chance.integers(33, 91))) for _ in range(int(chance.integers(1, 5))))
        spot = tuple(chance.uniform(0.05, 0.6, 2) * shape)
        brush.text(spot, sign, fill=_colour(chance), font_size=float(chance.uniform(0.15, 0.7) * height))
    return _channels(made)


def _writing(shape: Shape, chance: np.random.Generator) -> Array:
    """Lines of small strokes on a page."""
    width, height = shape
    made = Image.new("RGB", shape, _colour(chance))
    brush, ink = ImageDraw.Draw(made), _colour(chance)
    left, step = chance.uniform(0.02, 0.3) * width, chance.uniform(3, 10)
    for y in np.arange(chance.uniform(0.02, 0.3) * height, height, step):
        x, end = left, chance.uniform(0.4, 1) * width
        while x < end:
            word = chance.uniform(1, 9)
            brush.line((x, y, min(x + word, end), y), fill=ink, width=max(1, round(step / 3)))
            x += word + chance.uniform(1.5, 4)
    return _channels(made)


def _plain(shape: Shape, chance: np.random.Generator) -> Array:
    """One colour, mostly with a line or two of small signs."""
    made = Image.new("RGB", shape, _colour(chance))
    brush, ink, size = ImageDraw.Draw(made), _colour(chance), chance.uniform(0.06, 0.2) * shape[1]
    x, y = chance.uniform(0, 0.8, 2) * shape
    for line in range(int(chance.integers(0, 3))):
        signs = "".join(chr(int(chance.integers(33, 123))) for _ in range(int(chance.integers(3, 15))))
        brush.text((x, y + line * 1.2 * size), signs, fill=ink, font_size=max(5.0, float(size)))
    return _channels(made)


def _colour(chance: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in chance.integers(0, 256, 3))
    return (red, red, red) if chance.random() < 0.25 else (red, green, blue)


def _channels(made: Image.Image) -> Array:
    return np.asarray(made, np.float32).transpose(2, 0, 1) / 255


def _exposed(made: Array, chance: np.random.Generator) -> Array:
    """Brighter or darker, and at times without colour. Shapes: [3, H, W] float -> uint8"""
    if chance.random() < 0.15:
        made = np.broadcast_to(made.mean(axis=0), made.shape)
    return np.rint(np.clip(made, 0, 1) ** chance.uniform(0.6, 1.7) * 255).astype(np.uint8)
