"""Several at once: indexers and searchers share a library, and nobody waits for ever for a writer that hangs."""

from __future__ import annotations

import os
import threading
import time
import traceback

import numpy as np
import pytest
from library_story import BLUE, RED, SAMPLING, seen, stat_of, take_in, unit_vectors

from sightline.errors import LibraryBusy
from sightline.store import writer_lock
from sightline.store.library import Library

FILMS = [f"/films/{number}.mp4" for number in range(41)]


def in_process(act) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def index_all(folder):
    with Library.open(folder) as library:
        red = library.generation_for(RED, SAMPLING)
        for path in FILMS:
            take_in(library, red, path)


def search_until_complete(folder):
    """A reader sees whole videos only, and never fewer than before."""
    query, before = unit_vectors("query", 1, RED.width)[0], 0
    deadline = time.monotonic() + 60
    while before < len(FILMS) and time.monotonic() < deadline:
        with Library.open(folder) as library, library.view() as view:
            assert len(view.videos) >= before
            before = len(view.videos)
            assert view.living_rows == 27 * before
            for content in view.videos:
                rows = view.rows_of(content)
                assert len(rows) == 27
                assert (np.diff(view.seconds[rows]) > 0).all()
            rows, _ = view.nearest(query, 5)
            assert (view.content_of(rows) > 0).all()
            assert len(view.text("screen", 999)) == 2 * before
    assert before == len(FILMS)


def test_two_indexers_and_two_searchers_do_not_disturb_each_other(tmp_path):
    folder = tmp_path / "library"
    with Library.open(folder, create=True) as library:
        library.generation_for(RED, SAMPLING)
    acts = (index_all, index_all, search_until_complete, search_until_complete)
    children = [in_process(lambda act=act: act(folder)) for act in acts]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    with Library.open(folder) as library:
        assert library.check(deep=True) == []
        counts = library.counts()
        assert (counts.by_state, counts.frames) == ({"indexed": len(FILMS)}, 27 * len(FILMS))
        assert counts.rows == counts.frames, "a unit was stored twice"


def rebuild_all(folder):
    with Library.open(folder) as library:
        blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
        for path in FILMS:
            take_in(library, blue, path)
        library.swap(blue)


def test_every_search_during_a_rebuild_is_answered_by_one_generation_and_the_swap_is_seen(tmp_path):
    folder = tmp_path / "library"
    with Library.open(folder, create=True) as library:
        library.generation_for(RED, SAMPLING)
    index_all(folder)
    child = in_process(lambda: rebuild_all(folder))
    names, ended = [], False
    with Library.open(folder) as library:
        while not names or not ended:
            ended = os.waitpid(child, os.WNOHANG) != (0, 0)
            with library.view() as view:
                names.append(view.generation.name)
                content = next(content for content, video in view.videos.items() if video.path == FILMS[7])
                expected = [seen(FILMS[7], view.generation, number).vectors for number in (0, 1)]
                assert np.array_equal(view.vectors[view.rows_of(content)], np.concatenate(expected))
                assert len(view.text("screen", 999)) == 2 * len(FILMS)
                assert len(view.videos) == len(FILMS)
    assert names[0] == "red" and names[-1] == "blue"
    assert names == sorted(names, reverse=True), "an answer came from the old generation after one from the new"


def test_two_threads_that_saw_the_same_unit_store_it_once(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        red = library.generation_for(RED, SAMPLING)
        content = library.place(FILMS[0], stat_of(FILMS[0]), "digest")
        library.plan(content, red, {}, [(0, 60)])
        unit = library.claim(red, "both")
        stored, together = [], threading.Barrier(2)

        def commit():
            together.wait()
            stored.append(library.commit(unit, seen(FILMS[0], red, 0), "both"))

        threads = [threading.Thread(target=commit) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(stored) == [False, True]
        assert library.counts().rows == 13


def test_a_writer_that_hangs_is_named_after_a_while(tmp_path):
    Library.open(tmp_path / "library", create=True)
    with writer_lock.writing(tmp_path / "library"):
        with pytest.raises(LibraryBusy, match="another process has been writing.*try again"):
            with writer_lock.writing(tmp_path / "library", wait=0.05):
                raise AssertionError("two writers at once")
    with writer_lock.writing(tmp_path / "library", wait=0.05):
        pass


def test_a_reader_does_not_wait_for_a_writer(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        take_in(library, library.generation_for(RED, SAMPLING), FILMS[0])
        other = Library.open(tmp_path / "library")
        with writer_lock.writing(tmp_path / "library"), library.ledger.transaction("hold"):
            read = threading.Thread(target=lambda: other.view().close())
            read.start()
            read.join(timeout=30)
            assert not read.is_alive()


def test_a_ledger_held_by_another_is_a_plain_error(tmp_path, monkeypatch):
    from sightline.store import ledger

    monkeypatch.setattr(ledger, "WAIT", 0.05)
    library, other = Library.open(tmp_path / "library", create=True), Library.open(tmp_path / "library")
    with library.ledger.transaction("hold"), pytest.raises(LibraryBusy, match="another process has held"):
        other.set_fact("a", 1)
    other.set_fact("a", 1)
