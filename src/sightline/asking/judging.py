"""Judges a question's options by the chosen pictures, with a small trained network that runs without torch.

The picture tower's own features at a picture's places become a small grid of tokens; the judge reads question and
options, looks at the tokens of all frames, and gives every option a value, and one more to "not in these videos".

From: `sightline train reader` (recipes/reader.py); data and figures in docs/model-card.md.
Departures: the tower is not run by its vectors alone; what its graph holds on the way is asked for as well.
Shapes: pixels [F, 3, H, W] -> tokens [F, N, D]; question, options -> values [O + 1]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.built_in_places import Places
from sightline.encoders.model_folder import read_json
from sightline.encoders.onnx_graph import read_graph
from sightline.encoders.onnx_models import session_of
from sightline.errors import BadModel

Array = Any
HOME = Path(__file__).parent / "storybook"
NAME = "reader"
GRAPH, PIECES, ABOUT, WEIGHTS = "judge.onnx", "tokenizer.json", "judge.json", "judge.safetensors"
Cut = Callable[[str], list[int]]  # a text into the numbers of its pieces

NOT_HERE = ("not in these videos", "这些视频里没有")  # the judge reads the first as one more option, in both languages
START, END = 1, 2  # of tokenizer.SPECIAL
LONGEST = (64, 30)  # pieces of a question, of an option


def laid_out(question: str, options: Sequence[str], cut: Cut) -> tuple[Array, Array, Array]:
    """The question's pieces, then each option's: their numbers, their places, and whose they are (0: the question).

    An option's places go on after the question's longest, wherever it stands among the options.
    Shapes: -> ids, place, group [L]
    """
    rows = [[START, *cut(question)[: LONGEST[0] - 1]]]
    rows += [[*cut(option)[: LONGEST[1] - 1], END] for option in options]
    place = [np.arange(len(row)) + (LONGEST[0] if k else 0) for k, row in enumerate(rows)]
    group = [np.full(len(row), k) for k, row in enumerate(rows)]
    return np.concatenate(rows).astype(np.int64), np.concatenate(place), np.concatenate(group)


@dataclass(frozen=True)
class Judged:
    """How likely each option is, "not in these videos" last, from all frames and from each alone.

    Shapes: chances [O + 1], alone [F, O + 1]
    """

    chances: Array
    alone: Array


@dataclass(frozen=True)
class Judging:
    """The judge that came with the package, or one that `sightline train reader` wrote to a folder."""

    session: Any
    cut: Cut
    places: Places
    sharpness: float  # what values are multiplied by before they are chances; fitted on films it did not learn from

    @classmethod
    def opened(cls, folder: Path = HOME) -> Judging:
        return _opened(folder)

    @staticmethod
    def tower_of(folder: Path = HOME) -> str:
        """The fingerprint of the encoder that it learned with."""
        return str(_about(folder)["tower"])

    def judge(self, question: str, options: Sequence[str], pixels: Array, seconds: Sequence[float]) -> Judged:
        """Pictures [F, 3, H, W] in the order of time, 16 at most."""
        ids, place, group = laid_out(question, [*options, NOT_HERE[0]], self.cut)
        shown, matter, vectors = self.places.see(pixels)
        count = len(pixels)
        looks = np.concatenate([np.ones((1, count), bool), np.eye(count, dtype=bool)])  # all of them, each alone
        values = self.session.run(
            ["values"],
            {
                "ids": ids[None],
                "place": place[None],
                "group": group[None],
                "features": shown[None],
                "matter": matter[None],
                "vectors": vectors[None],
                "seconds": np.asarray(seconds, np.float32)[None],
                "shown": looks,
            },
        )[0]
        own = group == np.arange(1, len(options) + 2)[:, None]  # [O + 1, L]
        by_option = self.sharpness * (values @ own.T) / own.sum(axis=1)
        odds = np.exp(by_option - by_option.max(axis=1, keepdims=True))
        chances = odds / odds.sum(axis=1, keepdims=True)
        return Judged(chances[0], chances[1:])


@cache
def _about(folder: Path) -> dict[str, Any]:
    missing = [name for name in (GRAPH, PIECES, ABOUT) if not (folder / name).is_file()]
    if missing:
        raise BadModel(
            f"the reader in {folder} lacks {', '.join(missing)}; install Sightline again, or train it: "
            "sightline train reader --out DIR"
        )
    return read_json(folder / ABOUT, NAME)


@cache
def _opened(folder: Path) -> Judging:
    from tokenizers import Tokenizer

    about = _about(folder)
    read_graph(folder / GRAPH)
    pieces = Tokenizer.from_file(str(folder / PIECES))
    pieces.encode_special_tokens = True  # whatever a text spells, it stays text
    session = session_of(folder / GRAPH)
    cut: Cut = lambda text: list(pieces.encode(text, add_special_tokens=False).ids)  # noqa: E731
    return Judging(session, cut, Places.opened(), float(about["sharpness"]))
