"""Views: a snapshot stays what it was while others write, forget, compact and swap."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from library_story import BLUE, PATHS, RED, SAMPLING, stat_of, take_in, told_by

from sightline.errors import LibraryBusy
from sightline.records import Line
from sightline.store import compact
from sightline.store.library import Library


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        red = library.generation_for(RED, SAMPLING)
        for path in PATHS:
            take_in(library, red, path)
        yield library


def everything(view):
    rows = {content: np.array(view.vectors[view.rows_of(content)]) for content in view.videos}
    query = rows[1][0]
    found, scores = view.nearest(query, 9)
    texts = [(hit.content, hit.line.text) for hit in view.text("screen", 99)]
    where = list(zip(view.content_of(found).tolist(), view.seconds[found].tolist(), scores.tolist(), strict=True))
    return where, texts, {content: vectors.tobytes() for content, vectors in rows.items()}


def test_an_empty_library_can_be_viewed(tmp_path):
    with Library.open(tmp_path / "empty", create=True) as library, library.view() as view:
        assert (view.generation, view.rows, view.videos) == (None, 0, {})
        assert view.text("ape", 3) == [] and view.lines(1) == [] and view.shots(1) == []
        assert view.content_of(np.array([0])).tolist() == [-1]
    with Library.open(tmp_path / "empty") as library:
        assert library.counts().files == 0
        assert library.check(deep=True) == []


def test_a_view_does_not_see_what_is_written_after_it(library):
    with library.view() as view:
        before = everything(view)
        take_in(library, library.current(), "/films/doe.mp4")
        library.set_lines(1, "subtitles", "", [Line(0, 1, "another screen")])
        library.forget([PATHS[1]])
        assert everything(view) == before
    with library.view() as view:
        assert sorted(video.path for video in view.videos.values()) == [PATHS[0], PATHS[2], "/films/doe.mp4"]


def test_a_view_outlives_a_compaction(library):
    with library.view() as view:
        before = everything(view)
        library.forget([PATHS[0]])
        dropped = library.compact()
        assert (dropped.contents, dropped.rows, dropped.lines) == (1, 27, 2)
        assert everything(view) == before
    assert library.counts().rows == 54
    assert library.check(deep=True) == []


def test_a_view_outlives_a_swap(library):
    with library.view() as view:
        before = everything(view)
        blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
        for path in PATHS:
            take_in(library, blue, path)
        library.swap(blue)
        assert everything(view) == before
        assert view.generation.name == "red"
    with library.view() as view:
        assert view.vectors.shape == (81, BLUE.width)


def test_the_arrays_of_a_closed_view_stay_readable(library):
    view = library.view()
    row = np.array(view.vectors[5])
    view.close()
    library.forget(PATHS)
    library.compact()
    assert np.array_equal(view.vectors[5], row)


def test_a_compaction_without_anything_to_drop_writes_nothing(library):
    before = sorted((path.name, path.stat().st_ino) for path in library.folder.glob("*-*-*"))
    assert library.compact().contents == 0
    assert sorted((path.name, path.stat().st_ino) for path in library.folder.glob("*-*-*")) == before


def test_what_stays_is_the_same_after_a_compaction(library):
    before = told_by(library.folder)
    library.lose([PATHS[1]])
    library.compact()
    after = told_by(library.folder)
    assert {path: after[path] for path in (PATHS[0], PATHS[2])} == {path: before[path] for path in (PATHS[0], PATHS[2])}
    assert PATHS[1] not in after
    content = take_in(library, library.current(), PATHS[1])
    assert content == 4, "a content that was dropped is a new one when it comes back"
    assert told_by(library.folder).keys() == before.keys()


def while_compacting(monkeypatch, act):
    """Run `act` between the copying and the transaction, on a thread of its own, as another process would."""

    def step(name):
        if name == "copied":
            other = threading.Thread(target=act)
            other.start()
            other.join()

    monkeypatch.setattr(compact, "step", step)


def test_what_is_forgotten_during_a_compaction_stays_forgotten(library, monkeypatch):
    library.lose([PATHS[0]])
    while_compacting(monkeypatch, lambda: library.forget([PATHS[2]]))
    assert library.compact().contents == 1
    with library.view() as view:
        assert [video.path for video in view.videos.values()] == [PATHS[1]]
    assert library.check(deep=True) == []
    monkeypatch.undo()
    assert library.compact().contents == 1
    with library.view() as view:
        assert view.rows == view.living_rows == 27


def test_what_comes_back_during_a_compaction_is_kept(library, monkeypatch):
    before = told_by(library.folder)
    library.lose([PATHS[0]])
    while_compacting(monkeypatch, lambda: library.place(PATHS[0], stat_of(PATHS[0]), "digest of " + PATHS[0]))
    assert library.compact().contents == 0
    assert told_by(library.folder) == before
    assert library.check(deep=True) == []


def test_files_that_come_back_for_ever_end_a_compaction(library, monkeypatch):
    def come_and_go():
        library.place(PATHS[0], stat_of(PATHS[0]), "digest of " + PATHS[0])
        library.lose([PATHS[1]])

    turns = [
        come_and_go,
        lambda: (library.lose([PATHS[0]]), library.place(PATHS[1], stat_of(PATHS[1]), "digest of " + PATHS[1])),
    ]
    calls = iter(turns * 3)
    library.lose([PATHS[0]])
    while_compacting(monkeypatch, lambda: next(calls)())
    with pytest.raises(LibraryBusy, match="kept coming back"):
        library.compact()
    assert library.check(deep=True) == [] or [p.kind for p in library.check()] == ["leftover"] * 4


def test_units_of_unfinished_videos_survive_a_compaction(library):
    red = library.current()
    content = library.place("/films/doe.mp4", stat_of("/films/doe.mp4"), "digest of /films/doe.mp4")
    library.plan(content, red, {"duration": 75.0}, [(float("-inf"), 60.0), (60.0, float("inf"))])
    from library_story import seen

    library.commit(library.claim(red, "me", contents={content}), seen("/films/doe.mp4", red, 0), "me")
    library.forget([PATHS[0]])
    library.compact()
    assert [unit.state for unit in library.units(content, red)] == ["done", "pending"]
    take_in(library, red, "/films/doe.mp4")
    with library.view() as view:
        assert len(view.rows_of(content)) == 27


def test_many_threads_can_ask_one_view(library):
    with library.view() as view:
        expected = everything(view)
        wrong = []

        def ask():
            for _ in range(5):
                if everything(view) != expected:
                    wrong.append(1)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
