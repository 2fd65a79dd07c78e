"""Every file that was found ends once, and every subtitle belongs to the video it is named after."""

import threading
import time

import films
import pytest

from sightline.errors import MissingExtra, NoWorkers
from sightline.index import Wishes, index_paths
from sightline.indexing import pool as pools
from sightline.store.library import Library


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        yield library


def _adds_up(report):
    ended = report.unchanged + report.known + report.indexed + report.refused + report.waiting
    assert report.found == ended
    return report


def _text_of(library, name):
    view = library.view()
    content = next(c for c, video in view.videos.items() if any(path.endswith(name) for path in video.paths))
    return sorted(line.text for line in view.lines(content))


def test_twins_are_counted_one_by_one_whether_good_or_bad(tmp_path, library):
    folder = tmp_path / "videos"
    film = films.tiny_film(folder / "a.mp4", seed=1)
    (folder / "b.mp4").write_bytes(film.read_bytes())
    for name in ("x.mp4", "y.mp4"):
        (folder / name).write_bytes(b"not a film at all " * 40)
    first = _adds_up(index_paths(library, [str(folder)]))
    assert (first.indexed, first.known, first.refused) == (1, 1, 2)
    assert {refusal.path.rpartition("/")[2] for refusal in first.failed} == {"x.mp4", "y.mp4"}
    again = _adds_up(index_paths(library, [str(folder)]))
    assert (again.unchanged, again.refused) == (2, 2)


def test_a_rebuild_of_one_folder_counts_the_whole_library(tmp_path, library):
    for name in ("one", "two"):
        films.tiny_film(tmp_path / name / "film.mp4", seed=len(name) + ord(name[0]))
    index_paths(library, [str(tmp_path / "one"), str(tmp_path / "two")])
    rebuilt = _adds_up(index_paths(library, [str(tmp_path / "one")], Wishes(every=0.5, rebuild=True)))
    assert (rebuilt.found, rebuilt.indexed) == (2, 2)


def test_a_rebuild_that_cannot_reach_everything_says_so_and_search_goes_on(tmp_path, library):
    for name in ("one", "two"):
        films.tiny_film(tmp_path / name / "film.mp4", seed=len(name) + ord(name[0]))
    index_paths(library, [str(tmp_path / "one"), str(tmp_path / "two")])
    (tmp_path / "two").rename(tmp_path / "away")
    report = _adds_up(index_paths(library, [str(tmp_path / "one")], Wishes(every=0.5, rebuild=True)))
    assert any("waits for 1" in note for note in report.notes)
    assert len(library.view().videos) == 2
    (tmp_path / "away").rename(tmp_path / "two")
    index_paths(library, [str(tmp_path / "one")], Wishes(every=0.5, rebuild=True))
    assert library.current().sampling["every"] == 0.5


def test_subtitles_go_to_the_longest_name_that_fits(tmp_path, library):
    folder = tmp_path / "videos"
    for number, name in enumerate(("show.mp4", "show.s01e02.mp4")):
        films.tiny_film(folder / name, seed=number)
    films.subtitle(folder / "show.s01e02.srt", (0.0, 1.0, "secret episode"))
    films.subtitle(folder / "Show.en.srt", (0.0, 1.0, "plain show"))
    index_paths(library, [str(folder)])
    assert _text_of(library, "/show.mp4") == ["plain show"]
    assert _text_of(library, "/show.s01e02.mp4") == ["secret episode"]


def test_a_file_named_outright_leaves_its_neighbours_their_subtitles(tmp_path, library):
    film = films.tiny_film(tmp_path / "show.mp4", seed=1)
    films.tiny_film(tmp_path / "show.s01e02.mp4", seed=2)
    films.subtitle(tmp_path / "show.s01e02.srt", (0.0, 1.0, "secret episode"))
    index_paths(library, [str(film)])
    assert _text_of(library, "show.mp4") == []


def test_copies_with_different_subtitles_keep_both(tmp_path, library):
    film = films.tiny_film(tmp_path / "one" / "v.mp4", seed=1)
    films.subtitle(film.with_suffix(".srt"), (0.0, 1.0, "hello there"))
    copy = tmp_path / "two" / "v.mp4"
    copy.parent.mkdir()
    copy.write_bytes(film.read_bytes())
    films.subtitle(copy.with_suffix(".srt"), (0.0, 1.0, "good evening"))
    index_paths(library, [str(tmp_path / "one"), str(tmp_path / "two")])
    index_paths(library, [str(tmp_path / "two")])
    assert _text_of(library, "v.mp4") == ["good evening", "hello there"]


def test_a_file_forgotten_while_it_is_taken_in_does_not_hold_the_run(tmp_path):
    film = films.tiny_film(tmp_path / "videos" / "long.mp4", seed=1, seconds=400)
    ended = []

    def run():
        with Library.open(tmp_path / "library", create=True) as library:
            ended.append(index_paths(library, [str(film.parent)], Wishes(effort="every-frame")))

    indexer = threading.Thread(target=run)
    indexer.start()
    with Library.open(tmp_path / "library", create=True) as other:
        while not other.known() and indexer.is_alive():
            time.sleep(0.01)
        other.forget([str(film)])
    indexer.join(timeout=60)
    assert ended, "the run never ended"


def test_a_missing_extra_is_one_error_before_anything_is_done(tmp_path, library, monkeypatch):
    film = films.tiny_film(tmp_path / "film.mp4", seed=1)
    monkeypatch.setattr("sightline.index.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"sightline\[speech\]"):
        index_paths(library, [str(film)], Wishes(listen="whisper:small"))
    assert library.known() == {}


def test_a_listener_that_fails_is_not_blamed_on_the_file(tmp_path, library):
    film = films.tiny_film(tmp_path / "film.mp4", seed=1)

    def broken(event):
        if event["event"] == "progress":
            raise BrokenPipeError("nobody reads this")

    with pytest.raises(BrokenPipeError):
        index_paths(library, [str(film)], tell=broken)
    assert _adds_up(index_paths(library, [str(film)])).indexed == 1


def test_children_that_cannot_start_end_the_run_in_words(tmp_path, library, monkeypatch):
    film = films.tiny_film(tmp_path / "film.mp4", seed=1)

    def refused(*_):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pools, "Child", refused)
    with pytest.raises(NoWorkers, match="no decoding process"):
        index_paths(library, [str(film)])


def test_a_file_still_being_written_is_left_for_the_next_look(tmp_path, library):
    film = films.tiny_film(tmp_path / "videos" / "film.mp4", seed=1)
    report = _adds_up(index_paths(library, [str(film.parent)], Wishes(settled=3600)))
    assert report.indexed == 0 and "still being written" in report.notes[0]
    assert _adds_up(index_paths(library, [str(film.parent)])).indexed == 1


def test_a_forgotten_file_stays_out_under_a_new_name_until_it_is_named(tmp_path, library):
    film = films.tiny_film(tmp_path / "videos" / "private.mp4", seed=1)
    films.tiny_film(tmp_path / "videos" / "other.mp4", seed=2)
    index_paths(library, [str(film.parent)])
    library.forget([str(film)])
    renamed = film.rename(film.with_name("holiday.mp4"))
    (film.parent / "copy.mp4").write_bytes(renamed.read_bytes())
    report = _adds_up(index_paths(library, [str(film.parent)]))
    assert report.passed_over["forgotten"] == 2 and len(library.view().videos) == 1
    assert _adds_up(index_paths(library, [str(renamed)])).found == 1
    assert len(library.view().videos) == 2


def test_a_forgotten_folder_keeps_what_arrives_later_out_until_it_is_named(tmp_path, library):
    inner = tmp_path / "videos" / "private"
    films.tiny_film(inner / "a.mp4", seed=1)
    films.tiny_film(tmp_path / "videos" / "other.mp4", seed=2)
    index_paths(library, [str(tmp_path / "videos")])
    library.forget_folder(str(inner))
    films.tiny_film(inner / "b.mp4", seed=3)
    assert _adds_up(index_paths(library, [str(tmp_path / "videos")])).passed_over["forgotten"] == 2
    assert _adds_up(index_paths(library, [str(inner)])).found == 2
    assert len(library.view().videos) == 3
