"""A world for search tests: an encoder that really places words and pictures in one space, and libraries built with it.

Every word has a direction of its own (drawn from the word itself), all texts share one offset and all pictures another,
as the two sides of a contrastive model do; a picture is the sum of what it shows and noise. Words nobody drew have a
direction too, so nonsense scores by chance and not zero.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightline.encoders.encoder import Card, seen
from sightline.records import Frames, Line, Seen, Shot, Words
from sightline.store.library import Library
from sightline.store.rows import FileStat, UnitDone

WIDTH = 307
SILENT = {"a", "an", "the", "of", "on", "in", "with", "and", "to", "at", "by", "its", "her", "his"}


def direction(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(WIDTH) / np.sqrt(WIDTH)


def words_of(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]", text.lower()) if word not in SILENT]


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def text_vector(text: str) -> np.ndarray:
    words = words_of(text)
    if not words:
        return np.zeros(WIDTH, np.float32)
    return unit(0.7 * direction("#text") + sum(direction(word) for word in words) / np.sqrt(len(words)))


def picture_vector(caption: str, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(WIDTH) / np.sqrt(WIDTH)
    words = words_of(caption)
    shown = sum((direction(word) for word in words), np.zeros(WIDTH)) / np.sqrt(max(len(words), 1))
    return unit(0.7 * direction("#picture") + shown + 0.25 * noise)


class WordEncoder:
    """Reads any words; sees a picture as the caption that its seconds stand for (`shows`)."""

    card = Card(name="words", fingerprint="search-world-1", width=WIDTH, side=32, words=True)

    def __init__(self, shows: str = "") -> None:
        self.shows = shows

    def read(self, texts: Sequence[str]) -> Words:
        return Words(np.stack([text_vector(text) for text in texts]))

    def see(self, frames: Frames) -> Seen:
        vectors = np.stack([picture_vector(self.shows, 7_000 + i) for i in range(len(frames))])
        return seen(vectors, frames)


Scene = tuple[float, float, str]  # start, end, caption


def add_video(
    library: Library,
    path: Path | str,
    scenes: Sequence[Scene],
    lines: Sequence[Line] = (),
    *,
    first: float = 0.0,
    every: float = 1.0,
    noise: int | None = None,
    thumbnail: bytes = b"",
    facts: dict | None = None,
    shots: Sequence[tuple[float, float]] | None = None,
) -> int:
    """One video, a frame `every` second, committed through the library's own path; a shot is a scene, or as given."""
    path = str(path)
    generation = library.current() or library.generation_for(WordEncoder.card, {"every": 1.0})
    digest = hashlib.blake2b(path.encode(), digest_size=32).hexdigest()
    content = library.place(path, FileStat(1, 1, len(library.known()) + 1), digest)
    seconds, vectors = [], []
    for start, end, caption in scenes:
        for k, second in enumerate(np.arange(start, end, every)):
            seconds.append(first + float(second))
            seed = noise if noise is not None else int(digest[:6], 16) + int(second * 10) + k
            vectors.append(picture_vector(caption, seed))
    duration = scenes[-1][1]
    borders = [(start, end) for start, end, _ in scenes] if shots is None else shots
    stated = {"frame_rate": 25.0, "first": first, "duration": duration, "width": 640, "height": 360, **(facts or {})}
    library.plan(content, generation, stated, [(0.0, float("inf"))])
    claimed = library.claim(generation, "test", contents=[content])
    done = UnitDone(
        seconds=np.array(seconds),
        vectors=np.stack(vectors),
        cuts=[first + start for start, _ in borders[1:]],
        seen=len(seconds),
        decoded=len(seconds),
        first=first,
        last=first + duration - 0.04,
    )
    assert library.commit(claimed, done, "test")
    library.finish(
        content, generation, [Shot(first + s, first + e, thumbnail, first + (s + e) / 2) for s, e in borders]
    )
    by_track: dict[str, list[Line]] = {}
    for line in lines:
        by_track.setdefault(line.track or "subtitles", []).append(line)
    for track, several in by_track.items():
        library.set_lines(content, track, "1", several)
    return content
