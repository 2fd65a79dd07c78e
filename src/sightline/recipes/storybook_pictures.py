"""Pictures to learn from, with their facts: moments of storybook's own scripts, and things strewn over its backdrops.

A sheaf is a pure function of (seed, number, shape), so it can be drawn in another process and drawn again. Scripts show
things as the videos do, doing something; strewn things stand anywhere, at any size, tilted, so that a name is learned
apart from its usual place. Only the combinations of the named split are drawn. A little blur, noise and exposure stand
for what a video codec and a scaler do to a picture.
Shapes: a sheaf is pixels [n, 3, H, W] uint8 and the facts of n pictures
"""

from __future__ import annotations

from dataclasses import dataclass
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

EACH = 4  # pictures taken from one script
STREWN_SIZES = {"small": (0.16, 0.25), "middle": (0.27, 0.36), "big": (0.39, 0.6)}  # shares of the height


@dataclass(frozen=True)
class Sheaf:
    pixels: Array
    facts: Facts

    def __len__(self) -> int:
        return len(self.pixels)


def draw_sheaf(seed: int, number: int, shape: tuple[int, int], count: int, split: str = "train") -> Sheaf:
    """`count` pictures of one shape (width, height), half from scripts, half strewn."""
    dice = Random(f"sheaf {seed} {number} {split}")
    drawn: list[tuple[Any, list[Slot], str]] = []
    while len(drawn) < count // 2:
        script = random_script(dice.getrandbits(48), split=split)
        drawn += [_moment(script, dice.uniform(0, script.seconds), shape) for _ in range(EACH)]
    drawn = [*drawn[: count // 2], *(strewn(dice, shape, split) for _ in range(count - count // 2))]
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


def _moment(script: Script, second: float, shape: tuple[int, int]) -> tuple[Any, list[Slot], str]:
    place = script.scenes[script.scene_at(second)].backdrop
    return picture(script, second, shape), seen_at(script, second, shape[0] / shape[1]), place


def seen_at(script: Script, second: float, aspect: float) -> list[Slot]:
    """The things of which at least half is in the picture, and what each is doing."""
    slots = []
    for k in script.scenes[script.scene_at(second)].things:
        pose, box = pose_at(script, k, second, aspect), box_at(script, k, second, aspect)
        if pose is None or box is None or (box[2] - box[0]) * (box[3] - box[1]) < 0.22 * pose.size**2 / aspect:
            continue
        doing = next((e for e in script.events if e.thing == k and e.start <= second < e.end), None)
        if doing and doing.action == "hides" and second > 0.4 * doing.start + 0.6 * doing.end:
            continue
        thing = script.things[k]
        facts = thing_facts(thing.prop, thing.colour, thing.texture, thing.size, doing.action if doing else None)
        slots.append((facts, (pose.x, pose.y)))
    return slots


# --- strewn things -----------------------------------------------------------------------------------


def strewn(dice: Random, shape: tuple[int, int], split: str, count: int | None = None) -> tuple[Any, list[Slot], str]:
    """One to three things (or `count`, where there is room), apart from each other, anywhere on a backdrop."""
    width, height = shape
    place = dice.choice(tuple(BACKDROPS))
    made = backdrop(place, dice.randrange(VARIANTS), width, height).copy()
    taken: list[tuple[float, float, float]] = []
    slots: list[Slot] = []
    for _ in range(count or dice.choice((1, 1, 2, 2, 3))):
        size = dice.choice(tuple(STREWN_SIZES))
        pixels = max(4, round(dice.uniform(*STREWN_SIZES[size]) * height))
        spot = _free_spot(dice, pixels, shape, taken)
        if spot is None:
            continue
        prop = dice.choice(tuple(PROPS))
        colour, texture = dice.choice(colours_of(prop, split)), dice.choice(("plain", *TEXTURES))
        piece = sprite(prop, colour, texture, pixels, dice.choice((0, 0, 0, -18, -12, 12, 18)), dice.random() < 0.5)
        made.paste(piece, (round(spot[0] - pixels / 2), round(spot[1] - pixels / 2)), piece)
        taken.append((*spot, pixels))
        slots.append((thing_facts(prop, colour, texture, size), (spot[0] / width, spot[1] / height)))
    return made, slots, place


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
