"""Commit and finish: the two moments at which something becomes true.

A unit's rows are appended and synced before the ledger learns of them; a content is searched only once every unit of it
is there and has been read back. A process may be killed anywhere in between, and no row is ever half known.

Shapes: seconds [n], vectors [n, E].
"""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sightline.errors import LibraryDamaged, LibraryError
from sightline.records import Shot
from sightline.store.columns import Columns, Span, cut
from sightline.store.rows import RefusedRows, Unit, UnitDone, Which, id_of
from sightline.store.runs import block_of
from sightline.store.shelf import Shelf
from sightline.store.text import insert_lines

LENGTH_SLACK = 5e-3  # a vector normalised in half precision is off by less


class Commits(Shelf):
    def commit(self, unit: Unit, done: UnitDone, owner: str) -> bool:
        """Store what was seen of a unit. False: nothing was changed, for it is committed already or wanted no more."""
        with self.writing():
            row = self.ledger.one(
                f"SELECT width FROM units JOIN generations ON generations.id = generation WHERE {_WANTED}",
                *_place(unit),
            )
            if row is None:
                return False
            seconds, vectors = _sound(done, row["width"])
            columns, end = self.columns_of(unit.generation)
            block = block_of(seconds, vectors)
            columns.append(end, block)
            span = Span(end.first_row, len(seconds), end.first_run, len(block.runs))
            with self.ledger.transaction("unit") as db:
                return _record(db, unit, done, span, block.crc())

    def finish(self, content: int, generation: Which, shots: Sequence[Shot]) -> None:
        """Make a content visible: every unit committed, read back, and its count and checksum in the ledger."""
        number = id_of(generation)
        with self.writing():
            state = self.ledger.one("SELECT state FROM work WHERE content = ? AND generation = ?", content, number)
            if state is None:
                raise LibraryError(f"content {content} was never planned in generation {number}; plan it first")
            if state["state"] == "indexed":
                return
            units = self.ledger.all(
                "SELECT * FROM units WHERE content = ? AND generation = ? ORDER BY number", content, number
            )
            if not units or any(unit["state"] != "done" for unit in units):
                done = sum(unit["state"] == "done" for unit in units)
                raise LibraryError(
                    f"content {content} has {done} of {len(units)} pieces; it is finished when all are in"
                )
            columns, end = self.columns_of(number)
            bad = damaged_units(columns, end, units)
            with self.ledger.transaction("finish") as db:
                if bad:
                    requeue(db, bad)
                else:
                    _make_visible(db, content, number, units, shots)
        if bad:
            raise LibraryDamaged(
                f"{len(bad)} of {len(units)} pieces of content {content} do not read back as they were written; they "
                "wait to be encoded again. If this repeats, check the disk"
            )


def _sound(done: UnitDone, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The arrays, if they are what a library can hold. A row of zeros is: it shows nothing and matches nothing."""
    seconds, vectors = np.asarray(done.seconds), np.asarray(done.vectors)
    if vectors.ndim != 2 or vectors.shape[1] != width:
        raise RefusedRows(f"this generation holds vectors [n, {width}], got shape {vectors.shape}")
    if seconds.shape != vectors.shape[:1]:
        raise RefusedRows(f"{seconds.shape} seconds for {vectors.shape[0]} vectors")
    if not np.isfinite(seconds).all() or (np.diff(seconds) < 0).any():
        raise RefusedRows("seconds must be finite and ascending")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not np.isfinite(lengths).all():
        raise RefusedRows("vectors hold numbers that are not finite; the encoder or its weights are broken")
    if width and (off := (lengths > 0) & (np.abs(lengths - 1) > LENGTH_SLACK)).any():
        raise RefusedRows(f"vectors must have length 1; {int(off.sum())} have not, such as {lengths[off][0]:.4f}")
    return seconds, vectors


# The unit as it was claimed: one that was planned anew meanwhile, with other ends, is another unit.
_WANTED = "content = ? AND generation = ? AND number = ? AND start = ? AND end = ? AND units.state != 'done'"


def _place(unit: Unit) -> tuple[int | float, ...]:
    return unit.content, unit.generation, unit.number, unit.start, unit.end


def _record(db: sqlite3.Connection, unit: Unit, done: UnitDone, span: Span, crc: int) -> bool:
    row = db.execute(f"SELECT id FROM units WHERE {_WANTED}", _place(unit)).fetchone()
    if row is None:
        return False
    db.execute(
        "UPDATE units SET state = 'done', owner = '', first_row = ?, rows = ?, first_run = ?, runs = ?, crc = ?, "
        "seen = ?, similar = ?, decoded = ?, corrupt = ?, first = ?, last = ?, cuts = ?, edge_first = ?, edge_last = ? "
        "WHERE id = ?",
        (
            *(span.first_row, span.rows, span.first_run, span.runs, crc),
            *(done.seen, done.similar, done.decoded, done.corrupt, done.first, done.last),
            *(np.asarray(done.cuts, "<f8").tobytes(), *done.edges, row["id"]),
        ),
    )
    db.execute(
        "UPDATE generations SET end_row = end_row + ?, end_run = end_run + ? WHERE id = ?",
        (span.rows, span.runs, unit.generation),
    )
    db.executemany(
        "INSERT INTO thumbnails (unit, second, jpeg) VALUES (?, ?, ?)",
        [(row["id"], float(second), jpeg) for second, jpeg in done.thumbnails],
    )
    insert_lines(db, unit.content, row["id"], done.lines)
    return True


def damaged_units(columns: Columns, end: Span, units: Iterable[sqlite3.Row]) -> list[sqlite3.Row]:
    """Those units whose bytes are missing or do not give the checksum they were committed with."""
    rows, runs = columns.whole(end)
    block = columns.map(rows, runs)
    bad = []
    for unit in units:
        span = Span(unit["first_row"], unit["rows"], unit["first_run"], unit["runs"])
        beyond = span.first_row + span.rows > rows or span.first_run + span.runs > runs
        if beyond or cut(block, span).crc() != unit["crc"]:
            bad.append(unit)
    return bad


def checksum(units: Iterable[sqlite3.Row]) -> int:
    """One number for a whole content: over its units' numbers, counts and checksums, in order."""
    told = ";".join(f"{unit['number']}:{unit['rows']}:{unit['crc']}" for unit in units)
    return zlib.crc32(told.encode("ascii"))


def requeue(db: sqlite3.Connection, units: Iterable[sqlite3.Row]) -> None:
    """These units are to be encoded again; their contents are not searched until they are."""
    for unit in units:
        owner = (unit["content"], unit["generation"])
        db.execute("DELETE FROM lines WHERE unit = ?", (unit["id"],))
        db.execute("DELETE FROM thumbnails WHERE unit = ?", (unit["id"],))
        db.execute(
            "UPDATE units SET state = 'pending', owner = '', attempts = 0, first_row = 0, rows = 0, first_run = 0, "
            "runs = 0, crc = 0 WHERE id = ?",
            (unit["id"],),
        )
        db.execute("DELETE FROM shots WHERE content = ? AND generation = ?", owner)
        db.execute(
            "UPDATE work SET state = 'pending', reason = 'damaged', frames = 0, checksum = NULL "
            "WHERE content = ? AND generation = ?",
            owner,
        )


def _make_visible(
    db: sqlite3.Connection, content: int, generation: int, units: Sequence[sqlite3.Row], shots: Sequence[Shot]
) -> None:
    watched = [unit for unit in units if unit["decoded"] or unit["rows"]] or list(units)
    first, last = min(unit["first"] for unit in watched), max(unit["last"] for unit in watched)
    owner = (content, generation)
    facts = json.loads(db.execute("SELECT facts FROM work WHERE content = ? AND generation = ?", owner).fetchone()[0])
    duration = max(_stated_length(facts), last - first)
    db.execute(
        "UPDATE work SET state = 'indexed', reason = '', detail = '', frames = ?, checksum = ?, first = ?, last = ?, "
        "duration = ? WHERE content = ? AND generation = ?",
        (sum(unit["rows"] for unit in units), checksum(units), first, last, duration, *owner),
    )
    db.execute("DELETE FROM shots WHERE content = ? AND generation = ?", owner)
    db.executemany(
        "INSERT INTO shots (content, generation, number, start, end, second, jpeg) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (content, generation, i, shot.start, shot.end, shot.thumbnail_second, _own_picture(db, units, shot))
            for i, shot in enumerate(shots)
        ],
    )


def _stated_length(facts: dict[str, Any]) -> float:
    """The length that the file states, where it is a number at all."""
    stated = facts.get("duration")
    return float(stated) if isinstance(stated, int | float) and math.isfinite(stated) else 0.0


def _own_picture(db: sqlite3.Connection, units: Sequence[sqlite3.Row], shot: Shot) -> bytes | None:
    """The shot's picture, or None where a unit keeps the very same one."""
    for unit in units:
        row = db.execute(
            "SELECT jpeg FROM thumbnails WHERE unit = ? AND second = ?", (unit["id"], shot.thumbnail_second)
        ).fetchone()
        if row is not None and row["jpeg"] == shot.thumbnail:
            return None
    return shot.thumbnail
