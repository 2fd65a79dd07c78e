"""Where a thing is at a second, how large and how turned: every action as a short curve with a clear start and end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sightline.data.storybook.script import APPEARS, SIZES, VANISHES, Event, Script


@dataclass(frozen=True)
class Pose:
    """x, y: the middle of the sheet, in shares of the picture; size in shares of its height; angle clockwise."""

    x: float
    y: float
    size: float
    angle: float = 0.0
    mirrored: bool = False
    depth: float = 0.0  # larger is nearer


def stature(aspect: float) -> float:
    """How much taller things are in a wide picture: a stage drawn for a square would look empty there."""
    return min(1.4, max(1.0, aspect**0.6))


def eased(phase: float) -> float:
    """0..1 that starts and stops softly."""
    return phase * phase * (3 - 2 * phase)


def destination(script: Script, event: Event) -> float:
    """The x at which a slide or a ride ends: well away, but inside the picture."""
    mover = event.other if event.action == "carried" and event.other is not None else event.thing
    thing = script.things[mover]
    margin = SIZES[thing.size] / 2
    reach = 0.34 if event.action == "carried" else 0.48
    goal = thing.x + (reach if event.side == "right" else -reach)
    return min(max(goal, margin), 1 - margin)


def _moved(script: Script, pose: Pose, event: Event, phase: float, tall: float) -> Pose:
    """The pose with one action carried out up to `phase` (0..1)."""
    p, way = eased(phase), 1 if event.side == "right" else -1
    beat = math.pi * event.times * phase
    hop = 0.02 * abs(math.sin(5 * math.pi * phase))
    match event.action:
        case "enters":
            x = pose.x - way * (1 - p) * (0.7 + way * (pose.x - 0.5) + pose.size * 0.5)
            return replace(pose, x=x, y=pose.y - hop, mirrored=way < 0)
        case "leaves":
            return replace(
                pose,
                x=pose.x + way * p * (0.7 - way * (pose.x - 0.5) + pose.size * 0.5),
                y=pose.y - hop,
                mirrored=way < 0,
            )
        case "jumps":
            return replace(pose, y=pose.y - 0.2 * abs(math.sin(beat)))
        case "spins":
            return replace(pose, angle=way * 360 * event.times * phase)
        case "wobbles":
            return replace(pose, angle=way * 26 * math.sin(2 * beat))
        case "grows" | "shrinks":
            size = pose.size * (1 + (0.7 if event.action == "grows" else -0.5) * p)
            return replace(pose, size=size, y=pose.y - 0.45 * (size - pose.size))
        case "falls":
            drop = phase / 0.7 if phase < 0.7 else 1.0
            bounce = 0.06 * abs(math.sin((phase - 0.7) / 0.3 * 2 * math.pi)) * (1 - phase) / 0.3 if phase > 0.7 else 0.0
            return replace(pose, y=pose.y - (1 - drop * drop) * (pose.y + pose.size) - bounce)
        case "flies":
            return replace(pose, y=pose.y - p * (pose.y + pose.size), angle=-8 * math.sin(3 * math.pi * phase))
        case "slides":
            return replace(pose, x=pose.x + p * (destination(script, event) - pose.x), mirrored=way < 0)
        case "hides":
            return _hidden(script, pose, event, p, tall)
        case _:
            return _carried(script, pose, event, phase, tall)


def _hidden(script: Script, pose: Pose, event: Event, p: float, tall: float) -> Pose:
    assert event.other is not None
    other = _at(script, event.other, event.end, tall)
    y = pose.y + p * (other.y + 0.2 * (other.size - pose.size) - pose.y)
    return replace(pose, x=pose.x + p * (other.x - pose.x), y=y, mirrored=other.x < pose.x, depth=other.depth - 0.5)


def _carried(script: Script, pose: Pose, event: Event, phase: float, tall: float) -> Pose:
    """Hops onto the carrier in the first quarter, then rides with it and stays on top."""
    assert event.other is not None
    carrier = _at(script, event.other, event.start + phase * (event.end - event.start), tall)
    seat = carrier.y - 0.36 * carrier.size - 0.4 * pose.size
    p = eased(min(1.0, phase / 0.25))
    arc = 0.12 * math.sin(math.pi * p)
    return replace(
        pose, x=pose.x + p * (carrier.x - pose.x), y=pose.y + p * (seat - pose.y) - arc, depth=carrier.depth + 0.5
    )


def _at(script: Script, k: int, second: float, tall: float) -> Pose:
    """The place of a thing that stands by and carries others."""
    thing = script.things[k]
    size = SIZES[thing.size] * tall
    y = thing.y - 0.45 * (size - SIZES[thing.size])  # feet stay where they are
    pose = Pose(thing.x, y, size, mirrored=thing.facing == "left", depth=y + size)
    for event in script.events:
        if event.other == k and event.action == "carried" and second > event.start:
            ride = min(1.0, max(0.0, ((second - event.start) / (event.end - event.start) - 0.25) / 0.75))
            pose = replace(
                pose, x=pose.x + eased(ride) * (destination(script, event) - pose.x), mirrored=event.side == "left"
            )
    return pose


def pose_at(script: Script, k: int, second: float, aspect: float = 1.0) -> Pose | None:
    """The pose of thing `k` in a picture of that aspect (width / height), or None where it is not to be seen."""
    scene = script.scene_of(k)
    if not scene.start <= second <= scene.end:
        return None
    tall = stature(aspect)
    pose = _at(script, k, second, tall)
    for event in script.events:
        if event.thing != k:
            continue
        if second < event.start:
            return None if event.action in APPEARS else pose
        phase = min(1.0, (second - event.start) / (event.end - event.start))
        if phase >= 1.0 and event.action in VANISHES:
            return None
        if event.action == "carried" and phase >= 1.0 and event.other is not None:
            carrier = _at(script, event.other, second, tall)
            pose = replace(_carried(script, pose, event, 1.0, tall), x=carrier.x)
        else:
            pose = _moved(script, pose, event, phase, tall)
    return pose


def visible_spans(script: Script, k: int) -> list[tuple[float, float]]:
    """From when to when a thing is on stage (it appears and vanishes at most once)."""
    scene = script.scene_of(k)
    start, end = scene.start, scene.end
    own = [event for event in script.events if event.thing == k]
    if own and own[0].action in APPEARS:
        start = own[0].start
    if own and own[-1].action in VANISHES:
        end = own[-1].end
    return [(start, end)]
