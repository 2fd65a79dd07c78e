"""What is true of a script: sentences, moments with boxes, captions, order, counts, screen text, spoken lines, tags.

Nothing here looks at pixels; a test does, and finds the colour of each thing inside its box.
Boxes are x0 y0 x1 y1 in shares of the picture; they depend on its aspect (width / height).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from sightline.data.storybook.draw import sign_box
from sightline.data.storybook.motion import pose_at, visible_spans
from sightline.data.storybook.palette import COLOURS
from sightline.data.storybook.props import KINDS, kind_of
from sightline.data.storybook.script import Event, Scene, Script
from sightline.data.storybook.sprites import ANGLE_STEP, sprite
from sightline.data.storybook.words import (
    ACTION_NAMES,
    ACTIONS,
    KIND_WORDS,
    NUMBERS_ZH,
    PLACES,
    THINGS,
    TIMES_EN,
    Both,
    described,
    joined,
    named,
)
from sightline.records import Line

Box = tuple[float, float, float, float]
Span = tuple[float, float]


# --- sentences ---------------------------------------------------------------------------------


def the_name(script: Script, thing: int, synonym: int = 0) -> Both:
    """ "the red cat" / 红色的猫."""
    name = named(script.things[thing].prop, script.things[thing].colour, synonym)
    return Both(f"the {name.en}", name.zh)


def place(backdrop: str, synonym: int = 0) -> Both:
    return Both(PLACES[backdrop].en[synonym], PLACES[backdrop].zh[synonym])


def action_name(action: str, synonym: int = 0) -> Both:
    return Both(ACTION_NAMES[action].en[synonym], ACTION_NAMES[action].zh[synonym])


def did(script: Script, event: Event, synonym: int = 0) -> Both:
    """What the event's thing does, with its side, its times and whom it needs."""
    other = the_name(script, event.other) if event.other is not None else Both("", "")
    en = ACTIONS[event.action].en[synonym].format(times=TIMES_EN[event.times], other=other.en)
    zh = ACTIONS[event.action].zh[synonym].format(n=NUMBERS_ZH[event.times], other=other.zh)
    side, side_zh = event.side, {"left": "左", "right": "右"}[event.side]
    if event.action == "enters":
        origin, origin_zh = ("right", "右") if side == "left" else ("left", "左")
        return Both(f"{en} from the {origin}", f"从{origin_zh}边{zh}")
    if event.action in ("leaves", "slides", "carried"):
        return Both(f"{en} to the {side}", f"向{side_zh}{zh}")
    return Both(en, zh)


def sentence(script: Script, event: Event, synonym: int = 0) -> Both:
    """The event as a statement without its place: "the red cat jumps twice"."""
    who, what = the_name(script, event.thing, synonym), did(script, event, synonym)
    return Both(f"{who.en} {what.en}", f"{who.zh}{what.zh}")


def statement(script: Script, event: Event, synonym: int = 0) -> Both:
    """The event as a statement with its place."""
    said, where = sentence(script, event, synonym), place(script.scene_of(event.thing).backdrop, synonym)
    who, what = the_name(script, event.thing, synonym), did(script, event, synonym)
    return Both(f"{said.en} {where.en}", f"{who.zh}{where.zh}{what.zh}")


def scene_caption(script: Script, scene: Scene) -> Both:
    things = [script.things[k] for k in scene.things]
    cast = joined([described(t.prop, t.colour, t.texture, t.size) for t in things])
    where = place(scene.backdrop)
    return Both(f"{cast.en} {where.en}", f"{where.zh.removeprefix('在')}有{cast.zh}")


GIST_SCENES = 4  # more would not be a gist


def somebody_somewhere(script: Script, thing: int, backdrop: str) -> Both:
    """ "the red cat on the beach" / 海滩上的红色的猫."""
    name, where = the_name(script, thing), place(backdrop)
    return Both(f"{name.en} {where.en}", f"{where.zh.removeprefix('在')}的{name.zh}")


def gist(script: Script) -> Both:
    """The video in one sentence: somebody from each of its first scenes."""
    return joined([somebody_somewhere(script, s.things[0], s.backdrop) for s in script.scenes[:GIST_SCENES]])


@dataclass(frozen=True)
class Caption:
    start: float
    end: float
    text: Both


def captions(script: Script) -> list[Caption]:
    """The whole, then each scene, then each event."""
    whole = [Caption(0.0, script.seconds, gist(script))]
    scenes = [Caption(s.start, s.end, scene_caption(script, s)) for s in script.scenes]
    return [*whole, *scenes, *(Caption(e.start, e.end, statement(script, e)) for e in script.events)]


# --- what, where in the frame, from when to when --------------------------------------------------


@lru_cache(maxsize=20_000)
def _extent(prop: str, angle: int, mirrored: bool) -> Box:
    """The part of its square sheet that a prop covers."""
    figure = sprite(prop, "red", "plain", 96, angle, mirrored).getchannel("A").point(lambda v: 255 if v > 160 else 0)
    x0, y0, x1, y1 = figure.getbbox()
    return x0 / 96, y0 / 96, x1 / 96, y1 / 96


def box_at(script: Script, thing: int, second: float, aspect: float = 1.0) -> Box | None:
    """Where a thing is in the picture, cut at the picture's edges; None where nothing of it is inside."""
    pose = pose_at(script, thing, second, aspect)
    if pose is None:
        return None
    x0, y0, x1, y1 = _extent(
        script.things[thing].prop, round(pose.angle / ANGLE_STEP) * ANGLE_STEP % 360, pose.mirrored
    )
    wide = pose.size / aspect
    left, right = pose.x + (x0 - 0.5) * wide, pose.x + (x1 - 0.5) * wide
    top, bottom = pose.y + (y0 - 0.5) * pose.size, pose.y + (y1 - 0.5) * pose.size
    box = (max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom))
    return box if box[2] - box[0] > 0.005 and box[3] - box[1] > 0.005 else None


@dataclass(frozen=True)
class Known:
    """One true thing about a stretch: what, from when to when, and where in the frame at some of its seconds."""

    kind: str  # "event", "thing", "sign" or "speech"
    text: Both
    start: float
    end: float
    boxes: tuple[tuple[float, Box], ...] = ()


def _boxes(script: Script, thing: int, span: Span, aspect: float, step: float) -> tuple[tuple[float, Box], ...]:
    count = max(1, int((span[1] - span[0]) / step))
    seconds = [span[0] + (span[1] - span[0]) * (k + 0.5) / count for k in range(count)]
    return tuple((round(s, 3), box) for s in seconds if (box := box_at(script, thing, s, aspect)) is not None)


def moments(script: Script, aspect: float = 1.0, step: float = 0.5) -> list[Known]:
    """Everything that can be searched for, in order of its start."""
    known = [
        Known("event", statement(script, e), e.start, e.end, _boxes(script, e.thing, (e.start, e.end), aspect, step))
        for e in script.events
    ]
    for k, thing in enumerate(script.things):
        name = described(thing.prop, thing.colour, thing.texture, thing.size)
        where = place(script.scene_of(k).backdrop)
        for start, end in visible_spans(script, k):
            text = Both(f"{name.en} {where.en}", f"{where.zh.removeprefix('在')}的{name.zh}")
            known.append(Known("thing", text, start, end, _boxes(script, k, (start, end), aspect, step)))
    for line in screen_text(script, aspect):
        assert line.box is not None
        said = Both(f"a sign that says {line.text}", f"写着{line.text}的牌子")
        known.append(Known("sign", said, line.start, line.end, ((line.start, line.box),)))
    known += [
        Known("speech", s.text, s.start, s.end, _boxes(script, s.thing, (s.start, s.end), aspect, step))
        for s in script.speech
    ]
    return sorted(known, key=lambda k: (k.start, k.end))


def screen_text(script: Script, aspect: float = 1.0) -> list[Line]:
    height = 360
    width = round(height * aspect)
    lines = []
    for sign in script.signs:
        x0, y0, x1, y1 = sign_box(sign, width, height)
        box = (max(0, x0) / width, y0 / height, min(width, x1) / width, min(height, y1) / height)
        lines.append(Line(sign.start, sign.end, sign.text, source="screen", track="storybook", score=1.0, box=box))
    return lines


def spoken(script: Script, language: str = "en") -> list[Line]:
    return [
        Line(s.start, s.end, getattr(s.text, language), track="storybook", language=language) for s in script.speech
    ]


# --- order, counts, tags ------------------------------------------------------------------------


def order(script: Script) -> list[Both]:
    return [sentence(script, event) for event in script.events]


def counts(script: Script) -> dict[str, int]:
    """How many there are of each kind of thing, colour, action and backdrop."""
    things = Counter(t.prop for t in script.things) + Counter(t.colour for t in script.things)
    return dict(things + Counter(e.action for e in script.events) + Counter(s.backdrop for s in script.scenes))


Path = tuple[str, ...]


@lru_cache(maxsize=1)
def leaves() -> dict[Path, Both]:
    """The label tree by its leaves: who / kind / thing / coloured thing, what / action / who does it, whom, where."""
    tree: dict[Path, Both] = {}
    for kind, members in KINDS.items():
        for prop in members:
            for colour in COLOURS:
                tree["who", KIND_WORDS[kind].en[0], THINGS[prop].en[0], f"{colour} {THINGS[prop].en[0]}"] = named(
                    prop, colour
                )
    for action in ACTIONS:
        name = action_name(action)
        for word in THINGS.values():
            both = Both(f"{word.en[0]} {name.en}", f"{word.zh[0]}{name.zh}")
            tree["what", name.en, both.en] = both
    for action, en, zh in (
        ("hides", "something hides behind the {}", "{}后面藏着东西"),
        ("carried", "the {} carries", "{}载着东西"),
    ):
        for word in THINGS.values():
            tree["whom", action_name(action).en, en.format(word.en[0])] = Both(
                en.format(word.en[0]), zh.format(word.zh[0])
            )
    for backdrop in PLACES:
        tree["where", place(backdrop).en] = place(backdrop)
    return tree


def tags(script: Script) -> dict[Path, list[Span]]:
    """The leaves that hold for this video, with the stretches they hold for."""
    found: dict[Path, list[Span]] = {}
    for k, thing in enumerate(script.things):
        word = THINGS[thing.prop].en[0]
        path = ("who", KIND_WORDS[kind_of(thing.prop)].en[0], word, f"{thing.colour} {word}")
        found.setdefault(path, []).extend(visible_spans(script, k))
    for event in script.events:
        word, name = THINGS[script.things[event.thing].prop].en[0], action_name(event.action).en
        found.setdefault(("what", name, f"{word} {name}"), []).append((event.start, event.end))
        if event.other is not None:
            other = THINGS[script.things[event.other].prop].en[0]
            label = f"something hides behind the {other}" if event.action == "hides" else f"the {other} carries"
            found.setdefault(("whom", name, label), []).append((event.start, event.end))
    for scene in script.scenes:
        found.setdefault(("where", place(scene.backdrop).en), []).append((scene.start, scene.end))
    return found
