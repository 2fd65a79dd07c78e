"""Cited numbers become seconds: an exhibit knows its stretch, and exhibits of one stretch are one moment.

Nothing here is computed from what a reader wrote but the numbers themselves; a number that no exhibit has is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sightline.records import Exhibit, Moment

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\D+?(\d+(?:\.\d+)?)")


def cited_exhibits(cited: Sequence[int], exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """In the order they are cited, each once; unknown numbers are left out."""
    by_number = {one.number: one for one in exhibits}
    return [by_number[number] for number in dict.fromkeys(cited) if number in by_number]


def moments_of(exhibits: Sequence[Exhibit], confidence: float) -> list[Moment]:
    """One moment for each stretch, in the order they are cited; stretches that overlap are one."""
    moments: list[Moment] = []
    for one in exhibits:
        place = next((k for k, other in enumerate(moments) if _overlap(other, one)), None)
        if place is None:
            moments.append(_moment(one, confidence))
        else:
            moments[place] = _joined(moments[place], one)
    return moments


def _moment(one: Exhibit, confidence: float) -> Moment:
    return Moment(one.video, one.start, one.end, one.score, confidence, {one.source: one.score}, one.second, one.text)


def _overlap(moment: Moment, one: Exhibit) -> bool:
    shared = min(moment.end, one.end) - max(moment.start, one.start)
    return moment.video == one.video and (shared > 0 or (moment.start, moment.end) == (one.start, one.end))


def _joined(moment: Moment, one: Exhibit) -> Moment:
    sources = {**moment.sources, one.source: max(one.score, moment.sources.get(one.source, 0.0))}
    said = [text for text in (moment.text, one.text) if text]
    return Moment(
        moment.video,
        min(moment.start, one.start),
        max(moment.end, one.end),
        max(moment.score, one.score),
        moment.confidence,
        sources,
        moment.thumbnail,
        " ".join(dict.fromkeys(said)),
    )


def option_of_times(options: Sequence[str], moment: Moment) -> str | None:
    """The option whose stretch ("from 3.2 to 5.2 seconds") covers the moment best; None where options name no times."""
    spans = [_SPAN.search(option) for option in options]
    if not options or not all(spans):
        return None
    return max(zip(options, spans, strict=True), key=lambda pair: _shared(pair[1], moment))[0]


def _shared(span: re.Match[str] | None, moment: Moment) -> float:
    """Shared seconds over covered seconds; where nothing is shared, less the farther away."""
    assert span is not None
    start, end = float(span[1]), float(span[2])
    shared = min(end, moment.end) - max(start, moment.start)
    return shared / (max(end, moment.end) - min(start, moment.start)) if shared > 0 else shared
