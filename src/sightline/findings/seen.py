"""Questions about drawn videos as the tower saw them: what every finding is asked of, and a reader without training.

The videos are of the `val` split, other ones for every seed: the exam of systems is not looked at. As many as a quarter
of the size's exam for each seed.

Departures: the reader stands in for a language model where only *what is still there to be read* is asked. A token
answers for an option by its likeness to the question and to the option together.
Shapes: tokens [T, N, D], vectors [T, E], evidence [T]; a prefix [M, D] -> scores [O]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.data.storybook.dials import Dials
from sightline.recipes.questions_seen import Eye, World, seen_world
from sightline.recipes.starting_lm import HOME, size_named
from sightline.training.asked import Asked
from sightline.training.kept import Kept, evidence

Array = Any
Told = Callable[[str], None]

READABLE = ("what", "colour", "where", "which", "whom")  # kinds that a look at the right pictures answers


@dataclass(frozen=True)
class Scale:
    """How much is asked: the size's name, and a world of videos for every seed."""

    size: str
    seeds: tuple[int, ...] = (0,)
    told: Told | None = None

    @property
    def videos(self) -> int:
        return max(2, size_named(self.size).exam.videos // 4)


@dataclass(frozen=True)
class Case:
    """One question: its video's features, which frames are evidence, and the vectors of its texts."""

    asked: Asked
    video: str  # with its seed
    tokens: Array
    vectors: Array
    seconds: Array
    lit: Array
    question: Array
    options: Array

    @property
    def answer(self) -> int:
        return self.asked.answer


def cases(
    scale: Scale,
    dials: Dials,
    frames: int,
    kinds: Sequence[str] = READABLE,
    *,
    each: int = 8,
    split: str = "val",
    seeds: Sequence[int] | None = None,
) -> list[Case]:
    """Every question about every video of the scale, with these dials."""
    found: list[Case] = []
    for seed in scale.seeds if seeds is None else seeds:
        world = World(scale.videos, frames, each, split, 100 + seed, tuple(kinds), dials=dials)
        kept = seen_world(world, told=scale.told)
        films = {name: _arrays(kept, row) for name, row in kept.films.items()}
        found += [_case(kept, asked, films[asked.video], seed) for asked in kept.questions]
    return found


def _arrays(kept: Kept, film: int) -> tuple[Array, ...]:
    arrays = (kept.tokens, kept.vectors, kept.seconds)
    return tuple(np.asarray(array[film], np.float32) for array in arrays)


def _case(kept: Kept, asked: Asked, film: tuple[Array, ...], seed: int) -> Case:
    tokens, vectors, seconds = film
    lit = evidence(seconds, np.ones(len(seconds), bool), asked.seconds)
    options = np.stack([kept.vector(option) for option in asked.options])
    return Case(asked, f"{seed}/{asked.video}", tokens, vectors, seconds, lit, kept.vector(asked.question), options)


def videos_of(cases: Sequence[Case]) -> list[str]:
    return [case.video for case in cases]


def short(cases: Sequence[Case], most: float) -> list[Case]:
    """Those whose evidence is some frames, and at most this share of them."""
    return [case for case in cases if case.lit.any() and case.lit.mean() <= most]


def read(texts: Sequence[str]) -> Array:
    """Vectors of texts. Shapes: n texts -> [n, E]"""
    return Eye.opened(HOME).read(list(texts))


def unit(rows: Array) -> Array:
    """Each row of length 1; rows of nothing stay. Shapes: [..., D] -> [..., D]"""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


def relevance(case: Case, text: Array | None = None) -> Array:
    """How much each frame has to do with a text (the question): its best place, or all of it. Shapes: [E] -> [T]"""
    asked = unit(case.question if text is None else text)
    return np.maximum((unit(case.tokens) @ asked).max(axis=1), unit(case.vectors) @ asked)


def answers(case: Case, tokens: Array) -> bool:
    """Whether the reader without training answers right from these tokens. Shapes: [M, D] -> bool"""
    rows = unit(tokens)
    scores = (rows @ unit(case.options).T + (rows @ unit(case.question))[:, None]).max(axis=0)
    return bool((scores >= scores[case.answer]).sum() == 1)
