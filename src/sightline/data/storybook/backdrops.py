"""Ten places to be: soft, pale pictures in layers, so that the props in front of them stand out.

A backdrop draws itself on a sheet of 100 units height and any width; `variant` moves hills and furniture about, so the
same place is not the same picture. Paper grain is added once, here, since backdrops are cached and frames are many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from sightline.data.storybook.palette import CREAM, RGB, WHITE, mix
from sightline.data.storybook.shapes import Sheet

GROUND = 0.9  # where feet stand, as a share of the height
Draw = Callable[[Sheet, float], None]


def _wash(s: Sheet, top: RGB, bottom: RGB, y0: float = 0.0, y1: float = 100.0) -> None:
    """A colour that runs into another between y0 and y1 and goes on below."""
    steps = 40
    for k in range(steps):
        y = y0 + (y1 - y0) * k / steps
        s.box(-1, y, s.w + 1, 101, mix(top, bottom, k / (steps - 1)), 0)


def _hills(s: Sheet, base: float, height: float, waves: float, phase: float, paint: RGB) -> None:
    """A rolling line of hills, filled down to the bottom."""
    ridge = [(x * s.w / 40, base - height * math.sin(waves * x / 40 * math.pi * 2 + phase)) for x in range(-1, 42)]
    s.poly([*ridge, (s.w + 2, 102), (-2, 102)], paint)


def _scatter(s: Sheet, count: int, y0: float, y1: float, phase: float) -> list[tuple[float, float, float]]:
    """Places strewn evenly but not in rows, each with a number in 0..1 (the R2 sequence)."""
    places = []
    for k in range(1, count + 1):
        across, down = (k * 0.7548776662 + phase) % 1, (k * 0.5698402910 + phase) % 1
        nudge = 0.11 * math.sin(k * 12.9898)  # breaks the lattice the sequence would show
        places.append((((across + nudge) % 1) * s.w, y0 + ((down + nudge * 1.7) % 1) * (y1 - y0), (k * 0.618034) % 1))
    return places


def beach(s: Sheet, phase: float) -> None:
    _wash(s, (176, 222, 244), (236, 246, 240), 0, 48)
    _wash(s, (92, 178, 206), (140, 210, 218), 46, 68)
    for x, y, _ in _scatter(s, 9, 50, 62, phase):
        s.bow([(x - 6, y), (x, y - 1.4), (x + 6, y)], 0.9, (190, 232, 234))
    _hills(s, 69, 2.2, 1.5, phase * 6, (230, 246, 242))
    _hills(s, 71, 2.2, 1.5, phase * 6 + 0.3, (246, 226, 178))
    for x, y, r in _scatter(s, 24, 78, 99, phase):
        s.oval(x, y, 0.9 + r, 0.6 + r * 0.5, (232, 206, 152))


def forest(s: Sheet, phase: float) -> None:
    _wash(s, (214, 236, 206), (186, 220, 176))
    for row, (base, paint) in enumerate(((64, (168, 206, 160)), (74, (142, 188, 136)))):
        for k in range(int(s.w / 13) + 2):
            x, tall = k * 13 + row * 7 + phase * 9 - 6, 36 + 10 * math.sin(k * 2.4 + phase * 5)
            s.box(x - 1.2, base - 4, x + 1.2, base + 8, (150, 126, 96), 0.6)
            for step in range(3):
                y, half = base - tall + step * tall / 3.4, 4.5 + step * 2.4
                s.poly([(x, y), (x + half, y + tall / 2.4), (x - half, y + tall / 2.4)], paint, soft=1)
    _hills(s, 76, 2.5, 1.2, phase * 6, (120, 170, 108))
    _hills(s, 86, 2, 1.7, phase * 4, (138, 186, 118))
    for x, y, r in _scatter(s, 16, 82, 98, phase):
        s.bow([(x, y), (x + 1, y - 3 - r * 2), (x + 2, y - 3.6 - r * 2)], 0.9, (104, 154, 94))


def meadow(s: Sheet, phase: float) -> None:
    _wash(s, (186, 226, 248), (240, 248, 238), 0, 62)
    _hills(s, 60, 7, 0.8, phase * 6, (184, 220, 162))
    _hills(s, 70, 5, 1.1, phase * 6 + 2, (164, 210, 140))
    _hills(s, 80, 2.5, 1.6, phase * 5, (148, 200, 122))
    for x, y, r in _scatter(s, 22, 74, 98, phase):
        s.stroke([(x, y), (x, y + 3)], 0.7, (110, 166, 92))
        s.oval(x, y, 1.5, 1.5, (CREAM, (252, 214, 226), (252, 236, 168))[int(r * 3)])
        s.oval(x, y, 0.6, 0.6, (240, 180, 80))


def desert(s: Sheet, phase: float) -> None:
    _wash(s, (250, 214, 170), (254, 238, 206), 0, 66)
    for k, x in enumerate((0.18, 0.6, 0.85)):
        x = ((x + phase * 0.3) % 1) * s.w
        s.poly([(x - 12, 64), (x - 9, 38 + 5 * k), (x + 8, 38 + 5 * k), (x + 12, 64)], (232, 170, 128), soft=2)
        s.box(x - 10, 46 + 3 * k, x + 10, 49 + 3 * k, (222, 156, 116), 1)
    _hills(s, 66, 5, 0.9, phase * 6, (240, 196, 138))
    _hills(s, 76, 4, 0.7, phase * 6 + 2, (246, 208, 150))
    _hills(s, 88, 2.5, 1.0, phase * 3, (250, 218, 166))
    for x, y, _ in _scatter(s, 9, 76, 96, phase):
        s.bow([(x - 7, y), (x, y - 1), (x + 7, y)], 0.8, (232, 186, 128))


def snow(s: Sheet, phase: float) -> None:
    _wash(s, (178, 206, 232), (222, 234, 244), 0, 70)
    for k, x in enumerate((0.1, 0.4, 0.78)):
        x, top = ((x + phase * 0.2) % 1) * s.w, 26 + 9 * (k % 2)
        s.poly([(x - 30, 72), (x, top), (x + 30, 72)], (164, 188, 216), soft=1)
        s.blob([(x - 8, top + 13), (x, top - 1), (x + 8, top + 13), (x + 3, top + 11), (x - 3, top + 14)], WHITE)
    _hills(s, 68, 4, 0.9, phase * 6, (226, 236, 246))
    _hills(s, 80, 3, 1.3, phase * 6 + 2, (242, 247, 251))
    for x, y, r in _scatter(s, 34, 2, 98, phase):
        s.oval(x, y, 0.6 + r * 0.7, 0.6 + r * 0.7, WHITE)


def night(s: Sheet, phase: float) -> None:
    _wash(s, (46, 56, 110), (128, 124, 178), 0, 82)
    for x, y, r in _scatter(s, 46, 2, 68, phase):
        s.oval(x, y, 0.35 + r * 0.55, 0.35 + r * 0.55, mix((255, 246, 206), (128, 124, 178), 0.4 * r))
    _hills(s, 74, 5, 0.9, phase * 6, (84, 88, 146))
    _hills(s, 83, 3, 1.2, phase * 6 + 2, (66, 74, 124))
    for k in range(5):
        x = ((k * 0.23 + phase) % 1) * s.w
        s.box(x, 70, x + 5, 77, (64, 66, 116), 0.6)
        s.poly([(x - 1, 70), (x + 2.5, 66), (x + 6, 70)], (56, 58, 104), soft=0.4)
        s.box(x + 1.6, 72, x + 3.4, 74.4, (252, 216, 130), 0.3)


def street(s: Sheet, phase: float) -> None:
    _wash(s, (204, 226, 240), (244, 240, 228), 0, 70)
    walls = ((240, 208, 190), (206, 218, 208), (242, 226, 184), (210, 204, 226), (236, 196, 196))
    count = int(s.w / 19) + 2
    for k in range(count):
        x, top = k * 19 - 8 + phase * 6, 22 + 9 * math.sin(k * 2.3 + phase * 7)
        wall = walls[(k + int(phase * 5)) % 5]
        s.box(x, top, x + 18, 80, wall, 1)
        s.poly([(x - 1, top), (x + 9, top - 10), (x + 19, top)], mix(wall, (150, 110, 110), 0.3), soft=0.6)
        for row in range(3):
            for column in range(2):
                u, v = x + 3 + column * 7, top + 6 + row * 14
                s.box(u, v, u + 5, v + 8, mix(wall, WHITE, 0.65), 1)
    s.box(-1, 76, s.w + 1, 84, (216, 212, 208), 0)
    s.box(-1, 83, s.w + 1, 101, (176, 176, 186), 0)
    for k in range(int(s.w / 16) + 1):
        s.box(k * 16 + 2, 94, k * 16 + 10, 95.6, CREAM, 0.6)


def underwater(s: Sheet, phase: float) -> None:
    _wash(s, (150, 222, 228), (54, 134, 176))
    for k in range(4):
        x = ((k * 0.29 + phase) % 1) * s.w
        s.poly([(x, -2), (x + 7, -2), (x - 10, 84), (x - 26, 84)], (134, 210, 220))
    _wash(s, (76, 158, 190), (64, 146, 182), 78, 86)
    _hills(s, 86, 2.4, 1.4, phase * 6, (220, 208, 164))
    for k in range(9):
        x, tall = ((k * 0.137 + phase) % 1) * s.w, 14 + 12 * ((k * 0.618) % 1)
        weed = [(x + 2.2 * math.sin(j * 1.6 + k), 93 - tall * j / 5) for j in range(6)]
        s.bow(weed, 2, ((74, 158, 142), (86, 172, 150), (222, 140, 150))[k % 3])
    for x, y, r in _scatter(s, 18, 6, 80, phase):
        s.oval(x, y, 0.8 + r * 1.4, 0.8 + r * 1.4, (190, 236, 240))
        s.oval(x, y, 0.5 + r, 0.5 + r, (140, 210, 220))


def room(s: Sheet, phase: float) -> None:
    s.box(-1, -1, s.w + 1, 101, (248, 226, 206), 0)
    for k in range(int(s.w / 8) + 1):
        s.box(k * 8, 0, k * 8 + 3.4, 78, (250, 232, 216), 0)
    x = (0.16 + 0.5 * phase) * s.w
    s.box(x - 2, 12, x + 30, 50, WHITE, 2)
    s.box(x, 14, x + 28, 48, (186, 222, 242), 1)
    s.oval(x + 20, 50, 12, 9, (168, 212, 150))
    s.box(x - 2, 48, x + 30, 60, (249, 229, 211), 0)
    s.box(x - 4, 48, x + 32, 51, WHITE, 1)
    s.stroke([(x + 14, 14), (x + 14, 48)], 1.4, WHITE)
    s.stroke([(x, 31), (x + 28, 31)], 1.4, WHITE)
    for side, edge in ((-1, x - 3), (1, x + 31)):
        s.blob(
            [(edge + side * 3, 9), (edge - side * 6, 10), (edge - side * 2, 32), (edge + side * 4, 54)], (238, 180, 170)
        )
    s.box(-1, 74, s.w + 1, 78, WHITE, 0)
    _wash(s, (214, 172, 132), (226, 188, 148), 78, 100)
    s.oval(s.w * 0.5, 93, s.w * 0.36, 6.4, (240, 214, 200))
    s.oval(s.w * 0.5, 93, s.w * 0.31, 4.8, (250, 234, 224))


def kitchen(s: Sheet, phase: float) -> None:
    s.box(-1, -1, s.w + 1, 101, (214, 236, 226), 0)
    for k in range(int(s.w / 7) + 1):
        s.stroke([(k * 7, 26), (k * 7, 62)], 0.5, (234, 246, 240))
    for k in range(6):
        s.stroke([(0, 26 + k * 7), (s.w, 26 + k * 7)], 0.5, (234, 246, 240))
    for k in range(int(s.w / 22) + 1):
        x = k * 22 - 6 + phase * 8
        s.box(x, -4, x + 20, 24, (250, 244, 230), 1.5)
        s.box(x + 2, 1, x + 18, 21, (242, 232, 212), 1)
        s.oval(x + 16, 13, 0.9, 0.9, (196, 160, 110))
        s.box(x, 66, x + 20, 86, (250, 244, 230), 1)
        s.box(x + 2, 69, x + 18, 84, (242, 232, 212), 1)
        s.box(x + 7, 71, x + 13, 72.4, (196, 160, 110), 0.6)
    s.box(-1, 60, s.w + 1, 66, (216, 184, 150), 0)
    for k in range(int(s.w / 10) + 2):
        for row in range(3):
            s.box(k * 10, 85 + row * 5, k * 10 + 10, 90 + row * 5, ((238, 226, 208), (226, 210, 190))[(k + row) % 2], 0)


BACKDROPS: dict[str, Draw] = {
    d.__name__: d for d in (beach, forest, meadow, desert, snow, night, street, underwater, room, kitchen)
}
VARIANTS = 4


def _grain(picture: Any, seed: int) -> Any:
    """Watercolour: broad uneven washes and fine paper grain, a few levels strong."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    fine = rng.normal(0, 1.6, (picture.height, picture.width, 1))
    cells = Image.fromarray(rng.integers(0, 256, (6, 9), dtype=np.uint8)).resize(picture.size, Image.Resampling.BICUBIC)
    broad = (np.asarray(cells, np.float32)[..., None] - 128) / 128 * 4
    return Image.fromarray(np.clip(np.asarray(picture, np.float32) + fine + broad, 0, 255).astype(np.uint8))


@lru_cache(maxsize=64)
def backdrop(name: str, variant: int, width: int, height: int) -> Any:
    """The place as an RGB picture."""
    sheet = Sheet(height, width)
    BACKDROPS[name](sheet, variant / VARIANTS)
    picture, _ = sheet.reduced()
    return _grain(picture.convert("RGB"), seed=variant + 1)
