"""Reading: subtitle files beside a video before it becomes visible; speech and screen text, where asked for, after."""

from __future__ import annotations

import os
from typing import Any

from sightline.errors import SightlineError
from sightline.indexing import scan as scanning
from sightline.indexing.wire import Message
from sightline.intake.run import Job, RunState, line_of, size_of


class Reading(RunState):
    def read_beside(self, content: int) -> None:
        """Subtitle files beside any name of the content: new and changed ones are read, those that are gone dropped."""
        had = self.tracks.get(content, {})
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
