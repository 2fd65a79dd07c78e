"""Text: lines with their times, and the index of their words.

Lines come by two ways: with a unit (they go when the unit is encoded again), or as a track of the content (a subtitle
file, a recogniser's hearing), which outlives generations and is replaced as a whole.

Departures: what is indexed is not the text but its terms (`language/terms.py`), so any language is found by its words.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from sightline.language.terms import terms
from sightline.records import Line
from sightline.store.files import clean
from sightline.store.shelf import Shelf


class Text(Shelf):
    def tracks_of_all(self) -> dict[int, dict[str, str]]:
        """content -> track -> key, in one look; contents without text are left out."""
        every: dict[int, dict[str, str]] = {}
        for row in self.ledger.all("SELECT content, track, key FROM tracks ORDER BY content, track"):
            every.setdefault(row["content"], {})[row["track"]] = row["key"]
        return every

    def tracks(self, content: int) -> dict[str, str]:
        """Track -> key, the mark its maker gave it (so that an unchanged subtitle file is not read again)."""
        rows = self.ledger.all("SELECT track, key FROM tracks WHERE content = ? ORDER BY track", content)
        return {row["track"]: row["key"] for row in rows}

    def set_lines(self, content: int, track: str, key: str, lines: Iterable[Line]) -> None:
        """Replace a track as a whole."""
        lines = [replace(line, track=track) for line in lines]
        with self.ledger.transaction("track") as db:
            _remove_track(db, content, track)
            db.execute("INSERT INTO tracks (content, track, key) VALUES (?, ?, ?)", (content, clean(track), clean(key)))
            insert_lines(db, content, None, lines)

    def drop_track(self, content: int, track: str) -> None:
        with self.ledger.transaction("drop track") as db:
            _remove_track(db, content, track)


def _remove_track(db: sqlite3.Connection, content: int, track: str) -> None:
    db.execute("DELETE FROM lines WHERE content = ? AND track = ? AND unit IS NULL", (content, clean(track)))
    db.execute("DELETE FROM tracks WHERE content = ? AND track = ?", (content, clean(track)))


def insert_lines(db: sqlite3.Connection, content: int, unit: int | None, lines: Iterable[Line]) -> None:
    """Lines and their words, in the caller's transaction."""
    for line in lines:
        text = clean(line.text)
        box = json.dumps(line.box) if line.box else None
        cursor = db.execute(
            "INSERT INTO lines (content, unit, track, source, language, start, end, text, score, box) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                content,
                unit,
                clean(line.track),
                line.source,
                clean(line.language),
                line.start,
                line.end,
                text,
                line.score,
                box,
            ),
        )
        index_words(db, cursor.lastrowid, text)


def index_words(db: sqlite3.Connection, line: int | None, text: str) -> None:
    db.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)", (line, " ".join(terms(text))))


def as_line(row: sqlite3.Row) -> Line:
    box = tuple(json.loads(row["box"])) if row["box"] else None
    return Line(row["start"], row["end"], row["text"], row["source"], row["track"], row["language"], row["score"], box)
