"""Walks folders for files that may be watched, and says which of what it knew it could not look for.

A folder reached twice (a symbolic link back to itself, or two ways to the same place) is walked once. A folder that
cannot be listed, or a root that is empty where files were known, is *unreachable*: nothing under it counts as
deleted.

Shapes: roots -> Scan(found: path -> FileStat, beside: path -> subtitle files, unreachable: folders, passed_over:
counts)
"""

from __future__ import annotations

import os
import stat as stat_bits
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

VIDEO = frozenset(
    "3g2 3gp asf avi divx dv f4v flv h264 h265 hevc ivf m1v m2t m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpe mpeg mpg mts"
    " mxf nut ogm ogv rm rmvb roq ts vob webm wmv y4m".split()
)
STILLS = frozenset("apng avif bmp gif jfif jpe jpeg jpg png tif tiff webp".split())
SUBTITLES = frozenset("ass srt ssa vtt".split())


@dataclass(frozen=True)
class Seen:
    """What the file system says of a file without opening it."""

    size: int
    mtime_ns: int
    inode: int


@dataclass
class Scan:
    found: dict[str, Seen] = field(default_factory=dict)
    subtitles: dict[str, dict[str, Seen]] = field(default_factory=dict)  # folder -> subtitle path -> stat
    media: dict[str, set[str]] = field(default_factory=dict)  # folder -> names of what could be media there
    walked: set[str] = field(default_factory=set)  # folders listed whole
    _owned: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)  # folder or file -> why
    passed_over: Counter[str] = field(default_factory=Counter)  # rule -> how many


def scan(roots: Iterable[str], *, stills: bool = True) -> Scan:
    """Looks at every root: a folder is walked, a file is taken whatever its name ends with."""
    result = Scan()
    visited: set[tuple[int, int]] = set()
    for root in roots:
        path = os.path.abspath(root)
        try:
            status = os.stat(path)
        except OSError as error:
            result.unreachable[path] = error.strerror or "cannot be reached"
            continue
        if stat_bits.S_ISDIR(status.st_mode):
            _walk(path, result, visited, VIDEO | STILLS if stills else VIDEO)
        elif stat_bits.S_ISREG(status.st_mode):
            result.found[path] = _seen(status)
            result.media.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
            _note_neighbours(os.path.dirname(path), result)
        else:
            result.passed_over["not a file"] += 1
    return result


def _walk(root: str, result: Scan, visited: set[tuple[int, int]], endings: frozenset[str]) -> None:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in visited:
                result.passed_over["folder already walked"] += 1
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            result.walked.add(folder)
        except OSError as error:
            result.unreachable[folder] = error.strerror or "cannot be listed"
            continue
        waiting.extend(reversed([e.path for e in entries if _look(e, result, endings)]))


def _look(entry: os.DirEntry[str], result: Scan, endings: frozenset[str]) -> bool:
    """Files one entry under its rule; returns whether it is a folder to walk."""
    if entry.name.startswith("."):
        result.passed_over["hidden"] += 1
        return False
    try:
        if entry.is_dir():
            return True
        ending = entry.name.rpartition(".")[2].lower()
        if ending in SUBTITLES:
            result.subtitles.setdefault(os.path.dirname(entry.path), {})[entry.path] = _seen(entry.stat())
        elif ending not in endings:
            result.passed_over["other kind of file"] += 1
        elif entry.is_file():
            result.found[entry.path] = _seen(entry.stat())
            result.media.setdefault(os.path.dirname(entry.path), set()).add(entry.name)
        else:
            result.passed_over["not a file"] += 1  # a dangling link, a pipe, a device
    except OSError as error:
        result.unreachable[entry.path] = error.strerror or "cannot be looked at"
    return False


def _note_neighbours(folder: str, result: Scan) -> None:
    """What lies beside a file that was named outright: its subtitles, and the videos they may belong to instead."""
    if folder in result.subtitles:
        return
    result.subtitles[folder] = {}
    with os.scandir(folder) as listing:
        for entry in listing:
            ending = entry.name.rpartition(".")[2].lower()
            if ending in SUBTITLES and entry.is_file():
                result.subtitles[folder][entry.path] = _seen(entry.stat())
            elif ending in VIDEO:
                result.media.setdefault(folder, set()).add(entry.name)


def _seen(status: os.stat_result) -> Seen:
    return Seen(status.st_size, status.st_mtime_ns, status.st_ino)


def beside(video: str, scanned: Scan) -> dict[str, Seen]:
    """The subtitle files of a video: `film.srt`, `film.zh.vtt`, `film.mp4.ass` beside `film.mp4`.

    One that fits a longer-named neighbour (`film.part2.srt`, where `film.part2.mp4` is) is left to it.
    """
    folder, name = os.path.split(video)
    if folder not in scanned._owned:
        scanned._owned[folder] = _owners(folder, scanned)
    owned = scanned._owned[folder]
    mine = {*owned.get(_comparable(name), ()), *owned.get(_stem(name), ())}
    return {path: scanned.subtitles[folder][path] for path in sorted(mine)}


def _owners(folder: str, scanned: Scan) -> dict[str, list[str]]:
    """name or stem of a video, comparable -> its subtitle files; every subtitle is looked at once."""
    videos = {name for video in scanned.media.get(folder, ()) for name in (_comparable(video), _stem(video))}
    owned: dict[str, list[str]] = {}
    for path in scanned.subtitles.get(folder, ()):
        words = _stem(os.path.basename(path)).split(".")
        names = (".".join(words[:length]) for length in range(len(words), 0, -1))
        if owner := next((name for name in names if name in videos), None):
            owned.setdefault(owner, []).append(path)
    return owned


def _comparable(name: str) -> str:
    """Names that a person takes for the same: Unicode forms and case aside."""
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return _comparable(name.rpartition(".")[0] or name)
