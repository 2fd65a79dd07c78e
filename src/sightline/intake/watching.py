"""Watching: a file is digested and opened, and its pieces are watched in children and committed one by one."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from sightline.errors import DecoderDied, FileChanged, NoFrames, SightlineError
from sightline.indexing import scan as scanning
from sightline.indexing.wire import Message
from sightline.intake.comparing import stat_of
from sightline.intake.run import Job, RunState, line_of, size_of
from sightline.store.rows import Unit, UnitDone

UNIT_SECONDS = 60.0


class Watching(RunState):
    def digest(self, path: str, seen: scanning.Seen) -> Job:
        """Reads a new or touched file whole, to know it by its content."""

        def done(message: Message) -> None:
            if _changed(path, seen):
                failed(FileChanged(f"{path} changed while it was read; the next run takes it in"))
                return
            content = self.library.place(path, stat_of(seen), message[0]["digest"])
            if message[0]["digest"] not in self.forgotten:
                self.enter(content, path)
            elif path in self.named:
                self.library.remember([path])
                self.enter(content, path)
            else:
                self.pass_over(path)

        def failed(error: SightlineError) -> None:
            self.library.unreadable(path, error.code, str(error))
            self.refuse(path, error)

        return Job(path, {"do": "digest", "path": path, "cpu_seconds": 30 + seen.size / 20e6}, done, failed)

    def open(self, content: int, path: str) -> None:
        """Asks what the file says of itself, and lays out its pieces; a plan that is there already is kept."""

        def done(message: Message) -> None:
            answer = message[0]
            self.facts[content] = answer["facts"]
            spans = [(_end(first, -math.inf), _end(last, math.inf)) for first, last in answer["units"]]
            self.library.plan(content, self.generation, answer["facts"], spans)
            for track, lines in answer["lines"].items():
                self.library.set_lines(content, f"embedded: {track}", "", [line_of(line) for line in lines])
            self.wanted.add(content)
            self.read_beside(content)
            self.finish_if_done(content)

        request = {"do": "open", "path": path, "about": UNIT_SECONDS, "cpu_seconds": 30 + size_of(path) / 20e6}
        self.ready.append(Job(path, request, done, lambda error: self.refuse(path, error, content)))

    def watch(self, unit: Unit, tries: int = 1) -> Job:
        """Decodes and encodes one piece; a decoder that died is given a second chance in a fresh child."""
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
                self.ready.append(self.watch(unit, tries + 1))
            else:
                self.refuse(path, error, unit.content)

        return Job(path, request, lambda message: self._commit(unit, _unit_done(*message)), failed)

    def _commit(self, unit: Unit, done: UnitDone) -> None:
        if self.library.commit(unit, done, self.owner):
            self.report.frames_seen += done.seen
            self.report.frames_encoded += len(done.seconds)
            self.report.frames_similar += done.similar
            self.report.frames_decoded += done.decoded
            self.report.frames_corrupt += done.corrupt
        self.finish_if_done(unit.content)


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
    return 60 + 5 * length + size_of(path) / 0.25e6


def _changed(path: str, seen: scanning.Seen) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns)


def _plain(second: float) -> float | None:
    return second if math.isfinite(second) else None


def _end(second: float | None, endless: float) -> float:
    return endless if second is None else second
