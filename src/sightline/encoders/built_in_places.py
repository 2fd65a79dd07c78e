"""What the built-in picture tower sees place by place, without torch: the features that its vector is the sum of.

The tower's ONNX graph holds them on the way to its vector; here they are asked for as outputs, and gathered into the
cells of a coarse grid, the same for a picture of any shape. What a place matters weighs what it shows.

Departures: the tower's own weights add up to 1 over a picture; the scale of a cell means nothing.
Shapes: pixels [F, 3, H, W] uint8 -> shown [F, N, hidden], matter [F, N], vectors [F, D]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.built_in import ABOUT, BATCH, HOME, NAME, PICTURES, scaled
from sightline.encoders.model_folder import read_json
from sightline.encoders.onnx_graph import also_giving
from sightline.encoders.onnx_models import session_of
from sightline.errors import BadModel

Array = Any
GRID = (4, 7)  # cells of a picture: rows, columns


@dataclass(frozen=True)
class Places:
    session: Any
    names: tuple[str, str]  # of the features [n, hidden, h, w] and of the weights [n, 1, h * w]

    @classmethod
    def opened(cls, folder: Path = HOME) -> Places:
        return _opened(folder)

    def see(self, pixels: Array) -> tuple[Array, Array, Array]:
        """Pictures of one shape."""
        parts = [self._some(scaled(pixels[k : k + BATCH])) for k in range(0, len(pixels), BATCH)]
        shown, matter, vectors = (np.concatenate(some) for some in zip(*parts, strict=True))
        return shown, matter, vectors

    def _some(self, pixels: Array) -> tuple[Array, Array, Array]:
        vectors, shown, weight = self.session.run(["vectors", *self.names], {"pixels": pixels})
        weight = weight.reshape(len(weight), 1, *shown.shape[2:])
        cells = gathered(shown * weight).reshape(*shown.shape[:2], -1)
        return cells.transpose(0, 2, 1), gathered(weight).reshape(len(weight), -1), vectors


@cache
def _opened(folder: Path) -> Places:
    names = read_json(folder / ABOUT, NAME).get("places")
    if not isinstance(names, list) or len(names) != 2:
        raise BadModel(f"{folder / ABOUT} does not say where its tower holds what it sees; train it again")
    model = also_giving((folder / PICTURES).read_bytes(), names)
    session = session_of(folder / PICTURES, model=model)
    return Places(session, (names[0], names[1]))


def gathered(x: Array) -> Array:
    """Means over the cells of the grid; a place on a border counts for both, as in adaptive average pooling.

    Shapes: [..., h, w] -> [..., rows, columns]
    """
    down, across = (_means(side, cells) for side, cells in zip(x.shape[-2:], GRID, strict=True))
    return down @ x @ across.T


def _means(side: int, cells: int) -> Array:
    """Cell k covers the places from floor(k * side / cells) to ceil((k + 1) * side / cells). -> [cells, side]"""
    cell, place = np.arange(cells)[:, None], np.arange(side)
    inside = (place >= cell * side // cells) & (place < -(-(cell + 1) * side // cells))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
