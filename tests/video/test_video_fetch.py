"""Exact frames at any seconds, compared with a plain decode of the whole file."""

import av
import make_media as media
import numpy as np
import pytest

from sightline.errors import BadQuery, FileVanished, TooLarge
from sightline.video.fetch import go, plan
from sightline.video.open import Limits
from sightline.video.reel import Reel
from sightline.video.sample import at_seconds, both_ends, by_count, segment_midpoints

DRAWN = {
    "long gop": ("a.mp4", {"seconds": 12, "gop": 250, "b_frames": 3}),
    "open gop": ("a.mp4", {"seconds": 8, "gop": 25, "b_frames": 3, "open_gop": True}),
    "open gop in matroska": ("a.mkv", {"seconds": 8, "gop": 25, "b_frames": 3, "open_gop": True}),
    "transport stream": ("a.ts", {"seconds": 8, "gop": 25, "b_frames": 3}),
    "open gop in transport stream": ("a.ts", {"seconds": 8, "gop": 25, "b_frames": 2, "open_gop": True}),
    "late start": ("a.mp4", {"seconds": 3, "gop": 25, "start": 1.5}),
    "mpeg-4 in avi": ("a.avi", {"seconds": 4, "codec": "mpeg4", "gop": 12}),
    "mpeg-2": ("a.mpg", {"seconds": 4, "codec": "mpeg2video", "gop": 12}),
    "vp9": ("a.webm", {"seconds": 4, "codec": "libvpx-vp9", "gop": 30, "b_frames": 0}),
    "every frame a keyframe": ("a.mp4", {"seconds": 3, "gop": 1, "b_frames": 0}),
    "uneven times": ("a.mkv", {"times": [0, 0.1, 0.13, 0.5, 1.7, 1.75, 3.0, 3.2, 9.0], "gop": 4}),
}
PUBLIC = ["counter.mp4", "goldeneye-vfr-drop3.mp4", "delayed_start.mp4", "big_buck_bunny_0_30.webm", "nasa_13013.mp4"]


def whole_decode(path, keep=lambda second: True):
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        return [
            (second, frame.to_ndarray(format="rgb24").transpose(2, 0, 1) if keep(second) else None)
            for frame in container.decode(stream)
            for second in [float(frame.pts * stream.time_base)]
        ]


def shown_at(seconds, t):
    """The rule as a slow loop: the greatest second <= t, and the first frame before that."""
    shown = min(seconds)
    for second in seconds:
        if shown < second <= t:
            shown = second
    return shown


def check(path, asked, threads=None):
    seconds = sorted(second for second, _ in whole_decode(path, keep=lambda second: False))
    wanted = [shown_at(seconds, t) for t in asked]
    frames = at_seconds(path, asked, threads=threads)
    assert frames.seconds.tolist() == wanted
    pictures = dict(whole_decode(path, keep=set(wanted).__contains__))
    different = [
        s for s, picture in zip(wanted, frames.pixels, strict=True) if not np.array_equal(picture, pictures[s])
    ]
    assert different == []


@pytest.mark.parametrize("case", DRAWN)
def test_the_frame_shown_is_the_one_of_a_whole_decode(tmp_path, case):
    name, drawing = DRAWN[case]
    path = media.video(tmp_path / name, paint=media.numbered, **drawing)
    end = 13.0 if case == "long gop" else 9.5
    random = np.random.default_rng(5)
    check(path, [*random.uniform(-0.5, end, 23).tolist(), 0.0, 1.0, 99.0])
    check(path, random.uniform(0, end, 5).tolist(), threads=1)


@pytest.mark.parametrize("clip", PUBLIC)
def test_the_frame_shown_in_a_public_clip_is_the_one_of_a_whole_decode(shared_clip, clip):
    path = shared_clip(clip)
    end = {"counter.mp4": 3, "delayed_start.mp4": 2, "big_buck_bunny_0_30.webm": 30}.get(clip, 12)
    check(path, np.random.default_rng(3).uniform(0, end + 0.5, 17).tolist())


def test_asking_for_a_frames_own_second_gives_that_frame(shared_clip):
    path = shared_clip("goldeneye-vfr-drop3.mp4")
    seconds = [second for second, _ in whole_decode(path, keep=lambda second: False)]
    assert at_seconds(path, seconds, side=16).seconds.tolist() == seconds


def test_every_frame_around_the_border_of_an_open_gop_is_right(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=4, gop=25, b_frames=3, open_gop=True, paint=media.numbered)
    check(path, [0.8 + 0.02 * step for step in range(30)])


def test_the_answer_comes_in_the_order_asked_with_repeats(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=4, paint=media.numbered, gop=50)
    frames = at_seconds(path, [3.0, 1.0, 3.01, 2.0])
    assert [media.number_in(picture) for picture in frames.pixels] == [75, 25, 75, 50]


@pytest.mark.parametrize("threads", [1, 2])
def test_one_and_two_threads_give_the_same(tmp_path, threads):
    path = media.video(tmp_path / "a.mp4", seconds=8, paint=media.numbered, gop=30)
    asked = [0.37 * step + 0.01 for step in range(21)]
    assert [media.number_in(p) for p in at_seconds(path, asked, threads=threads).pixels] == [int(t * 25) for t in asked]


def test_seconds_of_one_gop_share_one_walk(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=8, gop=100)
    with Reel(path) as reel:
        walks = plan(reel, [0.1, 1.0, 3.9, 4.0, 7.9])
    assert [(walk.key, list(walk.wanted)) for walk in walks] == [(0.0, [0.1, 1.0, 3.9]), (4.0, [4.0, 7.9])]


def test_frames_nobody_refers_to_are_not_decoded_on_the_way(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=8, gop=250, b_frames=3)
    with Reel(path) as reel:
        (walk,) = plan(reel, [7.5])
        ((_, sight),) = go(reel, walk)
        assert sight.second == pytest.approx(7.48)
        assert reel.decoded < 0.6 * 188


def test_a_damaged_stretch_gives_a_frame_all_the_same(tmp_path):
    whole = media.video(tmp_path / "a.mp4", seconds=8, gop=50, paint=media.numbered)
    broken = media.damaged(whole, tmp_path / "b.mp4", 0.5, 2000)
    frames = at_seconds(broken, [0.5 * step for step in range(16)])
    assert len(frames) == 16 and np.all(np.diff(frames.seconds) >= 0)


def test_a_size_that_changes_is_brought_to_the_first(tmp_path):
    path = media.changing_size(tmp_path / "a.ts", [(160, 96), (96, 160)])
    assert at_seconds(path, [0.5, 1.5], side=48).pixels.shape == (2, 3, 48, 80)


def test_wrong_questions_are_refused(tmp_path):
    path = media.video(tmp_path / "a.mp4", times=[0.0])
    for asked in ([], [float("nan")]):
        with pytest.raises(BadQuery, match="at least one second"):
            at_seconds(path, asked)
    with pytest.raises(BadQuery, match="midpoints, both-ends"):
        by_count(path, 3, convention="middle")
    with pytest.raises(FileVanished):
        at_seconds(tmp_path / "gone.mp4", [1.0] * 20)
    with pytest.raises(TooLarge):
        at_seconds(path, [0.0], limits=Limits(pixels=100))


def test_infinite_seconds_are_the_ends(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=2)
    assert at_seconds(path, [float("-inf"), float("inf")]).seconds == pytest.approx([0.0, 1.96])


# --- by count ----------------------------------------------------------------------------------


def test_midpoints_are_the_middles_of_equal_segments():
    assert segment_midpoints(10.0, 4) == [1.25, 3.75, 6.25, 8.75]


def test_both_ends_are_both_taken():
    assert both_ends(10.0, 3) == [0.0, 5.0, 10.0]
    assert both_ends(10.0, 1) == [0.0]


def test_frames_by_count_lie_where_the_convention_says(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=8, paint=media.numbered, start=1.0)
    frames = by_count(path, 4)
    assert frames.seconds == pytest.approx([2.0, 4.0, 6.0, 8.0])
    assert by_count(path, 3, convention="both-ends").seconds == pytest.approx([1.0, 5.0, 8.96])


def test_frames_by_count_need_no_stated_length(shared_clip):
    frames = by_count(shared_clip("no_duration.webm"), 2)
    assert frames.seconds == pytest.approx([1.2, 3.7], abs=0.1)
