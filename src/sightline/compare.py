"""Compare: one question asked of one video in several ways under one budget, and where the answers part.

A way is a chooser, a reader and, for a model in this process, a connector. What no way changes is done once, before the
first: the question is understood, places are found, and promising ones are looked at finer, which takes all the seconds
of work. Then every way chooses among the same frames, reads and cites; what was seen costs it nothing.
Shapes: seconds [n], scores [n] of a curve
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from sightline.ask import FRAMES, SECONDS_OF_WORK, Conversation, ask_library
from sightline.asking.evidence import CHOOSER
from sightline.asking.question import Asked, plain, understand
from sightline.asking.readers import NAMES, open_reader
from sightline.errors import BadQuery, SightlineError
from sightline.finding import sources as of
from sightline.finding.statements import Statements
from sightline.keyframes import CHOOSERS
from sightline.language.reader import Reader
from sightline.measures.grounding import Span, overlap_share
from sightline.records import Answer, Exhibit, Reading, Step
from sightline.video.thumbnail import jpeg

Asking = Callable[..., Answer]
USUAL = ("uniform", "similarity", "mmr", "dpp")  # choosers, where none is named
SHARED = ("understand", "find", "look again")  # stations that no way changes
THUMBNAIL = 144  # pixels of a picture's shorter side
SAME = 0.5  # of their seconds shared: two answers that are seconds say the same
WORDS = "words"  # the reader that looks at no picture
PLAIN = "none"  # the connector of a model that is given none


@dataclass(frozen=True)
class Way:
    chooser: str  # "" where the reader looks at no picture
    reader: str
    connector: str = ""

    def __str__(self) -> str:
        reader = self.reader if "://" in self.reader else Path(self.reader).name
        return " · ".join(part for part in (self.chooser, reader, self.connector) if part)


@dataclass(frozen=True)
class Tried:
    """One way, its answer, and the exhibits it was read from. `tokens` are visual, `tokens_in` all of the prompt."""

    way: Way
    answer: Answer
    shown: list[Exhibit]
    tokens: int | None = None
    tokens_in: int | None = None
    overlap: float | None = None  # IoU of the first cited moment with the truth
    hit: bool | None = None  # an exhibit lies in the truth

    @property
    def pictures(self) -> list[Exhibit]:
        """What it looked at: a reader of words looks at none."""
        return [] if self.way.reader == WORDS else [one for one in self.shown if one.source == "picture"]

    @property
    def text(self) -> str:
        """The answer; of silence its first words, without the nearest thing seen."""
        return re.split("[;；]", self.answer.text)[0] if self.answer.abstained else self.answer.text

    @property
    def spans(self) -> list[Span]:
        """The seconds it cites; none where it does not answer."""
        return [] if self.answer.abstained else [(moment.start, moment.end) for moment in self.answer.moments]


@dataclass(frozen=True)
class Group:
    """Ways that answer the same."""

    text: str
    ways: list[Way]


@dataclass(frozen=True)
class Agreement:
    """Groups by size; `text` is the answer of the largest, "" where two are the largest."""

    text: str
    share: float
    groups: list[Group]


@dataclass(frozen=True)
class Curve:
    """How sure each known frame shows the statement."""

    statement: str
    seconds: list[float]
    scores: list[float]


@dataclass(frozen=True)
class Comparison:
    question: str
    language: str
    video: str
    extent: Span
    frames: int
    budget: int | None  # visual tokens
    truth: Span | None
    shared: list[Step]  # what was done once for all ways
    tried: list[Tried]
    refused: list[tuple[Way, str]]  # ways that could not answer, and why
    agreement: Agreement
    curves: list[Curve]
    pictures: dict[float, bytes] = field(default_factory=dict)  # second -> JPEG, where they were asked for

    @property
    def shared_milliseconds(self) -> float:
        return sum(step.milliseconds for step in self.shared)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pictures."""
        return asdict(replace(self, pictures={}))


def compare_ways(
    library: Any,
    video: str,
    question: str,
    *,
    choosers: Sequence[str] = USUAL,
    readers: Sequence[str] = ("built-in",),
    connectors: Sequence[str] = (),
    frames: int = FRAMES,
    tokens: int | None = None,
    options: Sequence[str] = (),
    truth: Span | None = None,
    seconds_of_work: float = SECONDS_OF_WORK,
    language: str | None = None,
    pictures: bool = False,
    conversation: Conversation | None = None,
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """The question asked of the video (its name, or a part of its path) in every way: choosers x readers x connectors.

    A connector stands inside models of this process alone; "none" names the plain way. `truth`: the seconds in which
    the answer lies. `pictures`: with a small picture of every frame that was looked at. `tell` hears what begins.
    """
    asked = understand(question, language)
    ways = ways_of(choosers, readers, connectors)
    if truth is not None and not truth[1] >= truth[0] >= 0:
        raise BadQuery(f"the truth ends before it starts, or starts before 0: {truth[0]:g}-{truth[1]:g}")
    tell = tell or (lambda what: None)
    opened = _opened(ways, tokens)
    path = only_video(library, video)
    budget: dict[str, Any] = {"frames": frames, "tokens": tokens, "options": options, "language": language}
    with nullcontext(conversation) if conversation else Conversation(library) as talk:
        ask = partial(ask_library, library, question, videos=[path], conversation=talk, **budget)
        tell("what all ways share")
        shared = _share(talk, ask, ways, seconds_of_work)
        tried: list[Tried] = []
        refused: list[tuple[Way, str]] = []
        for number, way in enumerate(ways, 1):
            tell(f"{number} of {len(ways)}: {way}")
            try:
                tried.append(_try(talk, ask, way, opened[way], truth))
            except SightlineError as error:
                refused.append((way, str(error)))
        extent, curves = _curves(talk, path, asked, options)
        return Comparison(
            question=asked.text,
            language=asked.language,
            video=path,
            extent=extent,
            frames=frames,
            budget=tokens,
            truth=truth,
            shared=shared,
            tried=tried,
            refused=refused,
            agreement=agreement(tried, asked),
            curves=curves,
            pictures=_pictures(talk, tried) if pictures else {},
        )


# --- the ways -------------------------------------------------------------------------------------


def ways_of(choosers: Sequence[str], readers: Sequence[str], connectors: Sequence[str] = ()) -> list[Way]:
    """Every chooser with every reader, and with every connector where the reader takes one; words need no chooser."""
    unknown = [name for name in choosers if name not in CHOOSERS]
    if unknown:
        raise BadQuery(f"there is no way of choosing {unknown[0]!r}; choose from {', '.join(CHOOSERS)}")
    if not choosers or not readers:
        raise BadQuery("nothing to compare: name at least one chooser and one reader")
    if connectors and not any(map(takes_connector, readers)):
        raise BadQuery(
            f"none of {', '.join(readers)} takes a connector; name the folder of a transformers model as a reader, "
            "or leave --connectors out"
        )
    ways = [
        Way("" if reader == WORDS else chooser, reader, connector)
        for reader, chooser in product(readers, choosers)
        for connector in (connectors if connectors and takes_connector(reader) else ("",))
    ]
    return list(dict.fromkeys(ways))


def takes_connector(reader: str) -> bool:
    """Whether it is a model that runs in this process."""
    return reader not in NAMES and (reader.startswith("hf:") or Path(reader).expanduser().is_dir())


def only_video(library: Any, name: str) -> str:
    """The path of the one video that is meant."""
    with library.view() as view:
        found = [view.videos[content].path for content in of.named(view, name)]
    if len(found) > 1:
        raise BadQuery(f"{name!r} names {len(found)} videos ({', '.join(sorted(found)[:3])} …); give more of the path")
    return str(found[0])


class _Heard:
    """A reader whose last notes are kept. In all else it is that reader."""

    def __init__(self, reader: Any) -> None:
        self.reader, self.name, self.wants = reader, reader.name, reader.wants
        self.notes: dict[str, Any] = {}

    def answer(self, *given: Any, **more: Any) -> Reading:
        reading: Reading = self.reader.answer(*given, **more)
        self.notes = reading.notes
        return reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


def _opened(ways: Sequence[Way], tokens: int | None) -> dict[Way, str | _Heard]:
    """A reader for every way, each opened once; those of the base install are the library's own, by their names."""
    held: dict[tuple[str, str], str | _Heard] = {}
    models: dict[str, Any] = {}
    for way in ways:
        key = (way.reader, way.connector)
        if key not in held:
            held[key] = way.reader if way.reader in NAMES else _Heard(_reader(way, tokens, models))
    return {way: held[way.reader, way.connector] for way in ways}


def _reader(way: Way, tokens: int | None, models: dict[str, Any]) -> Reader:
    """A model is loaded once for all its connectors, and a clip it has looked at is not looked at again."""
    if not takes_connector(way.reader):
        return open_reader(way.reader, lambda: None)
    from sightline.language.pretrained import PretrainedReader, open_pretrained

    connector = None if way.connector in ("", PLAIN) else way.connector
    if way.reader not in models:
        models[way.reader] = open_pretrained(way.reader, connector=connector, tokens=tokens)
        return models[way.reader]
    first = models[way.reader]
    other = PretrainedReader(
        first.model, first.tokenizer, first.settings, first.name.partition(":")[2], connector, tokens
    )
    other.looking = first.looking
    return other


# --- asking ---------------------------------------------------------------------------------------


@contextmanager
def _anew(talk: Conversation) -> Iterator[None]:
    """Ways are no turns of a conversation: none hears what another answered."""
    turns = list(talk.turns)
    try:
        yield
    finally:
        talk.turns[:] = turns


def _share(talk: Conversation, ask: Asking, ways: Sequence[Way], seconds: float) -> list[Step]:
    """One asking without a picture, for what it leaves in the conversation: frames watched finer, words read."""
    compares = any(way.reader in ("built-in", "comparing") for way in ways)  # and reads what could be the answer
    with _anew(talk):
        answer = ask(seconds_of_work=seconds, reader="built-in" if compares else WORDS)
    return [step for step in answer.trace if step.station in SHARED]


def _try(talk: Conversation, ask: Asking, way: Way, reader: str | _Heard, truth: Span | None) -> Tried:
    with _anew(talk):
        answer = ask(seconds_of_work=0.0, reader=reader, chooser=way.chooser or CHOOSER)
    notes = reader.notes if isinstance(reader, _Heard) else {}
    shown = [replace(one, pixels=None) for one in talk.exhibits]
    tried = Tried(way, answer, shown, notes.get("visual_tokens"), notes.get("tokens_in"))
    return tried if truth is None else replace(tried, overlap=_overlap(tried, truth), hit=_hit(tried, truth))


def _overlap(tried: Tried, truth: Span) -> float:
    return overlap_share(tried.spans[0], truth) if tried.spans else 0.0


def _hit(tried: Tried, truth: Span) -> bool:
    """A frame by its second, a line by its stretch; what only gives context (score 0) is no evidence."""
    start, end = truth
    lines = [one for one in tried.shown if one.source != "picture" and one.score > 0]
    frames = [one for one in tried.pictures if one.score > 0]
    return any(start <= one.second < end for one in frames) or any(one.start < end and one.end > start for one in lines)


# --- what came of it ------------------------------------------------------------------------------


def agreement(tried: Sequence[Tried], asked: Asked) -> Agreement:
    """Answers in the same words are the same, silence is one answer, and seconds agree that share half of theirs."""
    groups: list[tuple[Tried, list[Way]]] = []
    for one in tried:
        group = next((ways for first, ways in groups if _same(first, one, asked)), None)
        if group is None:
            groups.append((one, [one.way]))
        else:
            group.append(one.way)
    groups.sort(key=lambda group: -len(group[1]))
    sizes = [len(ways) for _, ways in groups]
    named = [Group(first.text, ways) for first, ways in groups]
    one_largest = len(sizes) == 1 or (len(sizes) > 1 and sizes[0] > sizes[1])
    return Agreement(named[0].text if one_largest else "", max(sizes, default=0) / max(len(tried), 1), named)


def _same(one: Tried, other: Tried, asked: Asked) -> bool:
    if one.answer.abstained or other.answer.abstained:
        return one.answer.abstained and other.answer.abstained
    if asked.kind == "when" and one.spans and other.spans:
        return overlap_share(one.spans[0], other.spans[0]) >= SAME
    return plain(one.answer.text).casefold() == plain(other.answer.text).casefold()


def _curves(talk: Conversation, video: str, asked: Asked, options: Sequence[str]) -> tuple[Span, list[Curve]]:
    """What was looked for, and what an order word refers to, over every frame known of the video by now."""
    with talk.library.view() as view:
        (content,) = of.named(view, video)
        extent = of.extent(view, content)
        encoder = talk.encoder(view)
        if encoder is None:
            return extent, []
        known = Statements(talk.library, view, [content], encoder, talk.memory.finer)
        seconds, vectors = known.known(video)
        stated = [[one] for one in (asked.look_for or asked.who, asked.mark) if one] or [list(options)]
        curves = []
        for several in filter(None, stated):
            scores = np.max([known.measure(one, video, vectors) for one in several], axis=0)
            curves.append(Curve(" / ".join(several), seconds.tolist(), scores.tolist()))
        return extent, curves


def _pictures(talk: Conversation, tried: Sequence[Tried]) -> dict[float, bytes]:
    """Every frame that some way looked at, fetched once; one that cannot be had any more is left out."""
    wanted = dict.fromkeys((one.video, one.second) for way in tried for one in way.pictures)
    shown = talk.memory.look(sorted(wanted), THUMBNAIL)
    return {second: jpeg(pixels, width=2 * THUMBNAIL) for (_, second), pixels in shown.items()}
