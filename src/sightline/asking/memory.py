"""What a conversation has seen: frames watched finer and their vectors, pictures, and how much work one piece takes.

Work is bounded before it begins: a piece is watched only where the measured cost of a piece fits into what is left,
and it is given up where it takes longer after all. Pieces lie on a fixed lattice of the video's seconds, so a second
question about the same place finds them here and costs nothing.
Shapes: seconds [n] float64 ascending, vectors [n, E] float32.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from sightline.errors import MediaError, TookTooLong
from sightline.records import Words

Array = Any
PIECE = 4.0  # seconds of video in one piece of work
FINER = 0.25  # seconds between frames where it is looked at again
FIRST_GUESS = 2.0  # seconds of work that a first piece may take, a decoding process to be started included


class Eyes(Protocol):
    """Whoever can look at a file again."""

    def watch(self, video: str, start: float, end: float, every: float, patience: float) -> tuple[Array, Array]:
        """Seconds [n] and vectors [n, E] of the frames in [start, end); TookTooLong past `patience` seconds."""
        ...

    def look(self, video: str, seconds: Sequence[float], side: int) -> list[Array]:
        """The pictures [3, H, W] shown at these seconds."""
        ...


class RememberedWords:
    """An encoder that reads each text once: stations ask for the same statement. In all else it is that encoder.

    Shapes: texts -> vector [B, E], as the encoder gives it
    """

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder
        self._rows: dict[str, Array] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def read(self, texts: Sequence[str]) -> Words:
        unknown = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if unknown:
            self._rows |= zip(unknown, np.asarray(self.encoder.read(unknown).vector), strict=True)
        return Words(np.stack([self._rows[text] for text in texts]))


@dataclass
class Work:
    """Seconds of work that may be spent, and what was done with them."""

    seconds: float
    clock: Callable[[], float] = time.perf_counter
    spent: float = 0.0
    pieces: int = 0
    frames: int = 0
    refused: int = 0  # pieces that were not begun, for want of time

    @property
    def left(self) -> float:
        return self.seconds - self.spent


@dataclass
class Memory:
    eyes: Eyes
    pieces: dict[tuple[str, int], tuple[Array, Array]] = field(default_factory=dict)
    pictures: dict[tuple[str, float, int], Array] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    costs: list[float] = field(default_factory=list)  # of the pieces so far, seconds of work each

    @property
    def expected(self) -> float:
        """What a piece may cost: the dearest of the last few; the first one starts a process and is no measure."""
        return max(self.costs[1:][-5:] or self.costs or [FIRST_GUESS])

    def watch(self, video: str, start: float, end: float, work: Work) -> None:
        """Watches the pieces of [start, end) that are not known yet, as far as the work allows."""
        for number in range(int(start // PIECE), int(-(-end // PIECE))):
            if (video, number) in self.pieces:
                continue
            if work.left < self.expected:
                work.refused += 1
                continue
            self._watch_piece(video, number, work)

    def _watch_piece(self, video: str, number: int, work: Work) -> None:
        began = work.clock()
        self.calls["watch"] += 1
        try:
            seen = self.eyes.watch(video, number * PIECE, (number + 1) * PIECE, FINER, work.left)
        except TookTooLong:
            work.refused += 1
        except MediaError:  # the file is gone or damaged since: what the library holds of it stays
            self.pieces[video, number] = np.zeros(0), np.zeros((0, 0), np.float32)
        else:
            self.pieces[video, number] = seen
            work.frames += len(seen[0])
        cost = work.clock() - began
        work.spent, work.pieces = work.spent + cost, work.pieces + 1
        self.costs.append(cost)

    @property
    def finer_videos(self) -> set[str]:
        """The videos of which more frames are known than the library holds."""
        return {video for (video, _), (seconds, _) in self.pieces.items() if len(seconds)}

    def finer(self, video: str) -> tuple[Array, Array]:
        """Everything watched finer of a video, in the order of time."""
        known = [self.pieces[key] for key in sorted(key for key in self.pieces if key[0] == video)]
        known = [piece for piece in known if len(piece[0])]
        if not known:
            return np.zeros(0), np.zeros((0, 0), np.float32)
        return np.concatenate([seconds for seconds, _ in known]), np.concatenate([vectors for _, vectors in known])

    def look(self, wanted: Sequence[tuple[str, float]], side: int) -> dict[tuple[str, float], Array]:
        """The pictures at these seconds of these videos; those that cannot be had (a file is gone) are left out."""
        asked: dict[str, list[float]] = {}
        for video, second in wanted:
            if (video, second, side) not in self.pictures:
                asked.setdefault(video, []).append(second)
        for video, seconds in asked.items():
            self.calls["look"] += 1
            try:
                shown = self.eyes.look(video, seconds, side)
            except MediaError:
                continue
            self.pictures |= {(video, second, side): picture for second, picture in zip(seconds, shown, strict=True)}
        return {(v, s): self.pictures[v, s, side] for v, s in wanted if (v, s, side) in self.pictures}
