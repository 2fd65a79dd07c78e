"""Props as small pictures: drawn once, shaded, textured and outlined, then only scaled, turned and mirrored.

A master is drawn per (prop, colour, texture) in the smallest of a few heights that suffices; a sprite is that master at
a size and an angle. Both are cached, which is what makes a frame cost a handful of pastes.
Shapes: a sprite is an RGBA picture, square, the prop's sheet of 100 x 100 fitted into it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sightline.data.storybook.palette import COLOURS, CREAM, mix
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.shapes import Sheet

TEXTURES = ("plain", "striped", "spotted")
MASTER_HEIGHTS = (32, 64, 128, 256, 512)
ANGLE_STEP = 6  # degrees: turned sprites are shared between neighbouring angles


def _pattern(texture: str, height: int) -> np.ndarray:
    """How strongly the second tone covers each pixel. Shapes: [height, height] in 0..1."""
    y, x = np.mgrid[0:height, 0:height] * (100.0 / height)
    if texture == "striped":
        wave = np.sin((x + y * 0.45) * (2 * np.pi / 17))
        return np.clip(wave * 4 + 0.5, 0, 1)
    row = np.floor(y / 14)
    dx, dy = (x + 9 * (row % 2)) % 18 - 9, y % 14 - 7
    return np.clip((4.6 - np.hypot(dx, dy)) * max(0.5, height / 100), 0, 1)


def _light(height: int) -> np.ndarray:
    """Soft light from the upper left. Shapes: [height, height, 1] factors about 1."""
    y, x = np.mgrid[0:height, 0:height] / height
    return (1.07 - 0.16 * (0.35 * x + 0.65 * y))[..., None]


def _rim(alpha: Any, width: float, strength: float) -> Any:
    """The silhouette grown by about `width` pixels, with a soft edge."""
    from PIL import ImageFilter

    return alpha.filter(ImageFilter.GaussianBlur(width)).point([min(255, int(v * strength)) for v in range(256)])


@lru_cache(maxsize=3000)
def _small_master(prop: str, colour: str, texture: str, height: int) -> Any:
    return _draw_master(prop, colour, texture, height)


@lru_cache(maxsize=120)
def _large_master(prop: str, colour: str, texture: str, height: int) -> Any:
    return _draw_master(prop, colour, texture, height)


def _draw_master(prop: str, colour: str, texture: str, height: int) -> Any:
    from PIL import Image

    coat = COLOURS[colour]
    sheet = Sheet(height, coat=coat)
    PROPS[prop](sheet)
    picture, coated = sheet.reduced()
    alpha = picture.getchannel("A")
    rgb: np.ndarray = np.asarray(picture, np.float32)[..., :3]
    if texture != "plain":
        second = np.array(coat.light if colour in ("black", "brown") else mix(coat.coat, coat.deep, 0.42), np.float32)
        cover = (_pattern(texture, height) * (np.asarray(coated, np.float32) / 255) * 0.9)[..., None]
        rgb = rgb * (1 - cover) + second * cover
    lit = np.clip(rgb * _light(height), 0, 255).astype(np.uint8)
    figure = Image.merge("RGBA", (*Image.fromarray(lit).split(), alpha))
    edge = max(0.45, height * 0.008)
    glow = Image.new("RGBA", picture.size, (*CREAM, 0))
    glow.putalpha(_rim(alpha, edge * 2.2, 1.5).point([v * 2 // 3 for v in range(256)]))
    outline = Image.new("RGBA", picture.size, (*coat.deep, 0))
    outline.putalpha(_rim(alpha, edge, 2.2))
    glow.alpha_composite(outline)
    glow.alpha_composite(figure)
    return glow


def master(prop: str, colour: str, texture: str, pixels: int) -> Any:
    height = next((h for h in MASTER_HEIGHTS if h >= pixels), MASTER_HEIGHTS[-1])
    return (_small_master if height <= 128 else _large_master)(prop, colour, texture, height)


@lru_cache(maxsize=6000)
def _small_sprite(prop: str, colour: str, texture: str, pixels: int, angle: int, mirrored: bool) -> Any:
    return _pose(prop, colour, texture, pixels, angle, mirrored)


@lru_cache(maxsize=48)  # things that stand still; half a megabyte each at 720p
def _large_sprite(prop: str, colour: str, texture: str, pixels: int, angle: int, mirrored: bool) -> Any:
    return _pose(prop, colour, texture, pixels, angle, mirrored)


def _pose(prop: str, colour: str, texture: str, pixels: int, angle: int, mirrored: bool) -> Any:
    from PIL import Image, ImageOps

    picture = master(prop, colour, texture, pixels)
    if mirrored:
        picture = ImageOps.mirror(picture)
    if angle:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC)
    return picture.resize(
        (pixels, pixels), Image.Resampling.BOX if pixels * 2 <= picture.width else Image.Resampling.BICUBIC
    )


def sprite(prop: str, colour: str, texture: str, pixels: int, angle: float = 0.0, mirrored: bool = False) -> Any:
    """The prop as an RGBA picture `pixels` high, turned clockwise by `angle` degrees."""
    turn = -round(angle / ANGLE_STEP) * ANGLE_STEP % 360
    make = _small_sprite if pixels <= 112 else _large_sprite
    return make(prop, colour, texture, max(2, pixels), turn, mirrored)
