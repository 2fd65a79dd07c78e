"""Each moment cut out of its video as a file of its own, in one folder.

Cutting decodes, and files are hostile: `cut` is handed in by somebody who runs it in a child held to limits. It works
in a folder of its own, so that a child that dies leaves nothing behind.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sightline.errors import ExportError, SightlineError
from sightline.exports.given import Results
from sightline.exports.srt import clock, milliseconds
from sightline.exports.writing import file_names

if TYPE_CHECKING:
    from sightline.exports import Cut, Skip


def write(results: Results, out: Path, cut: Cut | None, skip: Skip | None) -> list[Path]:
    """`out` is a folder; clips are named by rank, video and start, so that the same search writes the same names."""
    if cut is None:
        raise ExportError("clips need a way to cut; as in: with search.cutter() as cut: export(..., cut=cut)")
    names = file_names(list(dict.fromkeys(moment.video for moment in results.moments)))
    wanted = {}
    for rank, moment in enumerate(results.moments, 1):
        at = clock(milliseconds(moment)[0], ".").replace(":", "-")
        wanted[out / f"{rank:03d} {names[moment.video]} {at}.mp4"] = moment
    _check(out, list(wanted))
    written = []
    for clip, moment in wanted.items():
        try:
            _cut(cut, moment.video, moment.start, max(moment.end, milliseconds(moment)[1] / 1000), clip)
            written.append(clip)
        except SightlineError as error:
            if skip is None:
                raise
            skip(moment, error)
    return written


def _check(out: Path, clips: list[Path]) -> None:
    """A clip is a video: it never takes the place of another one, nor of anything else."""
    if out.exists() and not out.is_dir():
        raise ExportError(f"clips go into a folder, but {out} is a file; name another place")
    if taken := next((clip for clip in clips if os.path.lexists(clip)), None):
        raise ExportError(f"{taken} is there already, and a video is never replaced; name another folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"cannot make the folder {out}: {error.strerror or error}; name another place") from error


def _cut(cut: Cut, video: str, start: float, end: float, clip: Path) -> None:
    try:
        with TemporaryDirectory(dir=clip.parent, prefix=".cutting-") as folder:
            part = Path(folder, "clip.mp4").absolute()
            cut(os.path.abspath(video), start, end, part)
            os.replace(part, clip)
    except OSError as error:
        raise ExportError(f"cannot write {clip}: {error.strerror or error}; choose another place") from error
