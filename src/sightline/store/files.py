"""Files: which path holds which content. A copy or a rename is one more path; nothing is encoded twice.

Departures: a path that is gone is only taken off the list; the rows stay until `compact`, so a file that comes back is
searched again at once.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

from sightline.store.ledger import path_bytes
from sightline.store.rows import FileStat, KnownFile
from sightline.store.shelf import Shelf


def _signed(inode: int) -> int:
    """File systems number up to 2^64, SQLite from -2^63 to 2^63."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def below(root: str) -> tuple[bytes, bytes, bytes]:
    """Values for `path = ? OR path >= ? AND path < ?`: the root itself and everything below it."""
    exact = path_bytes(root).rstrip(b"/") or b"/"
    folder = exact if exact == b"/" else exact + b"/"
    return exact, folder, folder[:-1] + b"0"  # "0" follows "/"


def take_off(db: sqlite3.Connection, names: list[bytes]) -> int:
    """Remove the paths from the list; how many had a content."""
    before = db.total_changes
    db.executemany("DELETE FROM paths WHERE path = ?", [(name,) for name in names])
    taken = db.total_changes - before
    db.executemany("DELETE FROM unreadable WHERE path = ?", [(name,) for name in names])
    return taken


class Files(Shelf):
    def known(self, root: str | None = None) -> dict[str, KnownFile]:
        """Every path with a content, or those at and below `root`."""
        where, values = ("", ()) if root is None else ("WHERE path = ? OR path >= ? AND path < ?", below(root))
        rows = self.ledger.all(
            "SELECT path, size, mtime_ns, inode, content, digest FROM paths JOIN contents ON contents.id = content "
            f"{where} ORDER BY path",
            *values,
        )
        return {
            os.fsdecode(row["path"]): KnownFile(
                row["size"], row["mtime_ns"], row["inode"] % (1 << 64), row["content"], row["digest"]
            )
            for row in rows
        }

    def place(self, path: str, stat: FileStat, digest: str) -> int:
        """This path holds the content with this digest; returns the content's id, new or known.

        A content that was forgotten is placed like any other, and stays out of sight.
        """
        name = path_bytes(path)
        with self.ledger.transaction("place", synced=False) as db:
            db.execute("INSERT OR IGNORE INTO contents (digest) VALUES (?)", (digest,))
            content = int(db.execute("SELECT id FROM contents WHERE digest = ?", (digest,)).fetchone()[0])
            db.execute(
                "INSERT OR REPLACE INTO paths (path, content, size, mtime_ns, inode) VALUES (?, ?, ?, ?, ?)",
                (name, content, stat.size, stat.mtime_ns, _signed(stat.inode)),
            )
            db.execute("DELETE FROM unreadable WHERE path = ?", (name,))
        return content

    def unreadable(self, path: str, reason: str, detail: str) -> None:
        """This path was seen but could not be read. It counts as failed; what was known of it stays as it is."""
        with self.ledger.transaction("unreadable") as db:
            db.execute(
                "INSERT INTO unreadable (path, reason, detail) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE "
                "SET reason = excluded.reason, detail = excluded.detail, attempts = attempts + 1",
                (path_bytes(path), reason, clean(detail)),
            )

    def lose(self, paths: Iterable[str]) -> int:
        """These paths are gone; returns how many were known."""
        with self.ledger.transaction("lose") as db:
            return take_off(db, [path_bytes(path) for path in paths])

    def roots(self) -> list[str]:
        """The folders that were given to index."""
        return [os.fsdecode(row["path"]) for row in self.ledger.all("SELECT path FROM roots ORDER BY path")]

    def add_root(self, path: str) -> None:
        with self.ledger.transaction("root") as db:
            db.execute("INSERT OR IGNORE INTO roots (path) VALUES (?)", (path_bytes(path),))


def clean(text: str) -> str:
    """Text that SQLite can hold: file names and subtitles may carry lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
