"""In which seconds of a found stretch something happens: "the red cat jumps" is less than all the time it is there.

For a search that names a thing and what it does, and an encoder that knows where things stand. The stretch is where the
thing is seen; the movement is looked for inside it (`moving`), and how well it fits says which of several stretches
comes first. Where no frame lies inside, or nothing moves, the stretch stays as it was.

Shapes: vectors [n, E], texts [T, E], background [m, E] -> scores [n, T]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    def said(cls, words: str, encoder: Any, background: Array) -> Happening | None:
        """None where no movement is named, or where the encoder does not know sides."""
        if not getattr(encoder, "knows_sides", False):
            return None
        language = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in words) else "en"
        thing, move = move_of(words, language)
        return cls(thing, move, words, language, encoder, background) if move and thing else None

    def timeline(self, watched: Watched) -> Timeline:
        return Timeline(watched, self.language, self._scores)

    def within(self, line: Timeline, start: float, end: float) -> tuple[float, float, int, float] | None:
        """Its start, end and best frame inside a stretch, and the share of sureness that is left."""
        seconds = line.watched.seconds
        inside = (seconds >= start) & (seconds < end)
        if not inside.any():
            return None
        best = int(np.where(inside, line.odds(self.statement), -np.inf).argmax())
        first, last = line.stretch(self.thing, self.move.changes, best)
        first, last = max(first, start), min(last, end)
        fit = MOVED * float(fits(self.move.changes, line.changed(self.thing))[best])
        share = FITS + (1 - FITS) / (1 + math.exp(-fit))
        return (first, last, best, share) if last > first else (start, end, best, share)

    def _scores(self, texts: Sequence[str], pictures: Array) -> Array:
        return in_spreads(pictures, np.asarray(self.encoder.read(list(texts)).vector, np.float32), self.background)
