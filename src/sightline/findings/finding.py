"""What a question was found to be: rows, plots, and verdicts that are computed, by one rule for all of them.

The rule. A claim says that one thing is more than another on the same questions, or that the two are the same within
a margin. Differences are taken question by question. Their standard error counts videos, not questions, because
questions about one video share its pictures. More than two standard errors beyond the line: the claim holds, or fails;
nearer than that it is open. Of claims that are truly a draw about one in twenty is called wrongly by this rule. What
learns does so once with every seed, and how far these trainings differ is part of the error.

Shapes: differences [n] or [trainings, n], videos [n] -> mean, standard error
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.errors import BadRecord
from sightline.exports.plot import Line, Plot

Array = Any
ERRORS = 2.0  # how many standard errors decide
RULE = (
    "A claim is about differences question by question; the standard error counts videos. It **holds** or **fails** "
    f"where the difference is more than {ERRORS:g} standard errors beyond its line (zero, or the margin of a claim "
    "that two things are the same), and is **open** otherwise; of claims that are truly a draw about one in twenty is "
    "called wrongly. What learns does so once with every seed, and how far these trainings differ is part of the error."
)


@dataclass(frozen=True)
class Claim:
    """`says` that the difference is above zero; with `same` that it is at most that much either way."""

    hypothesis: str
    says: str
    difference: float
    error: float
    same: float | None = None
    questions: int = 0  # how many it rests on

    @property
    def outcome(self) -> str:
        reach = ERRORS * self.error
        if self.same is None:
            low, high = self.difference - reach, self.difference + reach
            return "holds" if low > 0 else "fails" if high < 0 else "open"
        size = abs(self.difference)
        return "holds" if size + reach < self.same else "fails" if size - reach > self.same else "open"


@dataclass(frozen=True)
class Table:
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        uneven = next((row for row in self.rows if len(row) != len(self.head)), None)
        if uneven is not None:
            raise BadRecord(f"a row of {self.title!r} has {len(uneven)} cells under {len(self.head)} heads: {uneven}")


@dataclass(frozen=True)
class Finding:
    """One question's section. `tests` and `untested` say what of the hypotheses it is about: id -> what, or why not."""

    name: str
    question: str
    dial: str
    tests: dict[str, str]
    untested: dict[str, str]
    videos: int
    questions: int
    tables: list[Table]
    plots: dict[str, Plot]
    claims: list[Claim]
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def mean_and_error(values: Array, videos: Array) -> tuple[float, float]:
    """The mean, and its standard error with whole videos as the units (a sandwich estimate).

    Of several trainings it is that of their mean, and their spread adds to it. Shapes: [n] or [trainings, n], [n]
    """
    rows, videos = np.atleast_2d(np.asarray(values, float)), np.asarray(videos)
    values = rows.mean(axis=0)
    if len(values) == 0:
        raise BadRecord("no question is left to take a mean of; draw more videos (--size, --seeds)")
    mean = float(values.mean())
    _, unit = np.unique(videos, return_inverse=True)
    count = int(unit.max()) + 1
    if count < 2:
        return mean, float("inf")
    together = np.bincount(unit, weights=values - mean)
    of_videos = (together**2).sum() * count / (count - 1) / len(values) ** 2
    of_trainings = rows.mean(axis=1).var(ddof=1) / len(rows) if len(rows) > 1 else 0.0
    return mean, float(np.sqrt(of_videos + of_trainings))


def claimed(hypothesis: str, says: str, more: Array, less: Array, videos: Array, *, same: float | None = None) -> Claim:
    """The claim that `more` is above `less` (or the same), question by question."""
    difference, error = mean_and_error(np.asarray(more, float) - np.asarray(less, float), videos)
    return Claim(hypothesis, says, difference, error, same, len(videos))


def grown(hypothesis: str, says: str, after: tuple[Array, Array], before: tuple[Array, Array]) -> Claim:
    """The claim that a mean is above another one of other questions. Shapes: (values, videos) each"""
    (high, at_high), (low, at_low) = mean_and_error(*after), mean_and_error(*before)
    questions = len(after[1]) + len(before[1])
    return Claim(hypothesis, says, high - low, float(np.hypot(at_high, at_low)), questions=questions)


def shown(values: Array, videos: Array) -> str:
    """A cell: mean ± standard error."""
    return "{:.3f} ± {:.3f}".format(*mean_and_error(values, videos))


def line(name: str, points: dict[Any, tuple[Array, Array]]) -> Line:
    """A line of a plot with its errors. Shapes: x -> (values, videos)"""
    pairs = [mean_and_error(*point) for point in points.values()]
    return Line(name, list(points), [mean for mean, _ in pairs], [error for _, error in pairs])
