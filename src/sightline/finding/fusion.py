"""One ranking from several sources: each is made a probability first, then they join as independent witnesses.

With p the confidence of each source, the fused confidence is 1 - product(1 - p) (noisy-or), and the fused score
sum(-log(1 - p)), which orders alike and does not run into 1. Nothing is added across sources that is not a probability,
so a cosine of 0.3 and a bm25 of 11 never meet.

Departures: a stretch takes its borders from its surest source; another source moves them only where it is sure itself
(an uncertain picture, minutes long, shall not blur the three seconds in which the words are said).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sightline.finding.confidence import IDENTICAL, LINE
from sightline.finding.moments import Stretch, overlap
from sightline.finding.sources import View

MOSTLY = 0.5  # stretches that share this much of the shorter one are one moment


@dataclass(frozen=True)
class Found:
    """A moment in the making: its span, what every source says of it, and where else the same picture stands."""

    span: Stretch
    sources: dict[str, Stretch]
    repeats: tuple[Found, ...] = field(default=())
    certain: float | None = None  # set by the order words: as sure as the less sure of the two sides

    @property
    def score(self) -> float:
        return sum(-math.log1p(-stretch.confidence) for stretch in self.sources.values())

    @property
    def confidence(self) -> float:
        return -math.expm1(-self.score) if self.certain is None else self.certain


def fuse(stretches: Iterable[Stretch]) -> list[Found]:
    """Overlapping stretches of a video become one moment; surest first among stretches, so each joins the best host."""
    by_content: dict[int, list[Found]] = {}
    for stretch in sorted(stretches, key=lambda s: (-s.confidence, s.content, s.start, s.end, s.source, s.text)):
        hosts = by_content.setdefault(stretch.content, [])
        place = next((i for i, host in enumerate(hosts) if overlap(host.span, stretch) >= MOSTLY), None)
        if place is None:
            hosts.append(Found(stretch, {stretch.source: stretch}))
        else:
            hosts[place] = _joined(hosts[place], stretch)
    return [found for hosts in by_content.values() for found in hosts]


def _joined(host: Found, other: Stretch) -> Found:
    span, sources = host.span, dict(host.sources)
    sources.setdefault(other.source, other)  # the surer one of a source came first
    if other.confidence >= LINE:
        span = replace(span, start=min(span.start, other.start), end=max(span.end, other.end))
    return Found(span, sources)


def ranked(found: Iterable[Found], paths: dict[int, str]) -> list[Found]:
    """Surest first; ties by the video's path, then by start: the same twice."""
    return sorted(found, key=lambda f: (-f.confidence, -f.score, paths[f.span.content], f.span.start, f.span.end))


def fold_repeats(found: Sequence[Found], view: View) -> list[Found]:
    """Moments of one video that rest on the picture alone and show the same one become occurrences of the best."""
    kept: list[Found] = []
    for one in found:
        place = next((i for i, other in enumerate(kept) if _same_picture(one, other, view)), None)
        if place is None:
            kept.append(one)
        else:
            kept[place] = replace(kept[place], repeats=(*kept[place].repeats, one))
    return [replace(one, repeats=tuple(sorted(one.repeats, key=lambda f: f.span.start))) for one in kept]


def _same_picture(one: Found, other: Found, view: View) -> bool:
    if one.span.content != other.span.content or set(one.sources) != {"picture"} or set(other.sources) != {"picture"}:
        return False
    rows = (one.sources["picture"].row, other.sources["picture"].row)
    left, right = (np.asarray(view.vectors[row], dtype=np.float32) for row in rows)
    return float(left @ right) >= IDENTICAL
