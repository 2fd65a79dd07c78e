"""Check: does the ledger agree with itself and with the columns? Repair: encode again what is broken, and nothing else.

Departures: a check only reads. Bytes past the committed end are no problem (the next writer cuts them); column files
that the ledger does not know are named as leftovers, and the next writer removes them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sightline.errors import LibraryDamaged
from sightline.store.commit import checksum, damaged_units, requeue
from sightline.store.rows import Problem
from sightline.store.schema import WORDS
from sightline.store.shelf import Shelf
from sightline.store.text import index_words


class Checks(Shelf):
    def check(self, deep: bool = False) -> list[Problem]:
        """What is wrong, if anything. `deep` reads every committed row and the whole text index."""
        with self.writing():
            return self._problems(deep)

    def repair(self) -> list[Problem]:
        """Mend what `check(deep=True)` finds, and return what that was.

        Damaged units wait to be encoded again, and their contents are not searched until indexing has done so.
        """
        with self.writing():
            found = self._problems(deep=True)
            kinds = {problem.kind for problem in found}
            for generation in self._generations():
                columns, end = self.columns_of(generation)
                columns.make_whole(end)
            with self.ledger.transaction("repair") as db:
                for generation in self._generations():
                    requeue(db, self._damaged(generation))
                for problem in found:
                    if problem.kind == "content":
                        _wait_for_finish(db, problem)
                if "words" in kinds:
                    _index_all_words(db)
            self.sweep()
            return found

    def _problems(self, deep: bool) -> list[Problem]:
        found = [*self._ledger_problems(deep), *self._content_problems(), *self._word_problems(deep)]
        for generation in self._generations():
            found += self._column_problems(generation, deep)
        return found + [Problem("leftover", f"{path.name} belongs to no generation") for path in self.garbage()]

    def _generations(self) -> list[int]:
        return [row["id"] for row in self.ledger.all("SELECT id FROM generations ORDER BY id")]

    def _ledger_problems(self, deep: bool) -> Iterator[Problem]:
        for row in self.ledger.all(f"PRAGMA {'integrity_check' if deep else 'quick_check'}"):
            if row[0] != "ok":
                yield Problem("ledger", str(row[0]), repairable=False)
        for row in self.ledger.all("PRAGMA foreign_key_check"):
            yield Problem("ledger", f"a row of {row[0]} belongs to a row of {row[2]} that is gone", repairable=False)

    def _done(self, generation: int) -> list[sqlite3.Row]:
        return self.ledger.all(
            "SELECT * FROM units WHERE generation = ? AND state = 'done' ORDER BY first_row, rows", generation
        )

    def _damaged(self, generation: int) -> list[sqlite3.Row]:
        return damaged_units(*self.columns_of(generation), self._done(generation))

    def _column_problems(self, generation: int, deep: bool) -> Iterator[Problem]:
        columns, end = self.columns_of(generation)
        rows, runs = columns.whole(end)
        if (rows, runs) != (end.first_row, end.first_run):
            yield Problem(
                "missing-bytes",
                f"generation {generation} has {rows} of {end.first_row} committed rows, {runs} of {end.first_run} runs",
                generation=generation,
            )
        last_row = last_run = 0
        for unit in self._done(generation):
            next_row, next_run = unit["first_row"] + unit["rows"], unit["first_run"] + unit["runs"]
            overlaps = unit["rows"] and (unit["first_row"] < last_row or unit["first_run"] < last_run)
            if overlaps or next_row > end.first_row or next_run > end.first_run:
                place = (unit["content"], generation, unit["number"])
                yield Problem("overlap", "its rows lie where another's do, or beyond the end", *place, repairable=False)
            last_row, last_run = max(last_row, next_row), max(last_run, next_run)
        for unit in self._damaged(generation) if deep else []:
            yield Problem("damaged", "its rows do not give its checksum", unit["content"], generation, unit["number"])

    def _content_problems(self) -> Iterator[Problem]:
        units: dict[tuple[int, int], list[sqlite3.Row]] = {}
        for unit in self.ledger.all("SELECT content, generation, number, state, rows, crc FROM units ORDER BY number"):
            units.setdefault((unit["content"], unit["generation"]), []).append(unit)
        for row in self.ledger.all("SELECT content, generation, frames, checksum FROM work WHERE state = 'indexed'"):
            of = units.get((row["content"], row["generation"]), [])
            frames = sum(unit["rows"] for unit in of)
            if any(unit["state"] != "done" for unit in of) or not of:
                yield Problem("content", "is searched though pieces are missing", row["content"], row["generation"])
            elif (frames, checksum(of)) != (row["frames"], row["checksum"]):
                yield Problem(
                    "content",
                    f"has {frames} frames where {row['frames']} were counted, or another checksum",
                    row["content"],
                    row["generation"],
                )

    def _word_problems(self, deep: bool) -> Iterator[Problem]:
        for question, complaint in (
            ("lines WHERE id NOT IN (SELECT rowid FROM words)", "lines cannot be found by their words"),
            ("words WHERE rowid NOT IN (SELECT id FROM lines)", "entries of the text index have lost their line"),
        ):
            row = self.ledger.one(f"SELECT count(*) FROM {question}")
            if row and row[0]:
                yield Problem("words", f"{row[0]} {complaint}")
        if deep:
            try:
                with self.ledger.transaction("check words") as db:
                    db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            except LibraryDamaged as error:
                yield Problem("words", f"the text index is damaged: {error.__cause__}")


def _wait_for_finish(db: sqlite3.Connection, problem: Problem) -> None:
    db.execute(
        "UPDATE work SET state = 'pending', reason = 'damaged', frames = 0, checksum = NULL "
        "WHERE content = ? AND generation = ?",
        (problem.content, problem.generation),
    )


def _index_all_words(db: sqlite3.Connection) -> None:
    db.execute("DROP TABLE words")
    db.execute(WORDS)
    for row in db.execute("SELECT id, text FROM lines").fetchall():
        index_words(db, row["id"], row["text"])
