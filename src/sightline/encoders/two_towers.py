"""A CLIP-like encoder around two towers, however they are run: preprocessing, tokens, batches, remembered queries.

Departures: an empty text is a zero row (it says nothing), where a bare tower would give the vector of its end token.
Shapes: frames [T, 3, H, W] -> vectors [1, T, E]; texts -> vector [B, E]
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.encoders.encoder import Card, fingerprint, seen, unit_rows
from sightline.encoders.model_folder import ModelFolder
from sightline.encoders.query_tokens import QueryTokens, query_tokens
from sightline.errors import BadModel
from sightline.records import Frames, Seen, Words

Array = Any

VERSION = "two towers 1"  # raised when the same weights would give other vectors
BATCH = 16  # pictures or texts at a time; larger ones are no faster on a CPU
REMEMBERED = 512  # query vectors kept


@dataclass(frozen=True)
class Towers:
    """The two halves of a model."""

    pictures: Callable[[Array], Array]  # pixels [n, 3, h, w] float32 -> [n, E]
    texts: Callable[[Array, Array], Array]  # ids [n, L], mask [n, L] -> [n, E]
    digests: list[str]  # of the weights
    picture_batch: int = BATCH
    text_batch: int = BATCH


class TwoTowers:
    def __init__(self, folder: ModelFolder, towers: Towers, tokenizer: Any | None = None) -> None:
        self._folder, self._towers, self._tokenizer = folder, towers, tokenizer
        self._tokens: QueryTokens | None = None
        self._remembered: OrderedDict[str, Array] = OrderedDict()
        self.card = Card(
            name=folder.name,
            fingerprint=fingerprint([VERSION, folder.family, repr(folder.preprocessing), *towers.digests]),
            width=folder.width,
            side=min(folder.preprocessing.shape),
            words=True,
        )

    def see(self, frames: Frames) -> Seen:
        pixels, batch = np.asarray(frames.pixels), self._towers.picture_batch
        rows = np.zeros((len(pixels), self.card.width), dtype=np.float32)
        for start in range(0, len(pixels), batch):
            ready = self._folder.preprocessing.apply(pixels[start : start + batch])
            rows[start : start + batch] = self._checked(self._towers.pictures(ready), len(ready))
        return seen(unit_rows(rows, self.card.name), frames)

    def read(self, texts: Sequence[str]) -> Words:
        unknown = list(dict.fromkeys(text for text in texts if text not in self._remembered))
        known = self._remembered | dict(zip(unknown, self._encode(unknown), strict=True))
        for text in texts:
            self._remembered[text] = known[text]
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return Words(np.stack([known[text] for text in texts]) if texts else self._nothing(0))

    def _encode(self, texts: Sequence[str]) -> Array:
        """Texts -> rows [n, E] of unit length, zero where there is nothing but spaces."""
        if self._tokens is None:
            self._tokens = query_tokens(self._folder, self._tokenizer)
        rows = self._nothing(len(texts))
        spoken = np.array([row for row, text in enumerate(texts) if text.strip()], dtype=np.int64)
        for members, ids, mask in self._tokens.groups([texts[row] for row in spoken], self._towers.text_batch):
            rows[spoken[members]] = self._checked(self._towers.texts(ids, mask), len(ids))
        return unit_rows(rows, self.card.name)

    def _nothing(self, count: int) -> Array:
        return np.zeros((count, self.card.width), dtype=np.float32)

    def _checked(self, rows: Array, count: int) -> Array:
        if rows.shape != (count, self.card.width):
            raise BadModel(
                f"{self.card.name} gave rows of shape {rows.shape} for {count} items of width {self.card.width}"
            )
        return rows
