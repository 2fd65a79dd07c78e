"""Progress on stderr: a bar with rate and time left on a terminal, plain lines elsewhere, JSON lines with --json.

Events come from `index_paths(..., tell=...)`: compared, progress, file, note, waiting. A measurement tells its share.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import AbstractContextManager
from typing import Any

from sightline.cli.text import printable, span


class IndexProgress(AbstractContextManager["IndexProgress"]):
    """Call it with events; use it as a context so that the bar is taken down whatever happens."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.bar: Any = None
        self.frames = self.done = 0
        self.began = time.monotonic()
        self.told = time.monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        if self.as_json:
            self._write(event)
            return
        getattr(self, "_" + event["event"], lambda event: None)(event)

    def _write(self, event: dict[str, Any]) -> None:
        """One line an event; what a child says while it works is passed on once a second."""
        if event["event"] == "progress":
            self.frames += event.get("frames", 0)
            if time.monotonic() - self.told < 1:
                return
            self.told = time.monotonic()
            event = {"event": "progress", "path": event["path"], "second": event.get("second"), "frames": self.frames}
        sys.stderr.write(json.dumps(event) + "\n")

    def _compared(self, event: dict[str, Any]) -> None:
        if not event["to_read"] or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        rate = TextColumn("{task.fields[rate]}", markup=False)
        self.bar = Progress(*columns, rate, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("indexing", total=event["to_read"], rate="")
        self.bar.start()

    def _progress(self, event: dict[str, Any]) -> None:
        """Arrives from several threads; the counts are for the eye only."""
        self.frames += event.get("frames", 0)
        name = printable(event["path"].rpartition("/")[2])[-40:]
        rate = f"{self.frames / max(time.monotonic() - self.began, 1e-3):.0f} frames/s"
        if self.bar:
            self.bar.update(self.task, description=name, rate=rate)
        elif self.frames and time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            print(f"  {name}: {self.frames} frames looked at, {rate}", file=sys.stderr, flush=True)

    def _file(self, event: dict[str, Any]) -> None:
        self.done += 1
        if self.bar:
            self.bar.update(self.task, completed=self.done)

    def _waiting(self, event: dict[str, Any]) -> None:
        if time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            self._say(f"  waiting for another indexer, which has {event['for']} of these files in hand")

    def _say(self, line: str) -> None:
        if self.bar:
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()


class ShareProgress(AbstractContextManager["ShareProgress"]):
    """How much of a long measurement is done, and the time left: a bar on a terminal, else a line every 15 seconds.

    Called with the number of the part (of `parts` alike), what is being done, and the share of that part.
    """

    def __init__(self, as_json: bool, parts: int = 1) -> None:
        self.as_json, self.parts = as_json, parts
        self.bar: Any = None
        self.began = self.told = time.monotonic()

    def __enter__(self) -> ShareProgress:
        if sys.stderr.isatty() and not self.as_json:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("", total=float(self.parts))
            self.bar.start()
        return self

    def __call__(self, part: int, what: str, share: float) -> None:
        done = part + share
        if self.bar:
            self.bar.update(self.task, completed=done, description=printable(what))
        elif what and time.monotonic() - self.told > 15:
            self.told = time.monotonic()
            left = (self.told - self.began) * (self.parts / max(done, 1e-3) - 1)
            if self.as_json:
                event = {"event": "progress", "doing": what, "share": done / self.parts, "seconds_left": left}
                sys.stderr.write(json.dumps(event) + "\n")
            else:
                line = f"  {printable(what)}: {done / self.parts:.0%} of all, about {span(left)} left"
                print(line, file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()
