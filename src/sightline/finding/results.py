"""What a search gives back: the moments of one page, what stands around them, or plainly nothing and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sightline.records import Moment


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
