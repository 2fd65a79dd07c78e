"""Measures answers on held-out storybook videos of 60 s, in both languages, with the reader that needs no download.

Beside the path as it is stand: the same number of frames spread evenly over the video, frames of the true moments (an
oracle: what the reader makes of the right evidence), and who looks at nothing (data/storybook/blind.py). An answer that
is not given counts as wrong; the best guess behind it is counted apart. Questions about things of another video are
unanswerable: on them, and on the answerable ones, the abstaining is judged.

Departures: frames are drawn at one a second and not decoded, so nothing is looked at again finer; what is said and
written is in the library as its subtitles and screen text would be. Lines are those the path found, in every way of
choosing frames but the oracle's, which has those of the true moments. Movement and order are read from all known
frames by the path alone: the other ways compare the pictures they were given, so their reader may know less.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from sightline.ask import FRAMES, Conversation, ask_library
from sightline.asking.built_in import BuiltInReader
from sightline.asking.citing import cited_exhibits, moments_of, option_of_times
from sightline.asking.comparing import ComparingReader
from sightline.asking.judging_reader import judge_for
from sightline.asking.question import understand
from sightline.data.storybook.blind import blind_baselines
from sightline.data.storybook.desk import Question
from sightline.data.storybook.dials import usual
from sightline.data.storybook.draw import picture
from sightline.data.storybook.questions import KINDS, questions
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.truth import screen_text, spoken
from sightline.data.storybook.words import THINGS
from sightline.encoders.encoder import Encoder
from sightline.errors import MediaError
from sightline.finding.sources import sample
from sightline.keyframes import CHOOSERS
from sightline.measures.grounding import Span, best_overlaps
from sightline.recipes.storybook_exams import LANGUAGES, SHAPE
from sightline.recipes.storybook_held_out import HeldOut, add_drawn
from sightline.records import Answer, Exhibit, Moment
from sightline.store.library import Library

Array = Any
SECONDS = 60.0
WAYS = ("asked", "uniform", "oracle")
BLIND = ("chance", "options_only", "question_and_options", "word_overlap", "first_frame")


@dataclass(frozen=True)
class Judged:
    """One answer. `guess`: the best candidate was right, whether it was answered or not."""

    way: str
    kind: str
    language: str
    right: bool
    guess: bool
    abstained: bool
    hit: bool  # a frame or line of the evidence lies in a true moment
    overlap: float  # IoU of the first cited moment with the true moment it fits best
    seconds: float = 0.0


@dataclass
class AskingReport:
    encoder: str
    judged: list[Judged] = field(default_factory=list)
    abstained_unanswerable: list[bool] = field(default_factory=list)
    blind: dict[str, dict[str, float]] = field(default_factory=dict)  # kind -> figures

    def of(self, way: str, kind: str = "", language: str = "") -> list[Judged]:
        return [
            one for one in self.judged if one.way == way and kind in ("", one.kind) and language in ("", one.language)
        ]


def measure_asking(
    encoder: Encoder,
    *,
    videos: int = 20,
    count: int = 100,
    seed: int = 1,
    frames: int = FRAMES,
    told: Callable[[str], None] | None = None,
) -> AskingReport:
    """`count` questions on `videos` videos, each asked in both languages, and one in five more that has no answer."""
    tell = told or (lambda text: None)
    report = AskingReport(encoder.card.name)
    films = _films(videos, seed)
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library", create=True) as library:
        for film in films:
            add_drawn(library, encoder, film)
            _write_lines(library, film)
        tell(f"{len(films)} videos seen")
        asked = _questions(films, count)
        with Conversation(library, encoder=encoder, eyes=DrawingEyes(films)) as talk:
            for film, question in asked:
                for language in LANGUAGES:
                    report.judged += _judged_ways(talk, film, question, language, frames)
            tell(f"{len(asked)} questions asked in {len(LANGUAGES)} languages")
            report.abstained_unanswerable = list(_unanswerable(talk, films, max(count // 5, 1), seed, frames))
    rows = blind_baselines([question for _, question in asked], {_name(film.script): film.script for film in films})
    report.blind = {row.kind: {name: getattr(row, name) for name in BLIND} for row in rows}
    return report


class DrawingEyes:
    """Drawn videos have no file to watch again; single pictures of them are drawn again."""

    def __init__(self, films: Sequence[HeldOut]) -> None:
        self.scripts = {film.name: film.script for film in films}

    def watch(self, video: str, start: float, end: float, every: float, patience: float) -> tuple[Array, Array]:
        raise MediaError(f"{video} is drawn; there is no file")

    def look(self, video: str, seconds: Sequence[float], side: int) -> list[Array]:
        shown = (picture(self.scripts[video], float(second), SHAPE) for second in seconds)
        return [np.asarray(one, np.uint8).transpose(2, 0, 1) for one in shown]


def _films(count: int, seed: int) -> list[HeldOut]:
    dials = replace(usual("test"), seconds=SECONDS, scenes=6)
    scripts = [random_script(seed * 9_000_011 + k, dials, "test") for k in range(count)]
    return [HeldOut(f"/storybook/{k:04d}.mp4", script, ()) for k, script in enumerate(scripts)]


def _write_lines(library: Library, film: HeldOut) -> None:
    content = library.known()[film.name].content
    for language in LANGUAGES:
        library.set_lines(content, f"subtitles {language}", "1", spoken(film.script, language))
    library.set_lines(content, "screen text", "1", screen_text(film.script, SHAPE[0] / SHAPE[1]))


def _questions(films: Sequence[HeldOut], count: int) -> list[tuple[HeldOut, Question]]:
    each = -(-count // len(films))
    return [(film, question) for film in films for question in questions(film.script, each)][:count]


def _name(script: Script) -> str:
    return f"{script.split}-{script.seed:06d}"


# --- the ways of choosing frames ------------------------------------------------------------------


def _judged_ways(talk: Conversation, film: HeldOut, question: Question, language: str, frames: int) -> Iterator[Judged]:
    words, options = getattr(question.question, language), [getattr(o, language) for o in question.options]
    talk.turns.clear()
    began = time.perf_counter()
    answer = ask_library(
        talk.library, words, videos=[film.name], options=options, frames=frames, conversation=talk, seconds_of_work=0
    )
    took = time.perf_counter() - began
    guess = next((step.kept for step in answer.trace if step.station == "check"), "")
    yield _judge("asked", question, language, answer, talk.exhibits, guess, took)
    said = [one for one in talk.exhibits if one.source != "picture"]
    with talk.library.view() as view:
        table = _Table(view, film, talk)
        for way, shown in (
            ("uniform", table.uniform(frames, said)),
            ("oracle", table.within(question.seconds, frames)),
        ):
            reading = table.reader(words, options).answer(words, shown, options=options)
            moments = moments_of(cited_exhibits(reading.cited, shown), reading.confidence)
            text = (option_of_times(options, moments[0]) if moments and question.kind == "when" else "") or reading.text
            read = Answer(text, moments, reading.confidence, reading.abstained)
            yield _judge(way, question, language, read, shown, repr(text), 0.0)


class _Table:
    """The exhibits of the other ways, from the same library and for the same reader."""

    def __init__(self, view: Any, film: HeldOut, talk: Conversation) -> None:
        content = next(number for number, video in view.videos.items() if video.path == film.name)
        rows = np.asarray(view.rows_of(content))
        self.film, self.lines, self.shots = film, view.lines(content), view.shots(content)
        self.seconds, self.vectors = np.asarray(view.seconds[rows]), np.asarray(view.vectors[rows], np.float32)
        self.encoder, self.eyes = talk.encoder(view), talk.eyes
        self.comparing = ComparingReader(self.encoder, self._vector, sample(view))

    def reader(self, question: str, options: Sequence[str]) -> BuiltInReader:
        judge = judge_for(self.encoder)
        learned = judge is not None and judge.reads(understand(question), options)
        return BuiltInReader(self.comparing, judging=judge if learned else None)

    def uniform(self, frames: int, said: Sequence[Exhibit]) -> list[Exhibit]:
        chosen = np.asarray(CHOOSERS["uniform"](np.zeros(len(self.seconds)), frames).index)[0]
        return _numbered([*(self._picture(k, 0.5) for k in chosen), *said])

    def within(self, spans: Sequence[Span], frames: int) -> list[Exhibit]:
        inside = [k for k, second in enumerate(self.seconds) if any(a <= second < b for a, b in spans)]
        nearest = [int(np.searchsorted(self.seconds, a, side="right")) - 1 for a, _ in spans]
        places = np.array(inside or sorted(set(nearest)))
        chosen = places[np.asarray(CHOOSERS["uniform"](np.zeros(len(places)), frames).index)[0]]
        said = [
            Exhibit(0, self.film.name, line.start, line.end, line.source, line.start, line.text, 1.0)
            for line in self.lines
            if any(line.start < b and line.end > a for a, b in spans)
        ]
        return _numbered([*(self._picture(k, 1.0, spans) for k in chosen), *said])

    def _picture(self, k: int, score: float, spans: Sequence[Span] = ()) -> Exhibit:
        second = float(self.seconds[k])
        shots = [(shot.start, shot.end) for shot in self.shots]
        start, end = next(((a, b) for a, b in [*spans, *shots] if a <= second < b), (second, second))
        (pixels,) = self.eyes.look(self.film.name, [second], min(SHAPE))
        return Exhibit(0, self.film.name, start, end, "picture", second, score=score, pixels=pixels)

    def _vector(self, one: Exhibit) -> Array:
        return self.vectors[int(np.searchsorted(self.seconds, one.second))]


def _numbered(shown: Sequence[Exhibit]) -> list[Exhibit]:
    return [replace(one, number=k) for k, one in enumerate(sorted(shown, key=lambda one: one.second), 1)]


def _judge(
    way: str,
    question: Question,
    language: str,
    answer: Answer,
    shown: Sequence[Exhibit],
    guess: str,
    took: float,
) -> Judged:
    right = getattr(question.right, language)
    first: list[Moment] = answer.moments[:1]
    overlap = best_overlaps([(m.start, m.end) for m in first] or [None], [question.seconds])[0]
    hit = any(
        one.score > 0 and one.start < b and max(one.end, one.second) > a and _inside(one, a, b)
        for one in shown
        for a, b in question.seconds
    )
    answered = answer.text == right and not answer.abstained
    return Judged(
        way,
        question.kind,
        language,
        answered,
        answered or repr(right) in guess,
        answer.abstained,
        hit,
        float(overlap),
        took,
    )


def _inside(one: Exhibit, start: float, end: float) -> bool:
    """A frame by its second, a line by its stretch."""
    return start <= one.second < end if one.source == "picture" else one.start < end and one.end > start


# --- what has no answer ---------------------------------------------------------------------------


def _unanswerable(talk: Conversation, films: Sequence[HeldOut], count: int, seed: int, frames: int) -> Iterator[bool]:
    """Whether each of `count` questions about another video's things is left unanswered."""
    dice = Random(f"unanswerable {seed}")
    for k in range(count):
        here, language = films[k % len(films)], LANGUAGES[k % 2]
        question = _foreign(here.script, films, dice)
        answer = ask_library(
            talk.library,
            getattr(question.question, language),
            videos=[here.name],
            options=[getattr(option, language) for option in question.options],
            frames=frames,
            conversation=talk,
            seconds_of_work=0,
        )
        yield answer.abstained


def _foreign(here: Script, films: Sequence[HeldOut], dice: Random) -> Question:
    """A question about a thing that this video shows in no colour."""
    shown = {THINGS[thing.prop].en[0] for thing in here.things}
    while True:
        script = dice.choice(films).script
        for question in questions(script, 6, kinds=["colour", "where", "said", "when"], seed=dice.randrange(1000)):
            if script is not here and not shown & set(question.event.en.split()):
                return question


# --- as text --------------------------------------------------------------------------------------


def told(report: AskingReport) -> list[str]:
    """By kind, then all: how often each way is right, and what the path's evidence is worth."""
    head = f"{'kind':10} {'n':>4}  {'asked':>6} {'guess':>6} {'uniform':>7} {'oracle':>6}  {'chance':>6} {'blind':>6}"
    lines = [f"encoder: {report.encoder}", "", f"{head}  {'hit':>5} {'hit u':>5} {'IoU':>5} {'silent':>6}"]
    for kind in (*KINDS, ""):
        if report.of("asked", kind):
            lines.append(_row(report, kind))
    for language in LANGUAGES:
        some = report.of("asked", "", language)
        lines.append(f"{language}: right {_share(some, 'right'):.3f}, guess {_share(some, 'guess'):.3f} of {len(some)}")
    return [
        *lines,
        *_abstaining(report),
        f"seconds a question {np.mean([one.seconds for one in report.of('asked')]):.2f}",
    ]


def _row(report: AskingReport, kind: str) -> str:
    asked, uniform, oracle = (report.of(way, kind) for way in WAYS)
    blind = report.blind.get(kind or "all", {})
    best = max((value for name, value in blind.items() if name != "chance"), default=float("nan"))
    right, guess, silent = (_share(asked, what) for what in ("right", "guess", "abstained"))
    hit, hit_uniform, overlap = _share(asked, "hit"), _share(uniform, "hit"), _share(asked, "overlap")
    return (
        f"{kind or 'all':10} {len(asked):4d}  {right:6.3f} {guess:6.3f} {_share(uniform, 'guess'):7.3f} "
        f"{_share(oracle, 'guess'):6.3f}  {blind.get('chance', float('nan')):6.3f} {best:6.3f}  "
        f"{hit:5.2f} {hit_uniform:5.2f} {overlap:5.2f} {silent:6.2f}"
    )


def _share(judged: Sequence[Judged], what: str) -> float:
    return float(np.mean([getattr(one, what) for one in judged])) if judged else float("nan")


def _abstaining(report: AskingReport) -> list[str]:
    """Precision: of what was left unanswered, the share that had no answer, or whose guess was wrong. Recall: of what
    has no answer, the share left unanswered."""
    asked, without = report.of("asked"), report.abstained_unanswerable
    silent = [one for one in asked if one.abstained]
    justified = sum(not one.guess for one in silent) + sum(without)
    answered: dict[bool, list[Judged]] = defaultdict(list)
    for one in asked:
        answered[one.abstained].append(one)
    return [
        f"abstaining: precision {justified / max(len(silent) + sum(without), 1):.3f} "
        f"(unanswerable alone {sum(without) / max(len(silent) + sum(without), 1):.3f}), "
        f"recall {np.mean(without) if without else float('nan'):.3f} of {len(without)} without an answer",
        f"of the {len(answered[False])} answers given, right {_share(answered[False], 'right'):.3f}",
    ]
