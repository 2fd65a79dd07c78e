"""How far one gets without looking: the honest floor under every score on storybook.

Four readers who see no video: one knows only the options, one the question and the options, one picks the option that
shares most words with the question, one saw only the first frame: it knows what is there, and has learned what follows
from an option's or a question's speaking of that. All but the third are naive-Bayes learners, trained on one half of
the videos and tested on the other.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sightline.data.storybook.desk import Question
from sightline.data.storybook.motion import visible_spans
from sightline.data.storybook.questions import KINDS, questions
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.words import PLACES, THINGS

_Features = Callable[[Question, int], set[str]]
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


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
        return math.fsum(math.log((right[f] + 1) * odds / (wrong[f] + odds)) for f in features(question, k))

    return [max(range(len(q.options)), key=lambda k: (score(q, k), -k)) == q.answer for q in test]


def _overlapping(question: Question) -> float:
    """The share of right answers of who picks the option with most of the question's words (ties shared)."""
    asked = _words(question.question.en)
    shared = [len(asked & _words(option.en)) for option in question.options]
    best = [k for k, n in enumerate(shared) if n == max(shared)]
    return (question.answer in best) / len(best)


# --- who saw the first frame --------------------------------------------------------------------------


def opening(script: Script) -> frozenset[str]:
    """What the first picture shows, as the questions would say it: things in their colours, the place, the sign."""
    things = (thing for k, thing in enumerate(script.things) if visible_spans(script, k)[0][0] <= 0)
    signs = (sign.text.lower() for sign in script.signs if sign.start <= 0)
    named = (name.lower() for thing in things for name in (thing.name.en, thing.colour, THINGS[thing.prop].en[0]))
    return frozenset([*named, *PLACES[script.scenes[0].backdrop].en, *signs])


def _of_opening(question: Question, k: int, seen: frozenset[str]) -> set[str]:
    """Whether the option and the question speak of what the first frame shows, and where the option's number ranks."""
    asked, options = question.question.en.lower(), [f" {option.en.lower()} " for option in question.options]
    shown = sum(f" {name} " in f" {asked} ".replace("?", " ") for name in seen)
    fits = [sum(f" {name} " in option for name in seen) for option in options]
    numbers = [float(found.group()) if (found := _NUMBER.search(option)) else 0.0 for option in options]
    rank = sum(number < numbers[k] for number in numbers)
    kind = f"{question.kind}|{min(shown, 2)}"
    return {f"{kind}|fits {min(fits[k], 3)}", f"{kind}|most {fits[k] == max(fits)}", f"{kind}|rank {rank}"}


def blind_baselines(questions: Sequence[Question], scripts: Mapping[str, Script]) -> list[Blind]:
    """One row per kind in order, and a last row "all"; `scripts` are those of the questions' videos, by name."""
    halves: tuple[list[Question], list[Question]] = ([], [])
    for question in questions:
        halves[zlib.crc32(question.video.encode()) % 2].append(question)
    seen = {name: opening(script) for name, script in scripts.items()}

    def of_opening(question: Question, k: int) -> set[str]:
        return _of_opening(question, k, seen[question.video])

    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for train, test in (halves, halves[::-1]):
        guesses = [_learned(train, test, features) for features in (_of_option, _of_both, of_opening)]
        for question, one, two, three in zip(test, *guesses, strict=True):
            row = (1 / len(question.options), one, two, _overlapping(question), three)
            rows[question.kind].append(row)
            rows["all"].append(row)
    return [
        Blind(kind, len(rows[kind]), *(sum(column) / len(rows[kind]) for column in zip(*rows[kind], strict=True)))
        for kind in (*KINDS, "all")
        if rows[kind]
    ]


def asked_of(split: str, count: int, seed: int = 0, each: int = 8) -> tuple[list[Question], dict[str, Script]]:
    """`count` questions about as many videos of a split as that takes, and the videos' scripts by name."""
    found: list[Question] = []
    scripts: dict[str, Script] = {}
    while len(found) < count:
        script = random_script(seed + len(scripts), split=split)
        asked = questions(script, each)
        scripts[f"{split}-{script.seed:06d}"] = script
        found += asked
    return found[:count], scripts


def as_table(baselines: Sequence[Blind]) -> str:
    lines = [f"{'kind':10} {'n':>6} {'chance':>7} {'options':>8} {'question':>9} {'overlap':>8} {'1st frame':>10}"]
    lines += [
        f"{b.kind:10} {b.count:6d} {b.chance:7.3f} {b.options_only:8.3f} {b.question_and_options:9.3f} "
        f"{b.word_overlap:8.3f} {b.first_frame:10.3f}"
        for b in baselines
    ]
    return "\n".join(lines)
