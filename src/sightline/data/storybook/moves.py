"""Questions that need several pictures: action, direction, how many, when, first, after, while; and the gist."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.data.storybook.desk import OPTIONS, Desk, Question, word_of
from sightline.data.storybook.script import COUNTED, Event, Scene
from sightline.data.storybook.splits import actions_of
from sightline.data.storybook.truth import (
    GIST_SCENES,
    Span,
    action_name,
    scene_caption,
    sentence,
    somebody_somewhere,
    statement,
    the_name,
)
from sightline.data.storybook.words import PLACES, WAYS, Both, joined


def action(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None or sum(e.thing == event.thing for e in script.events) > 1:
        return None
    wrong = desk.others(
        actions_of(script.things[event.thing].prop, script.split), event.action, [e.action for e in desk.events]
    )
    return desk.ask(
        "action",
        action_name(event.action),
        [action_name(a) for a in wrong],
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        who=the_name(script, event.thing, desk.synonym),
    )


SIDEWAYS = ("enters", "leaves", "slides", "carried")
_FIXED_WAYS = {"falls": "down", "flies": "up", "jumps": "", "hides": ""}


def way_of(event: Event) -> str:
    """Which way an event moves its thing: "left", "right", "up", "down", "stays"; "" where it is no one way."""
    return event.side if event.action in SIDEWAYS else _FIXED_WAYS.get(event.action, "stays")


def ways_open_to(prop: str, split: str) -> dict[str, float]:
    """The ways a thing can move in a split, each with how many of its actions lead there (a side is half of two)."""
    weights: dict[str, float] = {}
    for action in actions_of(prop, split):
        both = ("left", "right") if action in SIDEWAYS else (_FIXED_WAYS.get(action, "stays"),)
        for way in filter(None, both):
            weights[way] = weights.get(way, 0.0) + 1 / len(both)
    return weights


def direction(desk: Desk) -> Question | None:
    """Only ways open to the thing are options, and frequent ways are asked less: its name must not tell its way."""
    script, event = desk.script, desk.event()
    if event is None or not (way := way_of(event)) or sum(e.thing == event.thing for e in script.events) > 1:
        return None
    ways = ways_open_to(script.things[event.thing].prop, script.split)
    if len(ways) < 3 or way not in ways or desk.luck[event] > min(ways.values()) / ways[way]:
        return None
    return desk.ask(
        "direction",
        word_of(WAYS[way]),
        [word_of(WAYS[w]) for w in ways if w != way],
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        who=the_name(script, event.thing, desk.synonym),
    )


def how_many(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None or event.action not in COUNTED:
        return None
    numbers = [Both(str(n), str(n)) for n in range(1, 6)]
    right = numbers[event.times - 1]
    return desk.ask(
        "how many",
        right,
        [n for n in numbers if n != right],
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        who=the_name(script, event.thing, desk.synonym),
        action=action_name(event.action, desk.synonym),
    )


def _spell(span: Span) -> Both:
    return Both(f"from {span[0]:.1f} to {span[1]:.1f} seconds", f"第{span[0]:.1f}秒到第{span[1]:.1f}秒")


def when(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None:
        return None
    rest = [e for e in desk.events if e is not event and abs(e.start - event.start) > 0.5]
    wrong = [_spell((e.start, e.end)) for e in desk.dice.sample(rest, min(len(rest), OPTIONS - 1))]
    if len(set(wrong)) < 2 or len(set(wrong)) < len(wrong):
        return None
    return desk.ask(
        "when",
        _spell((event.start, event.end)),
        wrong,
        [(event.start, event.end)],
        statement(script, event),
        desk.unseen(event.thing, event.action),
        event=sentence(script, event, desk.synonym),
    )


def first(desk: Desk) -> Question | None:
    script = desk.script
    strange = [event for event in desk.events if event.thing in desk.strangers]
    pool = strange if len(strange) >= 3 else desk.events
    if len(pool) < 3:
        return None
    chosen = sorted(desk.dice.sample(pool, min(len(pool), OPTIONS)), key=lambda e: e.start)
    if chosen[1].start - chosen[0].start < 0.5:
        return None
    first, *rest = chosen
    return desk.ask(
        "first",
        sentence(script, first),
        [sentence(script, e) for e in rest],
        [(e.start, e.end) for e in chosen],
        statement(script, first),
        desk.unseen(first.thing, first.action),
    )


def after(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None:
        return None
    later = [e for e in script.events if e.start > event.start]
    if not later or later[0].start < event.end or any(e.end > event.end > e.start for e in script.events):
        return None
    wrong = desk.other_events([event, later[0]])
    if len(wrong) < 2 or (len(later) > 1 and later[1].start - later[0].start < 0.5):
        return None
    return desk.ask(
        "after",
        sentence(script, later[0], desk.synonym),
        wrong,
        [(event.start, event.end), (later[0].start, later[0].end)],
        statement(script, later[0]),
        desk.unseen(later[0].thing, later[0].action),
        event=sentence(script, event, desk.synonym),
    )


def meanwhile(desk: Desk) -> Question | None:
    script, event = desk.script, desk.event()
    if event is None:
        return None
    meeting = [e for e in script.events if e is not event and e.start < event.end and e.end > event.start]
    wrong = desk.other_events([event, *meeting])
    if len(meeting) != 1 or len(wrong) < 2:
        return None
    other = meeting[0]
    return desk.ask(
        "while",
        sentence(script, other, desk.synonym),
        wrong,
        [(max(event.start, other.start), min(event.end, other.end))],
        statement(script, other),
        desk.unseen(other.thing, other.action),
        event=sentence(script, event, desk.synonym),
    )


def _false_gist(desk: Desk, scenes: Sequence[Scene], told: Sequence[int]) -> list[Both] | None:
    """Things of these scenes in places of which at least one is wrong; None where the dice told the truth."""
    script = desk.script
    used = {script.scene_of(k).backdrop for k in told}
    places = desk.dice.sample([p for p in PLACES if p not in used], len(scenes))
    things = desk.dice.sample([k for scene in scenes for k in scene.things if k not in told], len(scenes))
    if all(script.scene_of(k).backdrop == p for k, p in zip(things, places, strict=True)):
        return None
    return [somebody_somewhere(script, k, p) for k, p in zip(things, places, strict=True)]


def gist(desk: Desk) -> Question:
    """Summaries that begin alike, where there are several scenes: the first frame decides nothing."""
    script = desk.script
    scenes = script.scenes[:GIST_SCENES]
    told = scenes[0].things[:1] if len(scenes) > 1 else ()
    rest = scenes[len(told) :]
    start = [somebody_somewhere(script, k, scenes[0].backdrop) for k in told]
    right = joined([*start, *(somebody_somewhere(script, scene.things[0], scene.backdrop) for scene in rest)])
    wrong: list[Both] = []
    while len(wrong) < OPTIONS - 1:
        parts = _false_gist(desk, rest, told)
        if parts is not None and (text := joined([*start, *parts])) not in (right, *wrong):
            wrong.append(text)
    first = scene_caption(script, scenes[0])
    spans = [(scene.start, scene.end) for scene in rest]
    truth = Both(f"the video shows {first.en}", f"视频里，{first.zh}")
    return desk.ask("gist", right, wrong, spans, truth)


MOVES = {
    "action": action,
    "direction": direction,
    "how many": how_many,
    "when": when,
    "first": first,
    "after": after,
    "while": meanwhile,
}
WHOLE = {"gist": gist}
