"""Ten stated queries over public clips, each finding its second: subtitles inside a file, and words on the screen.

The truth of the subtitles is ffprobe's; that of the screen was read off the frames by eye: the second at which the
words are first whole, to half a second. Screen text needs rapidocr and is skipped where it is not installed.
"""

import importlib.util
from pathlib import Path

import pytest

from sightline.index import Wishes, index_paths
from sightline.search import find_moments
from sightline.store.library import Library

CLIPS = Path(__file__).parents[2] / ".." / "shared" / "data" / "clips"
pytestmark = pytest.mark.skipif(not CLIPS.exists(), reason="the public clips are not beside this checkout")

SPOKEN = [
    ("optical and science segment of the Webb", "nasa_13013.mp4", 0.21, 4.26),
    ("space telescope largest cleanrooms", "nasa_13013.mp4", 4.26, 8.35),
    ("Goddard Space Flight Center", "nasa_13013.mp4", 8.35, 12.47),
    ("half of the observatory element", "nasa_13013.mp4", 12.47, 16.57),
]
WRITTEN = [
    ("the peach open movie project", "big_buck_bunny_0_30.webm", 20.7),
    ("presents", "big_buck_bunny_0_30.webm", 20.7),
    ("send spike", "goldeneye-vfr-drop3.mp4", 1.2),
    ("initiate search program", "goldeneye-vfr-drop3.mp4", 7.3),
    ("Brandon Castellano", "testvideo.mp4", 0.8),
    ('"Frame = 21"', "counter.mp4", 2.0),
]


def _best(library, query):
    moments = find_moments(library, query, limit=5).moments
    assert moments, f"no match for {query!r}"
    return moments


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("clips") / "library", create=True) as library:
        report = index_paths(library, [str(CLIPS / "nasa_13013.mp4"), str(CLIPS / "counter.mp4")])
        assert report.failed == []
        yield library


@pytest.mark.parametrize(("query", "video", "start", "end"), SPOKEN)
def test_what_is_said_is_found_at_its_second(spoken, query, video, start, end):
    best = _best(spoken, query)[0]
    assert best.video.endswith(video)
    assert abs(best.start - start) <= 1 and abs(best.end - end) <= 1


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    if importlib.util.find_spec("rapidocr") is None:
        pytest.skip("rapidocr is not installed: pip install 'sightline[ocr]'")
    names = sorted({video for _, video, _ in WRITTEN})
    with Library.open(tmp_path_factory.mktemp("written") / "library", create=True) as library:
        report = index_paths(library, [str(CLIPS / name) for name in names], Wishes(screen="rapidocr"))
        assert report.failed == [] and report.lines > 0
        yield library


@pytest.mark.slow
@pytest.mark.parametrize(("query", "video", "second"), WRITTEN)
def test_what_is_written_is_found_at_its_second(written, query, video, second):
    hits = [moment for moment in _best(written, query) if moment.video.endswith(video)]
    assert hits, f"{query!r} was not found in {video}"
    assert abs(hits[0].start - second) <= 1


def test_every_public_clip_is_taken_in_or_refused_in_words(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        report = index_paths(library, [str(CLIPS)])
        counts = library.counts()
    assert report.found == report.indexed + len(report.failed) == counts.files
    assert all(refusal.code and refusal.message for refusal in report.failed)
    print(f"{report.indexed} of {report.found} clips taken in, {len(report.failed)} refused")
