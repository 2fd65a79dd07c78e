"""A library that lies where nothing can be written (a snapshot, a disc, a share) is searched as it lies there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from library_story import PATHS, RED, SAMPLING, take_in

from sightline.errors import LibraryError
from sightline.store.ledger import address
from sightline.store.library import Library


@pytest.fixture
def shut(tmp_path):
    """A folder on a file system of its own, and the way to make that read-only."""
    place = tmp_path / "disc #1 100%? ü"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system, and not in every container")
    try:
        yield place, lambda: subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def indexed(folder: Path) -> Library:
    library = Library.open(folder, create=True)
    content = take_in(library, library.generation_for(RED, SAMPLING), PATHS[0])
    assert content
    return library


def assert_can_be_searched(library: Library) -> None:
    with library.view() as view:
        assert [video.path for video in view.videos.values()] == [PATHS[0]]
        assert view.text("screen", 1)[0].line.text == "screen of ape"
        assert len(view.nearest(view.vectors[3], 2)[0]) == 2
    assert library.counts().files == len(library.listing()) == 1


def test_a_library_on_a_read_only_file_system_is_searched_and_not_changed(shut):
    place, shut_it = shut
    indexed(place / "library").close()
    shut_it()
    with Library.open(place / "library") as library:
        assert_can_be_searched(library)
        with pytest.raises(LibraryError, match="nothing can be written.*it can be searched as it is"):
            library.forget([PATHS[0]])
        with pytest.raises(LibraryError, match="give access"):
            library.compact()
        assert_can_be_searched(library)


def copied_in_mid_writing(source: Path, target: Path, *names: str) -> None:
    library = indexed(source)
    target.mkdir()
    for path in source.iterdir():
        if path.suffix != ".sqlite-shm" or "-shm" in names:
            shutil.copy(path, target)
    library.close()


def test_a_log_that_was_left_there_is_read_along(shut, tmp_path):
    place, shut_it = shut
    copied_in_mid_writing(tmp_path / "library", place / "library", "-shm")
    shut_it()
    with Library.open(place / "library") as library:
        assert_can_be_searched(library)


def test_a_log_that_cannot_be_read_along_is_a_plain_error(shut, tmp_path):
    place, shut_it = shut
    copied_in_mid_writing(tmp_path / "library", place / "library")
    shut_it()
    with pytest.raises(LibraryError, match="open it once where its folder can be written"):
        Library.open(place / "library")


def test_only_a_ledger_without_a_log_is_taken_as_it_lies_there(tmp_path, monkeypatch):
    ledger, log, index = (tmp_path / f"a ?b{end}" for end in ("", "-wal", "-shm"))
    assert address(ledger).endswith("/a%20%3Fb")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    assert address(ledger).endswith("/a%20%3Fb?mode=ro&immutable=1")
    log.touch()
    assert address(ledger).endswith("?mode=ro&immutable=1")
    log.write_bytes(b"frames")
    assert address(ledger).endswith("?mode=ro")
    log.unlink()
    index.touch()
    assert address(ledger).endswith("?mode=ro")
