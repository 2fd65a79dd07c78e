"""Takes folders of videos into a library: incremental by content, resumable, exact.

The path of a file:  scan -> (digest -> place) -> open -> plan -> claim -> watch in a child -> commit -> finish ->
read along. All library calls happen on the calling thread; the children decode and encode beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from importlib.util import find_spec

from sightline.errors import MissingExtra, NoWorkers, SightlineError
from sightline.indexing.pool import Pool
from sightline.indexing.report import Report
from sightline.indexing.wire import Message
from sightline.intake.comparing import Comparing
from sightline.intake.finishing import Finishing
from sightline.intake.reading import Reading
from sightline.intake.run import Job, Told, Wishes, generation_wished
from sightline.intake.watching import Watching
from sightline.store.library import Library

__all__ = ["Wishes", "generation_wished", "index_paths"]


def index_paths(
    library: Library, paths: Iterable[str], wishes: Wishes | None = None, tell: Told | None = None
) -> Report:
    """Brings the library up to date with what lies under `paths`; returns what was done, what was refused and why."""
    _check_extras(wishes or Wishes())
    run = Run(library, wishes or Wishes(), tell or (lambda event: None))
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
        run.add_up()
        run.report.seconds_taken = time.monotonic() - began
    return run.report


def _check_extras(wishes: Wishes) -> None:
    """A part that is asked for and not installed is one error before anything is done, not one line a video."""
    for asked, module, what, extra in (
        (wishes.listen, "faster_whisper", "recognising speech", "speech"),
        (wishes.screen, "rapidocr", "reading words on the screen", "ocr"),
    ):
        if asked and find_spec(module) is None:
            raise MissingExtra(what, extra)


class Run(Comparing, Watching, Reading, Finishing):
    """Keeps every child busy: the next job is a text to read, a piece to watch, or a file to digest."""

    def work(self, pool: Pool) -> None:
        """Keeps every child busy until nothing is left that this run may take."""
        flying: dict[Future[Message], Job] = {}
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

    def _next(self) -> Job | None:
        while self.indexed and not self.ready:
            content = self.indexed.pop()
            self.read_beside(content)
            self.read_along(content)
        if self.ready:
            return self.ready.popleft()
        if self.wanted and (unit := self.library.claim(self.generation, self.owner, contents=self.wanted)):
            return self.watch(unit)
        if self.files:
            return self.digest(*self.files.popleft())
        return None

    def _land(self, job: Job, future: Future[Message]) -> None:
        try:
            answer = future.result()
        except NoWorkers:
            raise
        except SightlineError as error:
            job.failed(error)
        else:
            job.done(answer)

    def _sign(self, path: str) -> Told:
        return lambda sign: self.tell({"event": "progress", "path": path, **sign})

    def _others_at_work(self) -> bool:
        """Whether another indexer holds pieces of contents we want; those it has finished are let go."""
        self.wanted &= self.library.living(self.wanted)
        for content in list(self.wanted):
            work = self.library.state(content, self.generation)
            if work and work.state == "pending":
                self.finish_if_done(content)
                continue
            self.wanted.discard(content)
            for name in self.names[content]:
                self.outcomes.setdefault(name, "known")
        if self.wanted and not self._others():
            self.wanted.clear()  # nobody is at them and none can be claimed: their names were taken off meanwhile
        if self.wanted:
            self.tell({"event": "waiting", "for": len(self.wanted)})
        return bool(self.wanted or self.ready)

    def _others(self) -> bool:
        """Whether somebody else who lives holds a claim; after a look at what could be claimed by now."""
        self.free_claims_of_the_dead()
        if unit := self.library.claim(self.generation, self.owner, contents=self.wanted):
            self.ready.append(self.watch(unit))
            return True
        return any(owner != self.owner for owner in self.library.owners())
