"""Exports: what was found, written for editors, players, spreadsheets, programs and people.

`FORMATS` names each way; `export(name, results, out)` imports only the one that is asked for and tells what it wrote.
Subtitles and markers belong to one video: results from several give one file each, named after the video.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from sightline.errors import ExportError

FORMATS: dict[str, tuple[str, str]] = {  # name -> file here, function in it
    "srt": ("srt", "write"),
    "vtt": ("vtt", "write"),
    "chapters": ("vtt", "write_chapters"),
    "edl": ("edl", "write"),
    "csv": ("marker_csv", "write"),
    "premiere": ("marker_csv", "write_premiere"),
    "fcpxml": ("fcpxml", "write"),
    "jsonl": ("jsonl", "write"),
    "clips": ("clips", "write"),
    "sheet": ("contact_sheet", "write"),
}


def export(name: str, results: Any, out: str | Path) -> list[Path]:
    """Writes `results` as `name` to `out` (a folder for clips); the files it wrote."""
    if name not in FORMATS:
        raise ExportError(f"there is no export {name!r}; choose from {', '.join(FORMATS)}")
    module, function = FORMATS[name]
    written: list[Path] = getattr(import_module(f"sightline.exports.{module}"), function)(results, Path(out))
    return written
