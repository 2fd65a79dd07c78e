"""How far one gets without looking: the honest floor under every score on storybook.

Four readers who see no video: one knows only the options, one the question and the options, one picks the option that
shares most words with the question, one saw only the first frame (and answers rightly what is visible there, by chance
otherwise). The first two are naive-Bayes learners over words, trained on one half of the videos, tested on the other.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.data.storybook.desk import Question
from sightline.data.storybook.questions import KINDS

_Features = Callable[[Question, int], set[str]]


@dataclass(frozen=True)
class Blind:
    """One row: shares of right answers."""

    kind: str
    count: int
    chance: float
    options_only: float
    question_and_options: float
    word_overlap: float
    first_frame: float


def _words(text: str) -> set[str]:
    return set(text.lower().replace(",", " ").replace("?", " ").replace(":", " ").split())


def _of_option(question: Question, k: int) -> set[str]:
    text = question.options[k].en
    return {f"{question.kind}|{word}" for word in (*_words(text), text, f"#{k}")}


def _of_both(question: Question, k: int) -> set[str]:
    asked, text = _words(question.question.en), question.options[k].en
    return {f"{question.kind}|{q}|{word}" for q in asked for word in (*_words(text), text)} | _of_option(question, k)


def _learned(train: Sequence[Question], test: Sequence[Question], features: _Features) -> list[bool]:
    """Naive Bayes: how much more often each feature belongs to a right option than to a wrong one."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for question in train:
        for k in range(len(question.options)):
            (right if k == question.answer else wrong).update(features(question, k))

    def score(question: Question, k: int) -> float:
        odds = len(question.options) - 1
        return sum(math.log((right[f] + 1) * odds / (wrong[f] + odds)) for f in features(question, k))

    return [max(range(len(q.options)), key=lambda k: (score(q, k), -k)) == q.answer for q in test]


def _overlapping(question: Question) -> float:
    """The share of right answers of who picks the option with most of the question's words (ties shared)."""
    asked = _words(question.question.en)
    shared = [len(asked & _words(option.en)) for option in question.options]
    best = [k for k, n in enumerate(shared) if n == max(shared)]
    return (question.answer in best) / len(best)


def _in_first_frame(question: Question) -> bool:
    """Is the answer visible at second 0? That something is absent from a whole video is not."""
    absent = question.kind == "present" and question.right.en == "no"
    return not absent and any(start <= 0.0 for start, _ in question.seconds)


def blind_baselines(questions: Sequence[Question]) -> list[Blind]:
    """One row per kind in order, and a last row "all"."""
    halves: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        halves[zlib.crc32(question.video.encode()) % 2].append(question)
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for train, test in (halves, halves[::-1]):
        by_options, by_both = (_learned(train, test, features) for features in (_of_option, _of_both))
        for question, one, two in zip(test, by_options, by_both, strict=True):
            chance = 1 / len(question.options)
            row = (chance, one, two, _overlapping(question), 1.0 if _in_first_frame(question) else chance)
            rows[question.kind].append(row)
            rows["all"].append(row)
    return [
        Blind(kind, len(rows[kind]), *(sum(column) / len(rows[kind]) for column in zip(*rows[kind], strict=True)))
        for kind in (*KINDS, "all")
        if rows[kind]
    ]


def as_table(baselines: Sequence[Blind]) -> str:
    lines = [f"{'kind':10} {'n':>6} {'chance':>7} {'options':>8} {'question':>9} {'overlap':>8} {'1st frame':>10}"]
    lines += [
        f"{b.kind:10} {b.count:6d} {b.chance:7.3f} {b.options_only:8.3f} {b.question_and_options:9.3f} "
        f"{b.word_overlap:8.3f} {b.first_frame:10.3f}"
        for b in baselines
    ]
    return "\n".join(lines)
