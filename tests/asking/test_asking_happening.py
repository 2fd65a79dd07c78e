"""A search for what something does gives the seconds in which it does it."""

from types import SimpleNamespace

import numpy as np
import pytest

from sightline.asking.happening import FITS, Happening, in_spreads
from sightline.asking.moving import Watched
from sightline.records import Shot

TEXTS: dict[str, int] = {}


def encoder(sides: bool = True) -> SimpleNamespace:
    """Reads every text as an axis of its own; pictures say directly how much of each text they show."""

    def read(texts):
        return SimpleNamespace(vector=np.eye(97, dtype=np.float32)[[TEXTS.setdefault(t, len(TEXTS)) for t in texts]])

    return SimpleNamespace(read=read, **({"knows_sides": True} if sides else {}))


def hopping(seconds: np.ndarray, when: float) -> np.ndarray:
    """A cat that is there all the time, and above its place from one second to two later."""
    shown = np.zeros((len(seconds), 97), np.float32)
    for text in ("the cat", "the cat jumps", "the cat above"):
        TEXTS.setdefault(text, len(TEXTS))
    shown[:, [TEXTS["the cat"], TEXTS["the cat jumps"]]] = 1.0
    shown[(seconds >= when) & (seconds < when + 2), TEXTS["the cat above"]] = 1.0
    return shown


@pytest.fixture
def line():
    seconds = np.arange(0, 20, 0.5)
    told = Happening.said("the cat jumps", encoder(), lambda: np.zeros((0, 97), np.float32))
    return told, told.timeline(Watched(seconds, hopping(seconds, 11.0), [Shot(0, 20.0)]))


def test_the_seconds_of_the_movement_are_cut_out_of_those_in_which_the_thing_is_seen(line):
    part = line[0].within(line[1], 0.0, 20.0)
    assert 9.5 <= part.start < 12.0 and 11.5 < part.end <= 14.5 and part.end - part.start < 4.0
    assert part.start <= part.frame * 0.5 == part.second < part.end and part.share > 0.9


def test_where_nothing_moves_less_of_the_sureness_is_left(line):
    still = line[0].within(line[1], 0.0, 6.0)
    moving = line[0].within(line[1], 8.0, 16.0)
    assert FITS <= still.share < moving.share <= 1.0
    assert 0.0 <= still.start < still.end <= 6.0


def test_a_stretch_without_a_frame_stays_as_it_was(line):
    assert line[0].within(line[1], 3.1, 3.4) is None


@pytest.mark.parametrize("words", ["the cat", "蓝色的飞机", "jumps"])
def test_words_that_name_no_mover_and_movement_are_left_to_the_search(words):
    assert Happening.said(words, encoder(), lambda: np.zeros((0, 97), np.float32)) is None


def test_an_encoder_that_knows_no_sides_is_not_asked_for_movement():
    assert Happening.said("the cat jumps", encoder(sides=False), lambda: np.zeros((0, 97), np.float32)) is None


def test_a_score_is_told_in_spreads_of_other_pictures():
    """Against a plain mean and deviation, text by text."""
    draw = np.random.default_rng(3)
    pictures, texts, others = (draw.standard_normal((n, 7)).astype(np.float32) for n in (5, 2, 11))
    found = in_spreads(pictures, texts, others)
    deviations = [np.std([float(o @ text) for o in others]) for text in texts]
    for row, picture in enumerate(pictures):
        for k, text in enumerate(texts):
            middle = sum(float(o @ text) for o in others) / 11
            assert found[row, k] == pytest.approx((float(picture @ text) - middle) / np.mean(deviations), rel=1e-4)
