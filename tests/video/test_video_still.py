"""Photographs and animations."""

import make_media as media
import numpy as np
import pytest
from PIL import Image

from sightline.errors import NotMedia, TooLarge
from sightline.video.open import Limits, facts
from sightline.video.sample import Watching, at_seconds, units
from sightline.video.still import still


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tif"])
def test_every_usual_picture_is_one_frame_at_second_zero(tmp_path, name):
    frames = still(media.photograph(tmp_path / name), side=None)
    assert frames.pixels.shape == (1, 3, 48, 80)
    assert frames.seconds.tolist() == [0.0]
    drawn = media.scene(1, 0.0, (80, 48)).transpose(2, 0, 1).astype(int)
    assert np.abs(frames.pixels[0].astype(int) - drawn).mean() < 8  # JPEG and WebP are lossy


# Each EXIF orientation as the turn of the stored array that brings it upright.
TURNS = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
         6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNS)
def test_a_photograph_is_upright_as_its_exif_says(tmp_path, orientation):
    path = media.photograph(tmp_path / "a.png", orientation=orientation)
    expected = TURNS[orientation](media.scene(1, 0.0, (80, 48)))
    frames = still(path, side=None)
    assert np.array_equal(frames.pixels[0], expected.transpose(2, 0, 1))
    assert (facts(path).width, facts(path).height) == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_has_its_real_times(tmp_path, name):
    path = media.animation(tmp_path / name, [100, 50, 300, 40])
    frames = still(path, side=None)
    assert facts(path).kind == "animation"
    assert frames.seconds == pytest.approx([0.0, 0.1, 0.15, 0.45])
    assert frames.duration == facts(path).duration == pytest.approx(0.49)


def test_an_animations_frames_are_its_pictures(tmp_path):
    frames = still(media.animation(tmp_path / "a.webp", [100, 100, 100]), side=None)
    for number in range(3):
        assert np.array_equal(frames.pixels[number], media.scene(number, 0.0, (40, 24)).transpose(2, 0, 1))


def test_gif_frames_without_a_time_are_shown_a_tenth_of_a_second(tmp_path):
    assert still(media.animation(tmp_path / "a.gif", [0, 0, 0])).seconds == pytest.approx([0.0, 0.1, 0.2])


def test_only_the_first_frame_of_each_cell_is_kept_when_asked(tmp_path):
    path = media.animation(tmp_path / "a.gif", [400] * 6)
    assert still(path, every=1.0).seconds == pytest.approx([0.0, 1.2, 2.0])


def test_a_picture_can_be_watched_and_fetched_like_a_video(tmp_path):
    path = media.animation(tmp_path / "a.gif", [400] * 6)
    assert [frames.seconds.tolist() for frames in Watching(path, every=1.0)] == [pytest.approx([0.0, 1.2, 2.0])]
    assert at_seconds(path, [-1.0, 0.5, 9.0]).seconds == pytest.approx([0.0, 0.4, 2.0])
    assert len(units(path)) == 1


def test_transparency_is_laid_on_white(tmp_path):
    Image.new("RGBA", (8, 8), (200, 0, 0, 0)).save(tmp_path / "a.png")
    assert still(tmp_path / "a.png", side=None).pixels.min() == 255


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path):
    Image.fromarray(np.full((8, 8), 0x8080, dtype=np.uint16)).save(tmp_path / "a.png")
    assert np.unique(still(tmp_path / "a.png", side=None).pixels).tolist() == [0x80]


def test_a_giant_png_is_refused_by_its_header(tmp_path):
    path = media.huge_png(tmp_path / "bomb.png")
    for ask in (facts, still):
        with pytest.raises(TooLarge, match="120,000,000"):
            ask(path)


def test_a_large_picture_is_refused_with_its_size(tmp_path):
    path = media.huge_png(tmp_path / "bomb.png", 14000, 9000)
    with pytest.raises(TooLarge, match=r"14000 x 9000 = 126,000,000 pixels"):
        facts(path)
    with pytest.raises(TooLarge):
        still(media.photograph(tmp_path / "a.jpg"), limits=Limits(still_pixels=100))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif"])
def test_a_cut_off_picture_is_refused(tmp_path, name):
    whole = media.photograph(tmp_path / name, size=(200, 160))
    with pytest.raises(NotMedia):
        still(media.cut_off(whole, tmp_path / f"half-{name}", 0.4), side=None)


def test_the_shorter_side_gets_the_size_asked_for(tmp_path):
    path = media.photograph(tmp_path / "a.jpg", size=(800, 400))
    assert still(path, side=50).pixels.shape == (1, 3, 50, 100)
