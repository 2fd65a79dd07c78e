"""Where to look: order words resolved over moments that were found, so that "what happens after X" looks after X.

What answers such a question does not look like X at all: X only says where. So X's moment is found by its own words,
and the place of the answer is what lies on the right side of it, to the next moment that fits the rest of the question
or, where nothing else is said, the stretch that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sightline.asking.question import Asked
from sightline.records import Moment, Shot

NEXT = 4.0  # seconds that "next" reaches at least, where shots are shorter
EVENT = 6.0  # seconds that something which happens lasts at most; a longer moment shows who it happens to
MOST = 12  # places to look at; more would leave less than a frame for each
UNSEEN = 0.01
WEAK = 0.5  # of the surest: a mark or an answer that is less sure is not looked at beside it


@dataclass(frozen=True)
class Place:
    """A stretch to look at. `role`: "answer", or "mark": what the order word refers to, context and never an answer."""

    video: str
    start: float
    end: float
    sureness: float
    statement: str = ""  # what a frame here is measured by; "" where only its place speaks for it
    role: str = "answer"


@dataclass(frozen=True)
class Video:
    """What is known of a video's course."""

    first: float
    last: float
    shots: Sequence[Shot]


Course = Callable[[str], Video]


def places(
    asked: Asked,
    answers: Mapping[str, Sequence[Moment]],
    marks: Sequence[Moment],
    videos: Sequence[str],
    course: Course,
) -> list[Place]:
    """Places in the order of how much they promise. `answers`: the moments found for each statement."""
    if asked.order in ("after", "before", "while") and asked.mark:
        return _beside_marks(asked, answers, marks, course)
    found = _of_statements(answers)
    if asked.order in ("first", "last") and found and len(answers) == 1:
        return _end_most(asked.order, found)
    if found:
        return found[:MOST]
    if asked.order in ("first", "last"):
        return [_edge_shot(asked.order, video, course(video)) for video in videos[:MOST]]
    sureness = UNSEEN if asked.look_for or asked.who else 0.5  # what is asked for was looked for and not found
    return [Place(video, course(video).first, course(video).last, sureness) for video in videos[:MOST]]


def _of_statements(answers: Mapping[str, Sequence[Moment]]) -> list[Place]:
    """Every statement's best moment first, then the second best, and so on: no statement crowds out another."""
    rows = [[_place(moment, statement) for moment in moments] for statement, moments in answers.items()]
    if len(rows) == 1:
        strongest = max((place.sureness for place in rows[0]), default=0.0)
        return [place for place in rows[0] if place.sureness >= WEAK * strongest]
    deepest = max(map(len, rows), default=0)
    return [row[depth] for depth in range(deepest) for row in rows if depth < len(row)]


def _place(moment: Moment, statement: str) -> Place:
    return Place(moment.video, moment.start, moment.end, moment.confidence, statement)


def _end_most(order: str, found: Sequence[Place]) -> list[Place]:
    """The earliest (latest) of each video."""
    ends: dict[str, Place] = {}
    for place in sorted(found, key=lambda p: p.start, reverse=order == "first"):
        ends[place.video] = place  # the one that comes last in this sorting stays
    return sorted(ends.values(), key=lambda p: -p.sureness)


def _edge_shot(order: str, name: str, video: Video) -> Place:
    if not video.shots:
        return Place(name, video.first, video.last, 0.5)
    shot = video.shots[0 if order == "first" else -1]
    return Place(name, shot.start, shot.end, 0.5)


def _beside_marks(
    asked: Asked, answers: Mapping[str, Sequence[Moment]], marks: Sequence[Moment], course: Course
) -> list[Place]:
    strongest = max((mark.confidence for mark in marks), default=0.0)
    found: list[Place] = []
    for mark in sorted(marks, key=lambda m: -m.confidence)[:MOST]:
        if mark.confidence < WEAK * strongest:
            continue
        beside = beside_mark(asked, mark, course(mark.video))
        if beside is None:
            continue
        inside = [_clipped(_place(m, s), beside) for s, several in answers.items() for m in several]
        fitting = [place for place in inside if place is not None]
        if fitting and asked.look_for:
            near = sorted(fitting, key=lambda p: p.start if asked.order != "before" else -p.end)
            sure = [place for place in near if place.sureness >= WEAK * max(p.sureness for p in near)]
            found += [replace(place, sureness=min(place.sureness, mark.confidence)) for place in sure[:2]]
        else:
            found.append(_next_stretch(asked, beside, mark, course(mark.video)))
        found.append(Place(mark.video, mark.start, mark.end, mark.confidence, asked.mark, "mark"))
    return found[:MOST]


def beside_mark(asked: Asked, mark: Moment, video: Video) -> Place | None:
    """Everything on the side of the mark that the order names; None where nothing lies there.

    A long mark is a stretch in which it happens somewhere (the cat that jumps is there before and after): its second
    half may be after it already, its first half before it.
    """
    middle = (mark.start + mark.end) / 2
    long = mark.end - mark.start > EVENT
    sides = {
        "after": (middle if long else mark.end, video.last),
        "before": (video.first, middle if long else mark.start),
        "while": (mark.start, mark.end),
    }
    start, end = sides[asked.order]
    return Place(mark.video, start, end, mark.confidence) if end > start else None


def _next_stretch(asked: Asked, beside: Place, mark: Moment, video: Video) -> Place:
    """Up to the end of the shot that follows (goes before), NEXT seconds at least; of "while", all of it."""
    if asked.order == "after":
        cut = next((shot.end for shot in video.shots if shot.end > mark.end + NEXT / 2), beside.end)
        return replace(beside, end=min(max(cut, mark.end + NEXT), beside.end))
    if asked.order == "before":
        cut = next((shot.start for shot in reversed(video.shots) if shot.start < mark.start - NEXT / 2), beside.start)
        return replace(beside, start=max(min(cut, mark.start - NEXT), beside.start))
    return beside


def _clipped(place: Place, side: Place) -> Place | None:
    """The part of a place that lies on the right side; None where that is nothing."""
    start, end = max(place.start, side.start), min(place.end, side.end)
    return replace(place, start=start, end=end) if place.video == side.video and end > start else None
