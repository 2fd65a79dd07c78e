"""Frames and timecode as editors count them.

Drop-frame timecode (29.97, 59.94) counts 30 (60) frames a second but leaves out the numbers 0 and 1 (0 to 3) at each
minute that is no multiple of ten, so that it keeps up with the clock.

From: SMPTE ST 12-1. Departures: a rate that is near no usual one is kept as the nearest fraction below 1001.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_USUAL = (24, 25, 30, 48, 50, 60, 100, 120)
_FALL_BACK = 25


@dataclass(frozen=True)
class Rate:
    exact: Fraction  # frames per second
    first: float = 0.0  # the video's first timestamp: frame 0

    @property
    def nominal(self) -> int:
        """Frames that a second of timecode counts."""
        return max(round(self.exact), 1)

    @property
    def drop(self) -> bool:
        return self.exact in (Fraction(30_000, 1001), Fraction(60_000, 1001))

    def frame(self, second: float) -> int:
        """The frame that is shown at a second, counted from the video's first."""
        return max(round((second - self.first) * self.exact), 0)


def rate_of(facts: dict[str, Any]) -> Rate:
    """The rate of a video from what its file says; 25 where it says nothing that can be."""
    stated, first = float(facts.get("frame_rate") or 0.0), float(facts.get("first") or 0.0)
    if not 1.0 <= stated <= 1000.0:
        return Rate(Fraction(_FALL_BACK), first)
    candidates = [Fraction(n) for n in _USUAL] + [Fraction(n * 1000, 1001) for n in _USUAL]
    nearest = min(candidates, key=lambda rate: abs(rate - stated))
    near = abs(nearest - stated) < 0.0002 * stated
    return Rate(nearest if near else Fraction(stated).limit_denominator(1000), first)


def timecode(frame: int, rate: Rate, starts_at_hour: int = 0, separator: str = ":") -> str:
    """HH:MM:SS:FF, HH:MM:SS;FF for drop-frame, of a frame on a timeline that starts at a full hour."""
    count = rate.nominal
    if rate.drop:
        frame = _numbered(frame + starts_at_hour * 6 * (count * 600 - 9 * count // 15), count)
    else:
        frame += starts_at_hour * 3600 * count
    seconds, frames = divmod(frame, count)
    last = ";" if rate.drop else separator
    hms = separator.join(f"{n:02d}" for n in (seconds // 3600, seconds // 60 % 60, seconds % 60))
    return f"{hms}{last}{frames:02d}"


def _numbered(frame: int, count: int) -> int:
    """The number that drop-frame timecode gives a frame: with those it left out added."""
    left_out = count // 15
    ten_minutes, minute = count * 600 - 9 * left_out, count * 60 - left_out
    tens, rest = divmod(frame, ten_minutes)
    minutes = max(rest - left_out, 0) // minute
    return frame + 9 * left_out * tens + left_out * minutes
