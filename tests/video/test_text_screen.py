"""Words on the screen: joining and skipping always; the real reader where rapidocr is installed."""

import builtins
import random
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sightline.errors import MissingExtra, SightlineError
from sightline.records import Frames, Line
from sightline.video.screen_text import (
    Reading,
    Sight,
    edit_distance,
    joined,
    lines_from,
    lines_of,
    open_screen_reader,
    same_text,
    text_changed,
)

BOX = (0.1, 0.2, 0.3, 0.4)


def readings(*texts: str, score: float = 0.9) -> list[Reading]:
    """One reading a second; several texts of one frame are separated by |."""
    return [
        Reading(float(second), tuple(Sight(text, BOX, score) for text in row.split("|") if text))
        for second, row in enumerate(texts)
    ]


def said(lines: list[Line]) -> list[tuple[str, float, float]]:
    return [(line.text, line.start, line.end) for line in lines]


def picture(
    text: str, seed: int = 0, size: int = 40, at: tuple[int, int] = (60, 200), ink: object = "white"
) -> np.ndarray:
    """A 480 x 640 picture with one row of text and a little noise. [3, H, W]"""
    image = Image.new("RGB", (640, 480), (30, 60, 90))
    ImageDraw.Draw(image).text(at, text, font=ImageFont.load_default(size), fill=ink)
    noise = np.random.default_rng(seed).integers(-4, 5, (480, 640, 3))
    return np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8).transpose(2, 0, 1)


# --- readings become lines -------------------------------------------------------------------


def test_a_text_lasts_until_the_first_frame_without_it() -> None:
    assert said(lines_of(readings("", "EXIT", "EXIT", "", ""))) == [("EXIT", 1.0, 3.0)]


def test_a_text_on_the_last_frame_lasts_one_more_step() -> None:
    assert said(lines_of(readings("", "EXIT"))) == [("EXIT", 1.0, 2.0)]
    assert said(lines_of(readings("EXIT"), cell=5.0)) == [("EXIT", 0.0, 5.0)]


def test_small_misreadings_are_one_line_with_the_surest_spelling() -> None:
    frames = [
        Reading(0.0, (Sight("Hello world", BOX, 0.8),)),
        Reading(1.0, (Sight("Hello World", (0.0, 0.0, 0.5, 0.5), 0.99),)),
        Reading(2.0, (Sight("Helo worId", BOX, 0.7),)),
    ]
    (line,) = lines_of(frames, track="ocr")
    assert line == Line(0.0, 3.0, "Hello World", "screen", "ocr", score=0.99, box=(0.0, 0.0, 0.5, 0.5))


def test_another_number_is_another_text() -> None:
    assert said(lines_of(readings("Score 1:2", "Score 1:3"))) == [("Score 1:2", 0.0, 1.0), ("Score 1:3", 1.0, 2.0)]


def test_texts_that_stand_together_are_lines_of_their_own() -> None:
    found = said(lines_of(readings("Kitchen|Door", "Kitchen", "Kitchen|Window")))
    assert sorted(found) == [("Door", 0.0, 1.0), ("Kitchen", 0.0, 3.0), ("Window", 2.0, 3.0)]


def test_a_text_that_comes_back_is_a_second_line() -> None:
    assert said(lines_of(readings("EXIT", "", "EXIT"))) == [("EXIT", 0.0, 1.0), ("EXIT", 2.0, 3.0)]


def test_the_same_text_in_two_places_stays_two_lines() -> None:
    left, right = (0.0, 0.0, 0.1, 0.1), (0.8, 0.0, 0.9, 0.1)
    both = (Sight("GATE", left, 0.9), Sight("GATE", right, 0.9))
    lines = lines_of([Reading(0.0, both), Reading(1.0, both[::-1]), Reading(2.0, both[1:])])
    assert sorted((line.box, line.start, line.end) for line in lines if line.box) == [
        (left, 0.0, 2.0),
        (right, 0.0, 3.0),
    ]


def test_stretches_read_apart_are_joined_where_they_touch() -> None:
    first, second = lines_of(readings("EXIT", "EXIT")), [Line(2.0, 4.0, "EXIT", "screen", score=0.95)]
    apart = [Line(9.0, 9.5, "EXIT", "screen")]
    assert said(joined([*apart, *second, *first])) == [("EXIT", 0.0, 4.0), ("EXIT", 9.0, 9.5)]


@pytest.mark.parametrize("seed", range(20))
def test_the_edit_distance_is_levenshteins(seed: int) -> None:
    dice = random.Random(seed)
    one, other = ("".join(dice.choices("abc", k=dice.randrange(9))) for _ in range(2))

    @lru_cache(None)
    def slow(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        return min(slow(i - 1, j) + 1, slow(i, j - 1) + 1, slow(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    assert edit_distance(one, other, 99) == slow(len(one), len(other))
    assert (edit_distance(one, other, 2) <= 2) == (slow(len(one), len(other)) <= 2)


def test_short_words_must_agree() -> None:
    assert not same_text("CAT", "CAR") and same_text("KITCHEN", "KITCHFN")


# --- which frames are read -------------------------------------------------------------------


def test_noise_on_a_still_text_is_no_change() -> None:
    assert not text_changed(picture("Hello", seed=1), picture("Hello", seed=2))


@pytest.mark.parametrize(("one", "other"), [("", "Hello"), ("Hello", ""), ("Hello 1", "Hello 7"), ("Hello", "Help!")])
def test_other_text_is_a_change(one: str, other: str) -> None:
    assert text_changed(picture(one, seed=1), picture(other, seed=2))


def test_small_text_is_a_change() -> None:
    assert text_changed(picture(""), picture("tiny words here", size=12))


def test_text_of_the_brightness_of_its_ground_is_a_change() -> None:
    assert text_changed(picture(""), picture("Hello", ink=(90, 60, 30)))


def test_a_slow_change_of_light_is_no_change_of_text() -> None:
    smooth = np.broadcast_to(np.linspace(20, 60, 640, dtype=np.float32), (3, 480, 640))
    assert not text_changed(smooth.astype(np.uint8), (smooth + 50).astype(np.uint8))


def test_another_size_is_a_change() -> None:
    assert text_changed(picture(""), picture("")[:, :, :320])


# --- the reader itself -----------------------------------------------------------------------


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: object, **more: object) -> object:
        if name == "rapidocr":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtra, match=r"pip install 'sightline\[ocr\]'"):
        open_screen_reader()


def test_an_unknown_reader_is_named() -> None:
    with pytest.raises(SightlineError, match="no screen reader is called 'tesseract'; there is 'rapidocr'"):
        open_screen_reader("tesseract")


def test_the_real_reader_reads_changed_frames_only() -> None:
    pytest.importorskip("rapidocr", reason="the optional part [ocr] is not installed")
    shown = ["Hello World", "Hello World", "", "Exit 42", "Exit 42", "Exit 43"]
    pixels = np.stack([picture(text, seed) for seed, text in enumerate(shown)])
    reader = open_screen_reader()
    chunks = [
        Frames(pixels[part], np.arange(6.0)[part] / 2 + 7.0, "v") for part in (slice(0, 1), slice(1, 5), slice(5, 6))
    ]
    lines = lines_from(reader, chunks, every=0.5)
    assert said(lines) == [("Hello World", 7.0, 8.0), ("Exit 42", 8.5, 9.5), ("Exit 43", 9.5, 10.0)]
    assert reader.skipped == 2
    x0, y0, x1, y1 = lines[0].box or (9.0, 9.0, 9.0, 9.0)
    assert 0.08 < x0 < 0.12 < 0.4 < x1 < 0.5 and 0.38 < y0 < 0.45 < 0.48 < y1 < 0.55
    assert lines[0].source == "screen" and (lines[0].score or 0) > 0.9


def test_the_real_reader_reads_chinese() -> None:
    pytest.importorskip("rapidocr", reason="the optional part [ocr] is not installed")
    fonts = [path for name in ("*CJK*.tt?", "wqy*.tt?", "*CJK*.otf") for path in Path("/usr/share/fonts").rglob(name)]
    if not fonts:
        pytest.skip("no Chinese font to draw with")
    image = Image.new("RGB", (640, 480), (30, 60, 90))
    ImageDraw.Draw(image).text((60, 200), "打开冰箱", font=ImageFont.truetype(str(fonts[0]), 48), fill="white")
    frames = Frames(np.asarray(image).transpose(2, 0, 1)[None], np.zeros(1), "v")
    assert [line.text for line in open_screen_reader().read(frames)] == ["打开冰箱"]


def test_words_that_are_typed_out_are_kept_whole_from_their_first_sight():
    box = (0.1, 0.1, 0.5, 0.2)
    typed = [("Initiate Search Prog", 0.99), ("Initiate Search Program", 0.90), ("Initiate Search Progra", 0.95)]
    readings = [Reading(float(i), (Sight(text, box, score),)) for i, (text, score) in enumerate(typed)]
    (line,) = lines_of(readings, cell=1.0)
    assert (line.start, line.text) == (0.0, "Initiate Search Program")
