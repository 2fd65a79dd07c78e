"""Forgetting: what is to stay out stays out under any name, and what is remembered is back without encoding."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from library_story import PATHS, RED, SAMPLING, stat_of, take_in

from sightline.records import Line
from sightline.store.library import Library

APE, BEE, COW = PATHS


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        yield library


@pytest.fixture
def red(library):
    return library.generation_for(RED, SAMPLING)


def searched(library: Library) -> set[str]:
    with library.view() as view:
        return {path for video in view.videos.values() for path in video.paths}


def rename(library: Library, old: str, new: str) -> None:
    """What indexing does when a file it knew lies elsewhere."""
    library.lose([old])
    library.place(new, stat_of(new), f"digest of {old}")


def test_a_forgotten_file_that_is_renamed_stays_forgotten(library, red):
    content = take_in(library, red, APE)
    library.forget([APE])
    rename(library, APE, "/films/monkey.mp4")
    assert searched(library) == set()
    assert library.counts().files == 0
    assert library.claim(red, "me", contents={content}) is None
    assert library.forgotten_digests() == {f"digest of {APE}"}


def test_indexing_is_told_to_pass_a_renamed_file_by(library, red):
    content, other = take_in(library, red, APE), take_in(library, red, BEE)
    assert library.living([content, other, 99]) == {content, other}
    library.forget([APE])
    rename(library, APE, "/films/monkey.mp4")
    assert library.staying_out([APE, BEE, "/films", "/films/monkey.mp4"]) == {APE, "/films/monkey.mp4"}
    assert library.living([content, other, 99]) == {other}


def test_a_forgotten_file_that_is_renamed_after_a_compaction_stays_forgotten(library, red):
    take_in(library, red, APE)
    library.forget([APE])
    library.compact()
    rename(library, APE, "/films/monkey.mp4")
    assert searched(library) == set()
    assert library.compact().contents == 1


@pytest.mark.parametrize("named", [APE, "/films/monkey.mp4"])
def test_remembering_either_name_of_a_renamed_file_brings_it_back_without_encoding(library, red, named):
    content = take_in(library, red, APE)
    library.forget([APE])
    rename(library, APE, "/films/monkey.mp4")
    library.remember([named])
    assert searched(library) == {"/films/monkey.mp4"}
    assert library.state(content, red).state == "indexed"


def test_a_file_is_remembered_after_a_compaction(library, red):
    take_in(library, red, APE)
    library.forget([APE])
    library.compact()
    library.remember([APE])
    take_in(library, red, APE)
    assert searched(library) == {APE}
    assert library.forgotten() == library.forgotten_digests() == set()


def test_a_copy_that_nobody_forgot_is_still_found(library, red):
    take_in(library, red, APE)
    library.place("/backup/ape.mp4", stat_of(APE), f"digest of {APE}")
    library.forget_folder("/backup")
    assert searched(library) == {APE}
    library.forget([APE])
    rename(library, APE, "/films/monkey.mp4")
    assert searched(library) == set()


def test_a_file_that_comes_into_a_forgotten_folder_stays_out(library, red):
    for path in (APE, BEE, "/films2/cow.mp4"):
        take_in(library, red, path)
    assert library.forget_folder("/films/") == 2
    library.place(COW, stat_of(COW), "digest of /films2/cow.mp4")
    assert searched(library) == {"/films2/cow.mp4"}
    assert library.forgotten() == {APE, BEE}
    assert library.forgotten_folders() == {"/films"}
    assert library.staying_out([APE, COW, "/films", "/films2/cow.mp4"]) == {APE, COW, "/films"}


def test_a_remembered_folder_is_back_with_everything_below(library, red):
    for path in (APE, BEE):
        take_in(library, red, path)
    library.forget([APE])
    library.forget_folder("/films")
    library.compact()
    library.remember(["/films"])
    assert library.forgotten() == library.forgotten_folders() == library.forgotten_digests() == set()
    for path in (APE, BEE):
        take_in(library, red, path)
    assert searched(library) == {APE, BEE}


def test_of_forgotten_and_remembered_folders_the_nearest_decides(library, red):
    paths = ["/a/1.mp4", "/a/b/2.mp4", "/a/b/c/3.mp4", "/4.mp4"]
    contents = {path: take_in(library, red, path) for path in paths}
    library.forget_folder("/")
    library.remember(["/a/b", "/a/1.mp4"])
    library.forget_folder("/a/b/c")
    assert {path: library.place(path, stat_of(path), f"digest of {path}") for path in paths} == contents
    assert searched(library) == {"/a/1.mp4", "/a/b/2.mp4"}
    assert set(paths) - library.staying_out(paths) == searched(library)
    assert library.forgotten_folders() == {"/", "/a/b/c"}
    library.forget_folder("/")
    assert searched(library) == set()


def test_a_folder_is_forgotten_by_its_bytes(library, red):
    names = ["/films/\udcff/1.mp4", "/films/\udcfe/1.mp4", "/films/_/1.mp4", "/films/%/1.mp4"]
    take_in(library, red, APE)
    for name in names:
        library.forget_folder(os.path.dirname(name))
        library.place(name, stat_of(name), f"digest of {APE}")
        assert searched(library) == {APE}
        assert library.staying_out(names) == {name}
        library.remember([os.path.dirname(name)])
        assert searched(library) == {APE, name}
        library.lose([name])


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def sentences(seed: int, count: int) -> list[str]:
    """Words of nobody's language, so that none of them is anywhere else."""
    drawn = np.random.default_rng(seed).integers(ord("b"), ord("z"), size=(count, 3, 11), dtype=np.uint8)
    return [" ".join(bytes(word).decode() for word in words) for words in drawn]


def test_no_word_of_a_forgotten_subtitle_is_left_in_the_files(library, red):
    """Many lines, so that the index of words has merged and the tables have split."""
    said = {path: sentences(seed, 307) for seed, path in enumerate(PATHS)}
    for path in PATHS:
        content = take_in(library, red, path)
        library.set_lines(content, "subtitles", "", [Line(i, i + 1, text) for i, text in enumerate(said[path])])
    words = {word.encode() for text in said[BEE] for word in text.split()}
    assert all(word in bytes_on_disk(library.folder) for word in words)
    library.forget([BEE])
    library.compact()
    left = bytes_on_disk(library.folder)
    assert not [word for word in words if word in left]
    assert b"screen of bee" not in left and b"screen of ape" in left
    with library.view() as view:
        assert [hit.line.text for hit in view.text(said[APE][5], 1)] == [said[APE][5]]
    assert library.check(deep=True) == []


def test_a_compaction_gives_the_space_of_lines_and_words_back(library, red):
    take_in(library, red, APE)
    library.compact()
    before = library.bytes_on_disk()
    content = take_in(library, red, BEE)
    library.set_lines(content, "subtitles", "", [Line(i, i + 1, "a long line " * 50) for i in range(211)])
    library.forget([BEE])
    assert library.compact().bytes > 100_000
    assert library.bytes_on_disk() - before < 8192
    assert (library.folder / "ledger.sqlite-wal").stat().st_size == 0
