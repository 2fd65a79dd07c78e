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
from sightline.video.tape import Tape

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


class Guided:
    """Keyframes first; then, between two of them,

    - all frames, if the two pictures differ so much that a cut may hide there, or if the file ends there and no
      keyframe tells what comes;
    - as many frames as it takes, if the frame kept last lies more than two cells back, so that no stretch that long
      stays without a frame.

    `last_kept` says at which second a frame was kept last. One reel is read once: its packets wait on a tape until the
    next keyframe tells whether they are needed. A stretch too long for the tape is read again by `spare`.
    """

    def __init__(
        self, reel: Reel, spare: Callable[[], Reel], every: float, grey: Grey, last_kept: Callable[[], float]
    ) -> None:
        self.reel, self.spare = reel, spare
        self.every, self.grey, self.last_kept = every, grey, last_kept

    def sights(self, start: float, end: float) -> Iterator[Sight]:
        """The frames of [start, end) that this way decodes, in the order shown."""
        tape = Tape(self.reel.packets_from(start))
        before, before_tiny, number = -math.inf, b"", 0  # the keyframe passed last, and its packet
        for at, key in self._keyframes(tape):
            if key.second <= before:
                continue
            tiny, until = self.grey.tiny(key.frame), min(key.second, end)
            if before > -math.inf or key.second > start:  # something may lie before this keyframe
                hides_cut = not before_tiny or may_hide_cut(before_tiny, tiny)
                yield from self._stretch(tape, number, max(start, before), before, until, whole=hides_cut)
                key.jumped = not hides_cut
            if key.second >= end:
                return
            if key.second >= start:
                yield key
            before, before_tiny, number = key.second, tiny, at
            tape.forget(before=at)
        yield from self._stretch(tape, number, max(start, before), before, end, whole=True)

    def _keyframes(self, tape: Tape) -> Iterator[tuple[int, Sight]]:
        """Keyframes alone with the numbers of their packets; each is drained, so it comes without delay."""
        for number, packet in tape.read(0):
            if packet is not None and packet.is_keyframe:
                self.reel.codec.flush_buffers()  # a stretch may have been left half way
                self.reel.codec.skip_frame = "NONKEY"
                for sight in self.reel.decode(packet) + self.reel.drain():
                    yield number, sight

    def _stretch(
        self, tape: Tape, number: int, start: float, after: float, until: float, *, whole: bool
    ) -> Iterator[Sight]:
        """The frames of (after, until), not before start: all of them, or until the gap is closed."""
        frames = self._decoded(tape, number, start)
        while whole or until - self.last_kept() > 2 * self.every:
            sight = next(frames, None)
            if sight is None or sight.second >= until:
                return
            if sight.second > after and sight.second >= start:
                yield sight

    def _decoded(self, tape: Tape, number: int, start: float) -> Iterator[Sight]:
        """All frames from a packet on, in the order shown; from the file where the tape has let it go."""
        if tape.holds(number):
            self.reel.codec.flush_buffers()
            packets = (packet for _, packet in tape.read(number))
            return self.reel.frames_of(packets, SkipUnreferenced(self.reel, self.every))
        reel = self.spare()
        return reel.frames_from(start, SkipUnreferenced(reel, self.every))
