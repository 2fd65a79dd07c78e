"""A small life of a library, always the same: three videos are taken in, one is forgotten, a new encoder takes over.

Every step looks at what is there before it acts, as indexing does, so that a story that was broken off can be told
again from the beginning and must end the same.
"""

from __future__ import annotations

import os
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sightline.encoders.encoder import Card
from sightline.errors import LibraryError
from sightline.records import Line, Shot
from sightline.store import failpoints
from sightline.store.library import Library
from sightline.store.rows import FileStat, Generation, Unit, UnitDone

WIDTH = 7
RED = Card("red", "red-1", WIDTH, 96, True)
BLUE = Card("blue", "blue-1", 11, 96, True)
SAMPLING = {"every": 1.0}
SPANS = [(float("-inf"), 60.0), (60.0, float("inf"))]
PATHS = [f"/films/{name}.mp4" for name in ("ape", "bee", "cow")]


def unit_vectors(seed: str, rows: int, width: int) -> np.ndarray:
    drawn = np.random.default_rng(zlib.crc32(seed.encode())).normal(size=(rows, width))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def seen(path: str, generation: Generation, number: int, rows: int = 13) -> UnitDone:
    """What this unit of this file always gives."""
    rows += number
    return UnitDone(
        seconds=60.0 * number + np.arange(rows),
        vectors=unit_vectors(f"{path} {generation.name} {number}", rows, generation.width),
        cuts=[60.0 * number + 2],
        edges=(b"first", b"last"),
        lines=[Line(60.0 * number, 60.0 * number + 1, f"screen of {Path(path).stem}", "screen", "ocr")],
        seen=rows,
        decoded=25 * rows,
        first=60.0 * number,
        last=60.0 * number + rows - 1,
        thumbnails=[(60.0 * number + 1, b"jpeg" + path.encode())],
    )


def stat_of(path: str) -> FileStat:
    return FileStat(len(path), 17, 19)


def take_in(
    library: Library, generation: Generation, path: str, rows: int = 13, told: Callable[[str], None] = lambda word: None
) -> int:
    """One file from its name to its visibility, as far as that is not done yet."""
    content = library.place(path, stat_of(path), f"digest of {path}")
    library.plan(content, generation, {"duration": 75.0}, SPANS)
    while unit := library.claim(generation, "me", lease=0.0, contents={content}):
        library.commit(unit, seen(path, generation, unit.number, rows), "me")
        told(f"unit {generation.name} {path} {unit.number}")
    work = library.state(content, generation)
    if work is not None and work.state == "pending":
        library.finish(content, generation, [Shot(0.0, 73.0, b"jpeg" + path.encode(), 1.0)])
        told(f"finished {generation.name} {path}")
    return content


def claimed(library: Library, generation: Generation, content: int) -> Unit:
    unit = library.claim(generation, "me", contents={content})
    assert unit is not None
    return unit


def story(folder: Path, told: Callable[[str], None] = lambda word: None, rows: int = 13) -> None:
    with Library.open(folder, create=True) as library:
        swapped = library.current() is not None and library.current().name == BLUE.name
        if not swapped:
            red = library.generation_for(RED, SAMPLING)
            for path in PATHS:
                if path not in library.forgotten():
                    content = take_in(library, red, path, rows, told)
                    library.set_lines(content, "subtitles", "key", [Line(3.0, 5.0, f"they say {Path(path).stem}")])
            library.forget([PATHS[1]])
            told("forgot")
        library.compact()
        blue = library.generation_for(BLUE, SAMPLING, rebuild=not swapped)
        for path in library.known():
            take_in(library, blue, path, rows, told)
        library.swap(blue)
        told("swapped")


def tell(
    folder: Path, fail_at: str = "", setup: Callable[[], None] = lambda: None, rows: int = 13
) -> tuple[int, list[str]]:
    """The story in a process of its own, broken off at a step; its exit code and what it had acknowledged.

    137: ended at the failpoint; 3: a LibraryError, as it must be when the disk is full.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            failpoints.FAIL_AT, _, failpoints.FAIL_HOW = fail_at.partition(":")
            failpoints._steps = 0
            setup()
            story(folder, lambda word: os.write(writer, f"{word}\n".encode()) and None, rows)
            code = 0
        except LibraryError:
            code = 3
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as words:
        told = words.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


def told_by(folder: Path) -> dict[str, object]:
    """All that a search could find, in a form that can be compared; where things lie on disk is left out."""
    with Library.open(folder) as library, library.view() as view:
        found: dict[str, object] = {"generation": view.generation and view.generation.name}
        for content, video in view.videos.items():
            rows = view.rows_of(content)
            found[video.path] = (
                np.asarray(view.vectors[rows]).tobytes(),
                view.seconds[rows].tolist(),
                view.lines(content),
                view.shots(content),
                (video.frames, video.duration, video.first, video.last, video.facts),
            )
        found["words"] = sorted((hit.line.text, hit.line.start) for hit in view.text("screen they say", 99))
    return found


def troubles(folder: Path) -> list[str]:
    """What a deep check finds, without the leftovers that the next writer removes."""
    with Library.open(folder) as library:
        return [f"{found.kind}: {found.detail}" for found in library.check(deep=True) if found.kind != "leftover"]
