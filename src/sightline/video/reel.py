"""A reel: one open video with a place in it, read packet by packet from any keyframe.

Seeking in FFmpeg lands where the container's index says, which in MP4 is counted in decoding time: the landing may
lie after the wanted picture. A reel therefore looks at the first packet it gets and steps further back until that
packet is a keyframe shown at or before the wanted second; where nothing helps it starts from the beginning.

From: FFmpeg's demuxers and decoders, through PyAV.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Literal, cast

from sightline.errors import TooLarge
from sightline.video.facts import LIMITS, Limits
from sightline.video.faults import reason, shown
from sightline.video.open import decoder, opened, picture_stream, without_clock

if TYPE_CHECKING:
    import av

STEPS_BACK = (0, 1, 2, 4, 8, 16, 32, 64)  # seconds; each is tried before the reel starts from the beginning
MOST_TICKS = 2**62  # FFmpeg counts in 64 bits

# Which frames the decoder may leave out at a packet: "DEFAULT" none, "NONREF" those nothing refers to.
Leave = Literal["DEFAULT", "NONREF"]
Skip = Callable[["av.Packet"], Leave]


@dataclass(slots=True)
class Sight:
    """A decoded frame at its second. `jumped` says that frames between it and the one before were not decoded."""

    second: float
    ticks: int
    frame: av.VideoFrame
    jumped: bool = False


class Reel:
    """Opened by `with`. `decoded` counts frames, `faults` counts packets that could not be read or decoded."""

    def __init__(self, path: str | os.PathLike[str], limits: Limits = LIMITS, *, draft: bool = False) -> None:
        self.path, self.limits, self.draft = path, limits, draft
        self.decoded = 0
        self.faults = 0
        self.last_fault = ""
        self._open = ExitStack()

    def __enter__(self) -> Reel:
        self._rewind()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _rewind(self) -> None:
        """Opens the file (again): the one way to its beginning that every format has."""
        from av.stream import Discard

        self._open.close()
        self.container = self._open.enter_context(opened(self.path, self.limits))
        self.stream = picture_stream(self.container)
        self.codec = decoder(self.stream, self.limits, draft=self.draft)
        self.clock = self.stream.time_base or Fraction(1, 90_000)  # seconds per tick
        for other in self.container.streams:
            if other is not self.stream:
                other.discard = Discard.all
        self.fresh = True

    # --- seconds and ticks ---------------------------------------------------------------------

    def second(self, ticks: int) -> float:
        """The second of a timestamp, as ffprobe prints it, rounded nowhere."""
        return ticks * self.clock.numerator / self.clock.denominator

    def ticks(self, second: float) -> int:
        """The greatest timestamp whose second is not after `second`."""
        guess = second / self.clock
        if not -MOST_TICKS < guess < MOST_TICKS:
            return MOST_TICKS if guess > 0 else -MOST_TICKS
        ticks = math.floor(guess)
        while self.second(ticks + 1) <= second:
            ticks += 1
        while self.second(ticks) > second:
            ticks -= 1
        return ticks

    # --- packets -------------------------------------------------------------------------------

    @property
    def seekable(self) -> bool:
        """Bare streams have no timestamps of their own: FFmpeg counts them up from wherever it starts to read."""
        from av.format import Flags

        return not self.container.format.flags & cast("int", Flags.no_timestamps.value)

    def packets_from(self, second: float) -> Iterator[av.Packet | None]:
        """Packets in decoding order from a keyframe shown at or before `second`, or from the beginning.

        The last item is None: it tells the decoder that nothing follows.
        """
        wanted = self.ticks(second)
        target = wanted
        for back in STEPS_BACK if self.seekable and math.isfinite(second) else ():
            packets = self._seek(target)
            key = next((p for p in packets if p is not None and p.is_keyframe and p.pts is not None), None)
            if key is not None and key.pts is not None and key.pts <= wanted:
                yield key
                yield from packets
                return
            if key is not None and key.dts is not None:
                target = min(target, key.dts)
            target -= 1 + round(back / self.clock)
        if not self.fresh:
            self._rewind()
        yield from self._read()

    def _seek(self, ticks: int) -> Iterator[av.Packet | None]:
        """The packets from about there; none where the format refuses."""
        import av

        self.fresh = False
        try:
            self.container.seek(max(-MOST_TICKS, min(ticks, MOST_TICKS)), stream=self.stream)
        except av.FFmpegError:
            return iter(())
        return self._read()

    def _read(self) -> Iterator[av.Packet | None]:
        import av

        self.fresh = False
        try:
            for packet in self.container.demux(self.stream):
                if packet.size:
                    yield packet
        except (av.error.InvalidDataError, av.error.EOFError) as fault:  # cut off or damaged: what was read stands
            self.faults += 1
            self.last_fault = reason(fault)
        yield None

    # --- frames --------------------------------------------------------------------------------

    def decode(self, packet: av.Packet | None) -> list[Sight]:
        """The frames that come out when this packet goes in; a damaged packet gives none and is counted."""
        import av

        try:
            frames = self.codec.decode(packet)
        except av.error.MemoryError:
            raise
        except av.FFmpegError as fault:
            self.faults += 1
            self.last_fault = reason(fault)
            return []
        self.decoded += len(frames)
        return [sight for frame in frames if (sight := self._sight(frame)) is not None]

    def _sight(self, frame: av.VideoFrame) -> Sight | None:
        """The frame with its second; None for a stray frame that has none."""
        if frame.width * frame.height > self.limits.pixels:
            raise TooLarge(
                f"{shown(self.path)} turns to {frame.width} x {frame.height} on the way, more than the limit of "
                f"{self.limits.pixels:,} pixels"
            )
        frame.time_base = self.clock  # a drained frame has lost it
        if frame.pts is None:
            frame.pts = frame.dts
        if frame.pts is None and not self.seekable:
            raise without_clock(self.path, self.codec.name)
        return None if frame.pts is None else Sight(self.second(frame.pts), frame.pts, frame)

    def drain(self) -> list[Sight]:
        """What the decoder still holds back; afterwards it waits for a keyframe."""
        sights = self.decode(None)
        self.codec.flush_buffers()
        return sights

    def frames_from(self, second: float, skip: Skip | None = None) -> Iterator[Sight]:
        """Every frame in the order shown, from a keyframe at or before `second` (so earlier ones come first)."""
        return self.frames_of(self.packets_from(second), skip)

    def frames_of(self, packets: Iterable[av.Packet | None], skip: Skip | None = None) -> Iterator[Sight]:
        """Every frame of these packets, in the order shown."""
        for packet in packets:
            self.codec.skip_frame = skip(packet) if skip is not None and packet is not None else "DEFAULT"
            yield from self.decode(packet)

    def keyframes_from(self, second: float) -> Iterator[Sight]:
        """Keyframes alone, from one at or before `second`. Each is drained, so it comes without delay.

        The demuxer is not told to leave out the other packets: in MP4 it would then give keyframes wrong timestamps.
        """
        self.codec.skip_frame = "NONKEY"
        for packet in self.packets_from(second):
            if packet is not None and packet.is_keyframe:
                for sight in self.decode(packet) + self.drain():
                    sight.jumped = True
                    yield sight
