"""What one indexing run knows: its library and wishes, what is still to do, and the report so far.

The run is one class made of parts by job (`comparing`, `watching`, `reading`, `finishing`), each a class on this one.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sightline.errors import FileVanished, SightlineError
from sightline.indexing import scan as scanning
from sightline.indexing.limits import ChildLimits
from sightline.indexing.report import Refusal, Report
from sightline.indexing.wire import Message
from sightline.records import Line
from sightline.store.library import Library
from sightline.store.rows import Generation, Work

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Wishes:
    """How to look: what was asked on the command line, in one place. `None` keeps what the library already does."""

    encoder: str | None = None
    every: float | None = None
    effort: str | None = None
    listen: str | None = None  # name of a speech recogniser
    screen: str | None = None  # name of an on-screen text reader
    stills: bool = True
    rebuild: bool = False
    retry: bool = False
    gone: bool = False  # believe an empty root: its files are gone for good
    settled: float = 0.0  # a file written to less than this many seconds ago is left for the next run
    workers: int = 2
    limits: ChildLimits = field(default_factory=ChildLimits)


def generation_wished(library: Library, wishes: Wishes) -> Generation:
    """The generation this run writes to: the library's own settings where nothing else was asked."""
    from sightline.encoders.by_name import DEFAULT, open_encoder

    current = library.current()
    old = current.sampling if current else {}
    name = wishes.encoder or (current.name if current else library.fact("encoder")) or DEFAULT
    sampling = {"every": wishes.every or old.get("every", 1.0), "effort": wishes.effort or old.get("effort", "guided")}
    return library.generation_for(open_encoder(name).card, sampling, rebuild=wishes.rebuild)


@dataclass
class Job:
    """One request to a child, and what to do with its answer."""

    path: str
    request: dict[str, Any]
    done: Callable[[Message], None]
    failed: Callable[[SightlineError], None]


class RunState:
    """Everything the parts share."""

    def __init__(self, library: Library, wishes: Wishes, tell: Told) -> None:
        self.library, self.wishes, self.tell = library, wishes, tell
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.generation = generation_wished(library, wishes)
        self.report = Report(generation=self.generation.id, encoder=self.generation.name)
        self.scanned = scanning.Scan()
        self.states: dict[int, Work] = {}  # as they were when this run began
        self.tracks: dict[int, dict[str, str]] = {}
        self.files: deque[tuple[str, scanning.Seen]] = deque()
        self.ready: deque[Job] = deque()
        self.path_of: dict[int, str] = {}  # the name under which this run reads a content
        self.facts: dict[int, dict[str, Any]] = {}
        self.names: dict[int, list[str]] = {}  # every name of a content that this run has seen
        self.reading: Counter[int] = Counter()  # texts on their way; a content is finished when they have arrived
        self.indexed: set[int] = set()  # contents that were in already: their text may have changed
        self.wanted: set[int] = set()  # contents with units still to claim
        self.entered: set[int] = set()
        self.forgotten: set[str] = set()  # digests of contents that are to stay out
        self.named: set[str] = set()  # what was named outright
        self.outcomes: dict[str, str] = {}  # path -> unchanged, known, indexed or failed: every found file ends once

    def free_claims_of_the_dead(self) -> None:
        """Claims of indexers on this machine that no longer live are free at once, not when their lease runs out."""
        host = socket.gethostname()
        for owner in self.library.owners():
            place, _, rest = owner.partition(":")
            if place == host and not _alive(int(rest.partition(":")[0])):
                self.library.release(owner)

    def refuse(self, path: str, error: SightlineError, content: int | None = None) -> None:
        """A failure is a state: a line in the report for every name, and in the ledger where the content is known."""
        if content is not None:
            self.wanted.discard(content)
            if not isinstance(error, FileVanished):
                self.library.refuse(content, self.generation, "failed", error.code, str(error))
        for name in self.names[content] if content is not None else [path]:
            self.refused(name, error.code, str(error))

    def refused(self, path: str, code: str, message: str) -> None:
        if self.outcomes.setdefault(path, "failed") == "failed":
            self.report.failed.append(Refusal(path, code, message))
            self.tell({"event": "file", "path": path, "state": "failed", "code": code, "message": message})

    def pass_over(self, path: str) -> None:
        """A new name of a content that was forgotten: it stays out."""
        self.report.found -= 1
        self.report.passed_over["forgotten"] = self.report.passed_over.get("forgotten", 0) + 1

    def add_up(self) -> None:
        """The counts of the report, from what became of every file that was found."""
        ended = Counter(self.outcomes.values())
        self.report.unchanged, self.report.known = ended["unchanged"], ended["known"]
        self.report.indexed = ended["indexed"]
        self.report.waiting = self.report.found - sum(ended.values())

    # What the parts ask of each other.

    def enter(self, content: int, path: str, *, unchanged: bool = False) -> None:
        raise NotImplementedError

    def open(self, content: int, path: str) -> None:
        raise NotImplementedError

    def read_beside(self, content: int) -> None:
        raise NotImplementedError

    def read_along(self, content: int) -> None:
        raise NotImplementedError

    def finish_if_done(self, content: int) -> None:
        raise NotImplementedError


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, and is another user's
        return True
    return True


def size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def line_of(fields: dict[str, Any]) -> Line:
    box = fields.get("box")
    return Line(**{**fields, "box": tuple(box) if box else None})
