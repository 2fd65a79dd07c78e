"""Forgetting: what its owner wants to be searched no more stays out, under any name, until it is remembered.

A file is known by its content, so a forgotten one that is renamed or copied stays forgotten. A forgotten folder keeps
out what is yet to come into it; of several such folders the nearest one above a path decides.

Departures: a content is forgotten with the last of its living names, so a copy that nobody forgot is still found.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable

from sightline.store.files import Files, below, take_off
from sightline.store.ledger import path_bytes

_INSIDE = "(path = ? OR path >= ? AND path < ?)"


class Forgetting(Files):
    def forget(self, paths: Iterable[str]) -> int:
        """Search these files no more, and let indexing pass them by; returns how many were known."""
        with self.ledger.transaction("forget") as db:
            return _forget(db, [path_bytes(path) for path in paths])

    def forget_folder(self, folder: str) -> int:
        """Forget every file below, and those that will ever appear there; returns how many were known."""
        _, low, high = below(folder)
        with self.ledger.transaction("forget folder") as db:
            db.execute("DELETE FROM forgotten_folders WHERE path >= ? AND path < ?", (low, high))
            db.execute("INSERT INTO forgotten_folders (path, stays_out) VALUES (?, 1)", (low,))
            names = [
                row["path"] for row in db.execute("SELECT path FROM paths WHERE path >= ? AND path < ?", (low, high))
            ]
            db.execute("DELETE FROM unreadable WHERE path >= ? AND path < ?", (low, high))
            return _forget(db, names)

    def remember(self, paths: Iterable[str]) -> None:
        """Undo forgetting of these files or folders and all below, as paths and as contents.

        The next indexing takes them in again, without encoding what is still stored.
        """
        with self.ledger.transaction("remember") as db:
            for path in paths:
                _remember(db, *below(path))

    def forgotten(self) -> set[str]:
        """The files that were forgotten, by the names they had."""
        return {os.fsdecode(row["path"]) for row in self.ledger.all("SELECT path FROM forgotten")}

    def forgotten_folders(self) -> set[str]:
        rows = self.ledger.all("SELECT path FROM forgotten_folders WHERE stays_out")
        return {os.fsdecode(row["path"]).rstrip("/") or "/" for row in rows}

    def forgotten_digests(self) -> set[str]:
        """The contents that stay out under any name."""
        return {row["digest"] for row in self.ledger.all("SELECT digest FROM forgotten_contents")}

    def staying_out(self, paths: Iterable[str]) -> set[str]:
        """Which of these files and folders indexing is to pass by: forgotten themselves, by content or by folder."""
        renamed = self.ledger.all(
            "SELECT path FROM paths JOIN contents ON contents.id = content JOIN forgotten_contents USING (digest)"
        )
        files = self.forgotten() | {os.fsdecode(row["path"]) for row in renamed}
        folders = _folders(self.ledger.db)
        return {path for path in paths if path in files or _stays_out(path_bytes(path), folders)}

    def living(self, contents: Iterable[int]) -> set[int]:
        """Which of these contents are still wanted: one may be forgotten while another process encodes it."""
        names = json.dumps(list(contents))
        rows = self.ledger.all("SELECT content FROM living WHERE content IN (SELECT value FROM json_each(?))", names)
        return {row["content"] for row in rows}


def _forget(db: sqlite3.Connection, names: list[bytes]) -> int:
    db.executemany(
        "INSERT INTO forgotten (path, digest) VALUES "
        "(?1, (SELECT digest FROM paths JOIN contents ON contents.id = content WHERE path = ?1)) "
        "ON CONFLICT (path) DO UPDATE SET digest = coalesce(excluded.digest, digest)",
        [(name,) for name in names],
    )
    taken = take_off(db, names)
    db.executemany(
        "INSERT OR IGNORE INTO forgotten_contents SELECT digest FROM forgotten WHERE path = ? AND digest IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM contents JOIN living ON content = id WHERE contents.digest = forgotten.digest)",
        [(name,) for name in names],
    )
    return taken


def _remember(db: sqlite3.Connection, exact: bytes, low: bytes, high: bytes) -> None:
    inside = (exact, low, high)
    db.execute(
        f"DELETE FROM forgotten_contents WHERE digest IN (SELECT digest FROM forgotten WHERE {_INSIDE} UNION "
        f"SELECT digest FROM paths JOIN contents ON contents.id = content WHERE {_INSIDE})",
        inside * 2,
    )
    db.execute(f"DELETE FROM forgotten WHERE {_INSIDE}", inside)
    db.execute("DELETE FROM forgotten_folders WHERE path >= ? AND path < ?", (low, high))
    if _stays_out(exact, _folders(db)):
        db.execute("INSERT INTO forgotten_folders (path, stays_out) VALUES (?, 0)", (low,))


def _folders(db: sqlite3.Connection) -> dict[bytes, bool]:
    return {row["path"]: bool(row["stays_out"]) for row in db.execute("SELECT * FROM forgotten_folders")}


def _stays_out(name: bytes, folders: dict[bytes, bool]) -> bool:
    """What the nearest folder above says; the view `living` asks the same of the ledger."""
    above = [folder for folder in folders if (name + b"/").startswith(folder)]
    return bool(above) and folders[max(above, key=len)]
