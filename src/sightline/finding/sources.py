"""What each source has to say: score curves of the pictures, and the lines that hold the words.

The library comes in as an argument; the protocols below say what finding needs of it.
Shapes: a curve has n rows of one video; vectors [R, E] and every query vector [E] are of unit length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sightline.errors import BadQuery
from sightline.finding.query import Filters, Term, seconds_of
from sightline.language.folding import fold
from sightline.language.terms import query_terms
from sightline.language.terms import terms as terms_of
from sightline.records import Frames, Line, Seen, Shot, Words

DEEP = 2_000  # the nearest rows name the videos that are looked at as a whole
DEEP_LINES = 500
BACKGROUND = 256  # of the library's pictures: what a statement scores on them is nothing

Look = Callable[[str, float | None, int], Frames]  # file, second (None: all of it, a few frames), shorter side


class Video(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def paths(self) -> Sequence[str]: ...
    @property
    def duration(self) -> float: ...
    @property
    def first(self) -> float: ...
    @property
    def last(self) -> float: ...
    @property
    def facts(self) -> dict[str, Any]: ...


class LineHit(Protocol):
    @property
    def content(self) -> int: ...
    @property
    def line(self) -> Line: ...
    @property
    def score(self) -> float: ...


class View(Protocol):
    """A consistent snapshot of a library."""

    @property
    def generation(self) -> Any: ...
    @property
    def rows(self) -> int: ...
    @property
    def vectors(self) -> np.ndarray: ...
    @property
    def seconds(self) -> np.ndarray: ...
    @property
    def videos(self) -> Mapping[int, Video]: ...
    def content_of(self, rows: np.ndarray) -> np.ndarray: ...
    def rows_of(self, content: int) -> np.ndarray: ...
    def nearest(
        self, vector: np.ndarray, k: int, *, contents: Sequence[int] | None = None, rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def text(
        self, query: str, k: int, *, contents: Sequence[int] | None = None, source: str | None = None
    ) -> Sequence[LineHit]: ...
    def lines(self, content: int, source: str | None = None) -> list[Line]: ...
    def shots(self, content: int) -> list[Shot]: ...


class Encoder(Protocol):
    @property
    def card(self) -> Any: ...
    def see(self, frames: Frames) -> Seen: ...
    def read(self, texts: Sequence[str]) -> Words: ...


@dataclass(frozen=True)
class Scope:
    """Where to look: these contents (None: everywhere), between these seconds."""

    contents: list[int] | None = None
    start: float = 0.0
    end: float = float("inf")


@dataclass(frozen=True)
class Curve:
    """One video's score at each of its stored frames; each stands until the next, the last until `end`."""

    content: int
    rows: np.ndarray
    seconds: np.ndarray
    scores: np.ndarray
    end: float
    shots: list[Shot]


def scope(view: View, filters: Filters) -> Scope:
    """The filters as contents and seconds; a name that fits nothing is an error, not an empty answer."""
    contents: set[int] | None = None
    if filters.videos:
        contents = set().union(*(named(view, name) for name in filters.videos))
    if filters.tags:
        tagged = set().union(*(_tagged(view, tag) for tag in filters.tags))
        contents = tagged if contents is None else contents & tagged
    start = 0.0 if filters.start is None else filters.start
    end = float("inf") if filters.end is None else filters.end
    if not end > start:
        raise BadQuery(f"the stretch from {start:g} to {end:g} s is empty; let --to be greater than --from")
    return Scope(None if contents is None else sorted(contents), start, end)


def named(view: View, name: str) -> set[int]:
    """Contents whose path is `name`; else whose file name is; else whose path holds it."""
    from pathlib import PurePath

    wanted = name.casefold()
    rules = (
        lambda path: path.casefold() == wanted,
        lambda path: wanted in (PurePath(path).name.casefold(), PurePath(path).stem.casefold()),
        lambda path: wanted in path.casefold(),
    )
    for rule in rules:
        found = {content for content, video in view.videos.items() if any(rule(path) for path in video.paths)}
        if found:
            return found
    some = sorted({PurePath(video.path).name for video in view.videos.values()})[:5]
    raise BadQuery(
        f"no video is named {name!r} in this library, which holds {', '.join(some) or 'none yet'}; see: list"
    )


def _tagged(view: View, tag: str) -> set[int]:
    tags = getattr(view, "tags", None)  # a library gets tags once somebody tags it
    if tags is None:
        raise BadQuery(f"asked for tag {tag!r}, but this library has no tags; tag it first, or leave the tag out")
    wanted = tag.casefold()
    return {content for content in view.videos if any(one.label.casefold() == wanted for one in tags(content))}


# --- pictures -------------------------------------------------------------------------------------


def text_vector(terms: Sequence[Term], encoder: Encoder) -> tuple[np.ndarray | None, tuple[float, ...]]:
    """The sum of what the encoder reads in each term, by its sign, and the signs of the terms that say something to it.

    None where it can see nothing of what is wanted; an unwanted thing it cannot see is left aside.
    """
    if not terms or not encoder.card.words:
        return None, ()
    vectors = np.asarray(encoder.read([term.text for term in terms]).vector, dtype=np.float32)
    said = [(vector, term.weight) for vector, term in zip(vectors, terms, strict=True) if vector.any()]
    if not any(weight > 0 for _, weight in said):
        return None, ()
    return unit(np.sum([weight * vector for vector, weight in said], axis=0)), tuple(weight for _, weight in said)


def heard(terms: Sequence[Term], encoder: Encoder) -> float:
    """The share of the wanted words that an encoder of few words sees: it reads the word alone, or it reads the rest
    otherwise without it ("the top" says nothing, "blue at the top" is another thing than "blue").
    """
    said = " ".join(term.text for term in terms if term.weight > 0)
    content = set(query_terms(said))
    pieces = (([piece], query_terms(piece)) for piece in fold(said).split())
    words = [word for raw, found in pieces if content & set(found) for word in (raw if raw[0].isascii() else found)]
    if not words:
        return 1.0
    without = [re.sub(_whole(word), " ", fold(said)) for word in words]
    read = np.asarray(encoder.read([fold(said), *words, *without]).vector)
    whole, alone, rest = read[0], read[1 : len(words) + 1], read[len(words) + 1 :]
    return float((alone.any(axis=1) | (np.abs(rest - whole) > 1e-6).any(axis=1)).mean())


def at_home(view: View, content: int, encoder: Encoder) -> float:
    """How sure it is that a video is of the world its encoder knows: 1 for one that knows the world at large."""
    judge = getattr(encoder, "at_home", None)
    return 1.0 if judge is None else float(judge(np.asarray(view.vectors[view.rows_of(content)], dtype=np.float32)))


def _whole(word: str) -> str:
    """The pattern of a word: between spaces where it is written so, anywhere in a run of Chinese."""
    return rf"(?<!\S){re.escape(word)}(?!\S)" if word.isascii() else re.escape(word)


def picture_vector(view: View, like: str, encoder: Encoder, look: Look) -> np.ndarray:
    """What `like` shows: a picture or a clip, or VIDEO@SECONDS of a stored (or any) video; `look` decodes files."""
    video, at, second = like.rpartition("@")
    try:
        at_second = seconds_of(second) if at else None
    except ValueError:  # an @ in a file's name
        at_second = None
    if at_second is not None:
        return _frame_vector(view, video, at_second, encoder, look)
    return _seen(look(like, None, encoder.card.side), encoder)


def _frame_vector(view: View, name: str, second: float, encoder: Encoder, look: Look) -> np.ndarray:
    from pathlib import Path

    try:
        contents = named(view, name)
    except BadQuery:
        if not Path(name).is_file():
            raise
        return _seen(look(name, second, encoder.card.side), encoder)
    if len(contents) > 1:
        some = sorted(view.videos[content].path for content in contents)
        listed = ", ".join(some[:5]) + (" …" if len(some) > 5 else "")
        raise BadQuery(f"{name!r} may be one of {len(some)} videos: {listed}; write more of its path")
    content = contents.pop()
    end = extent(view, content)[1]
    if second > end:
        raise BadQuery(f"{name}@{second:g} lies past the end: the video ends at {end:.3f} s; name an earlier second")
    rows = view.rows_of(content)
    if not len(rows):
        raise BadQuery(
            f"no frame of {name} is stored, so nothing can look like {name}@{second:g}; index it with pictures"
        )
    shown = max(int(np.searchsorted(view.seconds[rows], second, side="right")) - 1, 0)
    return unit(np.array(view.vectors[rows[shown]], dtype=np.float32))


def _seen(frames: Frames, encoder: Encoder) -> np.ndarray:
    return unit(np.asarray(encoder.see(frames).vectors, dtype=np.float32)[0].mean(axis=0))


def unit(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def nearest_videos(view: View, vector: np.ndarray, where: Scope) -> dict[int, float]:
    """The videos that hold the nearest frames, with the best score of each, best first."""
    if not view.rows or (where.contents is not None and not where.contents):
        return {}
    rows, scores = view.nearest(vector, min(DEEP, view.rows), contents=where.contents, rows=_shown(view, where))
    best: dict[int, float] = {}
    for content, score in zip(view.content_of(rows).tolist(), scores.tolist(), strict=True):
        best.setdefault(content, score)
    return best


def _shown(view: View, where: Scope) -> np.ndarray | None:
    """A mask of the rows that may be shown between the wanted seconds: each stands until the next one of its video."""
    if where.start <= 0 and where.end == float("inf"):
        return None
    seconds = np.asarray(view.seconds)
    following = np.append(seconds[1:], np.inf)
    owners = view.content_of(np.arange(len(seconds)))
    last = np.append(owners[1:] != owners[:-1], True) | (following <= seconds)
    return (seconds < where.end) & (last | (following > where.start))


def curve(view: View, content: int, vector: np.ndarray, where: Scope) -> Curve:
    """The part of a video's score curve that is shown between the wanted seconds, with its shots."""
    rows = np.asarray(view.rows_of(content))
    seconds = np.asarray(view.seconds[rows], dtype=np.float64)
    end = max(extent(view, content)[1], float(seconds[-1]))
    first = max(int(np.searchsorted(seconds, where.start, side="right")) - 1, 0)  # the frame shown at the start
    last = int(np.searchsorted(seconds, where.end, side="left")) if end > where.start else first
    end = end if last == len(seconds) else float(seconds[last])
    scores = np.asarray(view.vectors[rows[first:last]], dtype=np.float32) @ vector
    return Curve(content, rows[first:last], seconds[first:last], scores, end, view.shots(content))


def sample(view: View, count: int = BACKGROUND) -> np.ndarray:
    """Pictures spread evenly over the library: what a score is measured against. Shapes: -> [at most count, E]"""
    rows = np.unique(np.linspace(0, view.rows - 1, min(view.rows, count)).astype(int))
    return np.asarray(view.vectors[rows], dtype=np.float32)


def extent(view: View, content: int) -> tuple[float, float]:
    """The first and the last second of a video."""
    video = view.videos[content]
    return video.first, max(video.first + video.duration, video.last)


# --- words ----------------------------------------------------------------------------------------


def lines(view: View, terms: Sequence[Term], source: str, where: Scope) -> list[LineHit]:
    """Lines that hold words of the wanted terms, every quoted phrase, and not the whole of an unwanted term."""
    if where.contents is not None and not where.contents:
        return []
    phrases = (f'"{phrase}"' for term in terms for phrase in term.phrases if term.weight > 0)
    wanted = " ".join([*(term.text for term in terms if term.weight > 0), *phrases])
    hits = view.text(wanted, DEEP_LINES, contents=where.contents, source=source)
    hits = [hit for hit in hits if hit.line.start < where.end and hit.line.end >= where.start]
    unwanted = [set(query_terms(term.text)) for term in terms if term.weight < 0]
    return [hit for hit in hits if not any(bad <= set(terms_of(hit.line.text)) for bad in unwanted if bad)]
