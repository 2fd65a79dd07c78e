"""Markers as editors want them: on whole frames, in order, one for each frame.

Resolve drops a marker that stands on another's frame, so moments that start on one frame become one marker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.exports.timecode import Rate
from sightline.exports.writing import one_line
from sightline.records import Moment

_COLOURS = {"picture": "Blue", "speech": "Green", "screen": "Yellow"}
_SEVERAL = "Purple"


@dataclass(frozen=True)
class Marker:
    frame: int
    length: int  # frames, at least 1
    name: str
    note: str
    colour: str


def markers(moments: Sequence[Moment], query: str, rate: Rate) -> list[Marker]:
    by_frame: dict[int, list[Moment]] = {}
    for moment in sorted(moments, key=lambda m: (m.start, -m.confidence)):
        by_frame.setdefault(rate.frame(moment.start), []).append(moment)
    return [_marker(frame, several, query, rate) for frame, several in sorted(by_frame.items())]


def _marker(frame: int, moments: list[Moment], query: str, rate: Rate) -> Marker:
    end = max(rate.frame(moment.end) for moment in moments)
    words = dict.fromkeys(one_line(moment.text) for moment in moments if moment.text)
    note = " / ".join([f"confidence {max(moment.confidence for moment in moments):.2f}", *words])
    sources = {name for moment in moments for name in moment.sources}
    colour = _COLOURS.get(min(sources), _SEVERAL) if len(sources) == 1 else _SEVERAL
    return Marker(frame, max(end - frame, 1), one_line(query, 80) or "moment", note, colour)
