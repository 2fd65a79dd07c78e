"""Lessons for the built-in model: batches of drawn pictures with phrases, and what is true of which.

Half of a batch is new, drawn ahead by another process; half was seen before and gets other phrases. A lesson is a pure
function of (size, seed, step) and of the lessons before it.
Shapes: pixels [B, 3, H, W] uint8, ids [P, L], truth [B, P] (pictures against phrases)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import Any

import numpy as np

from sightline.recipes.storybook_phrases import (
    COLOUR,
    NOTHING,
    THING,
    Facts,
    Phrase,
    about,
    joined,
    lexicon,
    truth,
    truth_of_things,
)
from sightline.recipes.storybook_pictures import Sheaf, draw_sheaf

Array = Any
Tensor = Any

SHAPES = ((84, 48), (64, 64), (112, 64))  # wide and small, square, wide: one per batch
SHARES = (0.5, 0.3, 0.2)
POOL = 4000  # pictures of one shape that are kept to be seen again
GREY_FROM, GREY = 600, 1 / 3  # from this step on, this share of the pictures is shown without colour
AHEAD = 6  # sheaves drawn before they are needed


@dataclass(frozen=True)
class Lesson:
    """Pictures, phrases in two groups of (ids, mask) [p, L], and what is true. Shapes: pixels [B, 3, H, W] uint8."""

    pixels: Tensor
    phrases: tuple[tuple[Tensor, Tensor], ...]  # the short half, then the long half: less padding
    truth: Tensor  # [B, P], which phrase is true of which picture
    things: Tensor  # [B, SLOTS, 6], the facts
    middles: Tensor  # [B, SLOTS, 2], where each thing stands, in shares of the picture
    of_things: Tensor  # [B, SLOTS, P], which phrase is true of the thing alone
    counted: Tensor  # [B, P], False where the phrase speaks of colour and the picture's is not known
    alone: Tensor  # [P], which phrases speak of one thing and nothing else


class Pool:
    """Pictures of one shape that were drawn before, the oldest forgotten first."""

    def __init__(self) -> None:
        self.sheaves: deque[Sheaf] = deque()

    def add(self, sheaf: Sheaf) -> None:
        self.sheaves.append(sheaf)
        if sum(map(len, self.sheaves)) > POOL:
            self.sheaves.popleft()

    def again(self, count: int, chance: np.random.Generator) -> Sheaf:
        chosen = chance.integers(0, len(self.sheaves), count)
        rows = chance.integers(0, len(self.sheaves[0]), count)
        pixels = np.stack([self.sheaves[s].pixels[r] for s, r in zip(chosen, rows, strict=True)])
        return Sheaf(
            pixels, joined([self.sheaves[s].facts.at(np.array([r])) for s, r in zip(chosen, rows, strict=True)])
        )


def lessons(pictures: int, phrases: int, seed: int, start: int = 0) -> Iterator[Lesson]:
    """Lessons from a step on, without end; another process draws ahead."""
    half, words = pictures // 2, lexicon()
    pools = {shape: Pool() for shape in SHAPES}

    def shape_of(step: int) -> tuple[int, int]:
        return Random(f"shape {seed} {step}").choices(SHAPES, SHARES)[0]

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as painter:
        coming: deque[Future[Sheaf]] = deque()
        step = drawn = start
        while True:
            while len(coming) < AHEAD:
                coming.append(painter.submit(draw_sheaf, seed, drawn, shape_of(drawn), half))
                drawn += 1
            new, pool = coming.popleft().result(), pools[shape_of(step)]
            pool.add(new)
            old = pool.again(pictures - half, np.random.default_rng([seed, step]))
            pixels, facts = np.concatenate([new.pixels, old.pixels]), joined([new.facts, old.facts])
            chance = np.random.default_rng([seed, step, 1])
            grey = chance.random(pictures) < (GREY if step >= GREY_FROM else 0)
            pixels, facts = without_colour(pixels, facts, grey, chance)
            yield lesson(pixels, facts, phrases, Random(f"phrases {seed} {step}"), words)
            step += 1


def without_colour(pixels: Array, facts: Facts, grey: Array, chance: np.random.Generator) -> tuple[Array, Facts]:
    """Some pictures as mixes of their channels, and nothing known of their colours: there, shape alone tells the name.

    Training shows each thing in six colours of eleven, so a colour speaks against half of all names, wrongly where the
    pair is new. Grey pictures show no pair at all, seen or held out.
    Shapes: pixels [n, 3, H, W] uint8, grey [n] bool
    """
    shares = chance.dirichlet((1, 1, 1), len(pixels))  # [n, 3]
    mixed = np.einsum("nchw,nc->nhw", pixels[grey].astype(np.float32), shares[grey])
    pixels, things = pixels.copy(), facts.things.copy()
    pixels[grey] = np.rint(mixed)[:, None].astype(np.uint8)
    things[grey, :, COLOUR] = NOTHING
    return pixels, Facts(things, facts.middles, facts.places)


def lesson(pixels: Array, facts: Facts, count: int, dice: Random, words: Any) -> Lesson:
    import torch

    phrases = [about(facts, k % len(facts), dice, chinese=dice.random() < 0.5) for k in range(count)]
    ids, mask, _ = words.numbers([phrase.text for phrase in phrases])
    by_length = np.argsort(mask.sum(axis=1), kind="stable")
    groups = []
    for rows in np.array_split(by_length, 2):
        longest = int(mask[rows].sum(axis=1).max())
        groups.append((torch.from_numpy(ids[rows, :longest]), torch.from_numpy(mask[rows, :longest])))
    return Lesson(
        torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last),
        tuple(groups),
        torch.from_numpy(truth(facts, phrases)[:, by_length]),
        torch.from_numpy(facts.things),
        torch.from_numpy(facts.middles),
        torch.from_numpy(truth_of_things(facts, phrases)[:, :, by_length]),
        torch.from_numpy(_counted(facts, phrases)[:, by_length]),
        torch.from_numpy(np.array([phrase.alone for phrase in phrases])[by_length]),
    )


def _counted(facts: Facts, phrases: list[Phrase]) -> Array:
    unknown = ((facts.things[..., THING] >= 0) & (facts.things[..., COLOUR] == NOTHING)).any(axis=1)
    of_colour = np.array([any(claim[COLOUR] >= 0 for claim in phrase.claims) for phrase in phrases])
    return ~(unknown[:, None] & of_colour)
