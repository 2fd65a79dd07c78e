"""Clips and pictures of what was found: decoded in children held to limits, never in the process that asks."""

import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from films import tiny_film
from search_world import WordEncoder, add_video

from sightline.errors import ExportError, MediaError
from sightline.exports import export
from sightline.finding.results import Results
from sightline.records import Moment
from sightline.search import cutter, find_moments
from sightline.store.library import Library

CLIPS = Path(__file__).parents[2] / ".." / "shared" / "data" / "clips"


def moments(*spans: tuple[Path, float, float]) -> Results:
    return Results("x", [Moment(str(path), start, end, 1, 0.9) for path, start, end in spans], len(spans))


def test_clips_are_cut_where_the_moments_are(tmp_path: Path) -> None:
    source = CLIPS / "counter.mp4"
    if not source.exists():
        pytest.skip(f"the public clip {source.name} is not here")
    with cutter() as cut:
        first, second = export("clips", moments((source, 1.0, 2.0), (source, 0.5, 0.5)), tmp_path / "cut", cut=cut)
    assert [first.name, second.name] == ["001 counter 00-00-01.000.mp4", "002 counter 00-00-00.500.mp4"]
    with av.open(str(first)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 10  # the counter counts ten a second
        assert clip.duration / 1e6 == pytest.approx(1.0, abs=0.1)


def test_cutting_decodes_in_a_child_and_loads_no_decoder_here(tmp_path: Path) -> None:
    import subprocess

    source = tiny_film(tmp_path / "a.mp4", 3)
    code = (
        "import sys; from pathlib import Path; from sightline.search import cutter\n"
        f"with cutter() as cut: cut({str(source)!r}, 0.0, 1.0, Path({str(tmp_path / 'clip.mp4')!r}))\n"
        "print('av' in sys.modules)"
    )
    places = os.pathsep.join([str(Path(__file__).parents[2] / "src"), *(p for p in sys.path if p)])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": places})
    assert (done.stdout.strip(), done.stderr) == ("False", "")
    assert (tmp_path / "clip.mp4").stat().st_size > 500


def test_a_moment_that_gives_no_clip_is_skipped_and_told(tmp_path: Path) -> None:
    good = tiny_film(tmp_path / "good.mp4", 3)
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    given = moments((tmp_path / "bad.mp4", 0, 1), (good, 0, 1), (tmp_path / "gone.mp4", 0, 1))
    skipped = []
    with cutter() as cut:
        written = export("clips", given, tmp_path / "cut", cut=cut, skip=lambda m, error: skipped.append((m, error)))
    assert [path.name for path in written] == ["002 good 00-00-00.000.mp4"]
    assert [Path(moment.video).name for moment, _ in skipped] == ["bad.mp4", "gone.mp4"]
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["002 good 00-00-00.000.mp4"]


def test_without_a_listener_a_moment_that_gives_no_clip_is_an_error(tmp_path: Path) -> None:
    with cutter() as cut, pytest.raises(MediaError, match="gone.mp4"):
        export("clips", moments((tmp_path / "gone.mp4", 0, 1)), tmp_path / "cut", cut=cut)


def test_a_child_that_dies_leaves_nothing_of_its_clip(tmp_path: Path) -> None:
    def dies(video: str, start: float, end: float, out: Path) -> None:
        (out.parent / ".half.part.mp4").write_bytes(b"half")
        raise MediaError("died")

    with pytest.raises(MediaError, match="died"):
        export("clips", moments((tmp_path / "a.mp4", 0, 1)), tmp_path / "cut", cut=dies)
    assert list((tmp_path / "cut").iterdir()) == []


def test_a_clip_never_replaces_a_file(tmp_path: Path) -> None:
    good = tiny_film(tmp_path / "good.mp4", 3)
    with cutter() as cut:
        (clip,) = export("clips", moments((good, 0, 1)), tmp_path / "cut", cut=cut)
        before = clip.read_bytes()
        with pytest.raises(ExportError, match="a video is never replaced"):
            export("clips", moments((good, 0, 1)), tmp_path / "cut", cut=cut, overwrite=True)
    assert clip.read_bytes() == before


def test_clips_do_not_replace_a_file_with_a_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with cutter() as cut, pytest.raises(ExportError, match="is a file"):
        export("clips", moments(), tmp_path / "taken", cut=cut)
    assert (tmp_path / "taken").read_text() == "mine"


def test_clips_without_a_way_to_cut_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="search.cutter"):
        export("clips", moments(), tmp_path / "cut")


# --- pictures -------------------------------------------------------------------------------------


def test_the_picture_of_a_moment_shows_its_best_second(tmp_path: Path) -> None:
    """The film changes its colours every second; the library's stored picture is of the whole shot."""
    with Library.open(tmp_path / "library", create=True) as library:
        video = tiny_film(tmp_path / "a.mp4", 11, seconds=6)
        add_video(library, video, [(0, 3, "dog grass"), (3, 4, "kite"), (4, 6, "rice pan")], thumbnail=b"stored")
        found = find_moments(library, "kite", encoder=WordEncoder(), thumbnails=True, sources=["picture"])
    assert found.moments[0].thumbnail == 3.0
    shown, truth, other = _decoded(found.thumbnails[0]), _frame(video, 3.0), _frame(video, 4.0)
    assert np.abs(_corners(shown) - _corners(truth)).max() < 12 < np.abs(_corners(shown) - _corners(other)).max()


def test_the_stored_picture_stands_in_for_a_file_that_is_gone_or_damaged(tmp_path: Path) -> None:
    (tmp_path / "damaged.mp4").write_bytes(b"no film")
    with Library.open(tmp_path / "library", create=True) as library:
        for name in ("damaged.mp4", "gone.mp4"):
            add_video(library, tmp_path / name, [(0, 3, "kite"), (3, 9, "rice pan")], thumbnail=b"stored")
        found = find_moments(library, "kite", encoder=WordEncoder(), thumbnails=True)
    assert found.thumbnails == [b"stored", b"stored"]


def _corners(picture: np.ndarray) -> np.ndarray:
    """The four plain colours that one picture of the film holds."""
    height, width = picture.shape[:2]
    return picture[height // 4 :: height // 2, width // 4 :: width // 2].astype(int)


def _decoded(jpeg: bytes) -> np.ndarray:
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"))


def _frame(video: Path, second: float) -> np.ndarray:
    with av.open(str(video)) as container:
        return next(f.to_ndarray(format="rgb24") for f in container.decode(video=0) if f.time >= second)
