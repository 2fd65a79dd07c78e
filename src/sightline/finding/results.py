"""What a search gives back: the moments of one page, what stands around them, or plainly nothing and why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sightline.errors import BadQuery
from sightline.records import Moment


def page_of(count: int, limit: int | None, page: int) -> tuple[slice, int]:
    """Where a page of `limit` (None: all) out of `count` lies, and how many pages there are (of nothing, one)."""
    limit = max(count, 1) if limit is None else limit
    if limit < 1 or page < 1:
        raise BadQuery(f"limit and page count from 1, got limit {limit} and page {page}")
    pages = max(math.ceil(count / limit), 1)
    if page > pages:
        there = "there is 1 page" if pages == 1 else f"there are {pages} pages"
        raise BadQuery(f"page {page} is asked for, but {there} of up to {limit} moments; choose one of them")
    return slice((page - 1) * limit, page * limit), pages


def floored(confidence: float) -> str:
    """Two digits, never rounded up: what stays below a line is not printed as if it reached it."""
    return f"{math.floor(confidence * 100 + 1e-9) / 100:.2f}"


@dataclass(frozen=True)
class Curve:
    """The picture score of a whole video, for drawing; seconds ascending. Empty where only words spoke."""

    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Results:
    query: str
    moments: list[Moment]
    total: int = 0  # moments on all pages
    page: int = 1
    pages: int = 1
    no_match: bool = False
    reason: str = ""  # why there is no match, or what limits the answer
    nearest: Moment | None = None  # the best moment below the line
    coverage: float = 1.0  # share of the library that this answer covers; below 1 while a rebuild runs
    generation: int = 0
    occurrences: list[list[Moment]] = field(
        default_factory=list
    )  # for each moment: the same picture elsewhere in its video
    curves: list[Curve] = field(default_factory=list)  # one for each moment
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)  # video -> what the file says of itself
    copies: dict[str, list[str]] = field(default_factory=dict)  # video -> other paths with the same bytes
    thumbnails: list[bytes] = field(default_factory=list)  # one JPEG for each moment (b"": none), where asked for

    @property
    def every(self) -> list[Moment]:
        """The moments and their occurrences, by video and time: what an editor wants as markers."""
        moments = [*self.moments, *(one for several in self.occurrences for one in several)]
        return sorted(moments, key=lambda m: (m.video, m.start, m.end))

    def paged(self, limit: int, page: int) -> Results:
        """One page of results that hold every moment."""
        here, pages = page_of(len(self.moments), limit, page)
        moments = self.moments[here]
        shown = {moment.video for moment in moments}
        return replace(
            self,
            moments=moments,
            page=page,
            pages=pages,
            occurrences=self.occurrences[here],
            curves=self.curves[here],
            facts={video: facts for video, facts in self.facts.items() if video in shown},
            copies={video: copies for video, copies in self.copies.items() if video in shown},
            thumbnails=self.thumbnails[here],
        )

    def as_dict(self, curves: bool = False) -> dict[str, Any]:
        """Plain values for JSON. Thumbnails never, score curves where asked for."""
        moments = [
            {**asdict(moment), "occurrences": [[one.start, one.end] for one in several]}
            for moment, several in zip(self.moments, self.occurrences or [[]] * len(self.moments), strict=True)
        ]
        plain = {
            "query": self.query,
            "no_match": self.no_match,
            "reason": self.reason,
            "moments": moments,
            "nearest": asdict(self.nearest) if self.nearest else None,
            "total": self.total,
            "page": self.page,
            "pages": self.pages,
            "coverage": self.coverage,
            "generation": self.generation,
            "copies": self.copies,
        }
        return plain | ({"curves": [asdict(curve) for curve in self.curves]} if curves else {})
