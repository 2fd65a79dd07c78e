"""Fits pictures into a budget of frames, pixels and visual tokens, and makes each a data URL.

From: Qwen2-VL and Qwen2.5-VL (2409.12191), where 14-pixel patches are joined two by two: one visual token per cell of
28 x 28 pixels, and pictures of fewer than 4 cells are enlarged by the model itself. A budget of tokens is turned into
picture sizes by this rule whatever the server runs; models that cut pictures otherwise spend it otherwise.
Departures: the model's own rule rounds both sides; here the grid of cells is searched, so the budget holds exactly.
Shapes: pixels [3, H, W] uint8 -> JPEG of (height, width).
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sightline.records import Exhibit

CELL = 28  # pixels a side of what becomes one visual token
FEWEST = 4  # cells of the smallest picture worth sending
QUALITY = 90


@dataclass(frozen=True)
class Budget:
    side: int  # of the shorter side, in pixels
    frames: int | None = None
    tokens: int | None = None

    def smaller(self, shown: int, frames: int | None = None) -> Budget:
        """Half the pictures at half the area, for a server that said it was too much; `frames`: what it takes."""
        fewer = frames if frames is not None else max(shown // 2, 1)
        tokens = None if self.tokens is None else max(self.tokens // 4, FEWEST)
        return replace(self, side=max(round(self.side / math.sqrt(2)), CELL), frames=fewer, tokens=tokens)


@dataclass(frozen=True)
class Picture:
    number: int
    height: int
    width: int
    url: str

    @property
    def tokens(self) -> int:
        return math.ceil(self.height / CELL) * math.ceil(self.width / CELL)


def fitted(exhibits: Sequence[Exhibit], budget: Budget) -> dict[int, Picture]:
    """The pictures that fit, best-scored first where not all do, by the number of their exhibit."""
    seen = [exhibit for exhibit in exhibits if exhibit.source == "picture" and exhibit.pixels is not None]
    count, cells = shares(len(seen), budget)
    best = sorted(seen, key=lambda exhibit: (-exhibit.score, exhibit.number))[:count]
    pictures = {}
    for exhibit in best:
        pixels: Any = exhibit.pixels
        size = size_within(int(pixels.shape[1]), int(pixels.shape[2]), budget.side, cells)
        pictures[exhibit.number] = Picture(exhibit.number, *size, data_url(pixels, size))
    return pictures


def shares(pictures: int, budget: Budget) -> tuple[int, int | None]:
    """How many pictures fit, and how many cells each may have (None: as many as its side allows)."""
    count = pictures if budget.frames is None else min(pictures, budget.frames)
    if budget.tokens is None or count <= 0:
        return max(count, 0), None
    if budget.tokens < FEWEST:
        return min(count, budget.tokens, 1), max(budget.tokens, 0)
    count = min(count, budget.tokens // FEWEST)
    return count, budget.tokens // count


@lru_cache(maxsize=256)
def size_within(height: int, width: int, side: int, cells: int | None) -> tuple[int, int]:
    """The size a picture is sent at: never enlarged by more than what fills its last cell."""
    scale = min(1.0, side / min(height, width))
    tall, wide = max(round(height * scale), 1), max(round(width * scale), 1)
    if cells is None or math.ceil(tall / CELL) * math.ceil(wide / CELL) <= cells:
        return tall, wide
    grids = ((rows, min(cells // rows, math.ceil(wide / CELL))) for rows in range(1, math.ceil(tall / CELL) + 1))
    rows, columns = min(
        ((rows, fewer) for rows, most in grids for fewer in range(1, most + 1)),
        key=lambda grid: abs(math.log(grid[1] / grid[0] * tall / wide)) + math.log(cells / (grid[0] * grid[1])),
    )
    return rows * CELL, columns * CELL


def data_url(pixels: Any, size: tuple[int, int]) -> str:
    """A JPEG of this (height, width), written into the address itself."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(np.asarray(pixels).transpose(1, 2, 0)))
    if (picture.height, picture.width) != size:
        picture = picture.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
