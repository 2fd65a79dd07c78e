"""Marker tables: comma-separated as DaVinci Resolve names the columns, tab-separated as Premiere's Markers panel does.

A cell that a spreadsheet would run as a formula gets an apostrophe before it.

From: Resolve "No., Name, Start, End, Duration, Color, Notes" with HH:MM:SS:FF from 01:00:00:00; Premiere
"Marker Name, Description, In, Out, Duration, Marker Type" from zero, semicolons throughout for drop-frame.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from sightline.exports.edl import STARTS_AT_HOUR
from sightline.exports.given import Results
from sightline.exports.markers import markers
from sightline.exports.timecode import Rate, rate_of, timecode
from sightline.exports.writing import one_file_per_video
from sightline.records import Moment

RESOLVE = ("No.", "Name", "Start", "End", "Duration", "Color", "Notes")
PREMIERE = ("Marker Name", "Description", "In", "Out", "Duration", "Marker Type")


def files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(results, out, lambda moments: resolve(moments, results))


def premiere_files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(results, out, lambda moments: premiere(moments, results))


def resolve(moments: list[Moment], results: Results) -> str:
    rate = _rate(moments, results)
    rows = []
    for number, marker in enumerate(markers(moments, results.query, rate), 1):
        start, end = (timecode(f, rate, STARTS_AT_HOUR) for f in (marker.frame, marker.frame + marker.length))
        length = timecode(marker.length, rate)
        rows.append((str(number), guarded(marker.name), start, end, length, marker.colour, guarded(marker.note)))
    return _table(RESOLVE, rows, ",")


def premiere(moments: list[Moment], results: Results) -> str:
    rate = _rate(moments, results)
    mark = ";" if rate.drop else ":"
    rows = []
    for marker in markers(moments, results.query, rate):
        times = (timecode(f, rate, separator=mark) for f in (marker.frame, marker.frame + marker.length, marker.length))
        rows.append((guarded(marker.name), guarded(marker.note), *times, "Comment"))
    return _table(PREMIERE, rows, "\t")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else cell


def _rate(moments: list[Moment], results: Results) -> Rate:
    return rate_of(results.facts.get(moments[0].video, {}) if moments else {})


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], separator: str) -> str:
    out = io.StringIO()
    table = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    table.writerow(head)
    table.writerows(rows)
    return out.getvalue()
