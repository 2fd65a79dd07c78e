"""Cuts and shots."""

import importlib.util

import make_media as media
import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.video.sample import Watching, units
from sightline.video.shots import dissolves, is_cut, shots_from

TRUE_CUTS = [1.2, 2.6, 4.04, 6.52, 7.4, 9.0, 11.36, 13.0, 14.64, 17.2, 19.08, 21.8]


@pytest.fixture(scope="module")
def cut_video(tmp_path_factory):
    path = tmp_path_factory.mktemp("cuts") / "a.mp4"
    return media.video(path, seconds=24, gop=50, paint=media.with_cuts(TRUE_CUTS))


def matched(found, true, within=0.2):
    return [cut for cut in true if any(abs(cut - other) <= within for other in found)]


def cuts_of(path, **asked):
    watching = Watching(path, **asked)
    for _ in watching:
        pass
    return watching.cuts


@pytest.mark.parametrize("effort", ["every-frame", "skip-unreferenced", "guided", "draft"])
def test_every_hard_cut_is_found_and_no_other(cut_video, effort):
    found = cuts_of(cut_video, effort=effort)
    assert matched(found, TRUE_CUTS) == TRUE_CUTS
    assert matched(TRUE_CUTS, found) == found


def test_every_frame_finds_cuts_at_the_very_frame(cut_video):
    assert cuts_of(cut_video, effort="every-frame") == pytest.approx(TRUE_CUTS, abs=0.001)


def test_no_cut_is_found_when_none_is_asked_for(cut_video):
    assert cuts_of(cut_video, effort="every-frame", cuts=False) == []


@pytest.mark.parametrize("effort", ["every-frame", "guided"])
def test_cuts_of_pieces_and_their_edges_are_the_cuts_of_the_whole(cut_video, effort):
    found, before = [], b""
    for start, end in units(cut_video, about=4.0):
        watching = Watching(cut_video, start=start, end=end, effort=effort)
        assert sum(len(frames) for frames in watching) > 0
        if is_cut(before, watching.edges[0]):
            found.append(watching.first)
        found += watching.cuts
        before = watching.edges[1]
    assert matched(found, TRUE_CUTS) == TRUE_CUTS
    assert matched(TRUE_CUTS, found) == found


def test_a_cut_exactly_between_two_pieces_is_told_by_their_edges(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=4, gop=50, paint=media.with_cuts([2.0]))
    left, right = Watching(path, end=2.0), Watching(path, start=2.0)
    for watching in (left, right):
        assert list(watching)
    assert is_cut(left.edges[1], right.edges[0])
    assert left.cuts == right.cuts == []


def test_neighbouring_frames_of_one_shot_are_no_cut(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=4, gop=50)
    left, right = Watching(path, end=2.0), Watching(path, start=2.0)
    for watching in (left, right):
        assert list(watching)
    assert not is_cut(left.edges[1], right.edges[0])


def test_the_cuts_of_public_films_are_found(shared_clip):
    # testvideo.mp4 has hard cuts at these seconds by eye; its other changes are dissolves.
    assert matched(cuts_of(shared_clip("goldeneye-vfr-drop3.mp4")), [3.754, 8.759]) == [3.754, 8.759]
    assert matched(cuts_of(shared_clip("red_pandas.mp4")), [6.58, 15.58, 24.21]) == [6.58, 15.58, 24.21]


def test_an_empty_edge_is_no_cut():
    assert not is_cut(b"", bytes(256))


def test_tiny_pictures_of_different_shots_are_a_cut_and_shades_are_not():
    dark, light = np.full(256, 40, np.uint8), np.full(256, 90, np.uint8)
    assert is_cut(dark.tobytes(), light.tobytes())
    assert not is_cut(dark.tobytes(), (dark + 5).tobytes())


def test_shots_fill_the_video_without_gaps():
    assert shots_from([4.0, 2.0, 2.0, 0.5, 9.0, 11.0], first=0.5, last=9.0) == [(0.5, 2.0), (2.0, 4.0), (4.0, 9.0)]


def test_a_video_without_cuts_is_one_shot():
    assert shots_from([], first=1.5, last=1.5) == [(1.5, 1.5)]


def test_dissolves_say_how_to_get_their_detector(cut_video):
    if importlib.util.find_spec("scenedetect") is not None:
        assert matched(dissolves(cut_video), TRUE_CUTS)
        return
    with pytest.raises(SightlineError, match="pip install"):
        dissolves(cut_video)
