"""The built-in model: sees the picture-book world and reads its words in English and Chinese, without torch.

It knows storybook's things, colours, sizes, textures and places, and nothing else. A text of which less than two thirds
of the content words are known is a zero row: it is not guessed at. Above that, what is unknown takes its share of the
row: it goes into one last direction that no picture has, so the score sinks with every strange word.

From: `sightline train built-in` (recipes/built_in.py); data, figures and limits in docs/model-card.md.
Departures: pictures of any shape are seen whole (no crop, no squeeze), their shorter side scaled to 64.
Shapes: frames [T, 3, H, W] -> vectors [1, T, E]; texts -> vector [B, E]; E is the towers' width and one
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.colour_layout import area_mean
from sightline.encoders.encoder import Card, fingerprint, seen, unit_rows
from sightline.encoders.home_world import HomeWorld
from sightline.encoders.lexicon import Lexicon
from sightline.encoders.model_folder import read_json, weight_digest
from sightline.encoders.onnx_graph import read_graph
from sightline.encoders.onnx_models import Tower
from sightline.errors import NoSuchEncoder
from sightline.records import Frames, Seen, Words

Array = Any

NAME = "storybook"
HOME = Path(__file__).parent / "storybook"
PICTURES, TEXTS, WORDS, ABOUT = "pictures.onnx", "texts.onnx", "words.json", "model.json"
WEIGHTS = "towers.safetensors"  # the same numbers for those who train on; the ONNX files are what runs
VERSION = "storybook 1"  # raised when the same weights would give other vectors
SIDE = 64
BATCH = 16
KNOWN = 2 / 3  # of the content words, for a text to be read at all


@dataclass(frozen=True)
class Towers:
    """The two halves, however they are run.

    Shapes: pixels [n, 3, h, w] uint8 -> [n, E - 1]; ids, mask [n, L] -> [n, E - 1]
    """

    pictures: Callable[[Array], Array]
    texts: Callable[[Array, Array], Array]
    width: int
    digests: Sequence[str]
    home: HomeWorld | None = None  # how the model's world is told from others, where that was learned


class BuiltIn:
    knows_sides = True  # "a cat on the left" is not "a cat on the right" to it: movement can be read (asking/moving.py)

    def __init__(self, towers: Towers, lexicon: Lexicon, name: str = NAME) -> None:
        self._towers, self._lexicon = towers, lexicon
        mark = fingerprint([VERSION, str(SIDE), f"{KNOWN:.4f}", *towers.digests])
        self.card = Card(name=name, fingerprint=mark, width=towers.width + 1, side=SIDE, words=True)

    def see(self, frames: Frames) -> Seen:
        rows = np.zeros((len(frames), self.card.width), dtype=np.float32)
        pixels = np.asarray(frames.pixels)
        for start in range(0, len(pixels), BATCH):
            rows[start : start + BATCH, :-1] = self._towers.pictures(scaled(pixels[start : start + BATCH]))
        return seen(unit_rows(rows, self.card.name), frames)

    def read(self, texts: Sequence[str]) -> Words:
        ids, mask, known = self._lexicon.numbers(texts)
        rows = np.zeros((len(texts), self.card.width), dtype=np.float32)
        readable = np.flatnonzero(known >= KNOWN - 1e-6)
        for start in range(0, len(readable), BATCH):
            some = readable[start : start + BATCH]
            share = known[some, None]
            rows[some, :-1] = np.sqrt(share) * self._towers.texts(ids[some], mask[some])
            rows[some, -1:] = np.sqrt(1 - share)
        return Words(unit_rows(rows, self.card.name))

    def knows(self, text: str) -> float:
        """The share of a text's content words that it knows; 0 where the text names nothing."""
        return float(self._lexicon.numbers([text])[2][0])

    def at_home(self, rows: Array) -> float:
        """How sure it is that these rows of one video show the picture-book world, which is all that it knows."""
        return self._towers.home.at_home(np.asarray(rows)[:, :-1]) if self._towers.home else 1.0


def scaled(pixels: Array) -> Array:
    """The shorter side averaged (or, of a smaller picture, spread) to SIDE; the other follows. Shapes: [n, 3, H, W]"""
    height, width = pixels.shape[2:]
    if min(height, width) == SIDE:
        return np.ascontiguousarray(pixels)
    tall, wide = (max(SIDE, round(side * SIDE / min(height, width))) for side in (height, width))
    made = area_mean(height, tall) @ pixels.astype(np.float32) @ area_mean(width, wide).T
    return np.rint(made).clip(0, 255).astype(np.uint8)


def open_built_in(folder: Path = HOME, threads: int | None = None) -> BuiltIn:
    """The model that came with the package, or one that `sightline train built-in` wrote to a folder."""
    missing = [name for name in (PICTURES, TEXTS, WORDS, ABOUT) if not (folder / name).is_file()]
    if missing:
        raise NoSuchEncoder(
            f"the built-in model in {folder} lacks {', '.join(missing)}; install Sightline again, "
            "or train it: sightline train built-in --out DIR"
        )
    about = read_json(folder / ABOUT, NAME)
    home = HomeWorld(np.array(about["home"][1:], np.float32), float(about["home"][0]))
    pictures, texts = (
        Tower(folder / file, read_graph(folder / file), ("vectors",), threads) for file in (PICTURES, TEXTS)
    )
    towers = Towers(
        lambda pixels: pictures.run(pixels=pixels),
        lambda ids, mask: texts.run(ids=ids, mask=mask),
        int(about["width"]),
        weight_digest([folder / PICTURES, folder / TEXTS, folder / WORDS]),
        home,
    )
    return BuiltIn(towers, Lexicon.read(folder / WORDS), NAME if folder == HOME else str(folder.resolve()))
