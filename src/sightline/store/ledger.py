"""The ledger: one SQLite file in which everything becomes true at once.

Departures: every thread and every process has a connection of its own (SQLite's locks do not survive a fork);
a write begins with BEGIN IMMEDIATE, so that it waits its turn at the start and never fails in the middle;
synchronous=FULL, because what was acknowledged must outlive a power cut. Steps on the way, which nobody is told of, are
not synced one by one: the log is written in order, so the next commit that is synced takes them along.

From: sqlite.org/wal.html (read-only databases), sqlite.org/uri.html (immutable).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sightline.errors import LibraryBusy, LibraryDamaged, LibraryError
from sightline.store.failpoints import step
from sightline.store.writer_lock import WAIT

NAME = "ledger.sqlite"
_OF_A_PARENT: list[sqlite3.Connection] = []  # never used, never closed: closing would drop the parent's locks


def path_bytes(path: str | os.PathLike[str]) -> bytes:
    return os.fsencode(path)


def address(path: Path) -> str:
    """The ledger as a URI. Where its folder cannot be written, SQLite must be told so: it would make a log there.

    Without a log the file is all there is, and is read as it lies there. With one, the log's index must lie there too.
    """
    uri = "file:" + quote(path_bytes(path))
    if os.access(path.parent, os.W_OK):
        return uri
    log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    if index.exists() or (log.exists() and log.stat().st_size):
        return f"{uri}?mode=ro"
    return f"{uri}?mode=ro&immutable=1"


def connect(path: Path, **options: bool) -> sqlite3.Connection:
    db = sqlite3.connect(address(path), uri=True, timeout=WAIT, isolation_level=None, **options)
    db.row_factory = sqlite3.Row
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"):
        db.execute(f"PRAGMA {pragma}")
    return db


def as_library_error(error: sqlite3.Error, path: Path) -> LibraryError:
    """What SQLite says, in words that tell what to do."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryBusy(f"another process has held {path} for {WAIT:.0f} s; wait until it is done and try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryDamaged(f"{path} is damaged ({error}); restore it from a copy, or index again into a new library")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return LibraryError(
            f"could not write {path} ({error}); free some space and run the same command again: nothing is lost"
        )
    if code == sqlite3.SQLITE_READONLY:
        return LibraryError(
            f"{path} lies where nothing can be written ({error}); it can be searched as it is. To change it, give "
            "write access to its folder, or copy the folder to where there is"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return LibraryError(
            f"{path} could not be opened ({error}); give read access to it. If its last writer was interrupted, "
            "open it once where its folder can be written"
        )
    return LibraryError(f"the ledger {path} refused: {error}")


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the file system leave as LibraryError."""
    try:
        yield
    except sqlite3.Error as error:
        raise as_library_error(error, path) from error
    except OSError as error:
        raise LibraryError(
            f"could not write to {path} ({error.strerror or error}); make room or give access, and run the same "
            "command again: nothing that was acknowledged is lost"
        ) from error


class Ledger:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] != os.getpid():
            _OF_A_PARENT.append(held[1])
            held = None
        if held is None:
            held = (os.getpid(), connect(self.path))
            self._local.held = held
        return held[1]

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with told_plainly(self.path):
            return self.db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        with told_plainly(self.path):
            row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
            return row

    @contextmanager
    def transaction(self, name: str, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it; `name` names the commit as a failpoint.

        Not `synced`: it holds for everybody at once, and outlives a power cut from the next synced commit on.
        """
        with told_plainly(self.path):
            db = self.db
            db.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                step(f"before commit: {name}")
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            step(f"after commit: {name}")

    def snapshot(self) -> sqlite3.Connection:
        """A connection that goes on seeing the ledger as it is now, until it is closed."""
        with told_plainly(self.path):
            db = connect(self.path, check_same_thread=False)
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM generations").fetchone()  # the snapshot is taken by the first read
            return db

    def rewrite(self) -> None:
        """Write the file anew without what was deleted: pages keep the bytes of deleted rows, and so does the log.

        Open views keep the log as long as they last; it does not wait for them.
        """
        with told_plainly(self.path), closing(connect(self.path)) as db:
            step("rewrite ledger")
            db.execute("PRAGMA temp_store = FILE")  # the copy is as large as the ledger
            db.execute("VACUUM")
            db.execute("PRAGMA busy_timeout = 0")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close this thread's connection; those of other threads close with their threads."""
        held = getattr(self._local, "held", None)
        if held is not None and held[0] == os.getpid():
            held[1].close()
        self._local.held = None
