"""What an encoder is: it sees pictures and reads words into one space, and carries a card that says which space.

Departures: a fingerprint leaves out device, threads and float type, which move a vector by less than a
thousandth of its length; it takes in the weights, the preprocessing and `version`, which move it for good.
Shapes: frames [T, 3, H, W] -> vectors [1, T, E]; texts -> vector [B, E]; every row has length one, or is all zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sightline.errors import BadModel
from sightline.records import Frames, Seen, Words

Array = Any  # a numpy array; shapes are in the docstrings


@dataclass(frozen=True)
class Card:
    """Which space the vectors live in. Two cards with one fingerprint give comparable vectors."""

    name: str  # what `open_encoder` takes to get it again
    fingerprint: str
    width: int  # E; 0 where nothing is seen
    side: int  # the shorter side of the frames it wants; others are scaled
    words: bool  # whether `read` can ever give a row that is not zero


class Encoder(Protocol):
    @property
    def card(self) -> Card: ...

    def see(self, frames: Frames) -> Seen:
        """Vectors [1, T, E] of unit length; a frame's vector does not depend on the frames beside it."""

    def read(self, texts: Sequence[str]) -> Words:
        """One row per text, unit length; a zero row means: these words say nothing this encoder can see."""


def fingerprint(parts: Iterable[str]) -> str:
    """One digest for all that decides a vector: weight digests, preprocessing, the version of the code."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def unit_rows(rows: Array, whose: str) -> Array:
    """Rows [n, E] as float32 of length one; zero rows stay zero, and a NaN never leaves this function."""
    rows = np.asarray(rows, dtype=np.float32)
    if not np.isfinite(rows).all():
        raise BadModel(f"{whose} gave numbers that are not finite; its weights are damaged: fetch or export them again")
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def seen(vectors: Array, frames: Frames) -> Seen:
    """The record of one video's frames, from its rows [T, E]."""
    seconds = np.asarray(frames.seconds, dtype=np.float64)
    return Seen(vectors=vectors[None], seconds=seconds[None], mask=np.ones((1, len(frames)), dtype=bool))


class NoEncoder:
    """Sees nothing and reads nothing: for libraries that are searched by speech and screen text alone.

    Shapes: frames [T, 3, H, W] -> vectors [1, T, 0]
    """

    card = Card(name="none", fingerprint=fingerprint(["none"]), width=0, side=96, words=False)

    def see(self, frames: Frames) -> Seen:
        return seen(np.zeros((len(frames), 0), dtype=np.float32), frames)

    def read(self, texts: Sequence[str]) -> Words:
        return Words(np.zeros((len(texts), 0), dtype=np.float32))
