"""Pictures to learn from, with their facts: moments of storybook's own scripts, and things strewn over its backdrops.

A sheaf is a pure function of (seed, number, shape), so it can be drawn in another process and drawn again. Scripts show
things as the videos do, doing something; strewn things stand anywhere, at any size, tilted, so that a name is learned
apart from its usual place. Others come as twins: the same two things with their colours, or their spots, exchanged, so
that only what is bound to what tells them apart. Only the combinations of the named split are drawn. The texture of a
thing too small to show it is not among the facts. A little blur, noise and exposure stand for codec and scaler.
Shapes: a sheaf is pixels [n, 3, H, W] uint8 and the facts of n pictures
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

from sightline.data.storybook.backdrops import BACKDROPS, VARIANTS, backdrop
from sightline.data.storybook.draw import picture
from sightline.data.storybook.motion import pose_at
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.splits import colours_of
from sightline.data.storybook.sprites import TEXTURES, sprite
from sightline.data.storybook.truth import box_at
from sightline.recipes.storybook_phrases import NOTHING, PLACE_NUMBERS, SLOTS, Facts, thing_facts

Array = Any
Slot = tuple[list[int], tuple[float, float]]  # a thing's facts and its middle
Drawn = tuple[Any, list[Slot], str]  # a picture, what is in it, and its place

EACH = 4  # pictures taken from one script
FINEST = 14  # pixels that a thing needs for its texture to be seen
STREWN_SIZES = {"small": (0.16, 0.25), "middle": (0.27, 0.36), "big": (0.39, 0.6)}  # shares of the height


@dataclass(frozen=True)
class Sheaf:
    pixels: Array
    facts: Facts

    def __len__(self) -> int:
        return len(self.pixels)


def draw_sheaf(
    seed: int, number: int, shape: tuple[int, int], count: int, split: str = "train", eighths: tuple[int, int] = (3, 3)
) -> Sheaf:
    """`count` pictures of one shape (width, height): so many eighths from scripts, so many twins, the rest strewn."""
    of_scripts, with_twins = eighths[0] * count // 8, sum(eighths) * count // 8
    dice = Random(f"sheaf {seed} {number} {split}")
    drawn: list[Drawn] = []
    while len(drawn) < of_scripts:
        script = random_script(dice.getrandbits(48), split=split)
        drawn += [_moment(script, dice.uniform(0, script.seconds), shape) for _ in range(EACH)]
    drawn = drawn[:of_scripts]
    while len(drawn) < with_twins:
        drawn += twins(dice, shape, split)
    drawn = drawn[:with_twins]
    drawn += [_laid(_strewn(dice, shape, split), FINEST) for _ in range(count - len(drawn))]
    dice.shuffle(drawn)
    pixels = np.stack([np.asarray(made, np.float32).transpose(2, 0, 1) for made, _, _ in drawn])
    return Sheaf(_worn(pixels, np.random.default_rng([seed, number])), facts_of([(s, p) for _, s, p in drawn]))


def facts_of(pictures: list[tuple[list[Slot], str]]) -> Facts:
    things = np.full((len(pictures), SLOTS, 6), NOTHING, np.int8)
    middles = np.zeros((len(pictures), SLOTS, 2), np.float32)
    for row, (slots, _) in enumerate(pictures):
        for slot, (thing, middle) in enumerate(slots[:SLOTS]):
            things[row, slot], middles[row, slot] = thing, middle
    return Facts(things, middles, np.array([PLACE_NUMBERS[place] for _, place in pictures]))


# --- moments of scripts ----------------------------------------------------------------------------


def _moment(script: Script, second: float, shape: tuple[int, int]) -> Drawn:
    place = script.scenes[script.scene_at(second)].backdrop
    return picture(script, second, shape), seen_at(script, second, shape[0] / shape[1], FINEST / shape[1]), place


def seen_at(script: Script, second: float, aspect: float, finest: float = 0) -> list[Slot]:
    """The things of which at least half is in the picture, and what each is doing.

    Of things smaller than `finest` (a share of the height) the texture is not known.
    """
    slots = []
    for k in script.scenes[script.scene_at(second)].things:
        pose, box = pose_at(script, k, second, aspect), box_at(script, k, second, aspect)
        if pose is None or box is None or (box[2] - box[0]) * (box[3] - box[1]) < 0.22 * pose.size**2 / aspect:
            continue
        doing = next((e for e in script.events if e.thing == k and e.start <= second < e.end), None)
        if doing and doing.action == "hides" and second > 0.4 * doing.start + 0.6 * doing.end:
            continue
        thing = script.things[k]
        texture = thing.texture if pose.size >= finest else None
        facts = thing_facts(thing.prop, thing.colour, texture, thing.size, doing.action if doing else None)
        slots.append((facts, (pose.x, pose.y)))
    return slots


# --- strewn things -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Laid:
    """One thing as it lies on a backdrop."""

    prop: str
    colour: str
    texture: str
    size: str
    pixels: int
    spot: tuple[float, float]  # its middle, in pixels
    angle: int
    mirrored: bool


@dataclass(frozen=True)
class Layout:
    place: str
    variant: int
    shape: tuple[int, int]
    things: tuple[Laid, ...]


def strewn(dice: Random, shape: tuple[int, int], split: str, count: int | None = None) -> Drawn:
    """One to three things (or `count`, where there is room), apart from each other, anywhere on a backdrop."""
    return _laid(_strewn(dice, shape, split, count))


def _strewn(dice: Random, shape: tuple[int, int], split: str, count: int | None = None) -> Layout:
    place, variant = dice.choice(tuple(BACKDROPS)), dice.randrange(VARIANTS)
    things: list[Laid] = []
    for _ in range(count or dice.choice((1, 1, 2, 2, 3))):
        size = dice.choice(tuple(STREWN_SIZES))
        pixels = max(4, round(dice.uniform(*STREWN_SIZES[size]) * shape[1]))
        spot = _free_spot(dice, pixels, shape, [(*thing.spot, thing.pixels) for thing in things])
        if spot is None:
            continue
        prop = dice.choice(tuple(PROPS))
        colour, texture = dice.choice(colours_of(prop, split)), dice.choice(("plain", *TEXTURES))
        angle, mirrored = dice.choice((0, 0, 0, -18, -12, 12, 18)), dice.random() < 0.5
        things.append(Laid(prop, colour, texture, size, pixels, spot, angle, mirrored))
    return Layout(place, variant, shape, tuple(things))


def _laid(layout: Layout, finest: int = 0) -> Drawn:
    """The layout drawn, with its facts; the texture of things below `finest` pixels is not known."""
    width, height = layout.shape
    made = backdrop(layout.place, layout.variant, width, height).copy()
    slots: list[Slot] = []
    for thing in layout.things:
        x, y = thing.spot
        piece = sprite(thing.prop, thing.colour, thing.texture, thing.pixels, thing.angle, thing.mirrored)
        made.paste(piece, (round(x - thing.pixels / 2), round(y - thing.pixels / 2)), piece)
        texture = thing.texture if thing.pixels >= finest else None
        slots.append((thing_facts(thing.prop, thing.colour, texture, thing.size), (x / width, y / height)))
    return made, slots, layout.place


def twins(dice: Random, shape: tuple[int, int], split: str) -> list[Drawn]:
    """Two pictures of the same two things: with their colours exchanged, or with their spots exchanged."""
    while True:
        layout = _strewn(dice, shape, split, count=2)
        if len(layout.things) == 2 and layout.things[0].prop != layout.things[1].prop:
            break
    one, other = layout.things
    shared = [colour for colour in colours_of(one.prop, split) if colour in colours_of(other.prop, split)]
    if len(shared) >= 2 and dice.random() < 0.6:
        first, second = dice.sample(shared, 2)
        pairs = ((first, second), (second, first))
        made = [(replace(one, colour=a), replace(other, colour=b)) for a, b in pairs]
    else:
        swapped = (_moved(one, other.spot, shape), _moved(other, one.spot, shape))
        made = [(one, other), swapped]
    return [_laid(replace(layout, things=pair), FINEST) for pair in made]


def _moved(thing: Laid, spot: tuple[float, float], shape: tuple[int, int]) -> Laid:
    """The thing at another spot, or as near to it as the picture's edge lets it be."""
    half = thing.pixels / 2
    x, y = (min(max(v, min(half, side / 2)), max(side - half, side / 2)) for v, side in zip(spot, shape, strict=True))
    return replace(thing, spot=(x, y))


def _free_spot(
    dice: Random, pixels: int, shape: tuple[int, int], taken: list[tuple[float, float, float]]
) -> tuple[float, float] | None:
    half = pixels / 2
    for _ in range(12):
        x, y = (dice.uniform(min(half, s / 2), max(s - half, s / 2)) for s in shape)
        if all(max(abs(x - u), abs(y - v)) > 0.42 * (pixels + p) for u, v, p in taken):
            return x, y
    return None


def _worn(pixels: Array, chance: np.random.Generator) -> Array:
    """Exposure, noise, and for a third of the pictures a light blur. Shapes: [n, 3, H, W] float32 -> uint8"""
    n = len(pixels)
    gain, lift = chance.uniform(0.92, 1.08, (n, 1, 1, 1)), chance.uniform(-8, 8, (n, 1, 1, 1))
    soft = chance.uniform(0, 0.4, (n, 1, 1, 1)) * (chance.random((n, 1, 1, 1)) < 0.35)
    padded = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    around = (padded[:, :, :-2, 1:-1] + padded[:, :, 2:, 1:-1] + padded[:, :, 1:-1, :-2] + padded[:, :, 1:-1, 2:]) / 4
    grain = chance.standard_normal(pixels.shape, dtype=np.float32) * chance.uniform(0, 4, (n, 1, 1, 1))
    return np.clip((pixels * (1 - soft) + around * soft) * gain + lift + grain, 0, 255).astype(np.uint8)
