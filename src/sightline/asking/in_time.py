"""Answers that no single picture holds: what something does, which way it moves, when, and what comes before what.

All known frames of the video speak, not only those that were chosen to be shown: their vectors are there already, and
a movement lies between frames. How sure an answer is, is its share of the chances of all candidates and of nothing
having happened; nothing is answered where the search sees nothing of it, and an answer is no surer than the encoder is
of the words.
Only statements that say who moves and how are read so (`moving.MOVES`); None leaves the question to others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.asking import timeline as order
from sightline.asking.moving import BESIDE, Scores, Watched, move_of, templates
from sightline.asking.question import Asked
from sightline.asking.timeline import Timeline
from sightline.records import Exhibit, Reading

Array = Any
SURE = 0.5  # below this confidence nothing is answered
ABSENT = 0.1  # what the search is no surer of anywhere is not there to be watched
HAPPENS = frozenset({"which", "event", "action", "thing", "other"})  # kinds whose options are statements


@dataclass(frozen=True)
class InTime:
    """`watched` gives all known frames of a video; `trust`: how far the encoder knows a statement's words there."""

    watched: Callable[[str], Watched]
    scores: Scores
    trust: Callable[[str, str], float]

    def answer(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Reading | None:
        """None where nothing in the question moves or has a place in time."""
        if asked.kind == "when" and not asked.order:
            return self._when(asked, shown)
        if asked.order and choices and asked.kind in HAPPENS:
            return self._in_order(asked, shown, choices)
        if asked.kind in ("action", "direction") and not asked.order:
            return self._moving(asked, shown, choices)
        if asked.kind == "thing" and not asked.order and choices:
            return self._doing(asked, shown, choices)
        return None

    # --- by kind -------------------------------------------------------------------------------

    def _when(self, asked: Asked, shown: Sequence[Exhibit]) -> Reading | None:
        """The second at which it moves so; whoever asked knows the seconds of what is cited."""
        thing, move = move_of(asked.look_for, asked.language)
        if move is None:
            return None
        line = self._line(asked, shown, [asked.look_for])
        seconds = line.watched.seconds
        chances = line.chances(asked.look_for) * line.near_what_is_shown()
        if not chances.any():
            return None
        best = int(order.at_once(chances, np.ones((1, len(seconds))), seconds)[0].argmax())  # most lies about it
        here = {"en": "here", "zh": "在这里"}[asked.language]
        sure = max(one.score for one in line.shown)
        return line.reading(here, sure, best, line.stretch(thing, move.changes, best), {})

    def _in_order(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Reading | None:
        statements = [asked.filled(choice) for choice in choices]
        line = self._line(asked, shown, [asked.mark] if asked.mark else statements)
        chances = np.stack([line.chances(statement) for statement in statements])
        shares = _shares(asked.order, line.chances(asked.mark) if asked.mark else None, chances, line.watched.seconds)
        values = shares.sum(axis=1)
        if not values.any():  # the mark is the last thing that is seen
            return None
        values /= values.sum()
        best = int(values.argmax())
        frame = int(shares[best].argmax())
        thing, move = move_of(statements[best], asked.language)
        stretch = line.stretch(thing, move.changes, frame) if move else None
        sure = float(values[best]) * line.seen()
        sure *= min(self.trust(text, line.video) for text in (statements[best], asked.mark) if text)
        return line.reading(choices[best], sure, frame, stretch, _valued(choices, values))

    def _moving(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Reading | None:
        """The candidate whose movement fits best anywhere in the video; none fits where nothing moves."""
        thing, _ = move_of(asked.look_for, asked.language)
        wanted = {choice: _changes(asked, choice) for choice in choices}
        wanted = {choice: several for choice, several in wanted.items() if several}
        if len(wanted) < 2:
            return None
        line = self._line(asked, shown, [thing])
        odds = np.stack([line.moving(thing, several) for several in (*wanted.values(), [])])
        values = _shared(odds.max(axis=1))[:-1]
        best = int(values.argmax())
        answer, several = list(wanted.items())[best]
        frame = int(odds[best].argmax())
        sure = float(values[best]) * line.seen() * self.trust(thing, line.video)
        return line.reading(answer, sure, frame, line.stretch(thing, several, frame), _valued(list(wanted), values))

    def _doing(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str]) -> Reading | None:
        """The candidate of which the movement that is asked about is likeliest anywhere in the video."""
        statements = [asked.filled(choice) for choice in choices]
        who = [move_of(statement, asked.language) for statement in statements]
        if any(move is None for _, move in who):
            return None
        line = self._line(asked, shown, statements)
        odds = np.stack([line.odds(statement) for statement in statements])
        values = _shared(odds.max(axis=1))
        best = int(values.argmax())
        frame, (thing, move) = int(odds[best].argmax()), who[best]
        sure = float(values[best]) * line.seen() * self.trust(statements[best], line.video)
        stretch = line.stretch(thing, move.changes if move else [], frame)
        return line.reading(choices[best], sure, frame, stretch, _valued(choices, values))

    # --- one video -----------------------------------------------------------------------------

    def _line(self, asked: Asked, shown: Sequence[Exhibit], statements: Sequence[str]) -> _Line:
        """The video in which these statements are likeliest."""
        lines = [
            _Line(self.watched(video), asked.language, self.scores, video=video, every=shown)
            for video in dict.fromkeys(one.video for one in shown)
        ]
        return max(lines, key=lambda line: sum(line.odds(statement).max() for statement in statements))


@dataclass
class _Line(Timeline):
    """A video's timeline and the exhibits that show it."""

    video: str = ""
    every: Sequence[Exhibit] = ()

    @property
    def shown(self) -> list[Exhibit]:
        return [one for one in self.every if one.video == self.video]

    def seen(self) -> bool:
        """Whether the search is at all sure that what is asked about is there to be watched."""
        return max(one.score for one in self.shown) >= ABSENT

    def near_what_is_shown(self) -> Array:
        """Which frames lie in a place that was chosen, or close beside it. Shapes: -> [n] bool"""
        seconds = self.watched.seconds[:, None]
        starts, ends = (np.array([getattr(one, name) for one in self.shown]) for name in ("start", "end"))
        return ((seconds >= starts - BESIDE) & (seconds <= ends + BESIDE)).any(axis=1)

    def reading(
        self, text: str, sure: float, frame: int, stretch: tuple[float, float] | None, notes: dict[str, Any]
    ) -> Reading:
        """Cites the exhibit next to the frame. The stretch is of known frames, so its seconds are the decoder's."""
        second = float(self.watched.seconds[frame])
        cited = min(self.shown, key=lambda one: abs(one.second - second))
        notes = {"by": "pictures", "second": second, **({"stretch": stretch} if stretch else {}), **notes}
        return Reading(text, [cited.number], sure, sure < SURE, notes)


def _shares(name: str, mark: Array | None, chances: Array, seconds: Array) -> Array:
    if mark is None:
        return order.last(chances) if name == "last" else order.first(chances)
    if name == "while":
        return order.at_once(mark, chances, seconds)
    return order.before(mark, chances) if name == "before" else order.after(mark, chances)


def _shared(odds: Array) -> Array:
    """Log odds as shares of the whole belief. Shapes: [C] -> [C]"""
    values = np.exp(odds - odds.max())
    return np.asarray(values / values.sum())


def _changes(asked: Asked, choice: str) -> list[Array]:
    """What changes where this candidate is the answer; [] where it names no known movement."""
    if asked.kind == "direction":
        return templates(choice)
    _, move = move_of(asked.filled(choice), asked.language)
    return move.changes if move else []


def _valued(choices: Sequence[str], values: Array) -> dict[str, Any]:
    return {"chances": {choice: round(float(value), 2) for choice, value in zip(choices, values, strict=True)}}
