"""A model of a closed world judges only pictures of that world; of others it says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.data.storybook.draw import frames
from sightline.data.storybook.script import random_script
from sightline.encoders import home_world
from sightline.encoders.by_name import open_encoder
from sightline.index import Wishes, index_paths
from sightline.records import Frames
from sightline.search import find_moments
from sightline.store.library import Library

CLIPS = Path(__file__).parents[2] / "../shared/data/clips"
clips = pytest.mark.skipif(not CLIPS.is_dir(), reason=f"{CLIPS} is not there")
TRUE_OF_SOME = ("a red cat", "a white rabbit", "a tree", "night", "in the forest", "in the snow", "a bird in the sky",
                "a small blue fish under a red boat", "红色的猫", "一只兔子", "在夜空下", "在水下")  # fmt: skip


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Real footage, taken in as one does who names no encoder."""
    with Library.open(tmp_path_factory.mktemp("home") / "library", create=True) as library:
        index_paths(library, [str(CLIPS)])
        yield library


@clips
@pytest.mark.parametrize("query", TRUE_OF_SOME)
def test_in_real_footage_the_built_in_model_does_not_guess(footage: Library, query: str) -> None:
    found = find_moments(footage, query, sources=["picture"])
    assert found.no_match and found.generation and (found.nearest is None or found.nearest.confidence < 0.3)


@clips
def test_the_reason_names_the_encoder_and_where_others_are(footage: Library) -> None:
    reason = find_moments(footage, "a red cat", sources=["picture"]).reason
    assert "not of the drawn world that storybook knows" in reason and "sightline encoders list" in reason


@clips
def test_words_are_found_in_real_footage_all_the_same(footage: Library) -> None:
    with footage.view() as view:
        line = next(line for content in view.videos for line in view.lines(content))
    found = find_moments(footage, line.text)
    assert not found.no_match and found.moments[0].start <= line.start + 1e-6


@clips
def test_likeness_to_a_picture_works_in_real_footage(footage: Library) -> None:
    found = find_moments(footage, like="red_pandas.mp4@5")
    assert found.moments and found.moments[0].video.endswith("red_pandas.mp4")


def test_a_library_of_another_encoder_keeps_it(tmp_path: Path) -> None:
    video = drawn(tmp_path, 5)
    with Library.open(tmp_path / "library", create=True) as library:
        index_paths(library, [str(video)], Wishes(encoder="colour"))
        drawn(tmp_path, 6)
        assert index_paths(library, [str(tmp_path)]).encoder == "colour"
        assert library.counts().generation.name == "colour"


def drawn(folder: Path, seed: int) -> Path:
    from sightline.data.storybook.dials import Dials
    from sightline.data.storybook.film import video

    return video(random_script(seed, Dials(seconds=2.0, scenes=1)), folder / f"{seed}.mp4", (64, 64), 4)


# --- the judgement ----------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test", "challenge"])
def test_every_drawn_video_is_of_its_world(split: str) -> None:
    encoder = open_encoder("storybook")
    for seed in range(7):
        rows = encoder.see(frames(random_script(seed, split=split), (112, 64), 1.5)).vectors[0]
        assert encoder.at_home(rows) > 0.8, seed


@pytest.mark.parametrize("kind", ["noise", "clouds", "black"])
def test_pictures_of_nothing_are_of_no_world(kind: str) -> None:
    draw = np.random.default_rng(11)
    noise = draw.standard_normal((5, 3, 64, 113))
    if kind == "clouds":
        far = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(113)[None]) + 0.005
        noise = np.fft.ifft2(np.fft.fft2(noise) / far).real
    pixels = np.zeros_like(noise) if kind == "black" else noise / noise.std() * 50 + 128
    shown = Frames(pixels.clip(0, 255).astype(np.uint8), np.arange(5.0))
    encoder = open_encoder("storybook")
    assert encoder.at_home(encoder.see(shown).vectors[0]) < 0.2


def test_the_odds_are_even_halfway_between_the_worlds() -> None:
    """All but one in twenty of either world lie beyond SURE, by a count over a hundred numbers each."""
    own = np.stack([np.arange(101.0) + 300, np.ones(101)], axis=1)
    strange = np.stack([np.arange(101.0), np.ones(101)], axis=1)
    home = home_world.between(np.array([2.0, 0.0]), own, strange)
    odds_of_own, odds_of_strange = (rows @ home.direction + home.offset for rows in (own, strange))
    assert np.sort(odds_of_own)[5] == pytest.approx(home_world.SURE)
    assert np.sort(odds_of_strange)[95] == pytest.approx(-home_world.SURE)


def test_one_strange_picture_does_not_make_a_strange_video() -> None:
    home = home_world.HomeWorld(np.array([1.0, 0.0]), 0.0)
    rows = np.array([[4.0, 1.0]] * 6 + [[-4.0, 1.0]])
    assert home.at_home(rows) > 0.95 and home.at_home(-rows) < 0.05


def test_a_video_without_pictures_is_not_judged() -> None:
    assert home_world.HomeWorld(np.ones(193), 0.0).at_home(np.zeros((0, 193), np.float32)) == 1.0
