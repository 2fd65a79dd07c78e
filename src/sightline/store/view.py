"""A view: the library as it was at one moment, to search in and read from.

It holds a read transaction on the ledger and maps of the committed columns, so it stays whole while others write,
compact or swap generations. The ledger's log cannot shrink past an open view: keep one for an answer or a session.

Shapes: vectors [R, E] float32, seconds [R] float64; rows that no visible content holds are dead and never returned.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np

from sightline.errors import BadQuery, LibraryDamaged
from sightline.language.terms import fts_query, query_terms
from sightline.records import Line, Shot
from sightline.store.columns import REPAIR, Block, Columns
from sightline.store.generations import as_generation
from sightline.store.ledger import told_plainly
from sightline.store.nearest import Rows
from sightline.store.rows import Generation, LineHit, Video
from sightline.store.shelf import Shelf
from sightline.store.text import as_line

_UNITS = """
    SELECT first_row, rows, first_run, runs, units.content, number FROM units
    JOIN visible ON visible.content = units.content
    WHERE units.generation = ? AND rows > 0 ORDER BY first_row
"""
_LINES = """
    SELECT lines.* FROM lines JOIN visible ON visible.content = lines.content LEFT JOIN units ON units.id = lines.unit
    WHERE lines.content = :content AND (:source IS NULL OR lines.source = :source)
      AND (lines.unit IS NULL OR units.generation = visible.generation)
    ORDER BY lines.start, lines.end, lines.id
"""
_SHOTS = """
    SELECT shots.start, shots.end, shots.second, coalesce(shots.jpeg, (
        SELECT thumbnails.jpeg FROM units JOIN thumbnails ON thumbnails.unit = units.id
        WHERE units.content = shots.content AND units.generation = shots.generation
          AND thumbnails.second = shots.second LIMIT 1), x'') AS jpeg
    FROM shots JOIN visible USING (content, generation) WHERE content = ? ORDER BY number
"""
_HITS = """
    SELECT lines.*, words.terms, -bm25(words) AS bm25 FROM words
    JOIN lines ON lines.id = words.rowid LEFT JOIN units ON units.id = lines.unit
    WHERE words MATCH :match AND lines.content IN (SELECT content FROM searched)
      AND (:contents IS NULL OR lines.content IN (SELECT value FROM json_each(:contents)))
      AND (:source IS NULL OR lines.source = :source)
      AND (lines.unit IS NULL OR units.generation = :generation)
    ORDER BY bm25 DESC, lines.id LIMIT :k
"""


def open_view(library: Shelf) -> View:
    """A snapshot of the ledger with the columns it speaks of."""
    missing = None
    for _ in range(3):  # a compaction may unlink the files between the snapshot and the mapping
        db = library.ledger.snapshot()
        try:
            return _map(db, library.folder)
        except FileNotFoundError as error:
            missing = error.filename
            db.close()
        except BaseException:
            db.close()
            raise
    raise LibraryDamaged(f"{missing} is gone; {REPAIR}")


def _map(db: sqlite3.Connection, folder: Path) -> View:
    row = db.execute("SELECT * FROM generations WHERE state = 'current'").fetchone()
    if row is None:
        block = Columns(folder, 0, 0, 0).map(0, 0)
        return View(db, folder, None, Rows(block, np.empty((0, 6), np.int64)))
    block = Columns(folder, row["id"], row["epoch"], row["width"]).map(row["end_row"], row["end_run"])
    cursor = db.cursor()
    cursor.row_factory = None
    units = np.array(cursor.execute(_UNITS, (row["id"],)).fetchall(), np.int64).reshape(-1, 6)
    return View(db, folder, as_generation(row), Rows(block, units))


class View:
    def __init__(self, db: sqlite3.Connection, folder: Path, generation: Generation | None, rows: Rows) -> None:
        self.folder = folder
        self.generation = generation
        self._db, self._rows = db, rows
        self._reading = threading.Lock()  # one connection, many threads

    @property
    def rows(self) -> int:
        """How many rows the columns have, dead ones included: the length of a mask."""
        return len(self._block.seconds)

    @property
    def living_rows(self) -> int:
        return int(self._rows.count.sum())

    @property
    def _block(self) -> Block:
        return self._rows.block

    @property
    def vectors(self) -> np.ndarray:
        return self._block.vectors

    @property
    def seconds(self) -> np.ndarray:
        return self._block.seconds

    @cached_property
    def videos(self) -> dict[int, Video]:
        """Every content that can be searched, by id."""
        paths: dict[int, list[str]] = {}
        for row in self._all("SELECT path, content FROM living ORDER BY path"):
            paths.setdefault(row["content"], []).append(os.fsdecode(row["path"]))
        return {
            row["content"]: Video(
                id=row["content"],
                path=paths[row["content"]][0],
                paths=tuple(paths[row["content"]]),
                duration=row["duration"],
                frames=row["frames"],
                first=row["first"],
                last=row["last"],
                facts_json=row["facts"],
            )
            for row in self._all("SELECT * FROM visible ORDER BY content")
        }

    # --- pictures --------------------------------------------------------------------------------

    def content_of(self, rows: np.ndarray) -> np.ndarray:
        """The content of each row; -1 for dead rows."""
        return self._rows.content_of(rows)

    def rows_of(self, content: int) -> np.ndarray:
        """The rows of a content in the order of time."""
        return self._rows.rows_of(content)

    def nearest(
        self,
        vector: np.ndarray,
        k: int,
        *,
        contents: Collection[int] | None = None,
        rows: np.ndarray | None = None,
        exact: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k rows whose product with `vector` is greatest, and the products; equal ones in the order of rows."""
        return self._rows.nearest(vector, k, contents, rows, exact)

    # --- words -----------------------------------------------------------------------------------

    def text(
        self, query: str, k: int, *, contents: Collection[int] | None = None, source: str | None = None
    ) -> list[LineHit]:
        """The k lines that answer the words of the query best."""
        _known_source(source)
        self._gather_searched()
        hits = self._all(
            _HITS,
            {
                "match": fts_query(query),
                "k": max(k, 0),
                "source": source,
                "generation": self.generation.id if self.generation else 0,
                "contents": None if contents is None else json.dumps([int(content) for content in contents]),
            },
        )
        wanted = set(query_terms(query))
        return [
            LineHit(hit["content"], as_line(hit), hit["bm25"], len(wanted & set(hit["terms"].split())) / len(wanted))
            for hit in hits
        ]

    def lines(self, content: int, source: str | None = None) -> list[Line]:
        """The lines of a content in the order of time."""
        _known_source(source)
        return [as_line(row) for row in self._all(_LINES, {"content": content, "source": source})]

    def shots(self, content: int) -> list[Shot]:
        return [Shot(row["start"], row["end"], row["jpeg"], row["second"]) for row in self._all(_SHOTS, (content,))]

    def _gather_searched(self) -> None:
        """The contents a text search may return, once per view: asking per hit would cost more than the search."""
        self._all("CREATE TEMP TABLE IF NOT EXISTS searched (content INTEGER PRIMARY KEY)")
        if not self._all("SELECT 1 FROM searched LIMIT 1"):
            self._all("INSERT INTO searched SELECT content FROM visible")

    # --- the connection --------------------------------------------------------------------------

    def _all(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> list[sqlite3.Row]:
        with self._reading, told_plainly(self.folder):
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Let go of the snapshot; the arrays stay readable."""
        with self._reading:
            self._db.close()

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _known_source(source: str | None) -> None:
    if source not in (None, "speech", "screen"):
        raise BadQuery(f"lines come from 'speech' or 'screen', not {source!r}")
