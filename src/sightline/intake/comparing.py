"""Comparing: which files are unchanged, new, changed, renamed, gone; and what then happens to each.

A folder that cannot be reached, or an empty one where files were known, deletes nothing.
"""

from __future__ import annotations

import os
import time
from typing import Any

from sightline.indexing import scan as scanning
from sightline.intake.run import RunState
from sightline.store.rows import FileStat, KnownFile, Work

TRANSIENT = {"vanished", "changed", "timeout", "memory"}  # worth another try on a later run
TRIES = 3


class Comparing(RunState):
    def compare(self, roots: list[str]) -> None:
        """Holds what lies under `roots` against what the library knows, and queues what is to be done."""
        self.scanned = scanning.scan(roots, stills=self.wishes.stills)
        for root in filter(os.path.isdir, roots):
            self.library.add_root(root)
        known = self.library.known()
        self.states, self.tracks = self.library.states(self.generation), self.library.tracks_of_all()
        if self.generation.state == "building":
            self._add_the_rest(known)
        self._respect_forgotten(roots)
        self.named, self.forgotten = set(roots), self.library.forgotten_digests()
        self._distrust_empty_roots(roots, known)
        self.report.found = len(self.scanned.found)
        self.report.unreachable = dict(self.scanned.unreachable)
        self.report.passed_over = dict(self.scanned.passed_over)
        newest = time.time_ns() - int(self.wishes.settled * 1e9) if self.wishes.settled else None
        by_stat = {(k.inode, k.size, k.mtime_ns): k for k in known.values()}
        for path, seen in self.scanned.found.items():
            if newest is not None and seen.mtime_ns > newest:
                self.report.notes.append(f"{path} is still being written")
            else:
                self._sort_in(path, seen, known.get(path), by_stat)
        self._lose(roots, known)
        self.tell({"event": "compared", "found": self.report.found, "to_read": len(self.files)})

    def _sort_in(self, path: str, seen: scanning.Seen, old: KnownFile | None, by_stat: dict[Any, KnownFile]) -> None:
        """Unchanged, renamed without being read, or to be read."""
        if old and (old.size, old.mtime_ns, old.inode) == (seen.size, seen.mtime_ns, seen.inode):
            self.enter(old.content, path, unchanged=True)
        elif not old and (twin := by_stat.get((seen.inode, seen.size, seen.mtime_ns))):
            self.enter(self.library.place(path, stat_of(seen), twin.digest), path)
        else:
            self.files.append((path, seen))

    def _lose(self, roots: list[str], known: dict[str, KnownFile]) -> None:
        """Takes the names that are gone off the list."""
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
        """What was forgotten is passed over, whatever its name is now, unless it or its folder is named outright."""
        self.library.remember(self.library.staying_out(roots))
        for path in self.library.staying_out(self.scanned.found):
            del self.scanned.found[path]
            self.scanned.passed_over["forgotten"] += 1

    def _add_the_rest(self, known: dict[str, KnownFile]) -> None:
        """A rebuild covers the whole library, not only the folders named."""
        for path, file in known.items():
            if path not in self.scanned.found and os.path.exists(path):
                self.scanned.found[path] = scanning.Seen(file.size, file.mtime_ns, file.inode)

    def enter(self, content: int, path: str, *, unchanged: bool = False) -> None:
        self.path_of.setdefault(content, path)
        self.names.setdefault(content, []).append(path)
        work = self.states.get(content) if unchanged else self.library.state(content, self.generation)
        if work and work.state == "indexed":
            self.outcomes[path] = "unchanged" if unchanged else "known"
            self.indexed.add(content)
        elif work and work.state == "failed" and (content in self.entered or not self._try_again(work)):
            self.refused(path, work.reason, work.detail)
        elif content not in self.entered:
            self.entered.add(content)
            self.open(content, path)

    def _try_again(self, work: Work) -> bool:
        return self.wishes.retry or (work.reason in TRANSIENT and work.attempts < TRIES)


def stat_of(seen: scanning.Seen) -> FileStat:
    return FileStat(seen.size, seen.mtime_ns, seen.inode)


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
