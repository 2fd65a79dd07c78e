"""A library of 1,000,000 rows of 512 numbers, shaped like video, and queries that lie outside the rows'
distribution, as text does.

2,000 videos of 500 rows; each is a random walk that starts near one of 500 topics. All rows share an offset, and
all queries another, as pictures and texts do in models of the CLIP kind.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from benches.material import FOLDER
from sightline.encoders.encoder import Card
from sightline.records import Line
from sightline.store.library import Library
from sightline.store.rows import FileStat, UnitDone

VIDEOS, FRAMES, WIDTH, TOPICS = 2000, 500, 512, 500
TEN_PERCENT = VIDEOS // 10


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def _noise(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(WIDTH))


def library() -> Path:
    """The library's folder; built on first use (about a minute)."""
    folder = FOLDER / "million"
    if folder.exists():
        return folder
    building = FOLDER / "million-building"
    shutil.rmtree(building, ignore_errors=True)
    random = np.random.default_rng(0)
    topics, offset = unit(_noise(random, TOPICS, WIDTH)), unit(_noise(random, WIDTH))
    with Library.open(building, create=True) as opened:
        generation = opened.generation_for(Card("bench", "0", WIDTH, 0, True), {"every": 1.0})
        for video in range(VIDEOS):
            start = unit(topics[random.integers(TOPICS)] + 0.7 * _noise(random, WIDTH))
            walk = unit(start + np.cumsum(0.15 * _noise(random, FRAMES, WIDTH), axis=0))
            _add(opened, generation, video, unit(walk + 0.8 * offset))
    building.rename(folder)
    return folder


def _add(opened: Library, generation: object, video: int, rows: np.ndarray) -> None:
    content = opened.place(f"/films/film{video:04d}.mp4", FileStat(video, video, video), f"{video:064x}")
    opened.plan(content, generation, {"duration": float(FRAMES), "frame_rate": 25.0}, [(0.0, float("inf"))])
    claimed = opened.claim(generation, "bench", contents={content})
    words = f"scene {video} the word{video % 97} and the name{video}"
    done = UnitDone(
        np.arange(FRAMES, dtype=float),
        rows,
        lines=[Line(1.0, 3.0, words)],
        seen=FRAMES,
        decoded=FRAMES,
        last=FRAMES - 1.0,
    )
    opened.commit(claimed, done, "bench")
    opened.finish(content, generation, [])


def queries(count: int) -> np.ndarray:
    """Half a topic, an offset of their own, and as much noise."""
    random = np.random.default_rng(0)
    topics = unit(_noise(random, TOPICS, WIDTH))
    random = np.random.default_rng(1)
    offset = unit(_noise(random, WIDTH))
    return unit(0.5 * topics[random.integers(TOPICS, size=count)] + 0.8 * offset + unit(_noise(random, count, WIDTH)))


def percentiles(seconds: list[float]) -> str:
    return f"p50 {1000 * np.median(seconds):.1f} ms, p99 {1000 * np.quantile(seconds, 0.99):.1f} ms"


def recall(found: list[np.ndarray], truth: list[np.ndarray]) -> float:
    return float(
        np.mean([len(set(f[:10].tolist()) & set(t[:10].tolist())) / 10 for f, t in zip(found, truth, strict=True)])
    )
