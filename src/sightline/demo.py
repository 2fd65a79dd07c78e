"""Draws a few short videos with signs, speech and sound, takes them in, and searches them: the whole path in a minute.

The videos are storybook episodes, so what is true in them is known, and each search is told beside its truth.
Shapes: folder -> videos/*.mp4 with subtitles in English and Chinese, library/, contact-sheet.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sightline.indexing.report import Report
from sightline.records import Line

SEEDS = (7, 11, 23)
ABSENT = ("submarine periscope", "量子计算机")

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Asked:
    """One search of the demo: what was asked, what is true, what was found."""

    query: str
    truth: tuple[float, float] | None  # where it is said; None: nowhere in these videos
    found: tuple[float, float] | None
    video: str = ""
    confidence: float = 0.0

    @property
    def right(self) -> bool:
        """Within a second of the truth; or rightly nothing."""
        if self.truth is None or self.found is None:
            return self.truth is self.found
        return self.found[0] - 1 <= self.truth[0] and self.truth[1] <= self.found[1] + 1


@dataclass
class Demo:
    folder: str
    report: dict[str, Any]
    counts: dict[str, Any]
    asked: list[Asked] = field(default_factory=list)
    sheet: str = ""
    seconds_drawing: float = 0.0
    seconds_indexing: float = 0.0
    seconds_searching: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "asked": [{**asdict(one), "right": one.right} for one in self.asked]}


def draw_videos(folder: Path, count: int = len(SEEDS), size: tuple[int, int] = (640, 360)) -> list[Path]:
    """Storybook episodes with subtitles beside them; those already drawn are kept."""
    from sightline.data.storybook.film import video
    from sightline.data.storybook.script import random_script

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for seed in SEEDS[:count]:
        path = folder / f"storybook-{seed}.mp4"
        if not path.exists():
            half_done = path.with_name(f"drawing-{seed}.mp4")
            video(random_script(seed), half_done, size)
            for beside in folder.glob(f"drawing-{seed}.*.srt"):
                beside.rename(beside.with_name(beside.name.replace("drawing", "storybook")))
            half_done.rename(path)
        made.append(path)
    return made


def run_demo(folder: Path, library_folder: Path | None = None, tell: Told | None = None) -> Demo:
    """Draws, indexes, searches, writes the contact sheet; everything lies in `folder` afterwards."""
    from sightline.index import index_paths
    from sightline.store.library import Library

    began = time.monotonic()
    videos = draw_videos(folder / "videos")
    drawn = time.monotonic()
    with Library.open(library_folder or folder / "library", create=True) as library:
        report: Report = index_paths(library, [str(folder / "videos")], tell=tell)
        indexed = time.monotonic()
        demo = Demo(str(folder), report.as_dict(), asdict(library.counts()))
        demo.asked = [_ask(library, query, truth) for query, truth in _questions(videos)]
        demo.sheet = str(_contact_sheet(library, demo.asked[0].query, folder / "contact-sheet.html"))
    demo.seconds_drawing, demo.seconds_indexing = drawn - began, indexed - drawn
    demo.seconds_searching = time.monotonic() - indexed
    return demo


def _questions(videos: list[Path]) -> list[tuple[str, tuple[float, float] | None]]:
    """A line that is said in each video, in both languages, where its words stand in no other; and what nobody says."""
    from sightline.video.subtitles import read_subtitles

    asked: list[tuple[str, tuple[float, float] | None]] = []
    for language in ("en", "zh"):
        spoken = [line for path in videos for line in _read(read_subtitles, path.with_suffix(f".{language}.srt"))]
        texts = [line.text for line in spoken]
        once = [line for line in spoken if texts.count(line.text) == 1]
        asked += [(line.text.rstrip("?!.。！？"), (line.start, line.end)) for line in once[:3]]
    return asked + [(query, None) for query in ABSENT]


def _read(reader: Callable[[Path], list[Line]], path: Path) -> list[Line]:
    return reader(path) if path.exists() else []


def _ask(library: Any, query: str, truth: tuple[float, float] | None) -> Asked:
    from sightline.search import find_moments

    moments = find_moments(library, query, limit=1).moments
    if not moments:
        return Asked(query, truth, None)
    best = moments[0]
    return Asked(query, truth, (best.start, best.end), Path(best.video).name, best.confidence)


def _contact_sheet(library: Any, query: str, out: Path) -> Path:
    from sightline.exports import export
    from sightline.search import find_moments

    return export("sheet", find_moments(library, query, thumbnails=True), out, overwrite=True)[0]
