"""Writing files whole or not at all, and text that stays on its line.

Names, subtitles and words off the screen are data: whatever they hold, they never end a line, a cell or a tag early.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from sightline.errors import ExportError
from sightline.exports.given import Results
from sightline.records import Moment


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A temporary path beside `out`; it becomes `out` when the block ends well, and is gone otherwise."""
    part = out.with_name(f".{out.stem[:80]}.{os.getpid()}.part{out.suffix}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, out)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror or error}; choose another place") from error
    finally:
        part.unlink(missing_ok=True)


def write_text(out: Path, text: str) -> Path:
    """UTF-8; half surrogates (a file name that is not UTF-8) become question marks."""
    with replacing(out) as part:
        part.write_bytes(text.encode("utf-8", "replace"))
    return out


def one_file_per_video(results: Results, out: Path, text_of: Callable[[list[Moment]], str]) -> dict[Path, str]:
    """`out` for one video (or none); for several, out.NAME.ext beside it, one for each."""
    by_video: dict[str, list[Moment]] = {}
    for moment in results.every:
        by_video.setdefault(moment.video, []).append(moment)
    if len(by_video) <= 1:
        return {out: text_of(results.every)}
    names = file_names(list(by_video))
    return {
        out.with_name(f"{out.stem}.{names[video]}{out.suffix}"): text_of(moments) for video, moments in by_video.items()
    }


def file_names(videos: list[str]) -> dict[str, str]:
    """A short file name for each video, no two alike."""
    names: dict[str, str] = {}
    for video in videos:
        plain = re.sub(r"[^\w\- ]+", "_", PurePath(video).stem).strip(" ._")[:60] or "video"
        name, number = plain, 2
        while name.casefold() in (taken.casefold() for taken in names.values()):
            name, number = f"{plain}-{number}", number + 1
        names[video] = name
    return names


def one_line(text: str, longest: int = 300) -> str:
    """Text without line ends, control and direction characters; shortened with an ellipsis."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    plain = " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf" or c in "\u200c\u200d").split())
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def said(moment: Moment, query: str) -> str:
    """What a cue shows: the words that matched, or else the query."""
    return one_line(moment.text) or one_line(query) or PurePath(moment.video).stem
