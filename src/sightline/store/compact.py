"""Compaction: drop the contents without a living path, and close the gaps they leave in the columns.

The units that stay are copied to new files; one transaction then moves the ledger to them and drops the dead; only then
are the old files unlinked, and maps that are open keep theirs. A path that is lost or forgotten meanwhile stays so, for
the transaction touches no path. A content that came back to life meanwhile makes it start over.

Departures: nothing of what was dropped is left in the bytes of the files. SQLite only marks it as deleted, so the index
of words is merged, the ledger rewritten, and its log emptied.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from sightline.errors import LibraryBusy
from sightline.store.columns import Block, Columns, Span, cut
from sightline.store.commit import damaged_units, requeue
from sightline.store.failpoints import step
from sightline.store.rows import Compacted
from sightline.store.shelf import Shelf

TRIES = 3


@dataclass(frozen=True)
class _Moved:
    """A generation copied into its next epoch: where each unit lies there."""

    generation: int
    epoch: int
    end: Span
    spans: dict[int, Span]  # unit id -> place
    damaged: list[sqlite3.Row]


class Compaction(Shelf):
    def compact(self) -> Compacted:
        """Give back the space of what is gone; what was dropped."""
        with self.writing():
            before = self.bytes_on_disk()
            self.sweep()
            for _ in range(TRIES):
                if done := self._compact_once():
                    break
            else:
                raise LibraryBusy(f"files kept coming back to {self.folder} while it was compacted; try again later")
            self.sweep()
            with self.ledger.transaction("purge words") as db:  # the index only notes deletions, until it is merged
                db.execute("INSERT INTO words (words) VALUES ('optimize')")
            self.ledger.rewrite()
            return Compacted(*done, bytes=max(before - self.bytes_on_disk(), 0))

    def bytes_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())

    def _compact_once(self) -> tuple[int, int, int] | None:
        """Contents, rows and lines dropped; None when a content to drop came back before it was."""
        dead = [
            row[0] for row in self.ledger.all("SELECT id FROM contents WHERE id NOT IN (SELECT content FROM living)")
        ]
        generations = self.ledger.all("SELECT id, end_row FROM generations")
        moved = [move for row in generations if (move := self._copy(row["id"], dead))]
        step("copied")
        ends = {row["id"]: row["end_row"] for row in generations}
        rows = sum(ends[move.generation] - move.end.first_row for move in moved)
        with self.ledger.transaction("compact") as db:
            names = json.dumps(dead)
            back = "SELECT 1 FROM living WHERE content IN (SELECT value FROM json_each(?)) LIMIT 1"
            if db.execute(back, (names,)).fetchone():
                return None
            lines = _count_lines(db)
            db.execute("DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))", (names,))
            for move in moved:
                _point_to(db, move)
            return len(dead), rows, lines - _count_lines(db)

    def _copy(self, generation: int, dead: list[int]) -> _Moved | None:
        """Write what stays of a generation into new files, in the order of contents; None where nothing would go."""
        columns, end = self.columns_of(generation)
        units = self.ledger.all(
            "SELECT * FROM units WHERE generation = ? AND state = 'done' AND content NOT IN "
            "(SELECT value FROM json_each(?)) ORDER BY content, number",
            *(generation, json.dumps(dead)),
        )
        if sum(unit["rows"] for unit in units) == end.first_row:
            return None
        damaged = damaged_units(columns, end, units)
        old = columns.map(*columns.whole(end))
        new = Columns(self.folder, generation, columns.epoch + 1, columns.width)
        bad = {unit["id"] for unit in damaged}
        spans: dict[int, Span] = {}
        with new.writer() as write:
            at = Span(0, 0, 0, 0)
            for unit in units:
                if unit["id"] not in bad:
                    block = cut(old, Span(unit["first_row"], unit["rows"], unit["first_run"], unit["runs"]))
                    write(block)
                    spans[unit["id"]] = at = _after(at, block)
        end_row, end_run = at.first_row + at.rows, at.first_run + at.runs
        return _Moved(generation, new.epoch, Span(end_row, 0, end_run, 0), spans, damaged)


def _after(last: Span, block: Block) -> Span:
    return Span(last.first_row + last.rows, len(block.seconds), last.first_run + last.runs, len(block.runs))


def _point_to(db: sqlite3.Connection, move: _Moved) -> None:
    db.execute(
        "UPDATE generations SET epoch = ?, end_row = ?, end_run = ? WHERE id = ?",
        (move.epoch, move.end.first_row, move.end.first_run, move.generation),
    )
    db.executemany(
        "UPDATE units SET first_row = ?, first_run = ? WHERE id = ?",
        [(span.first_row, span.first_run, unit) for unit, span in move.spans.items()],
    )
    requeue(db, move.damaged)


def _count_lines(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM lines").fetchone()[0])
