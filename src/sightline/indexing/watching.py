"""One piece of a video becomes vectors, cuts and thumbnails: decode and encode in one pass, a chunk of frames at a
time.

A frame that hardly differs from the last one encoded is not encoded again: its row would be the same row. What
counts as the same is small on purpose (a mean difference of one grey level of 255, and nowhere more than twelve on
a 16 x 16 picture), so a cursor that moves on a slide is lost but a word that appears is not.

Shapes: a request -> seconds [n] f64, vectors [n, E] f32, edges 2 x [h*w] u8, thumbnails as JPEG bytes
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.encoders.encoder import Encoder
from sightline.records import Frames, Line

GRID = 16  # the difference is measured on a GRID x GRID grey picture
SAME_MEAN, SAME_ANYWHERE = 1.0, 12.0  # grey levels of 255

Alive = Callable[..., None]
Reply = tuple[dict[str, Any], dict[str, np.ndarray]]


def watch_unit(head: dict[str, Any], encoder: Encoder, pixels: int, alive: Alive) -> Reply:
    """Everything one unit of work gives, as one reply."""
    source = _Source(head, max(encoder.card.side, 96), pixels)
    fresh = FreshFrames()
    seconds: list[np.ndarray] = []
    vectors: list[np.ndarray] = [np.zeros((0, encoder.card.width), np.float32)]
    thumbnails = Thumbnails(head["every"])
    for frames in source.chunks:
        thumbnails.look(frames)
        kept = fresh.of(frames)
        if len(kept):
            seconds.append(np.asarray(kept.seconds, np.float64))
            vectors.append(np.asarray(encoder.see(kept).vectors[0], np.float32))
        alive(frames=len(frames), second=float(frames.seconds[-1]))
    facts = source.after()
    arrays = {
        "seconds": np.concatenate(seconds) if seconds else np.zeros(0),
        "vectors": np.concatenate(vectors),
        "edge_first": np.frombuffer(facts.pop("edges")[0], np.uint8),
        "edge_last": np.frombuffer(source.edges[1], np.uint8),
    }
    facts |= {"seen": fresh.seen, "similar": fresh.similar, "thumbnails": thumbnails.seconds}
    return facts, arrays | {f"thumbnail{i}": picture for i, picture in enumerate(thumbnails.pictures)}


class _Source:
    """The chunks of a piece of video, or of a still, and what is known once they are read."""

    def __init__(self, head: dict[str, Any], side: int, pixels: int) -> None:
        from sightline.video.open import Limits
        from sightline.video.sample import Watching

        self.edges = (b"", b"")
        self._watching: Watching | None = None
        limits = Limits(pixels=pixels)
        if head["kind"] in ("still", "animation"):
            self.chunks = self._pictures(head["path"], side)
            return
        self._watching = Watching(
            head["path"],
            every=head["every"],
            start=head["start"],
            end=head["end"],
            side=side,
            effort=head["effort"],
            limits=limits,
        )
        self.chunks = iter(self._watching)

    def _pictures(self, path: str, side: int) -> Iterator[Frames]:
        from sightline.video.still import still

        frames = still(path, side)
        self._extent = (float(frames.seconds[0]), max(float(frames.seconds[-1]), frames.duration), len(frames))
        for i in range(0, len(frames), 32):
            yield Frames(frames.pixels[i : i + 32], frames.seconds[i : i + 32], frames.video, frames.duration)

    def after(self) -> dict[str, Any]:
        watching = self._watching
        if watching is None:
            first, last, count = self._extent
            return {"cuts": [], "edges": (b"", b""), "decoded": count, "corrupt": 0, "first": first, "last": last}
        self.edges = watching.edges
        names = ("cuts", "edges", "decoded", "corrupt", "first", "last")
        return {name: getattr(watching, name) for name in names}


class FreshFrames:
    """Leaves out frames that hardly differ from the last one kept; counts both kinds."""

    def __init__(self) -> None:
        self.last: np.ndarray | None = None
        self.seen = self.similar = 0

    def of(self, frames: Frames) -> Frames:
        small = shrunk(frames.pixels)
        keep = [i for i in range(len(frames)) if self._fresh(small[i])]
        self.seen += len(frames)
        self.similar += len(frames) - len(keep)
        return Frames(frames.pixels[keep], np.asarray(frames.seconds)[keep], frames.video, frames.duration)

    def _fresh(self, picture: np.ndarray) -> bool:
        if self.last is not None:
            difference = np.abs(picture - self.last)
            if difference.mean() < SAME_MEAN and difference.max() < SAME_ANYWHERE:
                return False
        self.last = picture
        return True


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """Means over a GRID x GRID lattice of every colour.  Shapes: [T, 3, H, W] u8 -> [T, 3, GRID, GRID] f32"""
    height, width = pixels.shape[2:]
    rows = np.linspace(0, height, min(GRID, height) + 1).astype(int)[:-1]
    columns = np.linspace(0, width, min(GRID, width) + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(pixels, rows, axis=2, dtype=np.float32), columns, axis=3)
    ones = np.ones((1, 1, height, width), np.float32)
    return sums / np.add.reduceat(np.add.reduceat(ones, rows, axis=2), columns, axis=3)


class Thumbnails:
    """A small JPEG every few seconds, from which a shot later takes the one nearest its middle."""

    def __init__(self, every: float) -> None:
        self.step = max(2.0, 2 * every)
        self.next = -math.inf
        self.seconds: list[float] = []
        self.pictures: list[np.ndarray] = []
        self.last: np.ndarray | None = None

    def look(self, frames: Frames) -> None:
        from sightline.video.thumbnail import jpeg

        for second, picture in zip(frames.seconds, frames.pixels, strict=True):
            if second < self.next:
                continue
            self.next = float(second) + self.step
            small = shrunk(picture[None])[0]
            if self.last is not None and np.abs(small - self.last).mean() < 4 * SAME_MEAN:
                continue
            self.last = small
            self.seconds.append(float(second))
            self.pictures.append(np.frombuffer(jpeg(picture, width=192, quality=75), np.uint8))


def read_screen(head: dict[str, Any], pixels: int, alive: Alive) -> list[Line]:
    """Words on the screen of a whole video, looked at every `every` seconds, same words joined over time."""
    from sightline.video import screen_text

    reader = screen_text.open_screen_reader(head["reader"])
    source = _Source(head | {"effort": "guided", "start": None, "end": None}, 720, pixels)
    return list(screen_text.lines_from(reader, _told(source.chunks, alive), every=head["every"]))


def _told(chunks: Iterator[Frames], alive: Alive) -> Iterator[Frames]:
    for frames in chunks:
        alive(frames=len(frames), second=float(frames.seconds[-1]))
        yield frames


def pictures_of(path: str, side: int, pixels: int, count: int = 8) -> Frames:
    """A few pictures spread over the whole file, or the one it is."""
    from sightline.video.open import Limits, facts
    from sightline.video.sample import by_count
    from sightline.video.still import still

    if facts(path, Limits(pixels=pixels)).kind in ("still", "animation"):
        return still(path, side)
    return by_count(path, count, side=side)


def pictures_at(path: str, seconds: list[float], side: int, pixels: int) -> Frames:
    """The pictures shown at given seconds, whatever kind of file it is."""
    from sightline.video.open import Limits, facts
    from sightline.video.sample import at_seconds
    from sightline.video.still import still

    if facts(path, Limits(pixels=pixels)).kind not in ("still", "animation"):
        return at_seconds(path, seconds, side)
    frames = still(path, side)
    shown = [max(int(np.searchsorted(frames.seconds, second, "right")) - 1, 0) for second in seconds]
    return Frames(frames.pixels[shown], np.asarray(frames.seconds)[shown], path, frames.duration)
