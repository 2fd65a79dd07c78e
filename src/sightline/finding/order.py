"""Order in time: which of A comes after B, before B, during B, between B and C; the first and the last of each video.

Both sides lie in the same video. What comes out is as sure as the less sure of the sides it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sightline.finding.fusion import Found
from sightline.finding.moments import Stretch, clipped

Extent = Callable[[int], tuple[float, float]]  # content -> first and last second of the video


def ordered(order: str, sides: Sequence[Sequence[Found]], extent: Extent) -> list[Found]:
    """`sides` as `Query.asks` names them; an empty first side of after/before asks for everything there."""
    if order in ("first", "last"):
        return _ends(sides[0], last=order == "last")
    if order == "between two":
        return [_gap(a, b) for a, b in _neighbours(sides[0])]
    if order == "between":
        return [_gap(a, b) for a, b in _pairs(sides[0], sides[1])]
    if order == "within":
        return _within(sides[0], [_gap(a, b) for a, b in _pairs(sides[1], sides[2])])
    if order == "during":
        return _within(sides[0], sides[1])
    return _apart(order, sides[0], sides[1]) if sides[0] else _rest(order, sides[1], extent)


def _ends(found: Sequence[Found], last: bool) -> list[Found]:
    best: dict[int, Found] = {}
    for one in sorted(found, key=lambda f: f.span.start, reverse=not last):
        best[one.span.content] = one  # the one that is seen last stays
    return list(best.values())


def _apart(order: str, wanted: Sequence[Found], marks: Sequence[Found]) -> list[Found]:
    """Every A with a B on the right side of it: the surest such B, and the nearest of those."""
    kept = []
    for one in wanted:
        gaps = [(mark, _gap_between(mark, one) if order == "after" else _gap_between(one, mark)) for mark in marks]
        fitting = [(mark.confidence, -gap) for mark, gap in gaps if mark.span.content == one.span.content and gap >= 0]
        if fitting:
            kept.append(replace(one, certain=min(one.confidence, max(fitting)[0])))
    return kept


def _gap_between(early: Found, late: Found) -> float:
    return late.span.start - early.span.end


def _within(wanted: Sequence[Found], marks: Sequence[Found]) -> list[Found]:
    """The part of every A that lies inside a B."""
    kept = []
    for one in wanted:
        for mark in sorted(marks, key=lambda m: -m.confidence):
            shared = min(one.span.end, mark.span.end) - max(one.span.start, mark.span.start)
            if mark.span.content == one.span.content and shared > 0:
                span = clipped(one.span, mark.span.start, mark.span.end)
                kept.append(replace(one, span=span, certain=min(one.confidence, mark.confidence)))
                break
    return kept


def _pairs(left: Sequence[Found], right: Sequence[Found]) -> list[tuple[Found, Found]]:
    """Each A with the next B after it, and each B with the next A after it, with no other A or B between."""
    marks = sorted(
        [(one, "A") for one in left] + [(one, "B") for one in right],
        key=lambda m: (m[0].span.content, m[0].span.start, m[0].span.end, m[1]),
    )
    steps = zip(marks, marks[1:], strict=False)
    return [(a, b) for (a, kind), (b, other) in steps if kind != other and _apart_in_one_video(a, b)]


def _neighbours(found: Sequence[Found]) -> list[tuple[Found, Found]]:
    marks = sorted(found, key=lambda f: (f.span.content, f.span.start, f.span.end))
    return [(a, b) for a, b in zip(marks, marks[1:], strict=False) if _apart_in_one_video(a, b)]


def _apart_in_one_video(a: Found, b: Found) -> bool:
    return a.span.content == b.span.content and b.span.start > a.span.end


def _gap(a: Found, b: Found) -> Found:
    return _stretch_between(a.span.end, b.span.start, a, min(a.confidence, b.confidence))


def _rest(order: str, marks: Sequence[Found], extent: Extent) -> list[Found]:
    """Everything after the last B's end, or before the first B's start, once for each video."""
    kept = []
    for mark in _ends(marks, last=order == "after"):
        first, last = extent(mark.span.content)
        start, end = (mark.span.end, last) if order == "after" else (first, mark.span.start)
        if end > start:
            kept.append(_stretch_between(start, end, mark, mark.confidence))
    return kept


def _stretch_between(start: float, end: float, mark: Found, certain: float) -> Found:
    """A stretch that rests on what stands at its border; its picture is its own middle."""
    span = Stretch(mark.span.content, start, end, mark.span.source, mark.span.score, certain, (start + end) / 2)
    borders = {name: replace(stretch, text="") for name, stretch in mark.sources.items()}
    return Found(span, borders, certain=certain)
