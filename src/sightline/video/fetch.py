"""Fetches exact frames: the frame shown at each of some seconds, decoding as little as can be.

First the packets around each second are read, not decoded: they tell which timestamp is shown then (the greatest one
not after it) and from which keyframe it must be decoded. Seconds that share a keyframe share one walk from there. On
the walk the decoder drops every frame that nothing refers to, except the wanted ones, and it is drained as soon as the
last wanted packet went in. Several walks are shared out to two threads, each with its own open file.

Departures: where the packets promise a frame that the decoder never shows (invisible reference frames, damage), that
walk is repeated with every frame decoded, and the last frame shown at or before the second is taken.
Shapes: seconds [T] -> Frames, pixels [T, 3, H, W]
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import TYPE_CHECKING

import numpy as np

from sightline.errors import BadQuery, NoFrames
from sightline.records import Frames
from sightline.video.facts import LIMITS, Limits
from sightline.video.faults import reading, shown
from sightline.video.open import facts
from sightline.video.reel import Reel, Sight
from sightline.video.still import is_picture, still
from sightline.video.upright import Painter

if TYPE_CHECKING:
    pass

MANY = 8  # from so many seconds on, a second thread pays for opening the file once more

Found = dict[float, tuple[float, np.ndarray]]  # asked second -> second of the frame, its picture


@dataclass
class Walk:
    """One walk from a keyframe: which ticks are wanted there, for which asked seconds, over how many packets."""

    key: float
    wanted: dict[float, int | None] = field(default_factory=dict)  # asked second -> ticks; None: not told by packets
    packets: int = 0


def at_seconds(
    path: str | os.PathLike[str],
    seconds: Sequence[float],
    side: int | None = None,
    *,
    threads: int | None = None,
    limits: Limits = LIMITS,
) -> Frames:
    """The frame shown at each second, in the order asked, with the frames' own seconds.

    The frame shown at t has the greatest timestamp <= t; before the first frame it is the first frame.
    """
    asked = [float(second) for second in seconds]
    if not asked or any(math.isnan(second) for second in asked):
        raise BadQuery(f"at_seconds needs at least one second, and each a number; it was given {asked[:5]}")
    if is_picture(path):
        return of_picture(path, asked, side, limits)
    threads = threads or (2 if len(asked) >= MANY else 1)
    with reading(path):
        with Reel(path, limits) as reel:
            walks = plan(reel, sorted(set(asked)))
        shares = share_out(walks, threads)
        with ThreadPoolExecutor(len(shares)) as pool:
            found: Found = {}
            for part in pool.map(lambda share: walk_all(path, share, side, limits), shares):
                found |= part
    pixels = np.stack(alike([found[second][1] for second in asked]))
    return Frames(pixels, np.array([found[second][0] for second in asked]), video=os.fspath(path))


def of_picture(path: str | os.PathLike[str], asked: Sequence[float], side: int | None, limits: Limits) -> Frames:
    """The same for a photograph or an animation, which is read whole."""
    frames = still(path, side, limits=limits)
    places = np.maximum(np.searchsorted(frames.seconds, asked, side="right") - 1, 0)
    return Frames(frames.pixels[places], frames.seconds[places], frames.video, frames.duration)


def plan(reel: Reel, asked: Sequence[float]) -> list[Walk]:
    """Which frame is shown at each of the ascending seconds, and from which keyframe it is reached."""
    walks: list[Walk] = []
    left = list(reversed(asked))
    while left:
        walks.append(plan_walk(reel, left))
    return walks


def plan_walk(reel: Reel, left: list[float]) -> Walk:
    """Takes seconds off the end of `left` as long as they belong to the walk from the keyframe before the first."""
    walk = Walk(-math.inf)
    shown_ticks: list[int] = []
    for packet in reel.packets_from(left[-1]):
        if packet is None or packet.pts is None:
            continue
        while left and packet.dts is not None and reel.second(packet.dts) > left[-1]:
            take(walk, left, shown_ticks, reel)
        if not left:
            return walk
        if packet.is_keyframe and reel.second(packet.pts) <= left[-1]:
            if walk.wanted:  # the rest is reached from this keyframe, or from a later one
                return walk
            walk, shown_ticks = Walk(reel.second(packet.pts)), []
        walk.packets += 1
        if not packet.is_discard:
            shown_ticks.append(packet.pts)
    while left:  # the file ends here: what is left is shown by its last frames
        take(walk, left, shown_ticks, reel)
    return walk


def take(walk: Walk, left: list[float], shown_ticks: Sequence[int], reel: Reel) -> None:
    asked = left.pop()
    walk.wanted[asked] = latest(shown_ticks, reel.ticks(asked))


def latest(shown_ticks: Sequence[int], limit: int) -> int | None:
    return max((ticks for ticks in shown_ticks if ticks <= limit), default=None)


def share_out(walks: Sequence[Walk], threads: int) -> list[list[Walk]]:
    """Gives each thread walks of about the same length, longest first to whoever has least."""
    shares: list[list[Walk]] = [[] for _ in range(max(1, min(threads, len(walks))))]
    loads = [0] * len(shares)
    for walk in sorted(walks, key=lambda walk: -walk.packets):
        least = loads.index(min(loads))
        shares[least].append(walk)
        loads[least] += walk.packets + 1
    return [sorted(share, key=lambda walk: walk.key) for share in shares]


def walk_all(path: str | os.PathLike[str], walks: Sequence[Walk], side: int | None, limits: Limits) -> Found:
    found: Found = {}
    with reading(path), Reel(path, limits) as reel:
        painter = Painter(reel.stream.sample_aspect_ratio, side)
        for walk in walks:
            for second, sight in go(reel, walk):
                found[second] = (sight.second, painter.paint(sight.frame))
    return found


def go(reel: Reel, walk: Walk) -> Iterator[tuple[float, Sight]]:
    """The asked seconds of a walk, each with its frame."""
    by_ticks: dict[int, list[float]] = {}
    for asked, ticks in walk.wanted.items():
        if ticks is not None:
            by_ticks.setdefault(ticks, []).append(asked)
    missing = set(walk.wanted)
    for sight in wanted_frames(reel, walk.key, set(by_ticks)):
        for asked in by_ticks.get(sight.ticks, ()):
            missing.discard(asked)
            yield asked, sight
    if missing:
        yield from every_frame(reel, walk.key, sorted(missing))


def wanted_frames(reel: Reel, key: float, wanted: set[int]) -> Iterator[Sight]:
    """The frames with these ticks, and some of the others, as long as wanted packets are still to go in."""
    if not wanted:
        return
    to_send, to_come = set(wanted), set(wanted)
    begin = reel.ticks(key)
    for packet in dropwhile(lambda packet: packet is not None and packet.pts != begin, reel.packets_from(key)):
        if packet is None:
            break
        reel.codec.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        to_send -= {packet.pts}
        for sight in reel.decode(packet):
            to_come.discard(sight.ticks)
            yield sight
        if not to_send or not to_come:
            break
    if to_come:
        yield from reel.drain()


def every_frame(reel: Reel, key: float, asked: Sequence[float]) -> Iterator[tuple[float, Sight]]:
    """The slow and certain way: decodes all from the keyframe and takes the last frame at or before each second."""
    left = list(reversed(asked))
    before: Sight | None = None
    for sight in reel.frames_from(key):
        if before is not None and sight.second <= before.second:
            continue
        while left and sight.second > left[-1]:
            yield left.pop(), before or sight
        if not left:
            return
        before = sight
    if before is None:
        raise NoFrames(f"{shown(reel.path)} shows no frame that can be decoded after second {key:.3f}")
    for second in left:
        yield second, before


def alike(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Pictures of one size: where a file changes its size on the way, all are brought to the first one's."""
    height, width = pictures[0].shape[1:]
    return [p if p.shape[1:] == (height, width) else nearest(p, height, width) for p in pictures]


def nearest(picture: np.ndarray, height: int, width: int) -> np.ndarray:  # [3, h, w] -> [3, height, width]
    rows = np.arange(height) * picture.shape[1] // height
    columns = np.arange(width) * picture.shape[2] // width
    return picture[:, rows[:, None], columns]


def segment_midpoints(duration: float, count: int) -> list[float]:
    """The middles of `count` equal segments: what most training code means by uniform sampling."""
    return [duration * (place + 0.5) / count for place in range(count)]


def both_ends(duration: float, count: int) -> list[float]:
    """`count` seconds from the first to the last, both taken."""
    return [duration * place / max(1, count - 1) for place in range(count)]


CONVENTIONS: dict[str, Callable[[float, int], list[float]]] = {"midpoints": segment_midpoints, "both-ends": both_ends}


def by_count(path: str | os.PathLike[str], count: int, convention: str = "midpoints", side: int | None = 224) -> Frames:
    """`count` frames spread over the whole file, by a named convention."""
    if convention not in CONVENTIONS:
        raise BadQuery(f"there is no convention {convention!r}; choose one of {', '.join(CONVENTIONS)}")
    if count < 1:
        raise BadQuery(f"by_count needs at least one frame, not {count}")
    first, length = extent(path)
    return at_seconds(path, [first + second for second in CONVENTIONS[convention](length, count)], side)


def extent(path: str | os.PathLike[str]) -> tuple[float, float]:
    """The first second and the length; the length is read from the packets where the file does not state it."""
    known = facts(path)
    if known.duration:
        return known.first, known.duration
    with reading(path), Reel(path) as reel:
        ends = (reel.second(p.pts + (p.duration or 0)) for p in reel.packets_from(-math.inf) if p and p.pts is not None)
        return known.first, max(ends, default=known.first) - known.first
