"""Going through a video: which frames are kept, at which seconds, in which memory."""

import json
import math
import shutil
import subprocess
import sys
from fractions import Fraction

import av
import make_media as media
import numpy as np
import pytest

from sightline.errors import BadQuery, NoVideoStream, TooLarge
from sightline.video.open import Limits
from sightline.video.sample import EFFORTS, Watching, units


def linear(path, side=None, pixel_shape=1):
    """Every frame by a plain decode: [(second, picture)]; written apart from the code it checks."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        for frame in container.decode(stream):
            width, height = frame.width, frame.height
            if side is not None:
                scale = side / min(width, height)
                width, height = round(width * scale), round(height * scale)
            small = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
            found.append((float(frame.pts * stream.time_base), small.transpose(2, 0, 1)))
    return found


def first_of_cells(seconds, every):
    """The cell rule as a slow loop."""
    kept = {}
    for second in sorted(seconds):
        kept.setdefault(math.floor(second / every + 1e-6), second)
    return list(kept.values())


def watched(path, **asked):
    watching = Watching(path, **asked)
    chunks = list(watching)
    seconds = [second for frames in chunks for second in frames.seconds.tolist()]
    return watching, seconds, [picture for frames in chunks for picture in frames.pixels]


# --- every frame -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_gop(tmp_path_factory):
    """Ten seconds, one keyframe, B-frames."""
    return media.video(tmp_path_factory.mktemp("long") / "a.mp4", seconds=10, gop=250, paint=media.numbered)


@pytest.mark.parametrize("every", [0.04, 0.3, 1.0, 2.5])
def test_the_first_frame_of_each_cell_is_kept(long_gop, every):
    _, seconds, pictures = watched(long_gop, every=every, effort="every-frame", side=None)
    whole = linear(long_gop)
    assert seconds == first_of_cells([second for second, _ in whole], every)
    by_second = dict(whole)
    assert all(np.array_equal(picture, by_second[s]) for s, picture in zip(seconds, pictures, strict=True))


def test_the_shorter_side_is_scaled_by_area(long_gop):
    _, seconds, pictures = watched(long_gop, effort="every-frame", side=48)
    by_second = dict(linear(long_gop, side=48))
    assert pictures[0].shape == (3, 48, 80)
    assert all(np.array_equal(picture, by_second[s]) for s, picture in zip(seconds, pictures, strict=True))


@pytest.mark.parametrize("clip", ["counter.mp4", "goldeneye-vfr-drop3.mp4", "delayed_start.mp4"])
def test_seconds_agree_with_ffprobe_to_the_millisecond(shared_clip, clip):
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "json"]
    answer = subprocess.run([*command, str(shared_clip(clip))], capture_output=True, check=True, text=True).stdout
    theirs = [float(frame["pts_time"]) for frame in json.loads(answer)["frames"]]
    _, ours, _ = watched(shared_clip(clip), every=0.001, effort="every-frame", side=16)
    assert ours == pytest.approx(theirs, abs=0.001)


def test_uneven_times_are_kept_as_they_are(tmp_path):
    times = [0, 0.1, 0.13, 0.5, 1.7, 1.75, 3.0]
    _, seconds, _ = watched(media.video(tmp_path / "a.mkv", times=times), every=0.001, effort="every-frame")
    assert seconds == pytest.approx(times, abs=0.0006)  # Matroska counts milliseconds


def test_a_late_start_stays_late(tmp_path):
    _, seconds, _ = watched(media.video(tmp_path / "a.mp4", start=1.5), effort="every-frame")
    assert seconds == [1.5, 2.02, 3.02] or seconds == pytest.approx([1.5, 2.02, 3.02])


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_video_is_shown_upright(tmp_path, rotation):
    plain = media.video(tmp_path / "plain.mp4", times=[0.0])
    turned = media.video(tmp_path / "turned.mp4", times=[0.0], rotation=rotation)
    _, _, (expected,) = watched(plain, side=None)
    _, _, (picture,) = watched(turned, side=None)
    assert np.array_equal(picture, np.rot90(expected, -rotation // 90, axes=(1, 2)))


def test_a_public_turned_clip_is_taller_than_wide(shared_clip):
    _, _, pictures = watched(shared_clip("issue-134-rotate.mp4"), effort="keyframes", side=100)
    assert pictures[0].shape == (3, 235, 100)


def test_pixels_are_square_in_the_picture(tmp_path):
    _, _, pictures = watched(media.video(tmp_path / "a.mp4", pixel_shape=Fraction(2, 1)), side=96)
    assert pictures[0].shape == (3, 96, 320)


def test_a_nonsense_pixel_shape_is_ignored(tmp_path):
    path = media.video(tmp_path / "a.mp4", pixel_shape=Fraction(60000, 1), times=[0.0])
    _, _, pictures = watched(path, side=96)
    assert pictures[0].shape == (3, 96, 160)


@pytest.mark.parametrize("form", ["yuv420p10le", "yuv444p", "yuv422p10le"])
def test_deep_and_full_colour_look_like_the_drawing(tmp_path, form):
    _, _, (picture,) = watched(media.video(tmp_path / "a.mp4", pixel_format=form, times=[0.0]), side=None)
    drawn = media.scene(0, 0.0).transpose(2, 0, 1)
    assert np.abs(picture.astype(int) - drawn).mean() < 12


def test_one_frame_is_enough(tmp_path):
    for effort in EFFORTS:
        watching, seconds, _ = watched(media.video(tmp_path / "a.mp4", times=[0.0]), effort=effort)
        assert seconds == [0.0] and (watching.first, watching.last) == (0.0, 0.0)


def test_a_size_that_changes_on_the_way_begins_a_new_chunk(tmp_path):
    path = media.changing_size(tmp_path / "a.ts", [(160, 96), (96, 160)])
    shapes = [frames.pixels.shape[1:] for frames in Watching(path, every=0.5, side=48, effort="every-frame")]
    assert shapes == [(3, 48, 80), (3, 80, 48)]


# --- efforts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_same_video_gives_the_same_frames_and_cuts_twice(long_gop, effort):
    one, seconds, pictures = watched(long_gop, effort=effort)
    two, again, same = watched(long_gop, effort=effort)
    assert seconds == again and one.cuts == two.cuts and one.edges == two.edges
    assert all(np.array_equal(a, b) for a, b in zip(pictures, same, strict=True))


def test_skipping_unreferenced_frames_decodes_less_and_still_fills_every_cell(long_gop):
    all_of_it, _, _ = watched(long_gop, effort="every-frame")
    watching, seconds, _ = watched(long_gop, effort="skip-unreferenced")
    assert watching.decoded < 0.7 * all_of_it.decoded
    assert [int(second + 1e-6) for second in seconds] == list(range(10))


def test_frames_of_a_slow_video_are_not_lost_by_skipping(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=20, rate=2, gop=20, b_frames=3)
    _, seconds, _ = watched(path, effort="skip-unreferenced")
    assert len(seconds) == 20


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize(("gop", "open_gop"), [(250, False), (50, False), (25, True), (13, False)])
def test_skipped_decoding_shows_the_very_same_pictures_at_the_same_seconds(tmp_path, name, gop, open_gop):
    path = media.video(tmp_path / name, seconds=5, gop=gop, open_gop=open_gop, b_frames=3, paint=media.numbered)
    by_second = dict(linear(path))
    for effort in ("skip-unreferenced", "guided", "keyframes"):
        _, seconds, pictures = watched(path, effort=effort, side=None)
        assert all(np.array_equal(picture, by_second[s]) for s, picture in zip(seconds, pictures, strict=True))


def test_keyframes_alone_are_keyframes(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=6, gop=50)
    watching, seconds, _ = watched(path, effort="keyframes")
    assert seconds == [0.0, 2.0, 4.0] and watching.decoded == 3


def test_guided_decodes_only_keyframes_where_they_lie_close_enough(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=10, gop=50, b_frames=0)
    watching, seconds, _ = watched(path, every=1.0)
    assert seconds[:5] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert watching.decoded < 5 + 55  # the keyframes and the last stretch


@pytest.mark.parametrize("every", [0.3, 1.0])
@pytest.mark.parametrize(("gop", "open_gop"), [(250, False), (25, False), (25, True), (60, True), (7, False)])
def test_guided_leaves_no_two_cells_without_a_frame(tmp_path, gop, open_gop, every):
    path = media.video(tmp_path / "a.mp4", seconds=8, gop=gop, b_frames=3, open_gop=open_gop, start=0.7)
    watching, seconds, _ = watched(path, every=every)
    ends = [watching.first, *seconds, watching.last]
    assert max(np.diff(ends)) <= 2 * every + 1e-6
    assert watching.first == pytest.approx(0.7) and watching.last == pytest.approx(8.66)


def test_guided_fills_uneven_times(tmp_path):
    times = [0, 0.04, 5.0, 5.04, 5.08, 5.5, 6.5, 7.5, 7.54, 20.0]
    _, seconds, _ = watched(media.video(tmp_path / "a.mp4", times=times, gop=250, b_frames=0))
    assert seconds == pytest.approx([0, 5.0, 6.5, 7.5, 20.0])


# --- pieces ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
@pytest.mark.parametrize("open_gop", [False, True])
def test_the_pieces_together_are_the_whole(tmp_path, name, open_gop):
    path = media.video(tmp_path / name, seconds=9, gop=20, b_frames=3, open_gop=open_gop)
    pieces = units(path, about=2.0)
    assert 4 <= len(pieces) <= 7 and pieces[-1][1] == math.inf
    assert all(left[1] == right[0] for left, right in zip(pieces, pieces[1:], strict=False))
    for every in (0.001, 0.7):
        _, whole, pictures = watched(path, every=every, effort="every-frame", side=None)
        joined, parts = [], []
        for start, end in pieces:
            _, seconds, piece = watched(path, every=every, start=start, end=end, effort="every-frame", side=None)
            joined += seconds
            parts += piece
        assert set(whole) <= set(joined) and joined == sorted(joined)
        assert len(joined) - len(whole) <= len(pieces) - 1  # one more frame at each border at most
        by_second = dict(zip(joined, parts, strict=True))
        assert all(np.array_equal(by_second[s], picture) for s, picture in zip(whole, pictures, strict=True))


def test_pieces_of_a_webm_begin_on_keyframes(shared_clip):
    pieces = units(shared_clip("big_buck_bunny_0_30.webm"), about=10)
    _, keyframes, _ = watched(shared_clip("big_buck_bunny_0_30.webm"), effort="keyframes", every=0.001, side=16)
    assert {start for start, _ in pieces} <= set(keyframes)
    assert len(pieces) >= 3


def test_a_piece_may_begin_and_end_anywhere(long_gop):
    by_second = dict(linear(long_gop))
    for effort in ("every-frame", "guided", "skip-unreferenced"):
        _, seconds, pictures = watched(long_gop, start=3.3, end=6.7, every=0.5, effort=effort, side=None)
        assert 3.3 <= seconds[0] < 3.5 and seconds[-1] < 6.7 and len(seconds) == 8
        assert all(np.array_equal(picture, by_second[s]) for s, picture in zip(seconds, pictures, strict=True))


def test_a_piece_after_the_end_is_empty(long_gop):
    for effort in EFFORTS:
        assert watched(long_gop, start=50.0, end=60.0, effort=effort)[1] == []


# --- damage and bounds -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_cut_off_video_is_watched_up_to_the_cut(tmp_path, name):
    whole = media.video(tmp_path / name, seconds=8, gop=25)
    half = media.cut_off(whole, tmp_path / f"half-{name}", 0.6)
    for effort in EFFORTS:
        watching, seconds, _ = watched(half, effort=effort, every=0.5)
        assert 2 < watching.last < 7 and seconds[0] == 0.0


def test_damaged_frames_are_counted(tmp_path):
    whole = media.video(tmp_path / "a.mp4", seconds=8, gop=50)
    assert watched(whole, effort="every-frame")[0].corrupt == 0
    watching, seconds, _ = watched(media.damaged(whole, tmp_path / "b.mp4"), effort="every-frame")
    assert watching.corrupt > 0 and len(seconds) >= 6


def test_a_song_is_not_watched(tmp_path):
    with pytest.raises(NoVideoStream, match="audio only"):
        list(Watching(media.song_with_cover(tmp_path / "a.mp3")))


def test_a_claimed_length_of_ten_hours_costs_nothing(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=2)
    data = bytearray(path.read_bytes())
    for box in (b"mvhd", b"mdhd"):  # version, flags, created, changed, time scale, then the length
        place = data.index(box) + 4 + 16
        scale = int.from_bytes(data[place - 4 : place], "big")
        data[place : place + 4] = min(2**32 - 1, 36_000 * scale).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    watching, seconds, _ = watched(path)
    assert len(seconds) == 2 and watching.last < 2.0


def test_frames_and_seconds_are_bounded_by_what_is_decoded(tmp_path):
    path = media.video(tmp_path / "a.mp4", seconds=4, rate=100)
    with pytest.raises(TooLarge, match="more than 300 frames"):
        list(Watching(path, every=0.001, effort="every-frame", limits=Limits(frames=300)))
    far = media.video(tmp_path / "b.mkv", times=[0, 1, 200_000])
    with pytest.raises(TooLarge, match="48 hours"):
        list(Watching(far))


def test_wrong_questions_are_refused(tmp_path):
    with pytest.raises(BadQuery, match="every-frame"):
        Watching(tmp_path / "a.mp4", effort="hasty")
    with pytest.raises(BadQuery, match="above 0"):
        Watching(tmp_path / "a.mp4", every=0)


MEASURE = """
import resource, sys
from sightline.video.sample import Watching
for path in sys.argv[2:]:
    for _ in Watching(path, effort=sys.argv[1], every=0.2, chunk=8):
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("effort", ["guided", pytest.param("every-frame", marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_length(tmp_path, effort):
    short = media.video(tmp_path / "short.mkv", seconds=10, rate=10, gop=20)
    long = media.video(tmp_path / "long.mkv", seconds=120, rate=10, gop=20)
    command = [sys.executable, "-c", MEASURE, effort, str(short), str(long)]
    before, after = map(int, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    assert after - before < 12_000  # kilobytes; the 600 kept pictures are 97 MB
