"""Exports: what was found, written for editors, players, spreadsheets, programs and people.

`FORMATS` names each way; `export(name, results, out)` imports only the one that is asked for and tells what it wrote.
Subtitles and markers belong to one video: results from several give one file each, named after the video.
What lies there already is kept: see `guard.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Any

from sightline.errors import ExportError, SightlineError
from sightline.records import Moment

FORMATS: dict[str, tuple[str, str]] = {  # name -> file here, function in it
    "srt": ("srt", "files"),
    "vtt": ("vtt", "files"),
    "chapters": ("vtt", "chapter_files"),
    "edl": ("edl", "files"),
    "csv": ("marker_csv", "files"),
    "premiere": ("marker_csv", "premiere_files"),
    "fcpxml": ("fcpxml", "files"),
    "jsonl": ("jsonl", "files"),
    "clips": ("clips", "write"),
    "sheet": ("contact_sheet", "files"),
}

Cut = Callable[[str, float, float, Path], object]  # video, start, end, the file to write
Skip = Callable[[Moment, SightlineError], object]


def export(
    name: str,
    results: Any,
    out: str | Path,
    *,
    cut: Cut | None = None,
    overwrite: bool = False,
    known: Collection[str] = (),
    skip: Skip | None = None,
) -> list[Path]:
    """Writes `results` as `name` to `out` (a folder for clips); the files it wrote.

    `cut` cuts a clip (`search.cutter` does so in a child process). A file that is there already is replaced with
    `overwrite` only; the videos `known` to a library, their subtitles, and whatever is no text, never.
    `skip` is told of a moment that gives no clip, and the others go on; without it, the first such error is raised.
    """
    from sightline.exports.guard import refuse
    from sightline.exports.writing import write_text

    if name not in FORMATS:
        raise ExportError(f"there is no export {name!r}; choose from {', '.join(FORMATS)}")
    module, function = FORMATS[name]
    given = getattr(import_module(f"sightline.exports.{module}"), function)
    if name == "clips":
        clips: list[Path] = given(results, Path(out), cut, skip)
        return clips
    files: dict[Path, str] = given(results, Path(out))
    for path in files:  # all of them, before any is written
        refuse(path, overwrite, known)
    return [write_text(path, text) for path, text in files.items()]
