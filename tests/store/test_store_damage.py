"""Damage from outside: torn tails, flipped bits, files gone. It is found, said, and mended by encoding again."""

from __future__ import annotations

import os
import random
import shutil

import pytest
from library_story import PATHS, RED, SAMPLING, story, take_in, tell, told_by, troubles

from sightline.errors import LibraryDamaged
from sightline.store.library import Library


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "library"
    with Library.open(folder, create=True) as library:
        red = library.generation_for(RED, SAMPLING)
        for path in PATHS:
            take_in(library, red, path)
    return folder


def column_files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix in (".f32", ".f64", ".i8", ".rec"))


def mended(folder):
    """Repair, index again; the problems that were found first."""
    with Library.open(folder) as library:
        found = library.repair()
        for path in PATHS:
            take_in(library, library.current(), path)
        assert library.check(deep=True) == []
    return found


def test_a_tail_that_nobody_committed_is_cut_by_the_next_writer(shelf):
    before, draw = told_by(shelf), random.Random(31)
    sizes = {path: path.stat().st_size for path in column_files(shelf)}
    for path in sizes:
        with open(path, "ab") as column:
            column.write(draw.randbytes(draw.randrange(1, 5000)))
    assert troubles(shelf) == []
    assert told_by(shelf) == before
    with Library.open(shelf) as library:
        take_in(library, library.current(), "/films/doe.mp4")
    assert {path: told_by(shelf)[path] for path in PATHS} == {path: before[path] for path in PATHS}
    assert troubles(shelf) == []


@pytest.mark.parametrize("column", ["vectors", "seconds", "means", "runs"])
def test_a_column_cut_short_is_refused_until_it_is_repaired(shelf, column):
    before, draw = told_by(shelf), random.Random(column)
    for _ in range(4):
        path = next(path for path in column_files(shelf) if path.name.startswith(column))
        os.truncate(path, draw.randrange(path.stat().st_size))
        with Library.open(shelf) as library, pytest.raises(LibraryDamaged, match="doctor --repair"):
            library.view()
        found = mended(shelf)
        assert {"missing-bytes", "damaged"} <= {problem.kind for problem in found}
        assert told_by(shelf) == before


def test_repair_keeps_the_units_before_the_cut(shelf):
    path = next(path for path in column_files(shelf) if path.name.startswith("vectors"))
    os.truncate(path, path.stat().st_size - 1)
    with Library.open(shelf) as library:
        damaged = [(problem.content, problem.unit) for problem in library.repair() if problem.kind == "damaged"]
        assert damaged == [(3, 1)]
        with library.view() as view:
            assert sorted(video.path for video in view.videos.values()) == PATHS[:2]
        assert library.counts().reasons == {"pending": {"damaged": 1}}
        assert library.claim(library.current(), "me").number == 1
        assert library.claim(library.current(), "me") is None


def test_a_column_that_is_gone_is_encoded_again(shelf):
    before = told_by(shelf)
    column_files(shelf)[-1].unlink()
    with Library.open(shelf) as library, pytest.raises(LibraryDamaged, match="is gone"):
        library.view()
    mended(shelf)
    assert told_by(shelf) == before


def flip(path, bit):
    with open(path, "r+b") as column:
        column.seek(bit // 8)
        byte = column.read(1)[0]
        column.seek(bit // 8)
        column.write(bytes([byte ^ (1 << bit % 8)]))


def unit_at(folder, path, bit):
    """Which unit's bytes a bit belongs to, by the ledger; none where the unit was encoded again elsewhere since."""
    kind, length = ("row", "rows") if path.name.startswith(("vectors", "seconds")) else ("run", "runs")
    with Library.open(folder) as library:
        units = library.ledger.all(f"SELECT content, number, first_{kind} AS first, {length} AS count FROM units")
        items = library.ledger.one(f"SELECT end_{kind} FROM generations")[0]
    item = bit // 8 // (path.stat().st_size // items)
    return [(unit["content"], unit["number"]) for unit in units if 0 <= item - unit["first"] < unit["count"]]


def test_every_flipped_bit_is_found_in_its_unit_and_encoded_again(shelf):
    before, draw = told_by(shelf), random.Random(37)
    for path in column_files(shelf):
        for _ in range(6):
            bit = draw.randrange(path.stat().st_size * 8)
            expected = unit_at(shelf, path, bit)
            flip(path, bit)
            assert [(p.content, p.unit) for p in mended(shelf) if p.kind == "damaged"] == expected
            assert told_by(shelf) == before


def test_a_bit_flipped_before_the_finish_keeps_the_video_from_being_searched(shelf, tmp_path):
    with Library.open(shelf) as library:
        library.ledger.db.execute("UPDATE work SET state = 'pending' WHERE content = 2")
        path = next(path for path in column_files(shelf) if path.name.startswith("seconds"))
        first = library.ledger.one("SELECT first_row FROM units WHERE content = 2 AND number = 1")[0]
        flip(path, (first * 8 + 3) * 8)
        with pytest.raises(LibraryDamaged, match="1 of 2 pieces"):
            library.finish(2, library.current(), [])
        assert library.claim(library.current(), "me").number == 1


def test_a_log_cut_at_any_length_leaves_what_was_committed_before(tmp_path):
    """The process ends without closing the ledger, so that its log holds the last commits; then the log is torn."""
    folder = tmp_path / "library"
    code, told = tell(folder, "120")
    assert code == 137
    log = folder / "ledger.sqlite-wal"
    whole, draw, kept = log.stat().st_size, random.Random(41), set()
    for trial in range(12):
        torn = tmp_path / f"torn {trial}"
        shutil.copytree(folder, torn)
        os.truncate(torn / log.name, draw.randrange(whole))
        assert troubles(torn) == []
        kept.add(len(told_by(torn)))
        story(torn)
        assert troubles(torn) == []
    assert len(kept) > 1, "every cut left the same: the log held nothing"


def test_lines_that_lost_their_words_are_found_by_them_again(shelf):
    before = told_by(shelf)
    with Library.open(shelf) as library:
        library.ledger.db.execute("DELETE FROM words WHERE rowid % 2")
        library.ledger.db.execute("INSERT INTO words (rowid, terms) VALUES (997, 'nobody')")
        assert [problem.kind for problem in library.check()] == ["words", "words"]
        library.repair()
        assert library.check(deep=True) == []
    assert told_by(shelf) == before


def test_a_count_that_does_not_add_up_is_found(shelf):
    with Library.open(shelf) as library:
        library.ledger.db.execute("UPDATE work SET frames = frames + 1 WHERE content = 1")
        library.ledger.db.execute("UPDATE units SET first_row = 0 WHERE content = 3 AND number = 0")
        assert {problem.kind for problem in library.check()} == {"content", "overlap"}


def test_leftover_columns_are_named_and_removed(shelf):
    (shelf / "vectors-99-0.f32").write_bytes(b"of a process that died")
    with Library.open(shelf) as library:
        assert [problem.kind for problem in library.check()] == ["leftover"]
        library.generation_for(RED, SAMPLING)
        assert library.check() == []
