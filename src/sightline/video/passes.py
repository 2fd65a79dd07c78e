"""The ways to go through a video once: which frames are decoded, in the order shown.

`straight` decodes everything, or lets the decoder drop frames nothing refers to; `keyframes_only` decodes keyframes;
`Guided` decodes keyframes and, between them, only the stretches that need it. All of them stream: they hold a frame
or two, whatever the length of the video.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sightline.video.reel import Leave, Reel, Sight
from sightline.video.shots import Grey, may_hide_cut

if TYPE_CHECKING:
    import av


def cell_of(second: float, every: float) -> int:
    """The number k of the cell [k * every, (k + 1) * every); a frame on the grid counts as on it."""
    return math.floor(second / every + 1e-6)


class SkipUnreferenced:
    """Lets the decoder drop unreferenced frames, but never the first packet of a cell: each cell keeps a frame.

    Packets come in decoding order, a few frames off the order shown, so the last few cells are remembered.
    """

    def __init__(self, reel: Reel, every: float) -> None:
        self.reel, self.every = reel, every
        self.begun: set[int] = set()

    def __call__(self, packet: av.Packet) -> Leave:
        if packet.pts is None:
            return "DEFAULT"
        cell = cell_of(self.reel.second(packet.pts), self.every)
        if cell in self.begun:
            return "NONREF"
        self.begun = {near for near in self.begun if abs(near - cell) <= 3} | {cell}
        return "DEFAULT"


def straight(reel: Reel, start: float, end: float, skip: SkipUnreferenced | None = None) -> Iterator[Sight]:
    """The frames of [start, end), decoded one after another."""
    for sight in reel.frames_from(start, skip):
        if sight.second >= end:
            return
        if sight.second >= start:
            yield sight


def keyframes_only(reel: Reel, start: float, end: float) -> Iterator[Sight]:
    """The keyframes of [start, end). They count as neighbours, so cuts are found as finely as keyframes lie."""
    for sight in reel.keyframes_from(start):
        if sight.second >= end:
            return
        if sight.second >= start:
            sight.jumped = False
            yield sight


class Between:
    """Decodes the frames between two keyframes, and goes on without seeking where one stretch meets the next."""

    def __init__(self, reel: Reel, every: float) -> None:
        self.reel, self.every = reel, every
        self.stopped_at: float | None = None
        self.run: Iterator[Sight] = iter(())

    def frames(self, after: float, until: float) -> Iterator[Sight]:
        """The frames with after < second < until, where a keyframe lies at `after` (or the file begins there)."""
        if self.stopped_at is None or self.stopped_at != after:
            self.run = self.reel.frames_from(after, SkipUnreferenced(self.reel, self.every))
        self.stopped_at = None  # known again when this stretch is followed to its end
        for sight in self.run:
            if sight.second >= until:
                self.stopped_at = sight.second
                return
            if sight.second > after:
                yield sight


class Guided:
    """Keyframes first; then, between two of them,

    - all frames, if the two pictures differ so much that a cut may hide there, or if the file ends there and no
      keyframe tells what comes;
    - as many frames as it takes, if the frame kept last lies more than two cells back, so that no stretch that long
      stays without a frame.

    `last_kept` says at which second a frame was kept last. Two reels read the file side by side: one hops from
    keyframe to keyframe, the other follows through the stretches.
    """

    def __init__(self, keys: Reel, between: Reel, every: float, grey: Grey, last_kept: Callable[[], float]) -> None:
        self.keys, self.between = keys, Between(between, every)
        self.every, self.grey, self.last_kept = every, grey, last_kept

    def sights(self, start: float, end: float) -> Iterator[Sight]:
        """The frames of [start, end) that this way decodes, in the order shown."""
        before, before_tiny = -math.inf, b""  # the keyframe passed last
        for key in self.keys.keyframes_from(start):
            if key.second <= before:
                continue
            tiny, until = self.grey.tiny(key.frame), min(key.second, end)
            if before > -math.inf or key.second > start:  # something may lie before this keyframe
                hides_cut = not before_tiny or may_hide_cut(before_tiny, tiny)
                yield from self._stretch(start, before, until, whole=hides_cut)
                key.jumped = not hides_cut
            if key.second >= end:
                return
            if key.second >= start:
                yield key
            before, before_tiny = key.second, tiny
        yield from self._stretch(start, before, end, whole=True)

    def _stretch(self, start: float, after: float, until: float, *, whole: bool) -> Iterator[Sight]:
        """The frames of [start, until) after the keyframe at `after`: all of them, or until the gap is closed."""
        frames = self.between.frames(after if after > -math.inf else start, until)
        while whole or until - self.last_kept() > 2 * self.every:
            sight = next(frames, None)
            if sight is None:
                return
            if sight.second >= start:
                yield sight
