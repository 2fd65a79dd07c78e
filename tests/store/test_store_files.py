"""Files: a content by its bytes, any number of paths to it, and counts that add up."""

from __future__ import annotations

import os

import pytest
from library_story import PATHS, RED, SAMPLING, stat_of, take_in

from sightline.store.library import Library
from sightline.store.rows import FileStat, KnownFile


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        yield library


@pytest.fixture
def red(library):
    return library.generation_for(RED, SAMPLING)


def test_a_path_is_known_with_its_marks(library):
    stat = FileStat(size=2**40, mtime_ns=-3, inode=2**64 - 5)
    content = library.place("/films/a.mp4", stat, "digest")
    assert library.known() == {"/films/a.mp4": KnownFile(2**40, -3, 2**64 - 5, content, "digest")}
    assert library.known()["/films/a.mp4"].stat == stat


def test_a_copy_is_one_more_path_of_one_content(library, red):
    content = take_in(library, red, PATHS[0])
    copy = library.place("/films/copy.mp4", FileStat(1, 2, 3), "digest of " + PATHS[0])
    assert copy == content
    with library.view() as view:
        assert view.videos[content].paths == (PATHS[0], "/films/copy.mp4")
    assert library.counts().files == 2
    assert library.counts().contents == 1


def test_a_rename_encodes_nothing_again(library, red):
    content = take_in(library, red, PATHS[0])
    library.lose([PATHS[0]])
    assert library.place("/elsewhere.mp4", FileStat(1, 2, 3), "digest of " + PATHS[0]) == content
    assert library.state(content, red).state == "indexed"
    with library.view() as view:
        assert view.videos[content].path == "/elsewhere.mp4"


def test_edited_bytes_are_another_content(library):
    first = library.place("/a.mp4", FileStat(1, 2, 3), "digest one")
    assert library.place("/a.mp4", FileStat(1, 3, 3), "digest two") != first
    assert len(library.known()) == 1


def test_known_files_can_be_asked_below_a_root(library):
    names = ["/films/a", "/films/b/c", "/films", "/films2/d", "/film", "/", "/films/ü\udcff"]
    for name in names:
        library.place(name, FileStat(1, 2, 3), name.encode("utf-8", "surrogateescape").hex())
    assert set(library.known("/films")) == {"/films", "/films/a", "/films/b/c", "/films/ü\udcff"}
    assert set(library.known("/films/")) == set(library.known("/films"))
    assert set(library.known("/")) == set(names)


def test_a_lost_path_is_not_searched_and_comes_back_without_encoding(library, red):
    content = take_in(library, red, PATHS[0])
    assert library.lose([PATHS[0], "/never/seen.mp4"]) == 1
    with library.view() as view:
        assert not view.videos and not view.living_rows and not view.text("ape", 3)
    take_in(library, red, PATHS[0])
    with library.view() as view:
        assert list(view.videos) == [content]


def test_a_forgotten_path_stays_forgotten_until_it_is_remembered(library, red):
    content = take_in(library, red, PATHS[0])
    assert library.forget([PATHS[0]]) == 1
    library.place(PATHS[0], stat_of(PATHS[0]), "digest of " + PATHS[0])
    with library.view() as view:
        assert not view.videos
    assert library.forgotten() == {PATHS[0]}
    assert library.counts().files == 0
    library.remember([PATHS[0]])
    with library.view() as view:
        assert list(view.videos) == [content]


def test_counts_add_up_to_the_files_seen(library, red):
    take_in(library, red, PATHS[0])
    take_in(library, red, PATHS[1])
    library.place("/other/copy.mp4", FileStat(1, 2, 3), "digest of " + PATHS[0])
    content = library.place("/other/bad.mp4", FileStat(1, 2, 3), "bad")
    library.refuse(content, red, "failed", "not-media", "no video in it")
    library.place("/other/new.mp4", FileStat(1, 2, 3), "new")
    library.unreadable("/other/locked.mp4", "unreadable", "permission denied")
    library.unreadable(PATHS[0], "unreadable", "the disk was away for a moment")
    for root in ("/films", "/other"):
        library.add_root(root)
    counts = library.counts()
    assert counts.files == sum(counts.by_state.values()) == 6
    assert counts.by_state == {"indexed": 3, "failed": 2, "pending": 1}
    assert counts.reasons == {"failed": {"not-media": 1, "unreadable": 1}}
    assert counts.contents_by_state == {"indexed": 2, "failed": 1, "pending": 1}
    assert counts.roots == {"/films": 2, "/other": 4}
    assert (counts.frames, counts.rows, counts.seconds, counts.shots) == (54, 54, 150.0, 2)
    assert counts.lines == {"screen": 4}
    assert counts.bytes == sum(entry.stat().st_size for entry in os.scandir(library.folder))


def test_the_listing_has_one_entry_per_file(library, red):
    content = take_in(library, red, PATHS[0])
    library.set_lines(content, "subtitles", "", [])
    library.unreadable("/films/aa.mp4", "unreadable", "permission denied")
    locked, ape = library.listing()
    assert (locked.path, locked.state, locked.reason, locked.content) == ("/films/aa.mp4", "failed", "unreadable", None)
    assert (ape.path, ape.state, ape.duration, ape.frames, ape.shots) == (PATHS[0], "indexed", 75.0, 27, 1)
    assert (ape.lines, ape.tracks) == ({"screen": 2}, ("subtitles",))


def test_a_path_that_can_be_read_again_is_no_failure_any_more(library):
    library.unreadable("/a.mp4", "unreadable", "permission denied")
    library.place("/a.mp4", FileStat(1, 2, 3), "digest")
    assert library.counts().by_state == {"pending": 1}


def test_facts_are_kept(library):
    assert library.fact("calibration") is None
    library.set_fact("calibration", {"mean": 0.25, "words": ["a"]})
    assert Library.open(library.folder).fact("calibration") == {"mean": 0.25, "words": ["a"]}
