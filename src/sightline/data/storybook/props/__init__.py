"""All props of the picture book by name. A prop is a function that draws itself on a sheet."""

from __future__ import annotations

from collections.abc import Callable

from sightline.data.storybook.props.animals import WALKERS
from sightline.data.storybook.props.birds_and_fish import FLYERS_AND_SWIMMERS
from sightline.data.storybook.props.household import HOUSEHOLD
from sightline.data.storybook.props.nature import NATURE
from sightline.data.storybook.props.vehicles import VEHICLES
from sightline.data.storybook.shapes import Sheet

KINDS: dict[str, dict[str, Callable[[Sheet], None]]] = {
    "animal": WALKERS | FLYERS_AND_SWIMMERS,
    "vehicle": VEHICLES,
    "nature": NATURE,
    "household": HOUSEHOLD,
}
PROPS: dict[str, Callable[[Sheet], None]] = {name: draw for kind in KINDS.values() for name, draw in kind.items()}
SKY = frozenset("sun moon star cloud plane rocket balloon kite butterfly bee bird".split())  # at home in the air


def kind_of(prop: str) -> str:
    return next(kind for kind, members in KINDS.items() if prop in members)
