"""Hostile, truncated and lying files cost one line in the report each, and nothing else."""

import resource
import time

import mutants
import pytest

from sightline.index import Wishes, index_paths
from sightline.indexing.limits import ChildLimits
from sightline.store.library import Library

PATIENCE = 20.0


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    return mutants.seeds(tmp_path_factory.mktemp("healthy"))


def _taken_in(library, folder, good):
    """Indexes the folder with the healthy files beside it; the report, and how long it took."""
    began = time.monotonic()
    report = index_paths(
        library, [str(folder), str(good)], Wishes(limits=ChildLimits(memory=1 << 30, patience=PATIENCE))
    )
    return report, time.monotonic() - began


def _nothing_else_was_harmed(library, report, files):
    held = {path for video in library.view().videos.values() for path in video.paths}
    refused = {refusal.path: refusal for refusal in report.failed}
    assert all(str(path) in held or str(path) in refused for path in files), "a file without a word about it"
    assert all(refusal.code and refusal.message for refusal in report.failed)
    assert all("\x1b" not in refusal.message and len(refusal.message) < 1000 for refusal in report.failed)
    assert library.check(deep=True) == []


def _mutants_are_survived(tmp_path, healthy, count):
    files = list(mutants.mutants(tmp_path / "mutants", healthy, count))
    with Library.open(tmp_path / "library", create=True) as library:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        report, seconds = _taken_in(library, tmp_path / "mutants", healthy[0].parent)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        _nothing_else_was_harmed(library, report, files)
        held = {path for video in library.view().videos.values() for path in video.paths}
        assert str(healthy[0]) in held
        assert grown < 200, f"the parent grew by {grown:.0f} MB"
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert largest < 1100, f"a child took {largest:.0f} MB"
    codes = sorted({refusal.code for refusal in report.failed})
    print(
        f"{count} mutants: {report.indexed} read, {report.refused} refused ({', '.join(codes)}), "
        f"{seconds:.0f} s, child {largest:.0f} MB"
    )


def test_sixty_mutants_are_survived(tmp_path, healthy):
    _mutants_are_survived(tmp_path, healthy, 60)


@pytest.mark.slow
def test_four_hundred_mutants_are_survived(tmp_path, healthy):
    _mutants_are_survived(tmp_path, healthy, 400)


def test_liars_are_named_and_cost_little(tmp_path, healthy):
    files = mutants.liars(tmp_path / "liars", healthy)
    with Library.open(tmp_path / "library", create=True) as library:
        report, _ = _taken_in(library, tmp_path / "liars", healthy[0].parent)
        _nothing_else_was_harmed(library, report, files)
        refused = {refusal.path.rpartition("/")[2]: refusal.code for refusal in report.failed}
        lengths = {video.path.rpartition("/")[2]: video.last - video.first for video in library.view().videos.values()}
    assert {"huge.png", "playlist.mp4", "concat.mkv", "page.mp4", "empty.mp4"} <= set(refused)
    assert refused["huge.png"] == "too-large"
    assert lengths.get("ten-hours.mp4", 0.0) < 5  # what was decoded counts, not what the header says


def test_an_audio_file_says_that_it_is_one(tmp_path, healthy):
    with Library.open(tmp_path / "library", create=True) as library:
        report = index_paths(library, [str(healthy[0].parent)])
    refused = {refusal.path.rpartition("/")[2]: refusal for refusal in report.failed}
    assert set(refused) == {"sound.mkv", "song.mp4"}
    for refusal in refused.values():
        assert refusal.code == "no-video" and "audio" in refusal.message
