"""How much of a colour is called red, brown or grey: soft shares over the eleven basic colour names.

From: the eleven names of Berlin and Kay (Basic Color Terms, 1969); distances in OKLab (Ottosson, 2020).
Departures: each name is a handful of samples instead of a learned table; shares fall off with distance, in which
lightness counts for less than hue, as it does when people name colours.
Shapes: colours [n, 3] uint8 -> shares [n, 11] (rows sum to one) and lightness [n]
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

Array = Any

SAMPLES = {
    "black": "000000 0d0d0d 1a1a1a",
    "white": "ffffff f4f4f4 e8e8e8",
    "grey": "808080 3c3c3c 4d4d4d 666666 9e9e9e b4b4b4 c8c8c8 708090",
    "red": "ff0000 d01c1c a00000 e8403c b22234 7a0a12 dc143c",
    "orange": "ff8000 ffa030 e86a10 ff7f50 f4a460",
    "yellow": "ffff00 f5d800 fff080 e0c020 ffe135 fffac0",
    "green": "00a000 00ff00 006400 80d080 a0f0a0 556b2f 90c030 2e8b57 1b3a1b",
    "blue": "0000ff 000080 1e90ff 87ceeb 4682b4 2040a0 00c8ff b0d8f0 101840 6495ed",
    "purple": "800080 8a2be2 4b0082 b080d8 9932cc 6a4c93",
    "pink": "ffc0cb ff69b4 ffb0b8 e890b0 ff50a0 ff00ff",
    "brown": "8b4513 5c3317 a06030 4a2c14 c09060 7b5b3a d2b48c",
}
NAMES = tuple(SAMPLES)

REACH = 0.03  # the fall-off of a share with distance; neighbouring names are 0.1 to 0.3 apart
LIGHTNESS = 0.6  # what a step in lightness counts, against 1 for the same step in hue
STRENGTH = 0.1  # the strength (OKLab chroma) that is left as it is
FAINT = 0.05  # shares below this are noise of the fall-off: square roots would make much of them
LEVELS = 32  # the table has 32 levels per channel


def oklab(colours: Array) -> Array:
    """sRGB [n, 3] in 0..255 -> OKLab [n, 3]: lightness 0..1, then green-red and blue-yellow."""
    srgb = np.asarray(colours, dtype=np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )


def naming_space(colours: Array) -> Array:
    """OKLab bent to how people name colours: lightness counts for less, strength by its root (near grey it matters)."""
    lab = oklab(colours)
    strength = np.linalg.norm(lab[:, 1:], axis=1, keepdims=True)
    bent = lab[:, 1:] * np.sqrt(STRENGTH / np.maximum(strength, 1e-6))
    return np.concatenate([lab[:, :1] * LIGHTNESS, bent], axis=1)


def shares(colours: Array) -> Array:
    """Colours [n, 3] -> how much of each is called by each name [n, 11]; the nearest sample of a name speaks for it."""
    place = naming_space(colours)
    nearest = np.stack(
        [_distance(place, naming_space(_rgb(samples))).min(axis=1) for samples in SAMPLES.values()], axis=1
    )
    closeness = np.exp(-(nearest**2 - nearest.min(axis=1, keepdims=True) ** 2) / (2 * REACH**2))  # the best name has 1
    share = closeness / closeness.sum(axis=1, keepdims=True)
    share = np.where(share < FAINT, 0, share)
    return share / share.sum(axis=1, keepdims=True)


@cache
def table() -> Array:
    """Shares and lightness of every colour, by `code` [32768, 12] float32."""
    level = np.arange(LEVELS) * 255 / (LEVELS - 1)
    colours = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.concatenate([shares(colours), oklab(colours)[:, :1]], axis=1).astype(np.float32)


def code(red: Array, green: Array, blue: Array) -> Array:
    """The row of `table` for each colour; channels are floats in 0..255."""
    scale = (LEVELS - 1) / 255
    r, g, b = (np.rint(channel * scale).astype(np.int32) for channel in (red, green, blue))
    return (r * LEVELS + g) * LEVELS + b


def _rgb(samples: str) -> Array:
    return np.array([list(bytes.fromhex(sample)) for sample in samples.split()])


def _distance(left: Array, right: Array) -> Array:
    return np.linalg.norm(left[:, None, :] - right[None, :, :], axis=-1)
