"""Cuts a file into pieces that begin on keyframes, without decoding and without reading most of it.

Every `about` seconds the file is asked for a keyframe there; how far apart keyframes really lie is learnt from the
packets, so a file without an index, or with one keyframe, gives fewer, longer pieces.
Departures: a bare stream without timestamps cannot be entered on the way and is one piece.
"""

from __future__ import annotations

import math
import os
from itertools import islice

from sightline.video.facts import LIMITS, Limits
from sightline.video.faults import reading
from sightline.video.reel import Reel
from sightline.video.still import is_picture

FIRST_PACKETS = 33  # more than any codec's reordering depth: among them is the earliest timestamp


def units(path: str | os.PathLike[str], about: float = 60.0, limits: Limits = LIMITS) -> list[tuple[float, float]]:
    """[start, end) pieces of about `about` seconds, each beginning on a keyframe; the last end is inf."""
    if is_picture(path):
        return [(0.0, math.inf)]
    with reading(path), Reel(path, limits) as reel:
        starts = [earliest(reel)]
        while reel.seekable and (boundary := next_boundary(reel, starts[-1], about)) is not None:
            starts.append(boundary)
    return list(zip(starts, [*starts[1:], math.inf], strict=True))


def earliest(reel: Reel) -> float:
    """The first second that any frame of the file is shown at."""
    packets = islice(reel.packets_from(-math.inf), FIRST_PACKETS)
    return min(
        (reel.second(p.pts) for p in packets if p is not None and p.pts is not None and not p.is_discard), default=0.0
    )


def next_boundary(reel: Reel, begun: float, about: float) -> float | None:
    """The second of a keyframe about `about` after `begun`, at any rate half of it; None where the file ends first."""
    for packet in reel.packets_from(begun + about):
        if packet is not None and packet.is_keyframe and packet.pts is not None:
            second = reel.second(packet.pts)
            if second > begun + about / 2:
                return second
    return None
