"""What the picture tower saw of some videos, with the questions about them, kept on disk: no loop encodes a frame.

A kept set is a folder that is written beside and renamed when whole, so it is either there or not. Its name is made of
everything that decides its content (tower fingerprint, dials, seed): a new tower makes a new set, an old set is never
changed. Arrays are opened as memory maps; nothing is pickled.
Shapes: tokens [V, T, N, D] and vectors [V, T, E] float16, seconds [V, T], mask [V, T], texts [n, E]
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sightline.errors import BadRecord
from sightline.training.asked import Asked, read_asked, write_asked

Array = Any
ARRAYS = ("tokens", "vectors", "seconds", "mask", "texts")
QUESTIONS, ABOUT, SAID = "questions.jsonl", "about.json", "texts.json"


@dataclass(frozen=True)
class Film:
    """One video as it was seen. Shapes: tokens [T, N, D], vectors [T, E], seconds [T], mask [T]"""

    name: str
    tokens: Array
    vectors: Array
    seconds: Array
    mask: Array


@dataclass(frozen=True)
class Kept:
    """An opened set. `places` finds a text's row in `texts`, `films` a video's row."""

    folder: Path
    about: dict[str, Any]
    tokens: Array
    vectors: Array
    seconds: Array
    mask: Array
    texts: Array
    questions: list[Asked]
    places: dict[str, int]
    films: dict[str, int]

    @property
    def grid(self) -> tuple[int, int]:
        rows, columns = self.about["grid"]
        return rows, columns

    @property
    def frames(self) -> int:
        return int(self.tokens.shape[1])

    def vector(self, text: str) -> Array:
        return self.texts[self.places[text]]


def home() -> Path:
    """Where kept sets lie: $SIGHTLINE_CACHE, or the user's cache folder."""
    own = os.environ.get("SIGHTLINE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sightline"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process is at work in the folder, where the system has file locks."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        if find_spec("fcntl"):
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def name_of(facts: Mapping[str, Any]) -> str:
    """A folder name for a set with these facts: same facts, same name, on any machine."""
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"{facts.get('kind', 'seen')}-{digest}"


def kept(
    facts: Mapping[str, Any],
    films: Callable[[], Iterable[Film]],
    questions: Callable[[], Sequence[Asked]],
    read: Callable[[Sequence[str]], Array],
    place: Path | None = None,
) -> Kept:
    """The set with these facts: opened where it is kept, otherwise seen, read and kept first.

    Shapes: read(n texts) -> [n, E]
    """
    folder = (place or home()) / name_of(facts)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
        try:
            _write(beside, dict(facts), list(films()), list(questions()), read)
            _settle(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return open_kept(folder)


def _settle(beside: Path, folder: Path) -> None:
    try:
        os.rename(beside, folder)
    except OSError:
        if not folder.is_dir():  # somebody else made the same set meanwhile: theirs is as good
            raise


def _write(folder: Path, facts: dict[str, Any], films: list[Film], questions: list[Asked], read: Any) -> None:
    for name in ("tokens", "vectors", "seconds", "mask"):
        kind = {"seconds": np.float32, "mask": np.bool_}.get(name, np.float16)
        np.save(folder / f"{name}.npy", np.stack([np.asarray(getattr(film, name), kind) for film in films]))
    said = sorted({text for q in questions for text in (q.question, *q.options, q.statement or q.right)})
    np.save(folder / "texts.npy", np.asarray(read(said), np.float32))
    (folder / SAID).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    write_asked(folder / QUESTIONS, questions)
    about = facts | {"films": [film.name for film in films]}
    (folder / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")


def open_kept(folder: Path) -> Kept:
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    said = json.loads((folder / SAID).read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    questions = read_asked(folder / QUESTIONS)
    films = {name: row for row, name in enumerate(about["films"])}
    lost = next((q.video for q in questions if q.video not in films), None)
    if lost is not None:
        raise BadRecord(f"{folder} asks about {lost}, which it has not seen; delete the folder and make it again")
    return Kept(folder, about, **arrays, questions=questions, places={t: k for k, t in enumerate(said)}, films=films)


def evidence(seconds: Array, mask: Array, spans: Sequence[tuple[float, float]]) -> Array:
    """Which frames the answer rests on: those inside a span, or the one nearest its middle. Shapes: [T] -> [T] bool"""
    seconds, mask = np.asarray(seconds), np.asarray(mask)
    found = np.zeros(len(seconds), dtype=bool)
    for start, end in spans:
        inside = mask & (seconds >= start) & (seconds < end)
        if not inside.any():
            inside[np.where(mask, np.abs(seconds - (start + end) / 2), np.inf).argmin()] = True
        found |= inside
    return found
