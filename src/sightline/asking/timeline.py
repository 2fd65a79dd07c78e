"""When each statement happens, as chances over a video's seconds; and from these what comes first, last, next, at once.

"The red cat jumps twice" happens where a red cat is seen and moves as a jump does (`moving`). No second is sure, so
each statement has a chance at every known frame, and an order is a sum over all pairs of seconds: the chance that one
statement is the next after another is how often it would be, were every event drawn from its own chances.

Departures: the events are taken to be independent of each other, and each to happen once.
Shapes: mark [n], chances [C, n] of C statements, each row with the sum 1 -> shares [C, n]: the sum of a row is the
chance that this statement has that place in the order, and its largest entry the frame where it then happens
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.asking.moving import BESIDE, WITHIN, Scores, Watched, changes, curves, fits, move_of

Array = Any
THERE = 1.5  # what a frame's score says about the thing being there, in log odds
MOVED = 0.5  # of the log odds of its moving: neighbouring frames share their noise, and other things move as well
AT_ONCE = 1.5  # seconds apart at which two things are hardly at the same time any more
HALF_WAY = 0.5


@dataclass
class Timeline:
    """One video's statements, in one language. `scores` compares texts with vectors."""

    watched: Watched
    language: str
    scores: Scores
    _things: dict[str, tuple[Array, Array]] = field(default_factory=dict)

    def odds(self, statement: str) -> Array:
        """The log odds of a statement about each frame: its words fit, its thing is there, and moves so. -> [n]"""
        thing, move = move_of(statement, self.language)
        if move is None:
            return self.moving(statement)
        whole = self._best_beside(self.scores([statement], self.watched.vectors)[:, 0])
        return self.moving(thing, move.changes) + THERE / 2 * (whole - self._thing(thing)[0])

    def moving(self, thing: str, changes: Sequence[Array] = ()) -> Array:
        """The log odds of a thing being there about each frame, and of one of these changes. Shapes: [8] -> [n]"""
        there, changed = self._thing(thing)
        return THERE * there + (MOVED * fits(changes, changed) if len(changes) else 0.0)

    def chances(self, statement: str) -> Array:
        """Where it happens: a frame counts for the time it stands, WITHIN at most. Shapes: -> [n], with the sum 1"""
        odds, watched = self.odds(statement), self.watched
        stands = np.minimum(np.append(watched.seconds[1:], np.inf), watched.ends) - watched.seconds
        raised = np.exp(odds - odds.max()) * np.clip(stands, 1e-3, WITHIN)
        return raised / raised.sum()

    def stretch(self, thing: str, changes: Sequence[Array], best: int) -> tuple[float, float]:
        """From when to when a change fits more than half as well as about the frame `best`, in its shot."""
        fit, seconds, shot = fits(changes, self._thing(thing)[1]), self.watched.seconds, self.watched.shot
        low = (fit < HALF_WAY * fit[best]) | (shot != shot[best]) | (abs(seconds - seconds[best]) > BESIDE)
        low[best] = False
        before, after = np.flatnonzero(low[:best]), np.flatnonzero(low[best:])
        start = before[-1] if len(before) else 0
        end = best + after[0] if len(after) else len(seconds) - 1
        return float(seconds[start]), float(seconds[end])

    def changed(self, thing: str) -> Array:
        """What changes about each frame. Shapes: -> [n, 8]"""
        return self._thing(thing)[1]

    def _thing(self, thing: str) -> tuple[Array, Array]:
        """How far it is there about each frame, and what changes. Shapes: -> [n], [n, 8]"""
        if thing not in self._things:
            seen = curves(thing, self.language, self.watched, self.scores)
            self._things[thing] = self._best_beside(seen[:, 0]), changes(seen, self.watched)
        return self._things[thing]

    def _best_beside(self, there: Array) -> Array:
        seconds, shot = self.watched.seconds, self.watched.shot
        standing = np.searchsorted(seconds, seconds - BESIDE, side="right") - 1
        first = np.maximum(standing, np.searchsorted(shot, shot))
        last = np.minimum(
            np.searchsorted(seconds, seconds + BESIDE, side="right"), np.searchsorted(shot, shot, side="right")
        )
        return np.array([there[a:b].max() for a, b in zip(first, last, strict=True)])


# --- orders ---------------------------------------------------------------------------------------


def first(chances: Array) -> Array:
    """No other one is earlier. Shapes: [C, n] -> [C, n]"""
    return chances * _others(1 - np.cumsum(chances, axis=1) + chances / 2)


def last(chances: Array) -> Array:
    return first(chances[:, ::-1])[:, ::-1]


def after(mark: Array, chances: Array) -> Array:
    """Later than the mark, and no other one in between. Shapes: [n], [C, n] -> [C, n]"""
    passed, shares = np.cumsum(chances, axis=1), np.zeros(chances.shape)
    for k in np.flatnonzero(mark > 1e-3 * mark.max()):
        between = passed[:, k + 1 :] - passed[:, k : k + 1] - chances[:, k + 1 :] / 2
        shares[:, k + 1 :] += mark[k] * chances[:, k + 1 :] * _others(1 - between)
    return shares


def before(mark: Array, chances: Array) -> Array:
    return after(mark[::-1], chances[:, ::-1])[:, ::-1]


def at_once(mark: Array, chances: Array, seconds: Array) -> Array:
    """The nearer to the mark, the more. Shapes: [n], [C, n], [n] -> [C, n]"""
    near = np.zeros(len(seconds))
    for k in np.flatnonzero(mark > 1e-3 * mark.max()):
        near += mark[k] * np.exp(-abs(seconds - seconds[k]) / AT_ONCE)
    return chances * near


def _others(free: Array) -> Array:
    """For each row the product of all other rows. Shapes: [C, n] -> [C, n]"""
    return np.stack([np.prod(np.delete(free, k, axis=0), axis=0) for k in range(len(free))])
