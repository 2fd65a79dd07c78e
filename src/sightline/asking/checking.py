"""Does the answer rest on what it cites? A moment is taken away, and the answer is scored without it.

For readers that can score an answer: what is lost with a moment is what it carried. A cited moment without which the
answer scores as well is no evidence, and is not cited; the one that carries most stays in any case.
Shapes: exhibits and moments as they were cited -> one weight for each moment
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sightline.records import Exhibit, Moment, Reading

Score = Callable[[Sequence[Exhibit]], float]
NOTHING = 1e-6


def scorer(reader: Any, question: str, reading: Reading) -> Score | None:
    """How a reader scores its answer on some of the exhibits; None where it cannot, or where words and not pictures
    answered (a quotation rests on the line it is taken from)."""
    if hasattr(reader, "answer_likelihood"):
        return lambda some: float(reader.answer_likelihood(question, some, reading.text))
    if hasattr(reader, "score") and reading.notes.get("by") == "pictures":
        return lambda some: float(reader.score(question, some, reading.text))
    return None


def weights(score: Score, exhibits: Sequence[Exhibit], moments: Sequence[Moment]) -> list[float]:
    """What the answer's score loses when each moment's exhibits are taken away; infinite where nothing is left."""
    whole = score(exhibits)
    lost = []
    for moment in moments:
        rest = [one for one in exhibits if not _inside(one, moment)]
        lost.append(whole - score(rest) if rest else math.inf)
    return lost


def carrying(score: Score, exhibits: Sequence[Exhibit], moments: Sequence[Moment]) -> list[Moment]:
    """The moments the answer rests on, those that carry most first."""
    if len(moments) < 2:
        return list(moments)
    lost = weights(score, exhibits, moments)
    if any(math.isnan(one) for one in lost):
        return list(moments)
    order = sorted(range(len(moments)), key=lambda k: (-lost[k], k))
    kept = [k for k in order if lost[k] > NOTHING] or order[:1]
    return [moments[k] for k in kept]


def _inside(one: Exhibit, moment: Moment) -> bool:
    return one.video == moment.video and moment.start <= one.second < max(moment.end, moment.start + 1e-9)
