"""Questions about drawn videos as the tower saw them: what every finding is asked of, and a reader without training.

At `tiny` the videos are of the `val` split; at `small`, as in the exam of systems there, of the `challenge` split:
things in colours and doings that nobody learned, asked about in other words. They are others for every seed, and never
those of that exam. As many are drawn as it takes for a third of the exam's questions at every seed.

Departures: the reader stands in for a language model where only *what is still there to be read* is asked. A token
answers for an option by its likeness to the question and to the option together.
Shapes: tokens [T, N, D], vectors [T, E], evidence [T]; a prefix [M, D] -> scores [O]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import random_script
from sightline.errors import BadRecord
from sightline.recipes.questions_seen import Eye, World, seen_world
from sightline.recipes.starting_lm import HOME, LONG, size_named
from sightline.training.asked import Asked
from sightline.training.kept import Kept, evidence

Array = Any
Told = Callable[[str], None]
Fit = Callable[[Any], bool]  # of a question, as storybook or as training/asked.py has it: does it count?

ABOUT = {  # what is asked about, by split
    "val": "what is asked about is of the split `val`: things in colours that were and were not learned",
    "challenge": "what is asked about is of the split `challenge`: things in colours that nobody learned, asked about "
    "in other words than what is learned on",
}
READABLE = ("what", "colour", "where", "which", "whom")  # kinds that a look at the right pictures answers
LOCAL = ("colour", "what", "whom")  # of these about a thing in the picture; the others ask about the whole of it


@dataclass(frozen=True)
class Scale:
    """How much is asked: the size's name, and a world of videos for every seed."""

    size: str
    seeds: tuple[int, ...] = (0,)
    told: Told | None = None

    @property
    def split(self) -> str:
        """What is asked about: as strange as the size's exam, but other videos."""
        return "challenge" if size_named(self.size).exam.split == "challenge" else "val"

    @property
    def questions(self) -> int:
        """How many are asked at every seed, or a few more."""
        exam = size_named(self.size).exam
        return exam.videos * exam.each // 3

    @property
    def videos(self) -> int:
        """How many of 32 frames are learned from at every seed, by what learns; of longer ones fewer."""
        return max(2, size_named(self.size).exam.videos // 3)


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
    each: int = 16,
    fit: Fit = lambda asked: True,
) -> list[Case]:
    """As many questions as the scale asks, of those that fit, with these dials: all of each video's."""
    found: list[Case] = []
    for seed in scale.seeds:
        world = World(0, frames, each, scale.split, 100 + seed, tuple(kinds), dials=dials)
        kept = seen_world(replace(world, videos=_enough(world, scale.questions, fit)), told=scale.told)
        found += [case for case in _cases(kept, seed) if fit(case.asked)]
    return found


def learned_on(scale: Scale, dials: Dials, frames: int, kinds: Sequence[str] = READABLE, each: int = 8) -> list[Case]:
    """Every question about the scale's videos of the `train` split."""
    found: list[Case] = []
    for seed in scale.seeds:
        world = World(scale.videos * 32 // frames, frames, each, "train", 100 + seed, tuple(kinds), dials=dials)
        found += _cases(seen_world(world, told=scale.told), seed)
    return found


def longer(frames: int, rate: float = 0.8) -> Dials:
    """Of so many frames at a fixed rate of them: a longer video has more scenes, each as long as before."""
    seconds = frames / rate
    return replace(LONG, seconds=seconds, scenes=max(2, round(seconds / 5)))


def _enough(world: World, wanted: int, fit: Fit) -> int:
    """How many videos it takes until so many questions fit."""
    found = 0
    for k in range(100 * wanted):
        script = random_script(world.seed * 1_000_003 + k, world.dials, world.split)
        found += sum(fit(asked) for asked in questions(script, world.each, world.kinds, world.seed))
        if found >= wanted:
            return max(2, k + 1)
    raise BadRecord(f"{100 * wanted} videos with {world.dials} give {found} questions that fit, not {wanted}")


def _cases(kept: Kept, seed: int) -> list[Case]:
    films = {name: _arrays(kept, row) for name, row in kept.films.items()}
    return [_case(kept, asked, films[asked.video], seed) for asked in kept.questions]


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


def counted(*asked: Sequence[Case]) -> tuple[int, int]:
    """How many videos and how many questions there are in these sets, each set by itself."""
    return sum(len(set(videos_of(own))) for own in asked), sum(map(len, asked))


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
