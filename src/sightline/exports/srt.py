"""SubRip subtitles: the moments of a video as cues, with the words that matched.

From: the form that players agree on: number, HH:MM:SS,mmm --> HH:MM:SS,mmm, text, blank line.
Departures: SubRip has no escapes, so a `<` that opens a tag and a `{` before a backslash get their full-width form, and
the colons of a time written in a text become ratio signs: some readers take any line with two times for a new cue.
"""

from __future__ import annotations

import re
from pathlib import Path

from sightline.exports.given import Results
from sightline.exports.writing import one_file_per_video, said
from sightline.records import Moment

POINT = 1.0  # seconds that a moment without length is shown


def files(results: Results, out: Path) -> dict[Path, str]:
    return one_file_per_video(results, out, lambda moments: text_of(moments, results.query))


def text_of(moments: list[Moment], query: str) -> str:
    cues = []
    for number, moment in enumerate(moments, 1):
        start, end = milliseconds(moment)
        cues.append(f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{_inert(said(moment, query))}\n")
    return "\n".join(cues)


def milliseconds(moment: Moment) -> tuple[int, int]:
    """Start and end to one millisecond; a point lasts a second, for players drop cues without length."""
    start, end = max(round(moment.start * 1000), 0), round(moment.end * 1000)
    return start, end if end > start else start + round(POINT * 1000)


def clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"


def _inert(text: str) -> str:
    text = re.sub(r"<(?=[a-zA-Z/!?])", "＜", text.replace("-->", "→"))
    text = re.sub(r"\d+:\d+:\d+[.,]\d", lambda time: time[0].replace(":", "∶"), text)
    return text.replace("{\\", "｛\\")
