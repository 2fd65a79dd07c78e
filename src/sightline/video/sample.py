"""Watches a video in one decode pass: keeps one frame per cell of time, finds the cuts on the way.

Time is cut into cells [k * every, (k + 1) * every), counted from second 0 for every file alike, and the first decoded
frame of each cell is kept. Only kept frames are converted to pictures; memory does not grow with the length.

Departures: a frame whose timestamp does not lie after the one before is passed over, so a recording whose clock is
set back on the way is watched up to there. A picture size that changes on the way begins a new chunk.
Shapes: a file -> Frames chunks, pixels [T <= chunk, 3, H, W]
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from sightline.errors import BadQuery, NoFrames, TooLarge
from sightline.records import Frames
from sightline.video.facts import LIMITS, Limits
from sightline.video.faults import reading, shown
from sightline.video.fetch import at_seconds, both_ends, by_count, segment_midpoints
from sightline.video.keyframes import units
from sightline.video.passes import Guided, SkipUnreferenced, cell_of, keyframes_only, straight
from sightline.video.reel import Reel, Sight
from sightline.video.shots import CutFinder, Grey
from sightline.video.still import is_picture, still
from sightline.video.upright import Painter

__all__ = ["EFFORTS", "Watching", "at_seconds", "both_ends", "by_count", "segment_midpoints", "units"]

EFFORTS = ("guided", "every-frame", "skip-unreferenced", "keyframes", "draft")


class Watching:
    """One decode pass over [start, end) of a file; iterate it for chunks of Frames.

    After the pass: `cuts` (seconds at which a new shot begins), `edges` (tiny grey pictures of the first and the last
    decoded frame), `decoded` and `corrupt` (counts), `first` and `last` (the extent of what was decoded).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every: float = 1.0,
        start: float | None = None,
        end: float | None = None,
        side: int | None = 224,
        effort: str = "guided",
        cuts: bool = True,
        chunk: int = 16,
        limits: Limits = LIMITS,
    ) -> None:
        if effort not in EFFORTS:
            raise BadQuery(f"there is no effort {effort!r}; choose one of {', '.join(EFFORTS)}")
        if not (every > 0 and math.isfinite(every)) or chunk < 1 or (side is not None and side < 1):
            raise BadQuery(f"every, chunk and side must be above 0; they are {every}, {chunk} and {side}")
        self.path, self.every, self.side = path, every, side
        self.start = -math.inf if start is None else start
        self.end = math.inf if end is None else end
        self.effort, self.find_cuts, self.chunk, self.limits = effort, cuts, chunk, limits
        self._forget()

    def _forget(self) -> None:
        self.cuts: list[float] = []
        self.edges: tuple[bytes, bytes] = (b"", b"")
        self.decoded = self.corrupt = self.kept = 0
        self.first = self.last = 0.0
        self._last_kept = -math.inf

    def __iter__(self) -> Iterator[Frames]:
        self._forget()
        yield from self._watch_picture() if is_picture(self.path) else self._watch_video()

    def _watch_picture(self) -> Iterator[Frames]:
        """A photograph or an animation: it is read whole, there is nothing to leave out."""
        frames = still(self.path, self.side, every=self.every, limits=self.limits)
        inside = (frames.seconds >= self.start) & (frames.seconds < self.end)
        self.decoded = int(inside.sum())
        if self.decoded:
            self.first, self.last = float(frames.seconds[inside][0]), float(frames.seconds[inside][-1])
            yield from self._chunks(zip(frames.seconds[inside].tolist(), frames.pixels[inside], strict=True))

    def _watch_video(self) -> Iterator[Frames]:
        with reading(self.path), ExitStack() as reels:
            main = reels.enter_context(Reel(self.path, self.limits, draft=self.effort == "draft"))
            grey = Grey()
            used, sights = self._way(main, grey, reels)
            painter = Painter(main.stream.sample_aspect_ratio, self.side)
            yield from self._chunks((sight.second, painter.paint(sight.frame)) for sight in self._keep(sights, grey))
            self.decoded = sum(reel.decoded for reel in used)
            self.corrupt += sum(reel.faults for reel in used)
            if not self.edges[0] and self.start == -math.inf and self.end == math.inf:
                why = next((reel.last_fault for reel in used if reel.last_fault), "the file has no packets")
                raise NoFrames(f"{shown(self.path)} holds no frame that can be decoded ({why})")

    def _way(self, main: Reel, grey: Grey, reels: ExitStack) -> tuple[list[Reel], Iterator[Sight]]:
        """The reels that this effort reads and the frames that it decodes."""
        if self.effort == "guided":
            used = [main]

            def spare() -> Reel:
                if len(used) == 1:
                    used.append(reels.enter_context(Reel(self.path, self.limits)))
                return used[1]

            guided = Guided(main, spare, self.every, grey, lambda: self._last_kept)
            return used, guided.sights(self.start, self.end)
        if self.effort == "keyframes":
            return [main], keyframes_only(main, self.start, self.end)
        skip = None if self.effort == "every-frame" else SkipUnreferenced(main, self.every)
        return [main], straight(main, self.start, self.end, skip)

    def _keep(self, sights: Iterator[Sight], grey: Grey) -> Iterator[Sight]:
        """Looks at every decoded frame; passes on the first of each cell."""
        finder = CutFinder(grey)
        before: Sight | None = None
        for sight in sights:
            if before is None:
                self.first, self.edges = sight.second, (grey.tiny(sight.frame), b"")
                sight.jumped = True  # nothing was seen before it
            elif sight.second <= before.second:
                continue
            self._check_length(sight)
            self.corrupt += sight.frame.is_corrupt
            if self.find_cuts:
                self._look_for_cut(before, sight, finder)
            if self.kept == 0 or cell_of(sight.second, self.every) > cell_of(self._last_kept, self.every):
                self._last_kept = sight.second
                self.kept += 1
                yield sight
            before, self.last = sight, sight.second
        if before is not None:
            self.edges = (self.edges[0], grey.tiny(before.frame))

    def _check_length(self, sight: Sight) -> None:
        if sight.second - self.first > self.limits.seconds:
            raise TooLarge(f"{shown(self.path)} goes on for more than {self.limits.seconds / 3600:g} hours")
        if self.kept > self.limits.frames:
            raise TooLarge(
                f"{shown(self.path)} has more than {self.limits.frames:,} frames at one per {self.every:g} s"
            )

    def _look_for_cut(self, before: Sight | None, sight: Sight, finder: CutFinder) -> None:
        """Shows the finder frames that follow one another; a frame after a jump waits for its follower."""
        if sight.jumped or before is None:
            return
        if before.jumped:
            finder.start_over(before.frame)
        if finder.begins_shot(sight.frame):
            self.cuts.append(sight.second)

    def _chunks(self, pictures: Iterator[tuple[float, np.ndarray]]) -> Iterator[Frames]:
        """Fills one array of `chunk` pictures after the other, so that no picture is held twice."""
        seconds: list[float] = []
        pixels = np.empty((0, 3, 0, 0), dtype=np.uint8)
        for second, picture in pictures:
            if seconds and (len(seconds) == self.chunk or picture.shape != pixels.shape[1:]):
                yield self._frames(pixels, seconds)
                seconds = []
            if not seconds:
                pixels = np.empty((self.chunk, *picture.shape), dtype=np.uint8)
            pixels[len(seconds)] = picture
            seconds.append(second)
        if seconds:
            yield self._frames(pixels, seconds)

    def _frames(self, pixels: np.ndarray, seconds: list[float]) -> Frames:
        return Frames(pixels[: len(seconds)], np.array(seconds, dtype=np.float64), video=os.fspath(self.path))
