"""Colours and their places, asked of drawn films through the encoder that needs no weights: found, and not found."""

from pathlib import Path

import av
import numpy as np
import pytest

from sightline.index import Wishes, index_paths
from sightline.search import find_moments
from sightline.store.library import Library

RGB = {"red": (210, 30, 30), "blue": (30, 50, 210), "green": (30, 160, 50), "yellow": (230, 210, 40)}
RGB |= {"grey": (128, 128, 128), "white": (245, 245, 245)}
SCENES = ["blue grey top", "red green left", "green grey top", "grey blue top", "yellow white left", "grey red left"]
LONG = 3  # seconds of a scene


def drawn(scene: str) -> np.ndarray:
    """A third of the picture in the first colour, at the top or on the left; the rest in the second."""
    first, second, place = scene.split()
    picture = np.full((48, 64, 3), RGB[second], np.uint8)
    picture[(slice(16), slice(None)) if place == "top" else (slice(None), slice(21))] = RGB[first]
    return picture


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("colours")
    with av.open(str(folder / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 5
        for scene in SCENES:
            for _ in range(5 * LONG):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(scene), format="rgb24")))
        container.mux(stream.encode())
    with Library.open(folder / "library", create=True) as library:
        assert index_paths(library, [str(folder / "film.mp4")], Wishes(encoder="colour")).failed == []
        yield library


@pytest.mark.parametrize(
    ("query", "scenes"),
    [
        ("blue at the top", [0]),
        ("上面是蓝色", [0]),
        ("red on the left", [1]),
        ("红色在左边", [1]),
        ("yellow", [4]),
        ("blue", [0, 3]),
    ],
)
def test_a_colour_is_found_where_it_is(library: Library, query: str, scenes: list[int]) -> None:
    moments = find_moments(library, query, sources=["picture"]).moments
    assert moments and all(moment.confidence >= 0.5 for moment in moments)
    assert {round(moment.start / LONG) for moment in moments} <= set(scenes)
    assert round(moments[0].start / LONG) in scenes


@pytest.mark.parametrize(
    "query",
    ["purple", "pink", "orange", "pink at the top", "yellow at the bottom", "purple on the left", "red submarine"],
)
def test_a_colour_that_is_not_there_is_not_found(library: Library, query: str) -> None:
    assert find_moments(library, query, sources=["picture"]).no_match


@pytest.mark.parametrize("query", ["red", "orange", "yellow", "green", "blue", "purple", "pink", "blue at the top"])
def test_where_all_pictures_are_alike_no_colour_is_found_by_its_trace(query: str, tmp_path: Path) -> None:
    """Nothing but grey noise: chance has no room here, and yet no colour stands out."""
    from PIL import Image

    noise = np.random.default_rng(7).normal(128, 12, (3, 48, 64, 3)).clip(0, 255).astype(np.uint8)
    for number, picture in enumerate(noise):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    with Library.open(tmp_path / "library", create=True) as library:
        assert index_paths(library, [str(tmp_path)], Wishes(encoder="colour")).failed == []
        assert find_moments(library, query, sources=["picture"]).no_match
