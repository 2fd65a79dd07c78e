"""A CMX 3600 edit list that carries timeline markers into DaVinci Resolve (Import, Timeline Markers from EDL).

Each marker is a one-frame event and a line `note |C:ResolveColorBlue |M:name |D:frames`; the timeline starts at
01:00:00:00, and FCM agrees with the timecodes.

From: lists that Resolve writes. What breaks its reader is kept out: a `|` or a line end in a text; a note that begins
with a digit (taken for an event) or with `*` (a comment).
"""

from __future__ import annotations

import re
from pathlib import Path

from sightline.errors import ExportError
from sightline.exports.given import Results
from sightline.exports.markers import Marker, markers
from sightline.exports.timecode import Rate, rate_of, timecode
from sightline.exports.writing import one_file_per_video, one_line
from sightline.records import Moment

STARTS_AT_HOUR = 1
MOST_EVENTS = 999  # the event number has three digits


def files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(results, out, lambda moments: text_of(moments, results))


def text_of(moments: list[Moment], results: Results) -> str:
    rate = rate_of(results.facts.get(moments[0].video, {}) if moments else {})
    placed = markers(moments, results.query, rate)
    if len(placed) > MOST_EVENTS:
        raise ExportError(
            f"an edit list holds {MOST_EVENTS} events, there are {len(placed)}; narrow with --from/--to or a filter"
        )
    head = [
        f"TITLE: {_plain(one_line(results.query, 70)) or 'Sightline'}",
        f"FCM: {'DROP FRAME' if rate.drop else 'NON-DROP FRAME'}",
    ]
    return "\n".join([*head, "", *(_event(number, marker, rate) for number, marker in enumerate(placed, 1))])


def _event(number: int, marker: Marker, rate: Rate) -> str:
    start, end = (timecode(frame, rate, STARTS_AT_HOUR) for frame in (marker.frame, marker.frame + 1))
    return (
        f"{number:03d}  001      V     C        {start} {end} {start} {end}\n"
        f"{_plain(marker.note)} |C:ResolveColor{marker.colour} |M:{_plain(marker.name)} |D:{marker.length}\n"
    )


def _plain(text: str) -> str:
    text = text.replace("|", "¦").lstrip("* ")
    return f"- {text}" if re.match(r"\d", text) else text
