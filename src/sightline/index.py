"""Takes folders of videos into a library: incremental by content, resumable, exact.

The path of a file:  scan -> (digest -> place) -> open -> plan -> claim -> watch in a child -> commit -> finish ->
read along. All library calls happen on the calling thread; the children decode and encode beside it.
"""

from __future__ import annotations

import math
import os
import socket
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.errors import DecoderDied, FileChanged, FileVanished, MediaError, NoFrames, SightlineError
from sightline.indexing import scan as scanning
from sightline.indexing.limits import ChildLimits
from sightline.indexing.pool import Pool
from sightline.indexing.report import Refusal, Report
from sightline.indexing.wire import Message
from sightline.records import Line, Shot
from sightline.store.library import Library
from sightline.store.rows import FileStat, Generation, KnownFile, Unit, UnitDone, Work
from sightline.video.shots import is_cut, shots_from

TRANSIENT = {"vanished", "changed", "timeout", "memory"}  # worth another try on a later run
TRIES = 3
UNIT_SECONDS = 60.0
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
    workers: int = 2
    limits: ChildLimits = field(default_factory=ChildLimits)


def index_paths(
    library: Library, paths: Iterable[str], wishes: Wishes | None = None, tell: Told | None = None
) -> Report:
    """Brings the library up to date with what lies under `paths`; returns what was done, what was refused and why."""
    run = _Run(library, wishes or Wishes(), tell or (lambda event: None))
    began = time.monotonic()
    try:
        with Pool(run.wishes.workers, run.wishes.limits) as pool:
            run.free_claims_of_the_dead()
            run.compare([os.path.abspath(path) for path in paths])
            run.work(pool)
        run.complete()
    except KeyboardInterrupt:
        run.report.interrupted = True
    finally:
        library.release(run.owner)
        run.report.waiting = max(run.report.found - run.accounted(), 0)
        run.report.seconds_taken = time.monotonic() - began
    return run.report


def generation_wished(library: Library, wishes: Wishes) -> Generation:
    """The generation this run writes to: the library's own settings where nothing else was asked."""
    from sightline.encoders.by_name import open_encoder

    current = library.current()
    old = current.sampling if current else {}
    name = wishes.encoder or (current.name if current else library.fact("encoder")) or "colour"
    sampling = {"every": wishes.every or old.get("every", 1.0), "effort": wishes.effort or old.get("effort", "guided")}
    return library.generation_for(open_encoder(name).card, sampling, rebuild=wishes.rebuild)


@dataclass
class _Job:
    """One request to a child, and what to do with its answer."""

    path: str
    request: dict[str, Any]
    done: Callable[[Message], None]
    failed: Callable[[SightlineError], None]


class _Run:
    """One indexing run: what is still to do, and the report so far."""

    def __init__(self, library: Library, wishes: Wishes, tell: Told) -> None:
        self.library, self.wishes, self.tell = library, wishes, tell
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.generation = generation_wished(library, wishes)
        self.report = Report(generation=self.generation.id, encoder=self.generation.name)
        self.scanned = scanning.Scan()
        self.states: dict[int, Work] = {}  # as they were when this run began
        self.tracks: dict[int, dict[str, str]] = {}
        self.files: deque[tuple[str, scanning.Seen]] = deque()
        self.ready: deque[_Job] = deque()
        self.path_of: dict[int, str] = {}  # the name under which this run reads a content
        self.facts: dict[int, dict[str, Any]] = {}
        self.names: dict[int, list[str]] = {}  # every name of a content that this run has seen
        self.elsewhere: set[int] = set()  # contents with names that this run has not looked at
        self.reading: Counter[int] = Counter()  # texts on their way; a content is finished when they have arrived
        self.indexed: set[int] = set()  # contents that were in already: their text may have changed
        self.wanted: set[int] = set()  # contents with units still to claim
        self.entered: set[int] = set()

    def free_claims_of_the_dead(self) -> None:
        """Claims of indexers on this machine that no longer live are free at once, not when their lease runs out."""
        host = socket.gethostname()
        for owner in self.library.owners():
            place, _, rest = owner.partition(":")
            if place == host and not _alive(int(rest.partition(":")[0])):
                self.library.release(owner)

    # --- compare: which files are new, changed, moved, gone ------------------------------------

    def compare(self, roots: list[str]) -> None:
        self.scanned = scanning.scan(roots, stills=self.wishes.stills)
        for root in filter(os.path.isdir, roots):
            self.library.add_root(root)
        known = self.library.known()
        self.states, self.tracks = self.library.states(self.generation), self.library.tracks_of_all()
        self._respect_forgotten(roots)
        self._distrust_empty_roots(roots, known)
        self.report.found = len(self.scanned.found)
        self.report.unreachable = dict(self.scanned.unreachable)
        self.report.passed_over = dict(self.scanned.passed_over)
        by_stat = {(k.inode, k.size, k.mtime_ns): k for k in known.values()}
        for path, seen in self.scanned.found.items():
            self._sort_in(path, seen, known.get(path), by_stat)
        gone = self._lose(roots, known)
        accounted = gone | self.scanned.found.keys()
        self.elsewhere = {file.content for path, file in known.items() if path not in accounted}
        if self.generation.state == "building":
            self._enter_all(known)
        self.tell({"event": "compared", "found": self.report.found, "to_read": len(self.files)})

    def _sort_in(self, path: str, seen: scanning.Seen, old: KnownFile | None, by_stat: dict[Any, KnownFile]) -> None:
        """Unchanged, renamed without being read, or to be read."""
        if old and (old.size, old.mtime_ns, old.inode) == (seen.size, seen.mtime_ns, seen.inode):
            self._enter(old.content, path, unchanged=True)
        elif not old and (twin := by_stat.get((seen.inode, seen.size, seen.mtime_ns))):
            self._enter(self.library.place(path, _stat(seen), twin.digest), path)
        else:
            self.files.append((path, seen))

    def _lose(self, roots: list[str], known: dict[str, KnownFile]) -> set[str]:
        """Takes the names that are gone off the list; returns them."""
        closed = tuple(self.scanned.unreachable)
        gone = {
            path
            for path in known
            if any(_under(path, root) for root in roots)
            and path not in self.scanned.found
            and not any(_under(path, place) for place in closed)
            and not os.path.exists(path)  # passed over by a rule of this run (stills left out, hidden) is not gone
        }
        if gone:
            self.report.lost = self.library.lose(gone)
        return gone

    def _distrust_empty_roots(self, roots: list[str], known: dict[str, KnownFile]) -> None:
        """An empty folder where files were known is taken for an unmounted one."""
        for root in roots:
            if self.wishes.gone or not os.path.isdir(root) or any(_under(p, root) for p in self.scanned.found):
                continue
            if count := sum(_under(path, root) for path in known):
                self.scanned.unreachable[root] = (
                    f"is empty where {count} files were known; nothing was deleted. If they are gone for good: --gone"
                )

    def _respect_forgotten(self, roots: list[str]) -> None:
        forgotten = self.library.forgotten() & self.scanned.found.keys()
        named = forgotten & set(roots)
        if named:
            self.library.remember(named)
        for path in forgotten - named:
            del self.scanned.found[path]
            self.scanned.passed_over["forgotten"] += 1

    def _enter_all(self, known: dict[str, KnownFile]) -> None:
        """A rebuild covers the whole library, not only the folders named."""
        for path, file in known.items():
            if path not in self.scanned.found and os.path.exists(path):
                self._enter(file.content, path, counted=False)

    # --- a content enters the run ---------------------------------------------------------------

    def _enter(self, content: int, path: str, *, unchanged: bool = False, counted: bool = True) -> None:
        self.path_of.setdefault(content, path)
        self.names.setdefault(content, []).append(path)
        work = self.states.get(content) if unchanged else self.library.state(content, self.generation)
        if work and work.state == "indexed":
            if counted:
                self._count_known(unchanged)
            self.indexed.add(content)
        elif work and work.state == "failed" and not self._try_again(work.reason, work.attempts):
            self.report.failed.append(Refusal(path, work.reason, work.detail))
        elif content in self.entered:
            if counted:
                self._count_known(unchanged)  # a second name of a content this run is already taking in
        else:
            self.entered.add(content)
            self._open(content, path)

    def _count_known(self, unchanged: bool) -> None:
        if unchanged:
            self.report.unchanged += 1
        else:
            self.report.known += 1

    def _try_again(self, reason: str, attempts: int) -> bool:
        return self.wishes.retry or (reason in TRANSIENT and attempts < TRIES)

    # --- work -----------------------------------------------------------------------------------

    def work(self, pool: Pool) -> None:
        """Keeps every child busy until nothing is left that this run may take."""
        flying: dict[Future[Message], _Job] = {}
        beaten = time.monotonic()
        while True:
            while len(flying) < pool.workers and (job := self._next()):
                flying[pool.submit(job.request, self._sign(job.path))] = job
            if not flying and not self._others_at_work():
                return
            landed, _ = wait(flying, timeout=0.25 if not flying else 5.0, return_when=FIRST_COMPLETED)
            for future in landed:
                self._land(flying.pop(future), future)
            if time.monotonic() - beaten > 10:
                self.library.beat(self.owner)
                beaten = time.monotonic()
            if not flying and not landed:
                time.sleep(0.25)

    def _next(self) -> _Job | None:
        while self.indexed and not self.ready:
            content = self.indexed.pop()
            self._read_beside(content, self.tracks.get(content, {}))
            self._read_along(content)
        if self.ready:
            return self.ready.popleft()
        if self.wanted and (unit := self.library.claim(self.generation, self.owner, contents=self.wanted)):
            return self._watch(unit)
        if self.files:
            return self._digest(*self.files.popleft())
        return None

    def _land(self, job: _Job, future: Future[Message]) -> None:
        try:
            answer = future.result()
        except SightlineError as error:
            job.failed(error)
        else:
            job.done(answer)

    def _sign(self, path: str) -> Told:
        return lambda sign: self.tell({"event": "progress", "path": path, **sign})

    def _others_at_work(self) -> bool:
        """Whether another indexer holds units of contents we want; those it finishes are let go."""
        for content in list(self.wanted):
            work = self.library.state(content, self.generation)
            if work and work.state != "pending":
                self.wanted.discard(content)
                self.report.known += 1
            else:
                self._finish_if_done(content)
        if self.wanted:
            self.tell({"event": "waiting", "for": len(self.wanted)})
        return bool(self.wanted)

    # --- the jobs: one request each ----------------------------------------------------------------

    def _digest(self, path: str, seen: scanning.Seen) -> _Job:
        def done(message: Message) -> None:
            if _changed(path, seen):
                failed(FileChanged(f"{path} changed while it was read; the next run takes it in"))
                return
            self._enter(self.library.place(path, _stat(seen), message[0]["digest"]), path)

        def failed(error: SightlineError) -> None:
            self.library.unreadable(path, error.code, str(error))
            self._refuse(path, error)

        return _Job(path, {"do": "digest", "path": path, "cpu_seconds": 30 + seen.size / 20e6}, done, failed)

    def _open(self, content: int, path: str) -> None:
        def done(message: Message) -> None:
            answer = message[0]
            self.facts[content] = answer["facts"]
            spans = [(_end(first, -math.inf), _end(last, math.inf)) for first, last in answer["units"]]
            self.library.plan(content, self.generation, answer["facts"], spans)
            for track, lines in answer["lines"].items():
                self.library.set_lines(content, f"embedded: {track}", "", [_line(line) for line in lines])
            self.wanted.add(content)
            self._read_beside(content, self.tracks.get(content, {}))
            self._finish_if_done(content)

        request = {"do": "open", "path": path, "about": UNIT_SECONDS, "cpu_seconds": 30 + _size(path) / 20e6}
        self.ready.append(_Job(path, request, done, lambda error: self._refuse(path, error, content)))

    def _watch(self, unit: Unit, tries: int = 1) -> _Job:
        path = self.path_of[unit.content]
        request = {
            "do": "watch",
            "path": path,
            "kind": self.facts[unit.content]["kind"],
            "start": _plain(unit.start),
            "end": _plain(unit.end),
            "encoder": self.generation.name,
            "cpu_seconds": _patience_for(unit, path),
            **self.generation.sampling,
        }

        def failed(error: SightlineError) -> None:
            if isinstance(error, NoFrames):
                self._commit(unit, _nothing(unit, self.generation.width))
            elif isinstance(error, DecoderDied) and tries < 2:
                self.ready.append(self._watch(unit, tries + 1))
            else:
                self._refuse(path, error, unit.content)

        return _Job(path, request, lambda message: self._commit(unit, _unit_done(*message)), failed)

    def _commit(self, unit: Unit, done: UnitDone) -> None:
        if self.library.commit(unit, done, self.owner):
            self.report.frames_seen += done.seen
            self.report.frames_encoded += len(done.seconds)
            self.report.frames_similar += done.similar
            self.report.frames_decoded += done.decoded
            self.report.frames_corrupt += done.corrupt
        self._finish_if_done(unit.content)

    # --- finish: a content becomes visible ------------------------------------------------------------

    def _finish_if_done(self, content: int) -> None:
        units = self.library.units(content, self.generation)
        if content not in self.wanted or self.reading[content] or any(unit.state != "done" for unit in units):
            return
        self.wanted.discard(content)
        path = self.path_of[content]
        parts = [unit.done for unit in units if unit.done and unit.done.decoded]
        if not parts:
            self._refuse(path, NoFrames(f"{path} opens but holds no frame that can be decoded"), content)
            return
        shots = _shots(parts)
        self.library.finish(content, self.generation, shots)
        self.report.indexed += 1
        self.report.shots += len(shots)
        self.report.seconds_of_video += _length(parts)
        self._note_damage(path, parts)
        self.tell({"event": "file", "path": path, "state": "indexed"})
        if len(self.names[content]) > 1:  # a name that came up meanwhile may have subtitles of its own
            self.indexed.add(content)
        self._read_along(content)

    def _note_damage(self, path: str, parts: list[UnitDone]) -> None:
        if corrupt := sum(part.corrupt for part in parts):
            self.report.notes.append(f"{path}: {corrupt} of {sum(p.decoded for p in parts)} decoded frames are damaged")

    def _refuse(self, path: str, error: SightlineError, content: int | None = None) -> None:
        """A failure is a state: one line in the report, and in the ledger where the content is known."""
        if content is not None:
            self.wanted.discard(content)
            if not isinstance(error, FileVanished):
                self.library.refuse(content, self.generation, "failed", error.code, str(error))
        self.report.failed.append(Refusal(path, error.code, str(error)))
        self.tell({"event": "file", "path": path, "state": "failed", "code": error.code, "message": str(error)})

    # --- read along: text that lies beside the pictures --------------------------------------------

    def _read_along(self, content: int) -> None:
        """Speech and screen text of a content that is in, where they were asked for: tracks of their own."""
        path = self.path_of[content]
        had = self.tracks.get(content, {})
        if self.wishes.listen and f"heard: {self.wishes.listen}" not in had:
            request = {"do": "listen", "path": path, "listener": self.wishes.listen}
            self._text(content, f"heard: {self.wishes.listen}", "", path, request)
        if self.wishes.screen and f"screen: {self.wishes.screen}" not in had:
            kind = (self.facts.get(content) or {}).get("kind", "video")
            every = {"every": self.generation.sampling["every"]}
            request = {"do": "screen", "path": path, "kind": kind, "reader": self.wishes.screen, **every}
            self._text(content, f"screen: {self.wishes.screen}", "", path, request)

    def _read_beside(self, content: int, had: dict[str, str]) -> None:
        """Subtitle files beside any name of the content: new and changed ones are read, those that are gone dropped."""
        wanted: dict[str, tuple[str, scanning.Seen]] = {}
        for name in self.names[content]:
            for place, seen in scanning.beside(name, self.scanned).items():
                wanted.setdefault(f"sidecar: {os.path.basename(place)}", (place, seen))
        for track, (place, seen) in wanted.items():
            key = f"{seen.size}:{seen.mtime_ns}"
            if had.get(track) != key:
                self._text(content, track, key, place, {"do": "text", "path": place})
        if content not in self.elsewhere:
            for track in had:
                if track.startswith("sidecar: ") and track not in wanted:
                    self.library.drop_track(content, track)

    def _text(self, content: int, track: str, key: str, place: str, request: dict[str, Any]) -> None:
        def done(message: Message) -> None:
            lines = [_line(line) for line in message[0]["lines"]]
            self.library.set_lines(content, track, key, lines)
            self.report.lines += len(lines)
            read()

        def failed(error: SightlineError) -> None:
            self.report.notes.append(f"{place}: {error}")
            self.tell({"event": "note", "path": place, "message": str(error)})
            read()

        def read() -> None:
            self.reading[content] -= 1
            self._finish_if_done(content)

        self.reading[content] += 1
        self.ready.append(_Job(place, request | {"cpu_seconds": 600 + _size(place) / 1e4}, done, failed))

    # --- the end ---------------------------------------------------------------------------------

    def complete(self) -> None:
        if self.generation.state == "building" and not self.wanted:
            self.library.swap(self.generation)
            if self.report.failed:
                self.report.notes.append(
                    "what was refused in this rebuild is no longer searched; --retry tries it again"
                )

    def accounted(self) -> int:
        return self.report.unchanged + self.report.known + self.report.indexed + self.report.refused


def _shots(parts: list[UnitDone]) -> list[Shot]:
    """The cuts within units and those on a border between two, as shots with a thumbnail near each middle."""
    cuts = [cut for part in parts for cut in part.cuts]
    for before, after in zip(parts, parts[1:], strict=False):
        if before.edges[1] and after.edges[0] and is_cut(before.edges[1], after.edges[0]):
            cuts.append(after.first)
    pictures = [picture for part in parts for picture in part.thumbnails]
    spans = shots_from(sorted(cuts), parts[0].first, max(part.last for part in parts))
    return [_with_thumbnail(start, end, pictures) for start, end in spans]


def _with_thumbnail(start: float, end: float, pictures: list[tuple[float, bytes]]) -> Shot:
    inside = [picture for picture in pictures if start <= picture[0] < end] or pictures
    if not inside:
        return Shot(start, end)
    second, jpeg = min(inside, key=lambda picture: abs(picture[0] - (start + end) / 2))
    return Shot(start, end, jpeg, second)


def _length(parts: list[UnitDone]) -> float:
    return max(part.last for part in parts) - min(part.first for part in parts)


def _unit_done(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> UnitDone:
    return UnitDone(
        seconds=arrays["seconds"],
        vectors=arrays["vectors"],
        cuts=[float(cut) for cut in facts["cuts"]],
        edges=(arrays["edge_first"].tobytes(), arrays["edge_last"].tobytes()),
        seen=facts["seen"],
        similar=facts["similar"],
        decoded=facts["decoded"],
        corrupt=facts["corrupt"],
        first=facts["first"],
        last=facts["last"],
        thumbnails=[(s, arrays[f"thumbnail{i}"].tobytes()) for i, s in enumerate(facts["thumbnails"])],
    )


def _nothing(unit: Unit, width: int) -> UnitDone:
    """A piece in which no frame could be decoded."""
    start = unit.start if math.isfinite(unit.start) else 0.0
    return UnitDone(np.zeros(0), np.zeros((0, width), np.float32), first=start, last=start)


def _patience_for(unit: Unit, path: str) -> float:
    """Processor seconds a piece may use: ample for 4k film on a slow core, and an end for a file made to spin."""
    length = min(unit.end - max(unit.start, 0.0), 600.0)
    return 60 + 5 * length + _size(path) / 0.25e6


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, and is another user's
        return True
    return True


def _changed(path: str, seen: scanning.Seen) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns)


def _stat(seen: scanning.Seen) -> FileStat:
    return FileStat(seen.size, seen.mtime_ns, seen.inode)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _line(fields: dict[str, Any]) -> Line:
    box = fields.get("box")
    return Line(**{**fields, "box": tuple(box) if box else None})


def _plain(second: float) -> float | None:
    return second if math.isfinite(second) else None


def _end(second: float | None, endless: float) -> float:
    return endless if second is None else second


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


__all__ = ["MediaError", "Wishes", "generation_wished", "index_paths"]
