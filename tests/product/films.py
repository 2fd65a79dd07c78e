"""Tiny films for tests of the whole path, and what a library holds as one comparable value."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.film import video
from sightline.data.storybook.script import Script, random_script

SRC = str(Path(__file__).parents[2] / "src")


def tiny_film(path: Path, seed: int, seconds: int = 2, rate: int = 5) -> Path:
    """A film of plain colours that change every second, drawn from `seed`; a few milliseconds to make."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", rate
        for _ in range(seconds):
            colours = random.integers(0, 256, (2, 2, 3), dtype=np.uint8)
            picture = np.kron(colours, np.ones((24, 32, 1), np.uint8))
            for _frame in range(rate):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def subtitle(path: Path, *cues: tuple[float, float, str]) -> Path:
    """A SubRip file beside a film."""

    def clock(second: float) -> str:
        whole, milliseconds = divmod(round(second * 1000), 1000)
        return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{milliseconds:03d}"

    blocks = [f"{i}\n{clock(a)} --> {clock(b)}\n{text}\n" for i, (a, b, text) in enumerate(cues, 1)]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def sightline(
    *words: str, library: Path, env: dict[str, str] | None = None, **options
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own."""
    command = [sys.executable, "-m", "sightline.cli.main", *words, "--library", str(library), "--json"]
    places = os.pathsep.join([SRC, *(p for p in sys.path if p)])
    environment = {**os.environ, "PYTHONPATH": places, **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, **options)


def index(folder: Path, library: Path, *more: str, env: dict[str, str] | None = None) -> dict:
    """The report of one run that must succeed."""
    done = sightline("index", str(folder), *more, library=library, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def told_story(folder: Path) -> Script:
    """A drawn film of two scenes with a line of subtitles in `folder`/films, its library, and its script."""
    dials = replace(Dials(), seconds=14.0, scenes=2, things=(2, 2), speech=0.0, dissolve=0.0)
    script = random_script(8, dials, "train")
    (folder / "films").mkdir()
    video(script, folder / "films" / "story.mp4", size=(224, 128), rate=8, sound=False, subtitles=False)
    subtitle(folder / "films" / "story.srt", (1.0, 2.5, "The keeper is called Miriam."))
    index(folder / "films", folder / "library", "--encoder", "storybook")
    return script


def rows(library: Path) -> dict[str, str]:
    """path -> digest over everything a search could find of it: seconds, vectors, shots, lines."""
    from sightline.store.library import Library

    held = {}
    with Library.open(library) as opened:
        view = opened.view()
        for content, video in view.videos.items():
            mine = np.asarray(view.rows_of(content))
            hasher = hashlib.sha256()
            order = mine[np.argsort(np.asarray(view.seconds[mine]), kind="stable")]
            hasher.update(np.ascontiguousarray(view.seconds[order]).tobytes())
            hasher.update(np.ascontiguousarray(view.vectors[order]).tobytes())
            hasher.update(repr([(s.start, s.end) for s in view.shots(content)]).encode())
            hasher.update(repr(sorted((x.start, x.end, x.text) for x in view.lines(content))).encode())
            for path in video.paths:
                held[path] = hasher.hexdigest()
    return held
