"""From places to numbered exhibits: which frames of the places are chosen, and the lines, in one list by time.

Where several statements are looked for (the options of a question), the best frame of each comes first, so that none is
judged unseen; the rest of the budget goes to a way of choosing from `keyframes`, dpp by default. On the worlds of
tests/keyframes/test_keyframes_evidence.py, where a short answer stands beside a long scene, dpp finds it in all of 200
videos with 4 frames of 32 (mmr 0.98, suppressed-similarity 0.86, uniform 0.41, similarity 0.07).
Shapes: seconds [n], vectors [n, E], scores [n]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from sightline.asking.places import Course, Place
from sightline.keyframes import CHOOSERS
from sightline.language.fence import visible
from sightline.records import Exhibit, Line

Array = Any
CHOOSER = "dpp"
CONTEXT = 0.25  # of the frames may show what the order words refer to
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")  # what a terminal obeys
LONGEST_LINE = 500  # characters of a line that enter the evidence


@dataclass(frozen=True)
class Frame:
    """A candidate: a frame of a place."""

    video: str
    second: float
    vector: Array
    score: float
    place: Place


Known = Callable[[str], tuple[Array, Array]]  # video -> seconds [n], vectors [n, E]
Measure = Callable[[str, str, Array], Array]  # statement, video, vectors [n, E] -> how sure of each frame, 0 to 1


def candidates(places: Sequence[Place], known: Known, measure: Measure, order: str = "") -> list[Frame]:
    """Every known frame of every place, measured by the place's statement; a frame of two places counts once."""
    found: dict[tuple[str, float, str, str], Frame] = {}
    for place in places:
        seconds, vectors = known(place.video)
        inside = _inside(seconds, place)
        if place.statement:
            scores = measure(place.statement, place.video, vectors[inside])
        else:
            scores = place.sureness * _nearness(seconds[inside], place, order)
        for k, score in zip(inside.tolist(), scores.tolist(), strict=True):
            key = (place.video, float(seconds[k]), place.role, place.statement)
            if key not in found or found[key].score < score:
                found[key] = Frame(place.video, float(seconds[k]), vectors[k], max(score, 1e-6), place)
    return list(found.values())


def _inside(seconds: Array, place: Place) -> Array:
    """Places of the frames in [start, end); of a stretch between two frames, the one that is shown there."""
    inside = np.flatnonzero((seconds >= place.start) & (seconds < place.end))
    if len(inside) or not len(seconds):
        return inside
    return np.array([max(int(np.searchsorted(seconds, place.start, side="right")) - 1, 0)])


def _nearness(seconds: Array, place: Place, order: str) -> Array:
    """1 at the mark's border, falling to one half at the far end; 1 everywhere where no border is named."""
    if order not in ("after", "before") or place.end <= place.start:
        return np.ones(len(seconds))
    far = (seconds - place.start) / (place.end - place.start)
    return 1.0 - 0.5 * np.clip(far if order == "after" else 1.0 - far, 0.0, 1.0)


def choose(frames: Sequence[Frame], k: int, chooser: str = CHOOSER, each: bool = False) -> list[Frame]:
    """Exactly min(k, frames) of them in the order of video and time; `each`: first the best frame of every place."""
    marks = [one for one in frames if one.place.role == "mark"]
    answers = _once([one for one in frames if one.place.role == "answer"])
    context = _best_of_each(marks)[: int(k * CONTEXT)] if answers else _best_of_each(marks)[:k]
    shown = {(one.video, one.second) for one in context}
    answers = [one for one in answers if (one.video, one.second) not in shown]
    left = k - len(context)
    kept = _best_of_each(answers)[:left] if each else []
    rest = [one for one in answers if not any(one is other for other in kept)]
    if rest and left > len(kept):
        scores = np.array([one.score for one in rest])
        vectors = np.stack([one.vector for one in rest])
        choice = CHOOSERS[chooser](scores, left - len(kept), vectors=vectors)
        kept = [*kept, *(rest[i] for i in np.asarray(choice.index)[0])]
    return sorted([*kept, *context], key=lambda one: (one.video, one.second))


def _once(frames: Sequence[Frame]) -> list[Frame]:
    """A frame that several statements share is chosen once, for the statement it fits best; in the order of time."""
    best: dict[tuple[str, float], Frame] = {}
    for one in frames:
        key = (one.video, one.second)
        if key not in best or best[key].score < one.score:
            best[key] = one
    return sorted(best.values(), key=lambda one: (one.video, one.second))


def _best_of_each(frames: Sequence[Frame]) -> list[Frame]:
    best: dict[Place, Frame] = {}
    for one in frames:
        if one.place not in best or best[one.place].score < one.score:
            best[one.place] = one
    found: dict[tuple[str, float], Frame] = {}
    for one in best.values():  # two places may share their best frame
        found.setdefault((one.video, one.second), one)
    return list(found.values())


class Said(Protocol):
    """A line of a video, and how well it fits what was asked."""

    @property
    def video(self) -> str: ...
    @property
    def line(self) -> Line: ...
    @property
    def score(self) -> float: ...


def exhibits(frames: Sequence[Frame], said: Sequence[Said], course: Course) -> list[Exhibit]:
    """Frames and lines numbered from 1 by video and time. What only gives context has the score 0."""
    shown = [_picture(one, course) for one in frames]
    heard = [
        Exhibit(
            0, one.video, one.line.start, one.line.end, one.line.source, one.line.start, clean(one.line.text), one.score
        )
        for one in said
    ]
    ordered = sorted([*shown, *heard], key=lambda one: (one.video, one.second, one.source))
    return [replace(one, number=number) for number, one in enumerate(ordered, 1)]


def _picture(one: Frame, course: Course) -> Exhibit:
    """Its stretch is its moment; where only an order placed it, the part of the place that lies in its shot."""
    start, end = one.place.start, one.place.end
    if not one.place.statement:
        shot = next((s for s in course(one.video).shots if s.start <= one.second < s.end), None)
        if shot is not None:
            start, end = max(start, shot.start), min(end, shot.end)
    score = 0.0 if one.place.role == "mark" else one.score
    return Exhibit(0, one.video, min(start, one.second), max(end, one.second), "picture", one.second, score=score)


def clean(text: str) -> str:
    """Words of a video as one line of data: nothing invisible, nothing a terminal obeys, not without end."""
    return " ".join(visible(_TERMINAL.sub(" ", text)).split())[:LONGEST_LINE]
