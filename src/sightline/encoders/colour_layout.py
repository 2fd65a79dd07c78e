"""Sees colours and layout without any weights, and reads colour words, so that every step runs from the first minute.

One vector has four pieces, each scaled so that none drowns the others on ordinary footage:
  names      the whole picture and nine cells; how much of each is called by each of the eleven colour names
  lightness  the same ten places; how bright they are
  edges      nine cells; how busy they are, and along which direction (the structure tensor)
  tones      a 6 x 6 picture of light and dark, less its mean
Cosine means something here because (1) shares enter by their square root (Hellinger), so a small red thing counts and
a large wall does not drown it, and (2) the mean of ordinary footage is subtracted, so a share above the usual is
positive, below it negative, and two pictures that have nothing in common score about zero. A colour word is the unit
vector of its name, so its score is "more of it than usual", whatever else is in the picture.

From: shares over colour names as in Van de Weijer et al. (Learning Color Names, 2009), without their learned table.
Departures: all numbers are fixed here; nothing is learned.
Shapes: frames [T, 3, H, W] -> vectors [1, T, 183]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.encoders import colour_names
from sightline.encoders.colour_words import CELLS, mentions
from sightline.encoders.encoder import Card, fingerprint, seen, unit_rows
from sightline.records import Frames, Seen, Words

Array = Any

GRID = 48  # every picture is averaged to 48 x 48 first
ROWS = 3  # the cells are 3 x 3, 16 x 16 points each
TONES = 6
PLACES = 1 + ROWS * ROWS  # the whole picture, then the cells from top left to bottom right
NAMES = len(colour_names.NAMES)
WIDTH = PLACES * (NAMES + 1) + 3 * ROWS * ROWS + TONES * TONES
AT_ONCE = 8  # frames worked on together: what fits the cache

# Means over public clips (animation, film, space, animals, street; every 0.5 s); tests/encoders measures them again.
#                      black white grey  red   orange yellow green blue purple pink  brown
USUAL_WHOLE = np.array([0.51, 0.08, 0.35, 0.07, 0.07, 0.08, 0.30, 0.27, 0.07, 0.07, 0.31], dtype=np.float32)
USUAL_CELL = np.array([0.47, 0.05, 0.32, 0.05, 0.05, 0.06, 0.27, 0.23, 0.06, 0.05, 0.27], dtype=np.float32)
USUAL_LIGHTNESS = 0.39
USUAL_EDGE = 0.13

# What one unit of each piece counts. Squared length on that footage: names 52 %, lightness 12 %, edges 8 %, tones 28 %.
WHOLE, CELL, LIGHT, LIGHT_CELL, EDGE, TONE = 1.0, 0.3, 1.5, 0.3, 1.0, 0.75


class ColourLayout:
    """The encoder that needs nothing but numpy."""

    def __init__(self) -> None:
        self.card = Card(name="colour", fingerprint=_fingerprint(), width=WIDTH, side=96, words=True)

    def see(self, frames: Frames) -> Seen:
        pixels = np.asarray(frames.pixels)
        rows = [describe(pixels[start : start + AT_ONCE]) for start in range(0, len(pixels), AT_ONCE)]
        return seen(unit_rows(np.concatenate(rows) if rows else np.zeros((0, WIDTH)), "the colour encoder"), frames)

    def read(self, texts: Sequence[str]) -> Words:
        rows = np.stack([word_vector(text) for text in texts]) if texts else np.zeros((0, WIDTH))
        return Words(unit_rows(rows, "the colour encoder"))


def describe(pixels: Array) -> Array:
    """Pictures [T, 3, H, W] uint8 -> vectors [T, WIDTH], not yet of unit length."""
    small = shrink(pixels)  # [T, 3, GRID, GRID] float32 in 0..255
    codes = colour_names.code(small[:, 0], small[:, 1], small[:, 2]).reshape(len(small), -1)
    cells = _CELL_MEAN @ colour_names.table()[codes]  # [T, 9, NAMES + 1]
    places = np.concatenate([cells.mean(axis=1, keepdims=True), cells], axis=1)  # [T, PLACES, NAMES + 1]
    names = (np.sqrt(places[..., :NAMES]) - _USUAL_NAMES) * _NAME_SCALE
    light = (places[..., NAMES:] - USUAL_LIGHTNESS) * _LIGHT_SCALE
    coloured = np.concatenate([names, light], axis=2).reshape(len(small), -1)  # [T, PLACES * (NAMES + 1)]
    grey = np.tensordot(small, _LUMA, axes=([1], [0]))  # [T, GRID, GRID] in 0..1
    return np.concatenate([coloured, edges(grey) * EDGE, tones(grey) * TONE], axis=1)


def shrink(pixels: Array) -> Array:
    """Area mean of any picture on a GRID x GRID raster."""
    height, width = pixels.shape[2:]
    return area_mean(height, GRID) @ pixels.astype(np.float32) @ area_mean(width, GRID).T


def area_mean(points: int, bins: int) -> Array:
    """Matrix [bins, points] that averages samples into `bins` equal stretches, shared samples by their overlap."""
    edge = np.arange(bins + 1) * points / bins
    start, end = edge[:-1, None], edge[1:, None]
    sample = np.arange(points)[None, :]
    overlap = np.clip(np.minimum(end, sample + 1) - np.maximum(start, sample), 0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def edges(grey: Array) -> Array:
    """Grey [T, GRID, GRID] -> [T, 27]: per cell the strength of its edges, and their direction by the doubled angle."""
    across = np.zeros_like(grey)
    down = np.zeros_like(grey)
    across[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    down[:, 1:-1, :] = grey[:, 2:, :] - grey[:, :-2, :]
    tensor = np.stack([across * across + down * down, across * across - down * down, 2 * across * down], axis=-1)
    cells = _CELL_MEAN @ tensor.reshape(len(grey), GRID * GRID, 3)  # [T, 9, 3]
    strength = np.sqrt(cells[..., :1])
    direction = cells[..., 1:] / np.maximum(strength, 1e-4)
    return np.concatenate([strength - USUAL_EDGE, direction], axis=2).reshape(len(grey), -1)


def tones(grey: Array) -> Array:
    """Grey [T, GRID, GRID] -> [T, 36]: a tiny picture of what is lighter and darker than the picture's mean."""
    step = GRID // TONES
    tiny = grey.reshape(len(grey), TONES, step, TONES, step).mean(axis=(2, 4)).reshape(len(grey), -1)
    return tiny - tiny.mean(axis=1, keepdims=True)


def word_vector(text: str) -> Array:
    """The direction [WIDTH] in which the words of a text point; zeros where it names no colour and no lightness."""
    places = np.zeros((PLACES, NAMES + 1), dtype=np.float32)
    for mention in mentions(text):
        column, sign = (
            (NAMES, mention.sign) if mention.name == "lightness" else (colour_names.NAMES.index(mention.name), 1)
        )
        if mention.cells == CELLS:
            places[0, column] += sign  # anywhere: the whole picture speaks for it
        else:
            places[[1 + cell for cell in sorted(mention.cells)], column] += sign / np.sqrt(len(mention.cells))
    vector = np.zeros(WIDTH, dtype=np.float32)
    vector[: places.size] = places.ravel()
    return vector


def _fingerprint() -> str:
    """All the numbers that decide a vector; raise the version when the arithmetic changes."""
    names = (USUAL_WHOLE, USUAL_CELL, colour_names.shares(np.eye(3) * 200))
    scales = (GRID, USUAL_LIGHTNESS, USUAL_EDGE, WHOLE, CELL, LIGHT, LIGHT_CELL, EDGE, TONE)
    numbers = [*np.concatenate([block.ravel() for block in names]), *scales]
    return fingerprint(["colour layout 1", repr(colour_names.SAMPLES), *(f"{number:.5g}" for number in numbers)])


def _cell_mean() -> Array:
    """Matrix [9, GRID * GRID] that averages the points of each cell."""
    cell = np.arange(GRID) * ROWS // GRID
    of_point = (cell[:, None] * ROWS + cell[None, :]).ravel()
    inside = of_point[None, :] == np.arange(ROWS * ROWS)[:, None]
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)


_CELL_MEAN = _cell_mean()
_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) / 255
_USUAL_NAMES = np.concatenate([USUAL_WHOLE[None], np.repeat(USUAL_CELL[None], ROWS * ROWS, axis=0)])  # [PLACES, NAMES]
_NAME_SCALE = np.array([WHOLE] + [CELL] * (ROWS * ROWS), dtype=np.float32)[:, None]
_LIGHT_SCALE = np.array([LIGHT] + [LIGHT_CELL] * (ROWS * ROWS), dtype=np.float32)[:, None]
