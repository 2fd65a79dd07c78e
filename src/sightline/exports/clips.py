"""Each moment cut out of its video as a file of its own, in one folder."""

from __future__ import annotations

from pathlib import Path

from sightline.errors import ExportError
from sightline.exports.given import Results
from sightline.exports.srt import clock, milliseconds
from sightline.exports.writing import file_names


def write(results: Results, out: Path) -> list[Path]:
    """`out` is a folder; clips are named by rank, video and start, so that the same search writes the same names."""
    from sightline.video.cut import cut_clip

    if out.exists() and not out.is_dir():
        raise ExportError(f"clips go into a folder, but {out} is a file; name another place")
    out.mkdir(parents=True, exist_ok=True)
    names = file_names(list(dict.fromkeys(moment.video for moment in results.moments)))
    written = []
    for rank, moment in enumerate(results.moments, 1):
        start, end = milliseconds(moment)
        at = clock(start, ".").replace(":", "-")
        clip = out / f"{rank:03d} {names[moment.video]} {at}.mp4"
        written.append(cut_clip(moment.video, moment.start, max(moment.end, end / 1000), clip))
    return written
