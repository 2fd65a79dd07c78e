"""Opening a library, and making one: a kill at any step, or two makers at once, leave either none or a whole one.

The ledger is made under another name and renamed when it is whole; makers take turns under the writer lock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sightline.errors import LibraryTooNew, NoLibrary
from sightline.store import ledger as ledgers
from sightline.store import writer_lock
from sightline.store.columns import sync_folder
from sightline.store.failpoints import step
from sightline.store.ledger import Ledger, connect, told_plainly
from sightline.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

_UNFINISHED = "ledger.new"


def make(folder: Path) -> None:
    """Make an empty library in this folder, unless there is one. The folder must be new or empty."""
    with told_plainly(folder):
        step("make folder")
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        with writer_lock.writing(folder):
            if (folder / ledgers.NAME).exists():
                return
            for leftover in folder.glob(f"{_UNFINISHED}*"):
                leftover.unlink()
            _write_empty(folder / _UNFINISHED)
            step("rename ledger")
            os.replace(folder / _UNFINISHED, folder / ledgers.NAME)
            sync_folder(folder)
            sync_folder(folder.parent)


def _refuse_foreign(folder: Path) -> None:
    """A library is a folder of its own: never write one among somebody's videos."""
    names = {entry.name for entry in folder.iterdir()}
    foreign = {name for name in names if name != writer_lock.NAME and not name.startswith(_UNFINISHED)}
    if foreign and ledgers.NAME not in names:
        raise NoLibrary(
            f"{folder} is not a library and holds other files (such as {min(foreign)!r}); name a new or empty folder"
        )


def _write_empty(path: Path) -> None:
    with closing(connect(path)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("BEGIN IMMEDIATE")
        _migrate(db)
        step("make tables")
        db.execute("COMMIT")
    step("sync ledger")
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_ledger(folder: Path) -> Ledger:
    """The ledger of the library in this folder, brought up to date."""
    path = folder / ledgers.NAME
    if not path.is_file():
        raise NoLibrary(f"{folder} is not a library; index something first: sightline index FOLDER")
    ledger = Ledger(path)
    with told_plainly(path):
        if ledger.db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise NoLibrary(f"{path} belongs to another program; name another folder for the library")
        if _version(ledger.db) < VERSION:
            with writer_lock.writing(folder), ledger.transaction("migrate") as db:
                _migrate(db)
        if (version := _version(ledger.db)) > VERSION:
            raise LibraryTooNew(
                f"{folder} was written by a newer Sightline (format {version}, this one reads up to {VERSION}); "
                "upgrade: pip install -U sightline"
            )
    return ledger


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection) -> None:
    """Take the steps this ledger has not taken, in the caller's transaction."""
    for script in MIGRATIONS[_version(db) :]:
        for statement in _statements(script):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """The statements one by one: `executescript` would commit the transaction they must share."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
