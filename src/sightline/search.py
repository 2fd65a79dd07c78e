"""Search: from words (or a picture) to moments, with a start, an end and how sure it is.

The path: parse -> sources -> grow -> fuse -> order -> fold repeats -> the line -> page.
Nothing above the line is an answer too: `no_match`, with the reason and the nearest thing seen.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from sightline.asking.happening import Happening, Part
from sightline.asking.moving import Watched
from sightline.errors import BadQuery, EncoderMismatch, MediaError
from sightline.finding import sources as of
from sightline.finding.confidence import LINE, Calibration, calibration, rarity, word_confidence
from sightline.finding.fusion import Found, fold_repeats, fuse, ranked
from sightline.finding.moments import Stretch, clipped, grow, grow_lines, runs_of_lines
from sightline.finding.order import ordered
from sightline.finding.query import SOURCES, Filters, Query, Term, parse
from sightline.finding.results import Curve, Results, floored, page_of
from sightline.language.terms import query_terms, terms
from sightline.records import Frames, Moment

SHOWN = {"side": 224, "width": 320}  # pixels of a moment's picture
AT_ONCE = 16  # pictures asked of a child in one request: each request has its own limit of time
CLIP = {"memory": 4 << 30, "written": 16 << 30}  # bytes that a child may use to write a clip
CLIP_SECONDS = 60.0  # of a processor for one second of a clip: 8k at 60 frames a second, decoded and encoded anew


def find_moments(
    library: Any,
    query: str = "",
    *,
    like: str | None = None,
    limit: int | None = 10,
    page: int = 1,
    videos: Sequence[str] | None = None,
    start: float | None = None,
    end: float | None = None,
    tags: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    min_confidence: float | None = None,
    encoder: of.Encoder | None = None,
    thumbnails: bool = False,
) -> Results:
    """The moments that answer `query` (see `finding/query.py`), or look like `like` (a picture file, or VIDEO@SECONDS).

    `library` is an open `store.library.Library`; the encoder is opened by the name its vectors were made with.
    Without a limit every moment comes on one page.
    """
    asked = _with_filters(parse(query), videos, start, end, tags, sources)
    _check(asked, like, min_confidence)
    line = LINE if min_confidence is None else min_confidence
    with library.view() as view:
        search = _Search(library, view, of.scope(view, asked.filters), asked.filters.sources or SOURCES, line, encoder)
        answers, below = _answers(search, asked, like)
        reason = "" if answers else _outside(search, asked, like) or _reason(search, asked, below)
        return _results(search, asked, answers, below, reason, limit, page, thumbnails)


def _answers(search: _Search, asked: Query, like: str | None) -> tuple[list[Found], Found | None]:
    """Everything above the line, best first, and the best below it."""
    either = asked.order == "either"
    said = [search.stretches(ask, like if i == 0 or either else None) for i, ask in enumerate(asked.asks or ((),))]
    sides = [fuse(chain.from_iterable(said))] if either else [fuse(stretches) for stretches in said]
    paths = {content: video.path for content, video in search.view.videos.items()}
    answers = fold_repeats(ranked(_joined(asked, sides, search), paths), search.view)
    below = ranked((one for side in sides for one in side if one.confidence < search.line), paths)
    return answers, below[0] if below else None


def _outside(search: _Search, asked: Query, like: str | None) -> str:
    """Where nothing is found, what the filters (of video, tag and time) kept out."""
    if search.where == of.Scope():
        return ""
    answers, _ = _answers(replace(search, where=of.Scope(), curves={}, missing=[]), asked, like)
    if not answers:
        return ""
    best, moments = _moment(search.view, answers[0]), "1 moment" if len(answers) == 1 else f"{len(answers)} moments"
    name = PurePath(best.video).name
    return f"none within your filters; without them {moments}, the best in {name} at {best.start:.3f} s"


def _with_filters(
    asked: Query,
    videos: Sequence[str] | None,
    start: float | None,
    end: float | None,
    tags: Sequence[str] | None,
    sources: Sequence[str] | None,
) -> Query:
    """Filters given beside the words join those written among them; seconds given beside them win."""
    inline = asked.filters
    filters = Filters(
        (*inline.videos, *(videos or ())),
        tuple(dict.fromkeys((*inline.sources, *(sources or ())))),
        (*inline.tags, *(tags or ())),
        inline.start if start is None else start,
        inline.end if end is None else end,
    )
    return replace(asked, filters=filters)


def _check(asked: Query, like: str | None, min_confidence: float | None) -> None:
    if not asked.asks and not like:
        raise BadQuery(
            'nothing to look for; write some words, as in: sightline search "red kite", or give --like PICTURE'
        )
    for name in asked.filters.sources:
        if name not in SOURCES:
            raise BadQuery(f"there is no source {name!r}; choose from {', '.join(SOURCES)}")
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise BadQuery(f"a confidence lies between 0 and 1, got {min_confidence:g}")


def _joined(asked: Query, sides: list[list[Found]], search: _Search) -> list[Found]:
    """What is above the line; where an order is asked for, put in order, and then every side named must be found."""
    sure = [[one for one in side if one.confidence >= search.line] for side in sides]
    if asked.order in ("", "either"):
        return sure[0]
    search.missing = [_said(ask) for ask, side in zip(asked.asks, sure, strict=True) if ask and not side]
    if search.missing:
        return []
    return ordered(asked.order, sure, lambda content: of.extent(search.view, content))


# --- one thing that is asked for -------------------------------------------------------------------


@dataclass
class _Search:
    """One search of one snapshot: its library, its limits, and the encoder once somebody needs it."""

    library: Any
    view: Any
    where: of.Scope
    sources: Sequence[str]
    line: float
    encoder: of.Encoder | None
    curves: dict[int, of.Curve] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)  # sides of an order word for which nothing is found
    heard: float = 1.0  # the share of the words in which the encoder sees anything
    homes: dict[int, float] = field(default_factory=dict)  # how sure each video is of the encoder's own world

    def stretches(self, ask: tuple[Term, ...], like: str | None) -> list[Stretch]:
        """Everything that speaks for one thing that was asked for."""
        found = [*self._pictures(ask, like), *self._words(ask)]
        return [clipped(stretch, self.where.start, self.where.end) for stretch in found]

    def _pictures(self, ask: tuple[Term, ...], like: str | None) -> list[Stretch]:
        if not self.view.generation or not self.view.generation.width:
            if like:
                raise BadQuery(f"nothing can look like {like}: this library holds no pictures; index with an encoder")
            return []
        if not like and ("picture" not in self.sources or not ask):
            return []
        encoder = self._encoder()
        vector, signs = of.text_vector(ask, encoder)
        if vector is None and ask:
            self.heard = 0.0
        if like:
            shown = of.picture_vector(self.view, like, encoder, _look)
            vector = shown if vector is None else of.unit(vector + shown)
        if vector is None:
            return []
        videos = of.nearest_videos(self.view, vector, self.where)
        if not videos:
            return []
        chance = calibration(self.library, self.view, encoder, signs, bool(like))
        share = of.heard(ask, encoder) if chance.few_words and not like else 1.0
        self.heard = min(self.heard, share)
        found = self._grown(vector, videos, chance)
        if like:
            return found
        found = self._happening(ask, found, encoder)
        return [replace(one, confidence=share * self._at_home(one.content) * one.confidence) for one in found]

    def _happening(self, ask: tuple[Term, ...], found: list[Stretch], encoder: of.Encoder) -> list[Stretch]:
        """Where something is said to move, the seconds in which it does, of the stretches in which it is seen."""
        if any(term.weight <= 0 for term in ask):
            return found
        told = Happening.said(_said(ask), encoder, lambda: of.sample(self.view))
        if told is None:
            return found

        def watched(content: int) -> Watched:
            rows = self.view.rows_of(content)
            vectors = np.asarray(self.view.vectors[rows], np.float32)
            return Watched(np.asarray(self.view.seconds[rows]), vectors, self.view.shots(content))

        def cut(one: Stretch, part: Part) -> Stretch:
            row, sure = int(self.view.rows_of(one.content)[part.frame]), part.share * one.confidence
            return replace(one, start=part.start, end=part.end, second=part.second, row=row, confidence=sure)

        parts = told.parts(found, lambda one: one.content, watched)
        return [cut(one, part) if part else one for one, part in parts]

    def _at_home(self, content: int) -> float:
        """What a word means to the encoder holds in its own world alone; likeness to a picture holds in any."""
        if content not in self.homes:
            self.homes[content] = of.at_home(self.view, content, self._encoder())
        return self.homes[content]

    def _grown(self, vector: np.ndarray, videos: dict[int, float], chance: Calibration) -> list[Stretch]:
        """Moments of the videos that reach the floor, and of the best one in any case: it holds the nearest thing seen.

        The floor is the score at a fifth of the line, for two sources may lift a moment over the line together.
        """
        floor = chance.score_at(min(self.line, LINE) / 5) if self.line > 0 else -math.inf
        found = []
        for rank, (content, best) in enumerate(videos.items()):
            curve = of.curve(self.view, content, vector, self.where) if rank == 0 or best >= floor else None
            if curve is not None and len(curve.rows):
                self.curves.setdefault(content, curve)
                found += grow(curve, floor, chance.noise)
        return [replace(stretch, confidence=chance.confidence(stretch.score)) for stretch in found]

    def _words(self, ask: tuple[Term, ...]) -> list[Stretch]:
        wanted = query_terms(_said(ask))
        spoken = [source for source in self.sources if source != "picture"]
        if not wanted or not spoken:
            return []
        hits = [hit for source in spoken for hit in of.lines(self.view, ask, source, self.where)]
        said = {hit.line.text: terms(hit.line.text) for hit in hits}
        weights = rarity(wanted, [frozenset(said[hit.line.text]) for hit in hits])

        def sureness(run: Sequence[of.LineHit]) -> float:
            return word_confidence(wanted, [term for hit in run for term in said[hit.line.text]], weights)

        return [stretch for run in runs_of_lines(hits) for stretch in grow_lines(run, sureness)]

    def _encoder(self) -> of.Encoder:
        """The encoder that made this library's vectors, and no other."""
        generation = self.view.generation
        if self.encoder is None:
            from sightline.encoders.by_name import open_encoder

            self.encoder = open_encoder(generation.name)
        if self.encoder.card.fingerprint != generation.fingerprint:
            raise EncoderMismatch(
                f"the library was indexed with {generation.name} ({generation.fingerprint[:12]}), "
                f"this is {self.encoder.card.name} ({self.encoder.card.fingerprint[:12]}); "
                "index it again with: sightline index --rebuild"
            )
        return self.encoder


def _look(path: str, second: float | None, side: int) -> Frames:
    """What a file shows (at a second, or a few frames of all of it), decoded in a child process as every file is."""
    from sightline.indexing.pool import Pool

    with Pool(1) as pool:
        seconds = None if second is None else [second]
        _, arrays = pool.ask({"do": "look", "path": os.path.abspath(path), "seconds": seconds, "side": side})
    return Frames(arrays["pixels"], arrays["seconds"], path)


@contextmanager
def cutter() -> Iterator[Callable[[str, float, float, Path], None]]:
    """A function that cuts [start, end) of a video into a file, in a child process as every file is decoded."""
    from sightline.indexing.limits import ChildLimits
    from sightline.indexing.pool import Pool

    with Pool(1, ChildLimits(**CLIP)) as pool:

        def cut(path: str, start: float, end: float, out: Path) -> None:
            seconds = 60.0 + CLIP_SECONDS * (end - start)
            wanted = {"path": path, "start": start, "end": end, "out": str(out), "cpu_seconds": seconds}
            pool.ask({"do": "cut", **wanted})

        yield cut


# --- what is handed back ---------------------------------------------------------------------------


def _results(
    search: _Search,
    asked: Query,
    answers: list[Found],
    below: Found | None,
    reason: str,
    limit: int | None,
    page: int,
    thumbnails: bool,
) -> Results:
    view = search.view
    place, pages = page_of(len(answers), limit, page)
    here = answers[place]
    contents = list(dict.fromkeys(one.span.content for one in here))
    return Results(
        query=asked.text,
        moments=[_moment(view, one) for one in here],
        total=len(answers),
        page=page,
        pages=pages,
        no_match=not answers,
        reason=reason,
        nearest=None if answers or below is None else _moment(view, below),
        coverage=_coverage(search.library),
        generation=view.generation.id if view.generation else 0,
        occurrences=[[_moment(view, other) for other in one.repeats] for one in here],
        curves=[_drawn(search.curves.get(one.span.content)) for one in here],
        facts={view.videos[content].path: view.videos[content].facts for content in contents},
        copies={view.videos[c].path: list(view.videos[c].paths[1:]) for c in contents if len(view.videos[c].paths) > 1},
        thumbnails=_thumbnails(view, here) if thumbnails else [],
    )


def _moment(view: Any, one: Found) -> Moment:
    return Moment(
        video=view.videos[one.span.content].path,
        start=one.span.start,
        end=one.span.end,
        score=one.score,
        confidence=one.confidence,
        sources={name: stretch.score for name, stretch in sorted(one.sources.items())},
        thumbnail=one.span.second,
        text=next((stretch.text for stretch in one.sources.values() if stretch.text), ""),
    )


def _drawn(curve: of.Curve | None) -> Curve:
    return Curve() if curve is None else Curve(curve.seconds.tolist(), [float(score) for score in curve.scores])


def _thumbnails(view: Any, here: Sequence[Found]) -> list[bytes]:
    """What each moment's best second shows, decoded in a child; the shot's stored picture where the file is gone."""
    wanted: dict[tuple[int, str], set[float]] = {}
    for one in here:
        content = one.span.content
        if path := next((path for path in view.videos[content].paths if os.path.isfile(path)), None):
            wanted.setdefault((content, path), set()).add(one.span.second)
    found = _decoded(wanted) if wanted else {}
    return [found.get((one.span.content, one.span.second)) or _stored(view, one) for one in here]


def _decoded(wanted: dict[tuple[int, str], set[float]]) -> dict[tuple[int, float], bytes]:
    from sightline.indexing.pool import Pool

    found: dict[tuple[int, float], bytes] = {}
    with Pool(1) as pool:
        for (content, path), all_seconds in wanted.items():
            seconds = sorted(all_seconds)
            for begin in range(0, len(seconds), AT_ONCE):
                some = seconds[begin : begin + AT_ONCE]
                with suppress(MediaError):  # a file that was replaced or damaged since: its stored pictures stand in
                    _, arrays = pool.ask({"do": "frames", "path": os.path.abspath(path), "seconds": some, **SHOWN})
                    found |= {(content, second): arrays[f"picture{i}"].tobytes() for i, second in enumerate(some)}
    return found


def _stored(view: Any, one: Found) -> bytes:
    """The small picture of the shot that holds the moment's best frame."""
    second = one.span.second
    return next((s.thumbnail for s in view.shots(one.span.content) if s.start <= second < s.end and s.thumbnail), b"")


def _coverage(library: Any) -> float:
    """While a rebuild runs, the share of the contents it has settled; the answer is still from the old generation."""
    if library.building() is None:
        return 1.0
    counts = library.counts()
    return counts.built / counts.contents if counts.contents else 1.0


def _reason(search: _Search, asked: Query, below: Found | None) -> str:
    """Why there is nothing, in words a person can act on."""
    if not search.view.videos:
        return "the library holds no video yet; index some with: sightline index FOLDER"
    if search.missing:
        return f"nothing is sure enough to be {' or '.join(map(repr, search.missing))}, which {asked.order!r} needs"
    if asked.order not in ("", "either"):
        return f"every part is found, but nowhere joined by {asked.order!r} in one video"
    if below is not None:
        half = f" (the encoder sees {search.heard:.0%} of the words)" if 0 < search.heard < 1 else ""
        sure = floored(below.confidence)
        return f"the nearest thing seen has confidence {sure}, below the line at {search.line:g}{half}{_abroad(search)}"
    silent = ["the encoder sees nothing in these words"] if not search.heard else []
    unsaid = ["no line of speech or screen text holds them"] if set(search.sources) - {"picture"} else []
    return ", and ".join([*silent, *unsaid]) or "nothing is stored where you look"


def _abroad(search: _Search) -> str:
    """Where no video that scored is of the encoder's own world: that it is the encoder which knows too little."""
    if not search.homes or max(search.homes.values()) >= 0.5:
        return ""
    name = search.view.generation.name
    return f"; the pictures here are not of the drawn world that {name} knows (others: sightline encoders list)"


def _said(ask: tuple[Term, ...]) -> str:
    return " ".join(term.text for term in ask if term.weight > 0)
