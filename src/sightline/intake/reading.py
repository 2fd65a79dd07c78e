"""Reading: subtitle files beside a video before it becomes visible; speech and screen text, where asked for, after."""

from __future__ import annotations

import os
from typing import Any

from sightline.errors import SightlineError
from sightline.indexing import scan as scanning
from sightline.indexing.wire import Message
from sightline.intake.run import Job, RunState, line_of, size_of

SIDECAR = "sidecar: "


class Reading(RunState):
    def read_beside(self, content: int) -> None:
        """Subtitle files beside any name of the content: new and changed ones are read, those that are gone dropped."""
        had = self.tracks.get(content, {})
        wanted = {
            (os.path.basename(place), seen.size): (place, seen)  # a copy beside a copy says nothing new
            for name in reversed(self.names[content])
            for place, seen in scanning.beside(name, self.scanned).items()
        }
        for place, seen in wanted.values():
            track, key = SIDECAR + place, f"{seen.size}:{seen.mtime_ns}"
            if had.get(track) != key:
                self._text(content, track, key, place, {"do": "text", "path": place})
        kept = {SIDECAR + place for place, _ in wanted.values()}
        for track in had:
            if track.startswith(SIDECAR) and track not in kept and self._is_gone(track.removeprefix(SIDECAR)):
                self.library.drop_track(content, track)

    def _is_gone(self, place: str) -> bool:
        """Whether this run has looked where the file was; what it could not look at is left as it is."""
        folder = os.path.dirname(place)
        return folder in self.scanned.walked or (os.path.isdir(folder) and not os.path.exists(place))

    def read_along(self, content: int) -> None:
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

    def _text(self, content: int, track: str, key: str, place: str, request: dict[str, Any]) -> None:
        def done(message: Message) -> None:
            lines = [line_of(line) for line in message[0]["lines"]]
            self.library.set_lines(content, track, key, lines)
            self.report.lines += len(lines)
            read()

        def failed(error: SightlineError) -> None:
            self.report.notes.append(f"{place}: {error}")
            self.tell({"event": "note", "path": place, "message": str(error)})
            read()

        def read() -> None:
            self.reading[content] -= 1
            self.finish_if_done(content)

        self.reading[content] += 1
        self.ready.append(Job(place, request | {"cpu_seconds": 600 + size_of(place) / 1e4}, done, failed))
