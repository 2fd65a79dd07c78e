"""What the built-in reader learns from: storybook's questions, in two languages and two wordings, each with its frames.

Frames are chosen as a question's likeness to them says, with luck, so that it learns what chosen frames are like. Some
questions are asked of a film that shows nothing of what they name, and "not in these videos" is right. Wrong options of
some kinds are swapped for others, so that no set of options is met twice.

Shapes: kept films [V, T, N, D] and their questions -> batches of F frames and L pieces of text
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sightline.asking.judging import NOT_HERE, Cut, laid_out
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import random_script
from sightline.data.storybook.words import THINGS
from sightline.errors import BadQuery
from sightline.recipes.questions_seen import HOME, Eye, World
from sightline.training.kept import Kept, evidence

Array = Any
Tensor = Any
Generator = np.random.Generator

KINDS = ("what", "colour", "where", "which", "present", "whom", "while")  # one right look answers these
WITHOUT = ("colour", "where", "whom", "while")  # kinds that are asked of other films too, to learn "not here"
SWAPPED = ("what", "colour", "where", "whom")  # kinds whose wrong options may be any other answer of their kind
BY_OPTION = ("which",)  # kinds whose question names nothing: their frames are those like the options
SENTENCES, LONG = ("while",), 5  # kinds whose options are sentences: in every fifth batch
ELSEWHERE, SWAP, PARAPHRASED, BY_EVIDENCE = 0.25, 0.4, 0.3, 0.4  # how often
PLAIN = 400  # steps in which nothing is asked elsewhere: who has to doubt from the start learns to look much later
LUCK = 0.05  # in choosing frames, as a share of a cosine
FRAMES = 8
EACH = 16  # questions about a film


@dataclass(frozen=True)
class Task:
    """A batch. Shapes: ids, place, group [B, L]; tokens [B, F, N, D], seconds, shown [B, F]; answer [B]"""

    ids: Tensor
    place: Tensor
    group: Tensor
    tokens: Tensor
    seconds: Tensor
    shown: Tensor
    answer: Tensor  # the options' number, from 0; their count: not here
    count: int  # the most options, "not here" among them


@dataclass(frozen=True)
class Item:
    """One question about one film, in every wording: (language, paraphrased) -> question and options."""

    film: int
    kind: str
    words: dict[tuple[str, bool], tuple[str, tuple[str, ...]]]
    answer: int
    lit: Array  # [T], the evidence
    likeness: Array  # [T], of the frames to what is asked


@dataclass(frozen=True)
class Line:
    """A question of a batch as it is asked: of a film that may be another one (not `there`: it shows nothing of it)."""

    item: Item
    question: str
    options: tuple[str, ...]
    answer: int
    film: int
    there: bool = True


class Lessons:
    """All questions of a world's films; in batches each is asked in one of its wordings, some of the wrong film."""

    def __init__(self, world: World, kept: Kept, cut: Cut | None = None) -> None:
        self.kept, self.cut = kept, cut  # without `cut` there are questions, and no batches yet
        scripts = [script_of(world, k) for k in range(world.videos)]
        self.shows = [named_things(script) for script in scripts]
        self.items: list[Item] = []
        for film, script in enumerate(scripts):
            self.items += items_of(kept, film, script, world)
        self.long = [item for item in self.items if item.kind in SENTENCES]
        self.short = [item for item in self.items if item.kind not in SENTENCES]
        self.answers: dict[tuple[str, tuple[str, bool]], list[str]] = defaultdict(list)
        for item in self.items:
            for wording, (_, options) in item.words.items():
                self.answers[item.kind, wording].append(options[item.answer])

    def tokenizer(self, pieces: int) -> Any:
        """Learned from all that is asked here; Chinese is parted where the text tower's words end."""
        from sightline.language.tokenizer import Tokenizer

        asked = (
            text for item in self.items for question, options in item.words.values() for text in (question, *options)
        )
        words = (word for word in Eye.opened(HOME).words.words if not word.isascii())
        return Tokenizer.trained((*asked, *NOT_HERE), pieces, words)

    def forever(self, size: int, seed: int, start: int = 0) -> Iterator[Task]:
        """Batches from step `start` on, each a pure function of seed and step."""
        step = start
        while True:
            dice = np.random.default_rng([seed, step])
            # Short texts are not padded to the length of long ones, of which fewer are read at once.
            pool, count = (self.long, size // 2) if step % LONG == 0 else (self.short, size)
            items = [pool[k] for k in dice.integers(len(pool), size=count).tolist()]
            frames = int(dice.integers(FRAMES // 2, FRAMES + 1))
            elsewhere = ELSEWHERE if step >= PLAIN else 0.0
            yield self.task([self._varied(item, dice, elsewhere) for item in items], frames, dice)
            step += 1

    def in_order(
        self, size: int, language: str = "en", paraphrased: bool = False, elsewhere: bool = False
    ) -> Iterator[Task]:
        """Every question once with its likest frames; `elsewhere`: those that can be, each asked of another film."""
        dice, wording = np.random.default_rng(0), (language, paraphrased)
        lines = [self._plain(item, wording) for item in self.items]
        if elsewhere:
            lines = [other for line in lines if (other := self._elsewhere(line, dice))]
        for first in range(0, len(lines), size):
            yield self.task(lines[first : first + size], FRAMES, None)

    def _plain(self, item: Item, wording: tuple[str, bool]) -> Line:
        return Line(item, *item.words[wording], item.answer, item.film)

    def _varied(self, item: Item, dice: Generator, elsewhere: float) -> Line:
        wording = ("en" if dice.random() < 0.5 else "zh", bool(dice.random() < PARAPHRASED))
        line = self._plain(item, wording)
        if item.kind in SWAPPED and dice.random() < SWAP:
            pool = self.answers[item.kind, wording]
            right = line.options[line.answer]
            others = sorted({pool[k] for k in dice.integers(len(pool), size=len(line.options) - 1).tolist()} - {right})
            line = replace(line, options=(right, *others), answer=0)
        return (dice.random() < elsewhere and self._elsewhere(line, dice)) or line

    def _elsewhere(self, line: Line, dice: Generator) -> Line | None:
        """The same question of a film that shows none of the things it names; None for kinds that name none."""
        if line.item.kind not in WITHOUT:
            return None
        question = line.item.words["en", False][0]
        for film in dice.integers(len(self.shows), size=8).tolist():
            if not any(name in question for name in self.shows[film]):
                return replace(line, film=film, there=False)
        return None

    def task(self, lines: Sequence[Line], count: int, dice: Generator | None) -> Task:
        import torch

        if self.cut is None:
            raise BadQuery("lessons without a tokenizer give no batches; set `cut`")
        texts, answers, chosen = [], [], []
        for line in lines:
            texts.append(laid_out(line.question, (*line.options, NOT_HERE[0]), self.cut))
            answers.append(line.answer if line.there else len(line.options))
            chosen.append((line.film, self._frames(line, count, dice)))
        longest = max(len(ids) for ids, _, _ in texts)

        def together(which: int, empty: int) -> Tensor:
            rows = [np.pad(text[which], (0, longest - len(text[which])), constant_values=empty) for text in texts]
            return torch.from_numpy(np.stack(rows))

        def taken(array: Array) -> Tensor:
            return torch.from_numpy(np.stack([array[film][some] for film, some in chosen])).float()

        tokens, seconds = taken(self.kept.tokens), taken(self.kept.seconds)
        shown = torch.ones(seconds.shape, dtype=torch.bool)
        most = max(len(line.options) for line in lines) + 1
        pieces = together(0, 0), together(1, 0), together(2, -1)
        return Task(*pieces, tokens, seconds, shown, torch.tensor(answers), most)

    def _frames(self, line: Line, count: int, dice: Generator | None) -> Array:
        """Frames in the order of time: the likest; while learning with luck, or some of the evidence among others."""
        item = line.item
        if line.film != item.film:
            likeness = like(self.kept, line.film, read(texts_of(item.kind, *item.words["en", False]))).max(axis=0)
        else:
            likeness = item.likeness
        if dice is not None and line.there and dice.random() < BY_EVIDENCE:
            likeness = item.lit * dice.random() + dice.random(len(likeness))
        elif dice is not None:
            likeness = likeness + LUCK * dice.random() * dice.gumbel(size=len(likeness))
        return np.sort(np.argsort(-likeness, kind="stable")[:count])


def items_of(kept: Kept, film: int, script: Any, world: World) -> list[Item]:
    plain, other = (questions(script, EACH, KINDS, world.seed, paraphrased=how) for how in (False, True))
    said = [texts_of(one.kind, one.question.en, [option.en for option in one.options]) for one in plain]
    scores = like(kept, film, read([text for texts in said for text in texts]))
    by_question = np.split(scores, np.cumsum([len(texts) for texts in said])[:-1])
    found = []
    for one, same, score in zip(plain, other, by_question, strict=True):
        words = {
            (language, how): (getattr(both.question, language), tuple(getattr(o, language) for o in both.options))
            for how, both in ((False, one), (True, same))
            for language in ("en", "zh")
        }
        lit = evidence(kept.seconds[film], kept.mask[film], [(float(a), float(b)) for a, b in one.seconds])
        found.append(Item(film, one.kind, words, one.answer, lit, score.max(axis=0)))
    return found


def script_of(world: World, k: int) -> Any:
    return random_script(world.seed * 1_000_003 + k, world.dials, world.split)


def named_things(script: Any) -> list[str]:
    """What a film's things are called."""
    return sorted({THINGS[thing.prop].en[0] for thing in script.things})


def texts_of(kind: str, question: str, options: Sequence[str]) -> list[str]:
    """What a question's frames are chosen by: the question, or all its options where it names nothing."""
    return list(options) if kind in BY_OPTION else [question]


def like(kept: Kept, film: int, texts: Array) -> Array:
    """How much each frame has to do with each text: its best place, or all of it. Shapes: [n, D] -> [n, T]"""
    tokens, vectors = (np.asarray(array[film], np.float32) for array in (kept.tokens, kept.vectors))
    units = texts / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-9)
    unit_tokens = tokens / np.maximum(np.linalg.norm(tokens, axis=2, keepdims=True), 1e-9)  # [T, N, D]
    best = (unit_tokens.reshape(-1, tokens.shape[2]) @ units.T).reshape(*tokens.shape[:2], -1).max(axis=1)  # [T, n]
    return np.maximum(best, vectors @ units.T).T


_READ: dict[str, Array] = {}


def read(texts: Sequence[str]) -> Array:
    """Vectors of texts, each read once. Shapes: -> [n, D]"""
    new = [text for text in dict.fromkeys(texts) if text not in _READ]
    if new:
        _READ.update(zip(new, Eye.opened(HOME).read(new), strict=True))
    return np.stack([_READ[text] for text in texts])
