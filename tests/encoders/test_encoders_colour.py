"""The colour encoder: names of colours, words for them, and pictures that look alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor

from sightline.encoders import colour_layout, colour_names
from sightline.encoders.colour_layout import ColourLayout
from sightline.encoders.colour_words import CELLS, Mention, mentions
from sightline.records import Frames

CLIPS = Path(__file__).parents[2] / "../shared/data/clips"
GREY, RED, BLUE, GREEN = (128, 128, 128), (220, 20, 30), (20, 40, 220), (20, 160, 40)


def picture(ground: tuple[int, ...], thing: tuple[int, ...] | None = None, x: int = 0, y: int = 0, side: int = 31):
    pixels = np.empty((3, 97, 131), dtype=np.uint8)
    pixels[:] = np.array(ground)[:, None, None]
    if thing is not None:
        pixels[:, y : y + side, x : x + side] = np.array(thing)[:, None, None]
    return pixels


def see(*pictures: np.ndarray) -> np.ndarray:
    frames = Frames(np.stack(pictures), np.arange(len(pictures), dtype=float))
    return ColourLayout().see(frames).vectors[0]


def score(text: str, *pictures: np.ndarray) -> np.ndarray:
    return see(*pictures) @ ColourLayout().read([text]).vector[0]


@pytest.mark.parametrize(
    ("css", "name"),
    [
        ("firebrick", "red"),
        ("crimson", "red"),
        ("darkorange", "orange"),
        ("gold", "yellow"),
        ("khaki", "yellow"),
        ("seagreen", "green"),
        ("lime", "green"),
        ("navy", "blue"),
        ("skyblue", "blue"),
        ("indigo", "purple"),
        ("darkorchid", "purple"),
        ("hotpink", "pink"),
        ("lightpink", "pink"),
        ("saddlebrown", "brown"),
        ("peru", "brown"),
        ("snow", "white"),
        ("whitesmoke", "white"),
        ("dimgray", "grey"),
        ("silver", "grey"),
        ("black", "black"),
    ],
)
def test_a_named_web_colour_is_called_by_its_basic_name(css: str, name: str) -> None:
    share = colour_names.shares(np.array([ImageColor.getrgb(css)]))[0]
    assert colour_names.NAMES[int(share.argmax())] == name


def test_the_table_agrees_with_the_formula_at_its_own_colours() -> None:
    chance = np.random.default_rng(2)
    levels = chance.integers(0, colour_names.LEVELS, (41, 3))
    colours = levels * 255 / (colour_names.LEVELS - 1)
    rows = colour_names.table()[colour_names.code(*colours.T)]
    np.testing.assert_allclose(rows[:, :11], colour_names.shares(colours), atol=1e-6)


def test_shares_of_a_colour_sum_to_one() -> None:
    colours = np.random.default_rng(5).integers(0, 256, (53, 3))
    np.testing.assert_allclose(colour_names.shares(colours).sum(axis=1), 1)


@pytest.mark.parametrize("text", ["red", "红色", "紅", "a red thing", "有一个红色的方块", "RED!"])
def test_a_red_square_on_grey_ranks_above_pictures_without_red(text: str) -> None:
    with_red = picture(GREY, RED, 61, 23)
    others = [picture(GREY), picture(GREY, BLUE, 61, 23), picture((20, 20, 20)), picture((240, 240, 240), GREEN, 9, 9)]
    scores = score(text, with_red, *others)
    assert scores[0] > 0 > scores[1:].max()


def test_a_place_tells_left_from_right() -> None:
    left, right = picture(GREY, RED, 5, 30), picture(GREY, RED, 95, 30)
    assert np.diff(score("a red thing on the left", left, right))[0] < -0.05
    assert np.diff(score("右边的红色", left, right))[0] > 0.05


def test_two_colours_in_two_places_prefer_the_picture_laid_out_so() -> None:
    sky_above = np.concatenate([picture(BLUE)[:, :49], picture(GREEN)[:, :48]], axis=1)
    scores = score("top blue, bottom green", sky_above, sky_above[:, ::-1])
    assert scores[0] > scores[1] + 0.2


def test_dark_and_bright_are_opposites() -> None:
    night, day = picture((14, 14, 22)), picture((233, 233, 228))
    np.testing.assert_allclose(score("dark", night, day), -score("明亮", night, day), atol=1e-6)
    assert score("暗", night)[0] > 0 > score("dark", day)[0]


@pytest.mark.parametrize(
    "text", ["a cat on a sofa", "", "   ", "她明白了", "白天", "left", "在桌上", "Fred redid it", "all right"]
)
def test_words_without_colour_or_light_give_a_zero_row(text: str) -> None:
    assert not ColourLayout().read([text]).vector.any()


TOP, BOTTOM, LEFT = frozenset({0, 1, 2}), frozenset({6, 7, 8}), frozenset({0, 3, 6})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("red", [Mention("red")]),
        ("dark blue", [Mention("lightness", -1), Mention("blue")]),
        ("blue top, green bottom", [Mention("blue", 1, TOP), Mention("green", 1, BOTTOM)]),
        ("上蓝下绿", [Mention("blue", 1, TOP), Mention("green", 1, BOTTOM)]),
        ("红色在上", [Mention("red", 1, TOP)]),
        ("a red ball at the top left", [Mention("red", 1, frozenset({0}))]),
        ("左上角的红色圆", [Mention("red", 1, frozenset({0}))]),
        ("red and blue on the left", [Mention("red", 1, LEFT), Mention("blue", 1, LEFT)]),
        ("紅色與藍色", [Mention("red", 1, CELLS), Mention("blue", 1, CELLS)]),
        ("粉红色", [Mention("pink")]),
        ("一下雪就白了", [Mention("white")]),
    ],
)
def test_words_are_understood(text: str, said: list[Mention]) -> None:
    assert mentions(text) == said


def test_area_mean_equals_the_slow_average_over_fractions_of_pixels() -> None:
    points, bins = 7, 3
    fine = np.repeat(np.arange(points, dtype=float) ** 2, bins)  # every sample cut into `bins` equal parts
    slow = fine.reshape(bins, points).mean(axis=1)
    np.testing.assert_allclose(colour_layout.area_mean(points, bins) @ np.arange(points) ** 2, slow, rtol=1e-6)


def test_edges_equal_a_loop_over_points() -> None:
    grey = np.random.default_rng(7).random((2, 48, 48)).astype(np.float32)
    rows = colour_layout.edges(grey).reshape(2, 9, 3)
    energy = []
    for y in range(16):
        for x in range(16, 32):  # the middle cell of the top row
            across = grey[1, y, x + 1] - grey[1, y, x - 1] if 0 < x < 47 else 0
            down = grey[1, y + 1, x] - grey[1, y - 1, x] if 0 < y < 47 else 0
            energy.append((across**2 + down**2, across**2 - down**2, 2 * across * down))
    total, direction, slant = np.mean(energy, axis=0)
    expected = [np.sqrt(total) - colour_layout.USUAL_EDGE, direction / np.sqrt(total), slant / np.sqrt(total)]
    np.testing.assert_allclose(rows[1, 1], expected, rtol=2e-4, atol=1e-6)


def test_a_picture_scaled_to_another_size_keeps_its_vector() -> None:
    small = np.random.default_rng(1).integers(0, 256, (3, 48, 48)).astype(np.uint8)
    large = small.repeat(3, axis=1).repeat(2, axis=2)
    assert see(small)[0] @ see(large)[0] > 0.9999


def _clip(name: str, every: float = 0.5, most: int = 60) -> np.ndarray:
    import av

    path = CLIPS / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the public clips come separately")
    kept: list[np.ndarray] = []
    due = -1.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if len(kept) == most:
                break
            if frame.time is not None and frame.time >= due:
                width = round(frame.width * 96 / frame.height) // 2 * 2
                kept.append(frame.to_ndarray(format="rgb24", width=width, height=96).transpose(2, 0, 1))
                due = frame.time + every
    return np.stack(kept)


def test_a_noisy_brighter_or_trimmed_copy_is_nearer_than_another_film() -> None:
    film, other = _clip("red_pandas.mp4", most=11), _clip("big_buck_bunny_0_30.webm", most=11)
    noise = np.random.default_rng(3).normal(0, 8, film.shape)
    copies = [np.clip(film + noise, 0, 255), np.clip(film * 1.15 + 5, 0, 255), film[:, :, 5:-5, 3:-3]]
    vectors = see(*film)
    nearest = min((vectors * see(*copy.astype(np.uint8))).sum(axis=1).min() for copy in copies)
    assert nearest > 0.85
    assert (vectors @ see(*other).T).max() < 0.6


def test_films_that_have_nothing_in_common_score_about_zero() -> None:
    names = ("big_buck_bunny_0_30.webm", "nasa_13013.mp4", "red_pandas.mp4", "testvideo.mp4")
    seen = [see(*_clip(name, every=2.0, most=13)) for name in names]
    pairs = [(left @ right.T).mean() for i, left in enumerate(seen) for right in seen[:i]]
    assert abs(np.mean(pairs)) < 0.15


@pytest.mark.slow
def test_the_usual_shares_are_the_means_of_public_footage() -> None:
    whole, cells = [], []
    for name in (
        "big_buck_bunny_0_30.webm",
        "goldeneye-vfr-drop3.mp4",
        "nasa_13013.mp4",
        "red_pandas.mp4",
        "testvideo.mp4",
    ):
        table = colour_names.table()
        small = colour_layout.shrink(_clip(name))
        shares = table[colour_names.code(small[:, 0], small[:, 1], small[:, 2])][..., :11]  # [T, 48, 48, 11]
        in_cells = shares.reshape(len(small), 3, 16, 3, 16, 11).mean(axis=(2, 4)).reshape(len(small), 9, 11)
        whole.append(np.sqrt(in_cells.mean(axis=1)).mean(axis=0))
        cells.append(np.sqrt(in_cells).mean(axis=(0, 1)))
    np.testing.assert_allclose(np.mean(whole, axis=0), colour_layout.USUAL_WHOLE, atol=0.03)
    np.testing.assert_allclose(np.mean(cells, axis=0), colour_layout.USUAL_CELL, atol=0.03)
