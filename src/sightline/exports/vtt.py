"""WebVTT: the moments of a video as cues, or as chapters (a track whose cue text is the title).

From: W3C WebVTT. Departures: chapters do not overlap: one that runs into the next ends where that begins.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from sightline.exports.given import Results
from sightline.exports.srt import clock, milliseconds
from sightline.exports.writing import one_file_per_video, said
from sightline.records import Moment


def files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(
        results, out, lambda moments: _cues([(*milliseconds(m), said(m, results.query)) for m in moments])
    )


def chapter_files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(results, out, lambda moments: chapters(moments, results.query))


def chapters(moments: list[Moment], query: str) -> str:
    starts: dict[int, tuple[int, str]] = {}
    for moment in moments:
        start, end = milliseconds(moment)
        starts.setdefault(start, (end, said(moment, query)))
    ordered = [*sorted(starts), None]
    return _cues(
        [
            (start, starts[start][0] if after is None else min(starts[start][0], after), starts[start][1])
            for start, after in pairwise(ordered)
            if start is not None
        ]
    )


def _cues(cues: list[tuple[int, int, str]]) -> str:
    blocks = [f"{clock(start, '.')} --> {clock(end, '.')}\n{_escaped(text)}\n" for start, end, text in cues]
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
