"""Opening and making a library: there is a whole one, or none, and an older one becomes a newer one."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from library_story import PATHS, RED, SAMPLING, stat_of, take_in

from sightline.errors import LibraryDamaged, LibraryError, LibraryTooNew, NoLibrary
from sightline.store import failpoints
from sightline.store.library import Library
from sightline.store.schema import APPLICATION_ID, MIGRATIONS, VERSION


def test_a_folder_that_is_no_library_says_what_to_do(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoLibrary, match="index something first: sightline index FOLDER"):
            Library.open(folder)
    assert not (tmp_path / "nowhere").exists()


def test_a_library_is_made_with_its_parents_and_opened_again(tmp_path):
    Library.open(tmp_path / "a" / "b", create=True).set_fact("x", 1)
    assert Library.open(tmp_path / "a" / "b", create=True).fact("x") == 1


def test_a_library_is_never_made_among_other_files(tmp_path):
    (tmp_path / "holiday.mp4").write_bytes(b"film")
    with pytest.raises(NoLibrary, match="holds other files .*holiday.mp4"):
        Library.open(tmp_path, create=True)
    assert os.listdir(tmp_path) == ["holiday.mp4"]


def test_a_file_in_the_place_of_the_folder_is_a_plain_error(tmp_path):
    (tmp_path / "file").write_bytes(b"film")
    with pytest.raises(LibraryError, match="file"):
        Library.open(tmp_path / "file", create=True)
    with pytest.raises(NoLibrary):
        Library.open(tmp_path / "file")


def test_a_file_of_another_program_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("CREATE TABLE accounts (x)")
    with pytest.raises(NoLibrary, match="another program"):
        Library.open(tmp_path)
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(LibraryDamaged, match="damaged"):
        Library.open(tmp_path)


def test_a_newer_format_is_not_touched(tmp_path):
    library = Library.open(tmp_path / "library", create=True)
    library.ledger.db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LibraryTooNew, match=f"format {VERSION + 1}, this one reads up to {VERSION}.*upgrade"):
        Library.open(tmp_path / "library")


def test_the_ledger_is_synced_at_every_commit(tmp_path):
    db = Library.open(tmp_path / "library", create=True).ledger.db
    pragmas = {
        name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def killed_at(folder: Path, step: int) -> int:
    child = os.fork()
    if child == 0:
        failpoints.FAIL_AT, failpoints.FAIL_HOW, failpoints._steps = str(step), "", 0
        Library.open(folder, create=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_kill_while_it_is_made_leaves_none_or_a_whole_one(tmp_path):
    step = 1
    while killed_at(folder := tmp_path / str(step), step) == 137:
        try:
            Library.open(folder)
        except NoLibrary:
            pass
        with Library.open(folder, create=True) as library:
            take_in(library, library.generation_for(RED, SAMPLING), PATHS[0])
            assert library.check(deep=True) == []
        assert not list(folder.glob("ledger.new*"))
        step += 1
    assert step > 5


def test_makers_at_once_make_one(tmp_path):
    opened, together = [], threading.Barrier(5)

    def make():
        together.wait()
        library = Library.open(tmp_path / "library", create=True)
        library.place(f"/{threading.get_ident()}", stat_of("/a"), f"{threading.get_ident()}")
        opened.append(library)

    threads = [threading.Thread(target=make) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 5
    assert len(Library.open(tmp_path / "library").known()) == 5


def old_ledger(folder: Path, version: int) -> None:
    """A ledger as an earlier version made it, with a file in it."""
    folder.mkdir()
    db = sqlite3.connect(folder / "ledger.sqlite")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for script in MIGRATIONS[:version]:
        db.executescript(script)
    if version:
        db.execute("INSERT INTO contents (id, digest) VALUES (17, 'digest')")
        db.execute("INSERT INTO paths VALUES (CAST('/films/old.mp4' AS BLOB), 17, 1, 2, 3)")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()


@pytest.mark.parametrize("version", range(VERSION))
def test_an_older_library_is_migrated_and_keeps_what_it_knew(tmp_path, version):
    old_ledger(tmp_path / "library", version)
    with Library.open(tmp_path / "library") as library:
        assert library.ledger.db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert [file.content for file in library.known().values()] == [17] * bool(version)
        library.add_root("/films")
        take_in(library, library.generation_for(RED, SAMPLING), PATHS[0])
        assert library.check(deep=True) == []


def test_what_an_older_library_forgot_stays_forgotten_until_it_is_remembered(tmp_path):
    old_ledger(tmp_path / "library", 2)
    with sqlite3.connect(tmp_path / "library" / "ledger.sqlite") as db:
        db.execute("INSERT INTO forgotten VALUES (CAST('/films/old.mp4' AS BLOB))")
    db.close()
    with Library.open(tmp_path / "library") as library:
        assert library.forgotten() == {"/films/old.mp4"}
        assert library.counts().files == 0
        library.remember(["/films/old.mp4"])
        assert library.counts().files == 1


def test_a_migration_is_whole_or_not_at_all(tmp_path, monkeypatch):
    old_ledger(tmp_path / "library", 1)
    monkeypatch.setattr(failpoints, "FAIL_AT", str(failpoints._steps + 1))
    monkeypatch.setattr(failpoints, "FAIL_HOW", "enospc")
    with pytest.raises(LibraryError, match="no space left"):
        Library.open(tmp_path / "library")
    monkeypatch.undo()
    assert Library.open(tmp_path / "library").roots() == []


def test_a_process_that_forks_keeps_its_ledger(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        library.set_fact("from", "parent")
        child = os.fork()
        if child == 0:
            library.set_fact("from", library.fact("from") + " and child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert library.fact("from") == "parent and child"
        library.set_fact("from", "parent again")
