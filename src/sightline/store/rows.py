"""The records of the library: what goes into the ledger and what comes out of it, one dataclass each.

Shapes: n frames of one unit, E the encoder's width.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sightline.errors import BadRecord, LibraryError
from sightline.records import Line


class RefusedRows(LibraryError, BadRecord):
    """What was to be stored is not what a library can hold; nothing was written."""

    code = "bad-record"


@dataclass(frozen=True)
class Generation:
    """One encoder with one way of sampling; everything it saw lies in columns of its own."""

    id: int
    name: str  # the encoder's name
    fingerprint: str
    width: int
    sampling: dict[str, Any]
    state: str  # "current" | "building"


Which = Generation | int  # a generation or its id


def id_of(generation: Which) -> int:
    return generation.id if isinstance(generation, Generation) else generation


# --- files -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileStat:
    """What tells an unchanged file without reading it."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class KnownFile:
    size: int
    mtime_ns: int
    inode: int
    content: int
    digest: str

    @property
    def stat(self) -> FileStat:
        return FileStat(self.size, self.mtime_ns, self.inode)


# --- work ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """How far one content is in one generation."""

    state: str  # "pending" | "indexed" | "failed" | "skipped"
    reason: str = ""  # a short code, as in `errors.py`
    detail: str = ""
    attempts: int = 0  # how often it was given up as failed
    frames: int = 0  # kept frames; 0 until indexed


@dataclass(frozen=True)
class Unit:
    """A claimed piece of a content: watch [start, end) and commit what was seen."""

    content: int
    generation: int
    number: int
    start: float
    end: float  # inf for the last one
    attempts: int  # this claim included


@dataclass(frozen=True)
class UnitDone:
    """Everything that watching a unit gave; it becomes known in one transaction or not at all.

    Shapes: seconds [n] float64 ascending, vectors [n, E] float32 of unit length. n may be 0.
    """

    seconds: np.ndarray
    vectors: np.ndarray
    cuts: list[float] = field(default_factory=list)
    edges: tuple[bytes, bytes] = (b"", b"")
    lines: list[Line] = field(default_factory=list)
    seen: int = 0  # frames looked at
    similar: int = 0  # frames not encoded because they equal their neighbour
    decoded: int = 0
    corrupt: int = 0
    first: float = 0.0
    last: float = 0.0
    thumbnails: list[tuple[float, bytes]] = field(default_factory=list)  # (second, jpeg)


@dataclass(frozen=True)
class UnitKnown:
    """A unit as the ledger has it. `done` is what was committed, without the vectors and seconds, which views hold."""

    number: int
    start: float
    end: float
    state: str  # "pending" | "claimed" | "done"
    attempts: int
    rows: int
    done: UnitDone | None


# --- reading ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Video:
    """A content that can be searched. `path` is the first of its living paths."""

    id: int
    path: str
    paths: tuple[str, ...]
    duration: float
    frames: int
    first: float
    last: float
    facts_json: str = "{}"

    @cached_property
    def facts(self) -> dict[str, Any]:  # parsed when asked: a library of 10,000 videos opens without 10,000 parses
        return dict(json.loads(self.facts_json))


@dataclass(frozen=True)
class LineHit:
    """A line that holds words of the query: `score` is bm25 (greater is better), `matched` the share of terms found."""

    content: int
    line: Line
    score: float
    matched: float


# --- reports ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """What the library holds. `files` is the sum over `by_state`; a file may lie below several roots, or none."""

    files: int
    by_state: dict[str, int]  # indexed, failed, skipped, pending -> files
    reasons: dict[str, dict[str, int]]  # state -> reason -> files
    contents: int  # different contents with a living path
    contents_by_state: dict[str, int]
    frames: int  # frames that can be searched
    rows: int  # rows committed in the columns, dead ones included
    seconds: float  # of video that can be searched
    shots: int
    lines: dict[str, int]  # source -> lines that can be searched
    bytes: int  # on disk
    forgotten: int
    roots: dict[str, int]  # root -> files below it
    generation: Generation | None
    building: Generation | None
    built: int = 0  # contents that the building generation has settled, of `contents`


@dataclass(frozen=True)
class Listed:
    """One file of `sightline list`."""

    path: str
    content: int | None
    state: str
    reason: str
    detail: str
    duration: float
    frames: int
    shots: int
    lines: dict[str, int]
    tracks: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """Something `check` found. `kind` is a short code; `repair` takes care of it where `repairable`."""

    kind: str
    detail: str
    content: int | None = None
    generation: int | None = None
    unit: int | None = None  # its number in the content's plan
    repairable: bool = True


@dataclass(frozen=True)
class Compacted:
    """What `compact` dropped."""

    contents: int
    rows: int
    lines: int
    bytes: int
