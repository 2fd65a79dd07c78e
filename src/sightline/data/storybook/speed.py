"""How fast the world is drawn, written and seen, and whether a seed draws the same bytes again, here and elsewhere.

Shapes: each rate is frames a second of one processor's time; sprites and backdrops are cached from script to script, as
in any longer use, so each rate is taken after a first, uncounted script.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.data.storybook.draw import Size, frames
from sightline.data.storybook.film import video
from sightline.data.storybook.script import random_script
from sightline.records import Frames

SIZES: dict[str, Size] = {"64": 64, "96": 96, "224": 224, "720p": (1280, 720)}
SCRIPTS = 3
PICTURES = 160  # for the rate of seeing
_ELSEWHERE = "import sys; from sightline.data.storybook.speed import digest; print(digest(int(sys.argv[1])))"


@dataclass(frozen=True)
class Speed:
    drawing: dict[str, float]
    writing: float  # 640 x 360, h264 and sound
    seeing: float
    digest: str
    same_here: bool
    same_elsewhere: bool


def digest(seed: int) -> str:
    """Of a script and its pictures."""
    script = random_script(seed)
    return hashlib.sha256(repr(script).encode() + frames(script, (96, 64), every=0.7).pixels.tobytes()).hexdigest()


def digest_elsewhere(seed: int) -> str:
    """The same, computed by another process."""
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {_ELSEWHERE}", str(seed)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measure(see: Callable[[Frames], object], seed: int = 7) -> Speed:
    drawing = {name: _drawing(size, seed) for name, size in SIZES.items()}
    pixels = np.concatenate([frames(random_script(seed + k), (112, 64)).pixels for k in range(4)])[:PICTURES]
    seeing = _rate(len(pixels), lambda: see(Frames(pixels, np.arange(len(pixels), dtype=np.float64))))
    with tempfile.TemporaryDirectory() as folder:
        script = random_script(seed)
        writing = _rate(round(script.seconds * 12), lambda: video(script, Path(folder) / "speed.mp4"))
    first = digest(seed)
    return Speed(drawing, writing, seeing, first, digest(seed) == first, digest_elsewhere(seed) == first)


def _drawing(size: Size, seed: int) -> float:
    every = 0.5 if isinstance(size, tuple) else 0.1
    frames(random_script(seed), size, every)
    scripts = [random_script(seed + 1 + k) for k in range(SCRIPTS)]
    count = sum(len(np.arange(0, script.seconds, every)) for script in scripts)
    return _rate(count, lambda: [frames(script, size, every) for script in scripts])


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return count / max(time.process_time() - began, 1e-9)


def as_lines(speed: Speed) -> list[str]:
    yes = {True: "the same bytes", False: "OTHER BYTES"}
    return [
        "frames a second of one processor's time",
        *(f"  drawn at {name:<15} {rate:8.0f}" for name, rate in speed.drawing.items()),
        f"  {'written as mp4':<24} {speed.writing:8.0f}",
        f"  {'seen by the encoder':<24} {speed.seeing:8.0f}",
        f"the same seed again: {yes[speed.same_here]}; in another process: {yes[speed.same_elsewhere]}",
    ]
