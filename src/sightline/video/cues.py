"""The text of a subtitle file becomes cues: SubRip, WebVTT and (Advanced) SubStation Alpha, told apart by content.

From: the de-facto SubRip format, W3C WebVTT, and the SSA v4.00+ description.
Departures: read as players read, not as validators do: index lines and hours may be missing, a dot or a comma may stand
before the fraction, a missing blank line ends at the next time line, and what cannot be read is skipped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from sightline.video.plain_text import visible

_CLOCK = r"(?:(\d{1,6}):)?(\d{1,3}):(\d{1,3})(?:[.,](\d{1,9}))?"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-{{1,3}}>\s*{_CLOCK}(?!\d)")
_ASS_CLOCK = re.compile(rf"\s*{_CLOCK}\s*$")
_ASS_FIELDS = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")  # in SubRip; other braces are somebody's text
_ASS_BLOCK = re.compile(r"\{[^{}]*\}")
_DRAWING = re.compile(r"\\p[1-9]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|</?>|<[\d:.]+>")
_NOT_CUES = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True)
class Cue:
    """One entry of a subtitle file. `rows` are its lines of text as shown, without markup."""

    start: float
    end: float
    rows: tuple[str, ...]


def cues(text: str) -> Iterator[Cue]:
    """All cues of a file in file order, also those that end before they start; their text may be empty."""
    if is_ass(text):
        return _ass(text)
    return _arrows(text, blank_ends=is_vtt(text))


def is_vtt(text: str) -> bool:
    return text.lstrip("\n").startswith("WEBVTT")


def is_ass(text: str) -> bool:
    return re.search(r"^[ \t]*\[(Script Info|Events)\]", text[:100_000], re.IGNORECASE | re.MULTILINE) is not None


def first_wrong_line(text: str) -> tuple[int, str]:
    """Where a file without a single cue stops looking like subtitles: number (from 1) and content of that line."""
    lines = [(number, stripped) for number, line in enumerate(text.split("\n"), 1) if (stripped := line.strip())]
    broken_times = [line for line in lines if "->" in line[1] or line[1].lower().startswith("dialogue:")]
    words = [line for line in lines if not line[1].isdigit()]
    return next(chain(broken_times, words, lines), (1, ""))  # a broken time line says more than a stray word above it


def shown(marked_up: str) -> tuple[str, ...]:
    """The rows of a SubRip or WebVTT text without tags and overrides, entities decoded, blank rows left out."""
    plain = html.unescape(_TAG.sub("", _OVERRIDE.sub("", marked_up)))
    return _rows(visible(plain))  # once more: an entity may have hidden a control character


def shown_ass(marked_up: str) -> tuple[str, ...]:
    """The rows of an SSA text; a vector drawing has none."""
    if any(_DRAWING.search(block) for block in _ASS_BLOCK.findall(marked_up)):
        return ()
    plain = _ASS_BLOCK.sub("", marked_up).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    return _rows(plain)


def _rows(plain: str) -> tuple[str, ...]:
    return tuple(row for line in plain.split("\n") if (row := " ".join(line.split())))


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return float(f"{whole}.{fraction or 0}")  # through text, so that 1,5 and 1.500 are the same float as 1.5


def _arrows(text: str, blank_ends: bool) -> Iterator[Cue]:
    """SubRip and WebVTT: a line with an arrow begins a cue, its text follows."""
    times: re.Match[str] | None = None
    body: list[str] = []
    skipping = False
    for line in text.split("\n"):
        found = _TIMES.match(line) if "->" in line else None
        if found and not skipping:
            if times:
                yield _cue(times, body[:-1] if body and _is_index(body[-1]) else body)
            times, body = found, []
        elif blank_ends and not line.strip():
            if times:
                yield _cue(times, body)
            times, skipping = None, False
        elif blank_ends and times is None and line.split()[0] in _NOT_CUES:
            skipping = True  # a comment, style or region block, to the next blank line
        elif times:
            body.append(line)
    if times:
        yield _cue(times, body)


def _is_index(line: str) -> bool:
    return line.strip().isdecimal()


def _cue(times: re.Match[str], body: list[str]) -> Cue:
    parts = times.groups()
    return Cue(_seconds(*parts[:4]), _seconds(*parts[4:]), shown("\n".join(body)))


def _ass(text: str) -> Iterator[Cue]:
    """SSA and ASS: the Dialogue lines, read in the order that the Format line of [Events] names."""
    fields, section = _ASS_FIELDS, "[events]"
    for line in text.split("\n"):
        kind, _, rest = line.strip().partition(":")
        if kind.startswith("["):
            section = kind.lower()
        elif section == "[events]" and kind.lower() == "format":
            fields = [field.strip().lower() for field in rest.split(",")]
        elif section == "[events]" and kind.lower() == "dialogue":
            values = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
            start, end = (_ASS_CLOCK.match(values.get(edge, "")) for edge in ("start", "end"))
            if start and end:
                yield Cue(_seconds(*start.groups()), _seconds(*end.groups()), shown_ass(values.get("text", "")))
