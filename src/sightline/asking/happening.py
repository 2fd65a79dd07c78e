"""In which seconds of a found stretch something happens: "the red cat jumps" is less than all the time it is there.

For a search that names a thing and what it does, and an encoder that knows where things stand. The stretch is where the
thing is seen; the movement is looked for inside it (`moving`), and how well it fits says which of several stretches
comes first. Where no frame lies inside, or nothing moves, the stretch stays as it was.

Shapes: vectors [n, E], texts [T, E], background [m, E] -> scores [n, T]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from sightline.asking.moving import Move, Watched, fits, move_of
from sightline.asking.timeline import MOVED, Timeline

Array = Any
FITS = 0.5  # the least that a stretch keeps of its sureness where the movement does not fit at all


def in_spreads(pictures: Array, texts: Array, background: Array | None) -> Array:
    """What each text scores, in units of how far it scatters on other pictures. Shapes: -> [n, T]"""
    raw = pictures @ texts.T
    if background is None or len(background) < 8:
        return raw / 0.05
    others = background @ texts.T
    return (raw - others.mean(axis=0, keepdims=True)) / max(float(others.std(axis=0).mean()), 1e-3)


class Spanned(Protocol):
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


Found = TypeVar("Found", bound=Spanned)


@dataclass(frozen=True)
class Part:
    """`frame` fits best, of those that are known of the video; `share` of the sureness is left."""

    start: float
    end: float
    frame: int
    second: float
    share: float


@dataclass(frozen=True)
class Happening:
    """What moves, and how; `encoder` reads the phrases that tell where a thing stands."""

    thing: str
    move: Move
    statement: str
    language: str
    encoder: Any
    background: Array

    @classmethod
    def said(cls, words: str, encoder: Any, background: Callable[[], Array]) -> Happening | None:
        """None where no movement is named, or where the encoder does not know sides; then no background is read."""
        if not getattr(encoder, "knows_sides", False):
            return None
        language = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in words) else "en"
        thing, move = move_of(words, language)
        return cls(thing, move, words, language, encoder, background()) if move and thing else None

    def timeline(self, watched: Watched) -> Timeline:
        return Timeline(watched, self.language, self._scores)

    def parts(
        self, found: Sequence[Found], video: Callable[[Found], Any], watched: Callable[[Any], Watched]
    ) -> Iterator[tuple[Found, Part | None]]:
        """Each stretch with the part in which it happens; None where it stays as it was."""
        lines: dict[Any, Timeline] = {}
        for one in found:
            name = video(one)
            if name not in lines:
                lines[name] = self.timeline(watched(name))
            yield one, self.within(lines[name], one.start, one.end)

    def within(self, line: Timeline, start: float, end: float) -> Part | None:
        """The part of a stretch in which it happens; None where no frame lies inside."""
        seconds = line.watched.seconds
        inside = (seconds >= start) & (seconds < end)
        if not inside.any():
            return None
        best = int(np.where(inside, line.odds(self.statement), -np.inf).argmax())
        first, last = line.stretch(self.thing, self.move.changes, best)
        first, last = max(first, start), min(last, end)
        fit = MOVED * float(fits(self.move.changes, line.changed(self.thing))[best])
        share = FITS + (1 - FITS) / (1 + math.exp(-fit))
        start, end = (first, last) if last > first else (start, end)
        return Part(start, end, best, float(seconds[best]), share)

    def _scores(self, texts: Sequence[str], pictures: Array) -> Array:
        return in_spreads(pictures, np.asarray(self.encoder.read(list(texts)).vector, np.float32), self.background)
