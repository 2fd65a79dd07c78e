"""A full disk: a clear error, nothing half there, and everything works again once there is room."""

from __future__ import annotations

import resource

import pytest
from library_story import story, tell, told_by, troubles

from sightline.errors import LibraryError, NoLibrary
from sightline.store import failpoints
from sightline.store.library import Library


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "library"
    story(folder, rows=211)
    return told_by(folder)


def fill_and_free(folder, fail_at, setup, undisturbed):
    code, told = tell(folder, fail_at, setup, rows=211)
    if code == 0:
        return False
    assert code == 3, "a full disk must end in a LibraryError"
    try:
        assert troubles(folder) == []
    except NoLibrary:
        assert not told
    assert tell(folder, rows=211)[0] == 0
    assert told_by(folder) == undisturbed
    return True


def no_file_longer_than(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [3_000, 20_011, 101_009, 130_003])
def test_files_that_may_not_grow_lose_nothing(tmp_path, undisturbed, size):
    assert fill_and_free(tmp_path / "library", "", no_file_longer_than(size), undisturbed)


@pytest.mark.slow
def test_forty_points_at_which_files_may_not_grow_lose_nothing(tmp_path, undisturbed):
    failed = [
        fill_and_free(tmp_path / str(size), "", no_file_longer_than(size), undisturbed)
        for size in range(1_000, 161_000, 4_000)
    ]
    assert sum(failed) > 20


def test_no_space_at_sampled_steps_loses_nothing(tmp_path, undisturbed):
    tried = [fill_and_free(tmp_path / str(n), f"{n}:enospc", lambda: None, undisturbed) for n in range(4, 200, 31)]
    assert all(tried)


@pytest.mark.slow
def test_no_space_at_every_step_loses_nothing(tmp_path, undisturbed):
    for n in range(1, 500):
        if not fill_and_free(tmp_path / str(n), f"{n}:enospc", lambda: None, undisturbed):
            break
    assert 150 < n < 500


def test_the_error_says_what_to_do(tmp_path, monkeypatch):
    with Library.open(tmp_path / "library", create=True) as library:
        monkeypatch.setattr(failpoints, "FAIL_AT", str(failpoints._steps + 1))
        monkeypatch.setattr(failpoints, "FAIL_HOW", "enospc")
        with pytest.raises(LibraryError, match="no space left.*make room.*nothing that was acknowledged is lost"):
            library.set_fact("a", 1)
        assert library.fact("a") is None
        library.set_fact("a", 1)
        assert library.fact("a") == 1
