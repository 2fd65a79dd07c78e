"""The columns of a generation: four files that only grow, and of which only the committed part means anything.

A commit appends to each file, syncs it, and only then tells the ledger; whatever lies past the ledger's end was written
by a process that died, and the next writer cuts it off. A unit's checksum runs over its bytes in all four files, and no
byte depends on where in the files it lies, so that compaction can move units and keep their checksums.

Shapes: vectors [R, E] float32, seconds [R] float64, means [G, E] int8, runs [G] of (count, scale, radius).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from sightline.errors import LibraryDamaged
from sightline.store.failpoints import step

RUN = np.dtype([("count", "<i4"), ("scale", "<f4"), ("radius", "<f4")])
SUFFIXES = {"vectors": "f32", "seconds": "f64", "means": "i8", "runs": "rec"}
REPAIR = "run `sightline doctor --repair`, then index again: it re-encodes what is broken and nothing else"


@dataclass(frozen=True)
class Span:
    """Where something lies: rows [first_row, first_row + rows), runs likewise."""

    first_row: int
    rows: int
    first_run: int
    runs: int


@dataclass(frozen=True)
class Block:
    """The arrays of one unit, or of a whole generation when they are memory maps."""

    vectors: np.ndarray
    seconds: np.ndarray
    means: np.ndarray
    runs: np.ndarray

    def named(self) -> Iterator[tuple[str, np.ndarray]]:
        return ((column.name, getattr(self, column.name)) for column in fields(self))

    def crc(self) -> int:
        value = 0
        for _, array in self.named():
            value = zlib.crc32(_bytes(array), value)
        return value


def sync_folder(folder: Path) -> None:
    """Make new and renamed names in this folder outlive a power cut."""
    step(f"sync folder {folder.name}")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1).data if array.size else memoryview(b"")


def _write_all(handle: int, array: np.ndarray) -> None:
    data = _bytes(array)
    while data:
        data = data[os.write(handle, data) :]


class Columns:
    """The four files of one generation in one epoch."""

    def __init__(self, folder: Path, generation: int, epoch: int, width: int) -> None:
        self.folder, self.generation, self.epoch, self.width = folder, generation, epoch, width
        self.kinds: dict[str, tuple[np.dtype, tuple[int, ...]]] = {
            "vectors": (np.dtype("<f4"), (width,)),
            "seconds": (np.dtype("<f8"), ()),
            "means": (np.dtype("i1"), (width,)),
            "runs": (RUN, ()),
        }

    def path(self, name: str) -> Path:
        return self.folder / f"{name}-{self.generation}-{self.epoch}.{SUFFIXES[name]}"

    def paths(self) -> list[Path]:
        return [self.path(name) for name in self.kinds]

    def _item_bytes(self, name: str) -> int:
        dtype, shape = self.kinds[name]
        return dtype.itemsize * int(np.prod(shape, dtype=np.int64))

    def append(self, end: Span, block: Block) -> None:
        """Write the block at the committed end (`end.first_row`, `end.first_run`) and sync; cuts what lies beyond."""
        for name, array in block.named():
            at = self._item_bytes(name) * (end.first_row if name in ("vectors", "seconds") else end.first_run)
            handle = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._cut_tail(name, handle, at)
                step(f"write {name}")
                _write_all(handle, array)
                step(f"sync {name}")
                os.fsync(handle)
            finally:
                os.close(handle)
        if end.first_row == 0:
            sync_folder(self.folder)

    @contextmanager
    def writer(self) -> Iterator[Callable[[Block], None]]:
        """Write new files from their beginning, block after block; they are synced when the last one is in."""
        step("create columns")
        with ExitStack() as opened:
            files = {name: opened.enter_context(open(self.path(name), "wb")) for name in self.kinds}

            def write(block: Block) -> None:
                step("copy unit")
                for name, array in block.named():
                    files[name].write(_bytes(array))

            yield write
            for name, file in files.items():
                step(f"sync {name}")
                file.flush()
                os.fsync(file.fileno())
        sync_folder(self.folder)

    def _cut_tail(self, name: str, handle: int, at: int) -> None:
        size = os.fstat(handle).st_size
        if size < at:
            raise LibraryDamaged(f"{self.path(name)} holds {size} of {at} committed bytes; {REPAIR}")
        if size > at:
            step(f"cut {name}")
            os.ftruncate(handle, at)
        os.lseek(handle, at, os.SEEK_SET)

    def map(self, rows: int, runs: int) -> Block:
        """The committed part as memory maps; they stay valid when the files grow, and after they are unlinked."""
        counts = {"vectors": rows, "seconds": rows, "means": runs, "runs": runs}
        return Block(**{name: self._map_one(name, count) for name, count in counts.items()})

    def _map_one(self, name: str, count: int) -> np.ndarray:
        dtype, shape = self.kinds[name]
        if count * self._item_bytes(name) == 0:  # nothing yet, or an encoder of width 0
            return np.empty((count, *shape), dtype)
        have = os.path.getsize(self.path(name))
        if have < count * self._item_bytes(name):
            raise LibraryDamaged(
                f"{self.path(name)} holds {have} of {count * self._item_bytes(name)} committed bytes; {REPAIR}"
            )
        return np.memmap(self.path(name), dtype, mode="r", shape=(count, *shape))

    def whole(self, end: Span) -> tuple[int, int]:
        """How many of the committed rows and runs every file still holds; fewer only after damage from outside."""
        counts = {"vectors": end.first_row, "seconds": end.first_row, "means": end.first_run, "runs": end.first_run}
        for name in counts:
            size = self.path(name).stat().st_size if self.path(name).exists() else 0
            if self._item_bytes(name):
                counts[name] = min(counts[name], size // self._item_bytes(name))
        return min(counts["vectors"], counts["seconds"]), min(counts["means"], counts["runs"])

    def make_whole(self, end: Span) -> None:
        """Fill what a file lacks with zeros, so that offsets hold; the units that lay there are encoded again."""
        for name in self.kinds:
            wanted = self._item_bytes(name) * (end.first_row if name in ("vectors", "seconds") else end.first_run)
            handle = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if os.fstat(handle).st_size < wanted:
                    step(f"make whole {name}")
                    os.ftruncate(handle, wanted)
                    os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(self.folder)


def cut(block: Block, span: Span) -> Block:
    """The part of the block that one unit takes."""
    rows = slice(span.first_row, span.first_row + span.rows)
    runs = slice(span.first_run, span.first_run + span.runs)
    return Block(block.vectors[rows], block.seconds[rows], block.means[runs], block.runs[runs])
