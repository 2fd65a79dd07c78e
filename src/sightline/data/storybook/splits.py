"""Which combinations a split may show: training never sees some things in some colours or doing some actions.

Pairs are dealt by a linear rule, so that each thing has six training colours of eleven and seven training actions of
twelve, and each colour and action misses about the same number of things. Validation and test mix training pairs with
their own held-out ones evenly, which keeps "colour given thing" flat; the challenge split shows unseen pairs alone.
"""

from __future__ import annotations

from functools import cache

from sightline.data.storybook.palette import COLOURS
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.words import ACTIONS
from sightline.errors import BadQuery

SPLITS: dict[str, frozenset[str]] = {
    "train": frozenset({"train"}),
    "val": frozenset({"train", "val"}),
    "test": frozenset({"train", "test"}),
    "challenge": frozenset({"val", "test"}),
    "all": frozenset({"train", "val", "test"}),
}
_NUMBER = {name: k for table in (PROPS, COLOURS, ACTIONS) for k, name in enumerate(table)}


def colour_group(prop: str, colour: str) -> str:
    """The group that a colour x thing pair belongs to: "train", "val" or "test"."""
    place = (5 * _NUMBER[colour] + 3 * _NUMBER[prop]) % len(COLOURS)
    return "train" if place < 6 else "val" if place < 8 else "test"


def action_group(prop: str, action: str) -> str:
    place = (5 * _NUMBER[action] + 7 * _NUMBER[prop]) % len(ACTIONS)
    return "train" if place < 7 else "val" if place < 9 else "test"


def groups(split: str) -> frozenset[str]:
    if split not in SPLITS:
        raise BadQuery(f"no split {split!r}; there are {', '.join(SPLITS)}")
    return SPLITS[split]


@cache
def colours_of(prop: str, split: str) -> tuple[str, ...]:
    return tuple(colour for colour in COLOURS if colour_group(prop, colour) in groups(split))


@cache
def actions_of(prop: str, split: str) -> tuple[str, ...]:
    return tuple(action for action in ACTIONS if action_group(prop, action) in groups(split))


@cache
def props_in(colour: str, split: str) -> tuple[str, ...]:
    return tuple(prop for prop in PROPS if colour_group(prop, colour) in groups(split))


@cache
def props_doing(action: str, split: str) -> tuple[str, ...]:
    return tuple(prop for prop in PROPS if action_group(prop, action) in groups(split))
