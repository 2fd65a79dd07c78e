"""Clips cut out of a video."""

import av
import make_media as media
import numpy as np
import pytest

from sightline.errors import BadQuery, ExportError, FileVanished
from sightline.video.cut import cut_clip
from sightline.video.open import facts
from sightline.video.sample import Watching


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "a.mp4"
    return media.video(path, seconds=8, gop=50, paint=media.numbered, tone=True)


def shown(path):
    return [(s, media.number_in(p)) for frames in Watching(path, every=0.001, effort="every-frame", side=96)
            for s, p in zip(frames.seconds.tolist(), frames.pixels, strict=True)]  # fmt: skip


def test_an_exact_clip_begins_and_ends_where_asked(source, tmp_path):
    out = cut_clip(source, 2.52, 5.0, tmp_path / "clip.mp4")
    frames = shown(out)
    assert [number for _, number in frames] == list(range(63, 125))
    assert frames[0][0] == pytest.approx(0.0, abs=0.001)
    assert facts(out).duration == pytest.approx(2.48, abs=0.04)


def test_an_exact_clip_between_two_frames_begins_with_the_frame_shown_then(source, tmp_path):
    frames = shown(cut_clip(source, 2.53, 3.01, tmp_path / "clip.mp4"))
    assert frames[0] == (pytest.approx(0.0, abs=0.001), 63)
    assert frames[1] == (pytest.approx(0.03, abs=0.001), 64)
    assert frames[-1][1] == 75


def test_the_sound_comes_along_as_long_as_the_pictures(source, tmp_path):
    out = cut_clip(source, 2.0, 4.0, tmp_path / "clip.mp4")
    with av.open(str(out)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert sound.shape[1] / 48_000 == pytest.approx(2.0, abs=0.05)
    assert np.abs(sound).max() > 0.2


def test_a_lossless_clip_begins_on_the_keyframe_before_with_the_same_pictures(source, tmp_path):
    out = cut_clip(source, 2.52, 5.0, tmp_path / "clip.mp4", exact=False)
    frames = shown(out)
    assert frames[0] == (pytest.approx(0.0, abs=0.001), 50)
    assert 120 <= frames[-1][1] <= 130
    pictures = [p for f in Watching(out, every=0.001, effort="every-frame", side=None) for p in f.pixels]
    original = [p for f in Watching(source, every=0.001, effort="every-frame", side=None, start=2.0) for p in f.pixels]
    assert all(np.array_equal(a, b) for a, b in zip(pictures[:50], original[:50], strict=True))


@pytest.mark.parametrize("exact", [True, False])
def test_a_turned_video_stays_turned(tmp_path, exact):
    path = media.video(tmp_path / "a.mp4", rotation=90, seconds=2)
    found = facts(cut_clip(path, 0.0, 1.0, tmp_path / "clip.mp4", exact=exact))
    assert (found.width, found.height, found.rotation) == (96, 160, 90)


@pytest.mark.parametrize("exact", [True, False])
def test_uneven_times_are_kept(tmp_path, exact):
    path = media.video(tmp_path / "a.mkv", times=[0, 0.1, 0.5, 1.7, 1.75, 3.0], gop=1, b_frames=0)
    frames = shown(cut_clip(path, 0.5, 2.0, tmp_path / "clip.mkv", exact=exact))
    assert [second for second, _ in frames] == pytest.approx([0.0, 1.2, 1.25], abs=0.002)


def test_a_clip_with_an_odd_size_is_cut(tmp_path):
    path = media.video(tmp_path / "a.webm", codec="libvpx-vp9", size=(101, 61), seconds=1, b_frames=0)
    assert facts(cut_clip(path, 0.2, 0.8, tmp_path / "clip.mp4")).width == 100


@pytest.mark.parametrize("exact", [True, False])
def test_a_failed_clip_leaves_nothing_and_keeps_what_was_there(tmp_path, source, exact):
    (tmp_path / "clip.mp4").write_text("an older clip")
    with pytest.raises(BadQuery, match="nothing between"):
        cut_clip(source, 50.0, 60.0, tmp_path / "clip.mp4", exact=exact)
    with pytest.raises(FileVanished):
        cut_clip(tmp_path / "gone.mp4", 0.0, 1.0, tmp_path / "clip.mp4", exact=exact)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert (tmp_path / "clip.mp4").read_text() == "an older clip"


def test_a_format_that_cannot_hold_it_is_said(source, tmp_path):
    for name in ("clip.webm", "clip.unknown"):
        with pytest.raises(ExportError, match="ends in .mp4 or .mkv"):
            cut_clip(source, 0.0, 1.0, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_never_replaces_its_source(source):
    with pytest.raises(ExportError, match="its own source"):
        cut_clip(source, 0.0, 1.0, source)


def test_a_clip_must_end_after_it_starts(source, tmp_path):
    with pytest.raises(BadQuery, match="from 3.0 to 2.0"):
        cut_clip(source, 3.0, 2.0, tmp_path / "clip.mp4")
