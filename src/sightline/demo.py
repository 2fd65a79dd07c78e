"""Draws a few short videos with signs, speech and sound, takes them in, searches them and asks them questions: the
whole path in a minute.

The videos are storybook episodes, so what is true in them is known, and each search is told beside its truth: things in
their colours, places, both together, spoken lines, words on signs (where a reader of screen text is installed), in
English and Chinese, and two things that are not there.
Shapes: folder -> videos/*.mp4 with subtitles in English and Chinese, library/, contact-sheet.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.encoders.by_name import DEFAULT

if TYPE_CHECKING:
    from sightline.data.storybook.script import Script
    from sightline.indexing.report import Report

SEEDS = (4, 15, 26)
SCREEN_READER = "rapidocr"

# What is asked, and what it asks for: a thing by colour and kind, a place, a spoken line, a sign; nothing.
STATED = (
    ("a red kite", "thing", "red kite"),
    ("a yellow hat", "thing", "yellow hat"),
    ("under the night sky", "place", "night"),
    ("a purple fish under water", "thing", "purple fish"),
    ("Good morning, pink rabbit", "line", "Good morning, pink rabbit."),
    ("红色的乌龟", "thing", "red turtle"),
    ("紫色的猫头鹰", "thing", "purple owl"),
    ("在厨房里", "place", "kitchen"),
    ("雪地里的粉色的蜗牛", "thing", "pink snail"),
    ("紫色的月亮在哪里", "line", "紫色的月亮在哪里？"),
    ("a submarine periscope", "nothing", ""),
    ("量子计算机", "nothing", ""),
)
ON_SIGNS = (("FARM", "sign", "FARM"), ("NORTH", "sign", "NORTH"))

QUESTIONS = ("what", "colour", "where")  # kinds that are asked of each video, openly, in turns in both languages
EACH = 4  # questions to a video, and one about a thing that it does not show

EVERY = 1.0  # seconds between the frames that are looked at
Span = tuple[float, float]
Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Asked:
    """One search of the demo: what was asked, where it is true, what was found."""

    query: str
    kind: str
    truth: Mapping[str, Sequence[Span]]  # the stretches of each video; none: nowhere
    second: float | None  # the best second of the best moment; None: no match
    span: Span | None = None
    video: str = ""
    confidence: float = 0.0

    @property
    def right(self) -> bool:
        """The found second lies where the query is true, or is the last one looked at before; or rightly nothing."""
        if self.second is None:
            return not self.truth
        return any(start - EVERY <= self.second <= end for start, end in self.truth.get(self.video, ()))

    @property
    def true_span(self) -> tuple[str, Span] | None:
        """The true stretch to show beside what was found: in the same video where there is one, the nearest."""
        spans = [(video, span) for video, spans in self.truth.items() for span in spans]
        second = self.second or 0.0
        return min(spans, key=lambda s: (s[0] != self.video, max(s[1][0] - second, second - s[1][1])), default=None)


@dataclass(frozen=True)
class Answered:
    """One question of the demo: what was answered, where it was seen, and the truth ("": it is not there)."""

    question: str
    video: str
    truth: str
    answer: str  # "": not answered
    span: Span | None = None  # what the answer rests on
    spans: Sequence[Span] = ()  # where the truth lies

    @property
    def right(self) -> bool:
        return self.answer == self.truth


@dataclass
class Demo:
    folder: str
    report: dict[str, Any]
    counts: dict[str, Any]
    asked: list[Asked] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    sheet: str = ""
    seconds_drawing: float = 0.0
    seconds_indexing: float = 0.0
    seconds_searching: float = 0.0
    seconds_asking: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "asked": [{**asdict(one), "right": one.right} for one in self.asked],
            "answered": [{**asdict(one), "right": one.right} for one in self.answered],
        }


def scripts(count: int = len(SEEDS)) -> dict[str, Script]:
    """The demo's episodes by the names of their files."""
    from sightline.data.storybook.script import random_script

    return {f"storybook-{seed}.mp4": random_script(seed) for seed in SEEDS[:count]}


def draw_videos(folder: Path, count: int = len(SEEDS), size: tuple[int, int] = (640, 360)) -> list[Path]:
    """The episodes with subtitles beside them; those already drawn are kept."""
    from sightline.data.storybook.film import video

    folder.mkdir(parents=True, exist_ok=True)
    for name, script in scripts(count).items():
        path = folder / name
        if not path.exists():
            half_done = folder / f"drawing-{name}"
            video(script, half_done, size)
            for beside in folder.glob(f"drawing-{path.stem}.*.srt"):
                beside.rename(folder / beside.name.removeprefix("drawing-"))
            half_done.rename(path)
    return [folder / name for name in scripts(count)]


def run_demo(folder: Path, library_folder: Path | None = None, tell: Told | None = None) -> Demo:
    """Draws, indexes, searches, writes the contact sheet; everything lies in `folder` afterwards."""
    from sightline.index import Wishes, index_paths
    from sightline.store.library import Library

    began = time.monotonic()
    videos = draw_videos(folder / "videos")
    drawn = time.monotonic()
    screen = SCREEN_READER if find_spec(SCREEN_READER) else None
    with Library.open(library_folder or folder / "library", create=True) as library:
        wishes = Wishes(encoder=DEFAULT, screen=screen, rebuild=_seen_by_another(library))
        report: Report = index_paths(library, [str(path) for path in videos], wishes, tell=tell)
        indexed = time.monotonic()
        demo = Demo(str(folder), report.as_dict(), asdict(library.counts()))
        demo.asked = [_ask(library, *stated) for stated in (*STATED, *(ON_SIGNS if screen else ()))]
        searched = time.monotonic()
        demo.answered = _answers(library, {Path(path).name: str(path) for path in videos})
        demo.seconds_asking = time.monotonic() - searched
        demo.sheet = str(_contact_sheet(library, demo.asked[0].query, folder / "contact-sheet.html"))
    demo.seconds_drawing, demo.seconds_indexing = drawn - began, indexed - drawn
    demo.seconds_searching = searched - indexed
    return demo


def _seen_by_another(library: Any) -> bool:
    """Whether the library of an earlier demo was made with an encoder that is no longer the same."""
    from sightline.encoders.by_name import open_encoder

    current = library.current()
    return current is not None and current.fingerprint != open_encoder(DEFAULT).card.fingerprint


def true_spans(script: Script, kind: str, what: str) -> list[Span]:
    """Where a script shows a thing or a place, or where a line is spoken or a sign hangs."""
    from sightline.data.storybook.motion import visible_spans

    if kind == "thing":
        return [
            s for k, t in enumerate(script.things) if f"{t.colour} {t.prop}" == what for s in visible_spans(script, k)
        ]
    if kind == "place":
        return [(scene.start, scene.end) for scene in script.scenes if scene.backdrop == what]
    if kind == "line":
        return [(line.start, line.end) for line in script.speech if what in (line.text.en, line.text.zh)]
    return [(sign.start, sign.end) for sign in script.signs if sign.text == what]


def _ask(library: Any, query: str, kind: str, what: str) -> Asked:
    from sightline.search import find_moments

    truth = {name: spans for name, script in scripts().items() if (spans := true_spans(script, kind, what))}
    moments = find_moments(library, query, limit=1).moments
    if not moments:
        return Asked(query, kind, truth, None)
    best = moments[0]
    second = best.start if best.thumbnail is None else best.thumbnail
    return Asked(query, kind, truth, second, (best.start, best.end), Path(best.video).name, best.confidence)


def _answers(library: Any, paths: Mapping[str, str]) -> list[Answered]:
    """Every question to its own video, without options: nothing but the question says what can be answered."""
    from sightline.ask import Conversation, ask_library

    made = []
    with Conversation(library) as talk:
        for name, question, truth, spans in _questions(scripts(len(paths))):
            talk.turns.clear()  # each stands alone
            answer = ask_library(library, question, videos=[paths[name]], conversation=talk)
            first = None if answer.abstained or not answer.moments else answer.moments[0]
            said = "" if answer.abstained else answer.text
            made.append(Answered(question, name, truth, said, (first.start, first.end) if first else None, spans))
    return made


def _questions(films: Mapping[str, Script]) -> Iterator[tuple[str, str, str, Sequence[Span]]]:
    """Of each film questions with one right answer, in turns in both languages, and one about what is not there."""
    from sightline.data.storybook.questions import questions
    from sightline.data.storybook.words import THINGS

    for k, (name, script) in enumerate(films.items()):
        for n, one in enumerate(questions(script, EACH, QUESTIONS, seed=1)):
            language = ("en", "zh")[n % 2]
            spans = [(float(start), float(end)) for start, end in one.seconds]
            yield name, getattr(one.question, language), getattr(one.right, language), spans
        strange = next(word for prop, word in THINGS.items() if prop not in {thing.prop for thing in script.things})
        absent = (f"What colour is the {strange.en[0]}?", f"{strange.zh[0]}是什么颜色的？")[k % 2]
        yield name, absent, "", ()


def _contact_sheet(library: Any, query: str, out: Path) -> Path:
    from sightline.exports import export
    from sightline.search import find_moments

    return export("sheet", find_moments(library, query, thumbnails=True), out, overwrite=True)[0]
