"""A script is the whole truth of a video: who is where, does what, when, and what is written and said.

Everything else (pictures, sound, captions, questions) is computed from it. `random_script` is a pure function of its
seed, dials and split. Seconds are those of the video; x, y and sizes are shares of the picture (sizes of its height).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from sightline.data.storybook.backdrops import BACKDROPS, GROUND, VARIANTS
from sightline.data.storybook.dials import Dials, usual
from sightline.data.storybook.props import PROPS, SKY
from sightline.data.storybook.splits import actions_of, colours_of, props_in
from sightline.data.storybook.words import Both, named

SIZES = {"small": 0.19, "middle": 0.28, "big": 0.40}
APPEARS = frozenset({"enters", "falls"})
VANISHES = frozenset({"leaves", "hides", "flies"})
COUNTED = frozenset({"jumps", "spins", "wobbles"})
WITH_OTHER = frozenset({"hides", "carried"})
SIGN_WORDS = tuple(
    "HELLO STOP SHOP ZOO PARK CAFE BANK BUS TAXI OPEN EXIT MILK TOYS FISH BOOKS FARM HOTEL NORTH".split()
)
DISSOLVE = 0.6  # seconds


@dataclass(frozen=True)
class Thing:
    prop: str
    colour: str
    texture: str = "plain"
    size: str = "middle"
    x: float = 0.5
    y: float = 0.5  # the middle of its sheet
    facing: str = "right"

    @property
    def name(self) -> Both:
        return named(self.prop, self.colour)


@dataclass(frozen=True)
class Event:
    """One action of one thing. `side` is where it moves to or turns to; `other` whom it needs."""

    thing: int
    action: str
    start: float
    end: float
    side: str = "right"
    times: int = 1
    other: int | None = None


@dataclass(frozen=True)
class Scene:
    backdrop: str
    start: float
    end: float
    things: tuple[int, ...]
    variant: int = 0
    join: str = "cut"  # how it begins: "cut" or "dissolve"


@dataclass(frozen=True)
class Sign:
    text: str
    start: float
    end: float
    x: float = 0.5
    y: float = 0.14
    height: float = 0.1  # of the letters


@dataclass(frozen=True)
class Speech:
    start: float
    end: float
    thing: int
    text: Both


@dataclass(frozen=True)
class Script:
    seed: int
    seconds: float
    scenes: tuple[Scene, ...]
    things: tuple[Thing, ...]
    events: tuple[Event, ...]  # in order of their start
    signs: tuple[Sign, ...] = ()
    speech: tuple[Speech, ...] = ()
    split: str = "all"
    dials: Dials = field(default_factory=Dials)

    def scene_at(self, second: float) -> int:
        return next((k for k in reversed(range(len(self.scenes))) if self.scenes[k].start <= second), 0)

    def scene_of(self, thing: int) -> Scene:
        return next(scene for scene in self.scenes if thing in scene.things)


def stand(prop: str, size: str, height: float | None = None) -> float:
    """The y of a thing's middle: on the ground, or in the air at `height`."""
    return height if prop in SKY and height is not None else GROUND - 0.45 * SIZES[size]


def lines_about(name: Both) -> tuple[Both, ...]:
    """What one says about somebody."""
    return (
        Both(f"Look, the {name.en}!", f"看，{name.zh}！"),
        Both(f"I like the {name.en}.", f"我喜欢{name.zh}。"),
        Both(f"Where is the {name.en}?", f"{name.zh}在哪里？"),
        Both(f"Good morning, {name.en}.", f"早上好，{name.zh}。"),
    )


class _Writer:
    """Writes one script, a scene at a time; holds the dice and what has been used."""

    def __init__(self, seed: int, dials: Dials, split: str) -> None:
        self.dice, self.dials, self.split = Random(f"storybook {seed} {split}"), dials, split
        self.things: list[Thing] = []
        self.events: list[Event] = []
        self.signs: list[Sign] = []
        self.speech: list[Speech] = []

    def scenes(self) -> list[Scene]:
        dice, dials = self.dice, self.dials
        weights = [dice.uniform(0.8, 1.2) for _ in range(dials.scenes)]
        edges = [round(dials.seconds * sum(weights[:k]) / sum(weights), 2) for k in range(dials.scenes + 1)]
        places = [p for _ in range(dials.scenes // len(BACKDROPS) + 1) for p in dice.sample(list(BACKDROPS), 10)]
        busy = dice.randrange(dials.scenes)
        scenes = []
        for k in range(dials.scenes):
            members = self._cast(dice.randint(*dials.things))
            join = "dissolve" if k and dice.random() < dials.dissolve else "cut"
            scene = Scene(places[k], edges[k], edges[k + 1], members, dice.randrange(VARIANTS), join)
            if k == busy or dice.random() >= dials.concentration:
                self._act(scene)
            else:
                self._place(members)
            self._write_and_say(scene)
            scenes.append(scene)
        return scenes

    def _cast(self, count: int) -> tuple[int, ...]:
        """New things: no two of a video share both kind and colour, so "the red cat" is one."""
        first = len(self.things)
        for _ in range(count):
            taken = {(t.prop, t.colour) for t in self.things}
            pair = self._pair()
            while pair in taken and len(taken) < 200:
                pair = self._pair()
            texture = self.dice.choice(("plain", "plain", "striped", "spotted"))
            self.things.append(
                Thing(*pair, texture, self.dice.choice(tuple(SIZES)), facing=self.dice.choice(("left", "right")))
            )
        return tuple(range(first, first + count))

    def _pair(self) -> tuple[str, str]:
        dice = self.dice
        prop = dice.choice(tuple(PROPS))
        if self.things and dice.random() < self.dials.similarity:
            like = dice.choice(self.things)  # of any scene: likeness must not tell which scene
            if dice.random() < 0.5:
                prop = like.prop
            else:
                return dice.choice(props_in(like.colour, self.split)), like.colour
        return prop, dice.choice(colours_of(prop, self.split))

    def _act(self, scene: Scene) -> None:
        """Everybody but the last of the cast does one thing; the last stands by, to hide behind or ride on."""
        *actors, bystander = scene.things
        plans: list[tuple[int, str]] = []
        for k in actors:
            action = self.dice.choice(actions_of(self.things[k].prop, self.split))
            while action == "carried" and any(a == "carried" for _, a in plans):
                action = self.dice.choice(actions_of(self.things[k].prop, self.split))
            plans.append((k, action))
        if any(action in WITH_OTHER for _, action in plans):
            self._resize(bystander, "big")
        for k, action in plans:
            if action in WITH_OTHER:
                self._resize(k, "small")
        self._place(scene.things)
        self.dice.shuffle(plans)
        for (k, action), (start, end) in zip(plans, self._slots(scene, len(plans)), strict=True):
            self.events.append(self._event(k, action, start, end, bystander))

    def _resize(self, thing: int, size: str) -> None:
        self.things[thing] = replace(self.things[thing], size=size)

    def _place(self, members: tuple[int, ...]) -> None:
        """Side by side in columns as wide as the things are, in random order, with what room is left between them."""
        order = list(members)
        self.dice.shuffle(order)
        while sum(SIZES[self.things[k].size] for k in order) > 0.98:
            larger = [k for k in order if self.things[k].size != "small"]
            k = max(larger, key=lambda k: (k != members[-1], SIZES[self.things[k].size]))  # the bystander last
            self._resize(k, "middle" if self.things[k].size == "big" else "small")
        room = 1.0 - sum(SIZES[self.things[k].size] for k in order)
        gaps = [self.dice.uniform(0.3, 1.0) for _ in range(len(order) + 1)]
        x = 0.0
        for k, gap in zip(order, gaps, strict=False):
            thing = self.things[k]
            width = SIZES[thing.size]
            x += room * gap / sum(gaps)
            y = stand(thing.prop, thing.size, self.dice.uniform(0.38, 0.5)) + self.dice.uniform(0, 0.05)
            self.things[k] = replace(thing, x=round(x + width / 2, 3), y=round(y, 3))
            x += width

    def _slots(self, scene: Scene, count: int) -> list[tuple[float, float]]:
        """When things happen: one after another, sometimes two at once, tightly or spread over the scene."""
        first, last = scene.start + 0.15 + DISSOLVE * (scene.join == "dissolve"), scene.end - 0.15
        pairs = [k > 0 and self.dice.random() < 0.25 for k in range(count)]
        slots = 1 + sum(not p for p in pairs[1:])
        length = min(self.dials.evidence, 0.85 * (last - first) / slots)
        window = (last - first) - self.dials.concentration * max(0.0, last - first - 1.1 * slots * length)
        begin = first + self.dice.uniform(0, last - first - window)
        times: list[tuple[float, float]] = []
        slot = -1
        for together in pairs:
            slot += not together
            if together:
                start = times[-1][0] + 0.2 * length
                times.append((round(start, 2), round(min(start + length * 0.8, scene.end), 2)))
            else:
                start = begin + window * slot / slots + self.dice.uniform(0, window / slots - length)
                times.append((round(start, 2), round(start + length, 2)))
        return times

    def _event(self, k: int, action: str, start: float, end: float, bystander: int) -> Event:
        thing = self.things[k]
        side = self.dice.choice(("left", "right"))
        other = bystander if action in WITH_OTHER else None
        if action in ("slides", "carried"):
            side = "right" if (self.things[bystander].x if action == "carried" else thing.x) < 0.5 else "left"
        times = self.dice.randint(1, 5) if action in COUNTED else 1
        return Event(k, action, start, end, side, times, other)

    def _write_and_say(self, scene: Scene) -> None:
        dice = self.dice
        if dice.random() < self.dials.sign:
            text = dice.choice(SIGN_WORDS) if dice.random() < 0.6 else str(dice.randint(2, 99))
            half = min(0.48, 0.5 * self.dials.glyph * (0.75 * len(text) + 1.0))
            x = dice.uniform(half, 1 - half)
            hung = 1.15 * self.dials.glyph  # its strings begin at the upper edge
            self.signs.append(Sign(text, scene.start, scene.end, round(x, 3), round(hung, 3), self.dials.glyph))
        if dice.random() < self.dials.speech:
            self._say(scene)

    def _say(self, scene: Scene) -> None:
        """The bystander, who is there from first to last, says something about somebody here."""
        teller, about = scene.things[-1], self.things[self.dice.choice(scene.things)].name
        line = self.dice.choice(lines_about(about))
        start = scene.start + self.dice.uniform(0.1, 0.5) * (scene.end - scene.start)
        end = min(scene.end, start + 2.2)
        self.speech.append(Speech(round(start, 2), round(end, 2), teller, line))


def random_script(seed: int, dials: Dials | None = None, split: str = "train") -> Script:
    """The script that this seed, these dials and this split have always given."""
    dials = dials or usual(split)
    writer = _Writer(seed, dials, split)
    scenes = tuple(writer.scenes())
    events = tuple(sorted(writer.events, key=lambda event: (event.start, event.thing)))
    return Script(
        seed,
        dials.seconds,
        scenes,
        tuple(writer.things),
        events,
        tuple(writer.signs),
        tuple(writer.speech),
        split,
        dials,
    )
