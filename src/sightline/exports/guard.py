"""What an export may not write over: somebody's videos, somebody's subtitles, and anything that is there already.

An export is UTF-8 text, so what is no text is no earlier export and is never replaced, whatever it is called. A text is
replaced where that is asked for, unless it lies beside a video of the library as its subtitles.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Collection
from pathlib import Path

from sightline.errors import ExportError

LOOKED_AT = 1 << 16  # bytes; every format of film, sound or picture shows itself long before


def refuse(out: Path, overwrite: bool, known: Collection[str]) -> None:
    """ExportError where `out` may not be written; `known` are the paths of a library's videos."""
    if os.path.abspath(out) in known or os.path.realpath(out) in known:
        raise ExportError(f"{out} is a video of this library and is never replaced; choose another name")
    if not os.path.lexists(out):
        return
    if not overwrite:
        raise ExportError(f"{out} is there already; choose another name, or replace it with --overwrite")
    if not _is_text(out):
        raise ExportError(f"cannot write {out}: what is there is no text, so no earlier export; choose another name")
    if video := _spoken_by(out, known):
        raise ExportError(f"{out} holds the subtitles of {video} and is never replaced; choose another name")


def _is_text(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            piece = file.read(LOOKED_AT)
        codecs.getincrementaldecoder("utf-8")().decode(piece)  # a letter cut in half at the end is no fault
    except (OSError, UnicodeDecodeError):
        return False
    return b"\0" not in piece


def _spoken_by(out: Path, known: Collection[str]) -> str:
    """The video beside which `out` lies as its subtitles; "" where there is none."""
    from sightline.video.subtitles import sidecars

    folder = os.path.dirname(os.path.abspath(out))
    beside = (video for video in known if os.path.dirname(video) == folder)
    return next((video for video in beside if sidecars(Path(video), [out.name])), "")
