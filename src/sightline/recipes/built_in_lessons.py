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

from sightline.data.storybook.palette import COLOURS
from sightline.recipes.storybook_phrases import (
    ANY,
    CLAIMS,
    COLOUR,
    FREE,
    NAMES,
    NOTHING,
    PLACE_NAMES,
    SHOWN,
    TEXTURE,
    THING,
    Facts,
    Phrase,
    joined,
    lexicon,
    truth,
    truth_of_things,
    undecided,
    with_twin,
)
from sightline.recipes.storybook_pictures import Sheaf, draw_sheaf
from sightline.recipes.strange_pictures import strange_pictures

Array = Any
Tensor = Any

SHAPES = ((84, 48), (64, 64), (112, 64))  # wide and small, square, wide: one per batch
SHARES = (0.2, 0.4, 0.4)
POOL = 4000  # pictures of one shape that are kept to be seen again
MIXED, GREY = 0.35, 0.4  # the share of pictures whose colours are mixed, and of these the share left without colour


@dataclass(frozen=True)
class Phase:
    """What is taught from a step on."""

    begins: int
    alone: float  # the share of phrases about one thing alone; of the others, most are about two
    stress: float  # how much it weighs that twins are told apart
    sums: int = 0  # so many phrases about two things are held to the sum of their parts
    captions: float = 0.0  # the share of phrases that say all there is to see
    eighths: tuple[int, int] = (3, 3)  # of the new pictures, from scripts and twins; the others are strewn
    strange: int = 0  # pictures of no such world, of which no phrase is true


PHASES = (
    Phase(0, alone=0.5, stress=2.0),  # what things are called
    Phase(700, alone=0.3, stress=8.0),  # what belongs to what
    Phase(1200, alone=0.3, stress=8.0, sums=48),
    Phase(2700, alone=0.3, stress=8.0, sums=48, captions=0.3, eighths=(4, 2), strange=6),  # whole pictures
    Phase(7200, alone=0.75, stress=3.0, sums=48, captions=0.15, eighths=(6, 1), strange=6),  # one thing in a scene
)
COURSE = 8200  # steps, to which the phases belong; a shorter course goes through them faster
NOWHERE = len(PLACE_NAMES)  # the place of a picture of another world
NEAR = 60  # a mixture this close to a colour (in steps of 255) may be taken for it
AHEAD = 6  # sheaves drawn before they are needed
COATS = np.array([COLOURS[name].coat for name in NAMES[COLOUR]], np.float32)  # [colours, 3]


@dataclass(frozen=True)
class Lesson:
    """Pictures, phrases in two groups of (ids, mask) [p, L], and what is true. Shapes: pixels [B, 3, H, W] uint8."""

    pixels: Tensor
    phrases: tuple[tuple[Tensor, Tensor], ...]  # the short half, then the long half: less padding
    truth: Tensor  # [B, P], which phrase is true of which picture
    things: Tensor  # [B, SLOTS, 6], the facts
    places: Tensor  # [B], the number of each picture's place
    middles: Tensor  # [B, SLOTS, 2], where each thing stands, in shares of the picture
    of_things: Tensor  # [B, SLOTS, P], which phrase is true of the thing alone
    counted: Tensor  # [B, P], False where truth is not known, or must not be told
    counted_of_things: Tensor  # [B, SLOTS, P], the same for each thing alone
    alone: Tensor  # [P], which phrases speak of one thing and nothing else
    twins: Tensor  # [n, 2], phrases of the same words bound in two ways
    stress: float  # how much it weighs that these are told apart
    sums: Tensor  # [s], phrases about two things
    parts: tuple[Tensor, Tensor]  # (ids, mask) [2 s, L], what each of these says of the first, then of the other


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


def phase_at(step: int, course: int = COURSE) -> Phase:
    """What is taught at a step of a course of so many."""
    return next(phase for phase in reversed(PHASES) if step * COURSE >= phase.begins * course)


def lessons(pictures: int, phrases: int, seed: int, course: int = COURSE, start: int = 0) -> Iterator[Lesson]:
    """Lessons from a step of a course on, without end; another process draws ahead."""
    half, words = pictures // 2, lexicon()
    pools = {shape: Pool() for shape in SHAPES}

    def shape_of(step: int) -> tuple[int, int]:
        return Random(f"shape {seed} {step}").choices(SHAPES, SHARES)[0]

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as painter:
        coming: deque[Future[Sheaf]] = deque()
        step = drawn = start
        while True:
            while len(coming) < AHEAD:
                eighths = phase_at(drawn, course).eighths
                coming.append(painter.submit(draw_sheaf, seed, drawn, shape_of(drawn), half, eighths=eighths))
                drawn += 1
            new, pool = coming.popleft().result(), pools[shape_of(step)]
            pool.add(new)
            old = pool.again(pictures - half, np.random.default_rng([seed, step]))
            pixels, facts = np.concatenate([new.pixels, old.pixels]), joined([new.facts, old.facts])
            chance = np.random.default_rng([seed, step, 1])
            pixels, facts = colours_mixed(pixels, facts, chance.random(pictures) < MIXED, chance)
            phase = phase_at(step, course)
            if phase.strange:
                pixels, facts = strangers_among(pixels, facts, phase.strange, chance)
            yield lesson(pixels, facts, phrases, Random(f"phrases {seed} {step}"), words, phase)
            step += 1


def strangers_among(pixels: Array, facts: Facts, count: int, chance: np.random.Generator) -> tuple[Array, Facts]:
    """The last pictures replaced by such of no place and with no thing. Shapes: pixels [n, 3, H, W] uint8"""
    pixels, things, places = pixels.copy(), facts.things.copy(), facts.places.copy()
    pixels[-count:] = strange_pictures(count, (pixels.shape[3], pixels.shape[2]), chance)
    things[-count:], places[-count:] = NOTHING, NOWHERE
    return pixels, Facts(things, facts.middles, places)


def colours_mixed(pixels: Array, facts: Facts, mixed: Array, chance: np.random.Generator) -> tuple[Array, Facts]:
    """Some pictures with their channels mixed, or without colour, and nothing known of their colours there.

    Training shows each thing in six colours of eleven, so a colour speaks against half of all names, wrongly where the
    pair is new. Mixed pictures break that tie. One in which a thing would look like a held-out combination loses its
    colour altogether: none is ever shown.
    Shapes: pixels [n, 3, H, W] uint8, mixed [n] bool
    """
    shares = chance.dirichlet((0.5, 0.5, 0.5), (len(pixels), 3))  # [n, 3 made, 3 of]
    grey = chance.random(len(pixels)) < GREY
    pixels, things = pixels.copy(), facts.things.copy()
    for row in np.flatnonzero(mixed):
        if grey[row] or _held_out(things[row], shares[row]):
            shares[row] = shares[row, :1]
        made = np.tensordot(shares[row], pixels[row].astype(np.float32), 1)
        pixels[row] = np.rint(made).astype(np.uint8)
    things[mixed, :, COLOUR] = NOTHING
    return pixels, Facts(things, facts.middles, facts.places)


def _held_out(things: Array, shares: Array) -> bool:
    """Whether a thing of the picture, its channels mixed so, comes near a colour that training does not show it in."""
    things = things[things[:, THING] >= 0]
    looks = COATS[things[:, COLOUR]] @ shares.T  # [things, 3]
    near = np.linalg.norm(looks[:, None] - COATS, axis=-1) < NEAR  # [things, colours]
    return bool((near & ~SHOWN[things[:, THING]]).any())


def lesson(
    pixels: Array,
    facts: Facts,
    count: int,
    dice: Random,
    words: Any,
    phase: Phase = PHASES[-1],
) -> Lesson:
    import torch

    phrases, twins = phrases_about(facts, count, dice, phase.alone, phase.captions)
    sums = [k for k, phrase in enumerate(phrases) if phrase.parts][: phase.sums]
    parts = words.numbers([part for k in sums for part in phrases[k].parts])
    ids, mask, _ = words.numbers([phrase.text for phrase in phrases])
    by_length = np.argsort(mask.sum(axis=1), kind="stable")
    groups = []
    for rows in np.array_split(by_length, 2):
        longest = int(mask[rows].sum(axis=1).max())
        groups.append((torch.from_numpy(ids[rows, :longest]), torch.from_numpy(mask[rows, :longest])))
    now = np.argsort(by_length, kind="stable")  # where a phrase is now
    of_pictures, of_things = counted(facts, phrases)
    return Lesson(
        torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last),
        tuple(groups),
        torch.from_numpy(truth(facts, phrases)[:, by_length]),
        torch.from_numpy(facts.things),
        torch.from_numpy(facts.places.astype(np.int64)),
        torch.from_numpy(facts.middles),
        torch.from_numpy(truth_of_things(facts, phrases)[:, :, by_length]),
        torch.from_numpy(of_pictures[:, by_length]),
        torch.from_numpy(of_things[:, :, by_length]),
        torch.from_numpy(np.array([phrase.alone for phrase in phrases])[by_length]),
        torch.from_numpy(now[twins]),
        phase.stress,
        torch.from_numpy(now[np.array(sums, np.int64)]),
        (torch.from_numpy(parts[0]), torch.from_numpy(parts[1])),
    )


def phrases_about(facts: Facts, count: int, dice: Random, alone: float, captions: float) -> tuple[list[Phrase], Array]:
    """`count` phrases, one picture after another, each beside its twin where it has one; and who is whose twin."""
    known = np.flatnonzero(facts.places != NOWHERE)
    phrases: list[Phrase] = []
    twins: list[tuple[int, int]] = []
    row = 0
    while len(phrases) < count:
        said, twin = with_twin(facts, int(known[row % len(known)]), dice, dice.random() < 0.5, alone, captions)
        phrases.append(said)
        if twin is not None and len(phrases) < count:
            twins.append((len(phrases) - 1, len(phrases)))
            phrases.append(twin)
        row += 1
    return phrases, np.array(twins, np.int64).reshape(-1, 2)


def counted(facts: Facts, phrases: list[Phrase]) -> tuple[Array, Array]:
    """Which phrases count for which picture, and for which thing alone. Shapes: -> bool [F, P], [F, SLOTS, P]

    What a picture does not show (the colour of mixed ones, the texture of small things, the side of what stands in the
    middle) is neither true nor false of it. And a name without a colour counts as wrong only where training could have
    shown it: if the thing's colour is one that this name never comes in, "wrong" would be learned of the colour alone.
    """
    claims = np.array([(*p.claims, *[FREE] * (CLAIMS - len(p.claims))) for p in phrases])  # [P, C, 6]
    things = facts.things.astype(np.int64)
    there = things[..., THING] >= 0  # [F, S]
    seen = (COLOUR, TEXTURE)
    unknown = there[..., None] & (things[..., seen] == NOTHING)  # [F, S, 2]
    speaks = claims[..., seen] != ANY  # [P, C, 2]
    pictures = ~(unknown.any(axis=1)[:, None] & speaks.any(axis=1)).any(axis=-1)
    alone = ~(unknown[:, :, None] & speaks[:, 0]).any(axis=-1)
    could = np.concatenate([SHOWN.T, np.ones((1, len(SHOWN)), bool)])  # the last row: of a colour that is not known
    could = could[np.where(things[..., COLOUR] >= 0, things[..., COLOUR], -1)] & there[..., None]  # [F, S, things]
    bare = (claims[..., THING] != ANY) & (claims[..., COLOUR] == ANY)  # [P, C]
    pictures &= ~undecided(facts, phrases)
    strange = facts.places == NOWHERE  # where all of it is wrong, for certain
    pictures &= (could.any(axis=1)[:, claims[..., THING]] | ~bare).all(axis=-1)
    alone &= could[..., claims[:, 0, THING]] | ~bare[:, 0]
    return pictures | truth(facts, phrases) | strange[:, None], alone | truth_of_things(facts, phrases)
