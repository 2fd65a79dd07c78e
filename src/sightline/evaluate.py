"""Measures an encoder on unseen combinations of storybook: captions, attributes, binding, actions, moments, confidence.

Pictures and videos are drawn from the `challenge` and `test` splits, with colour x thing pairs training never showed.
Moments are found by the product itself: frames go through the encoder into a library, and `find_moments` answers.

Departures: frames of the held-out videos are drawn, not decoded (recipes/storybook_held_out.py); a few of the videos
are written to mp4 and indexed as any file is, and a row tells whether that comes to the same.
Shapes: pictures [n, 3, 64, 112] uint8
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.encoder import Encoder
from sightline.errors import BadQuery
from sightline.finding.confidence import LINE, CurveRow, calibration_curve
from sightline.index import Wishes, index_paths
from sightline.measures.grounding import (
    Span,
    best_overlaps,
    best_window,
    first_third,
    mean_overlap,
    recall_at_overlap,
    whole_video,
)
from sightline.recipes.storybook_exams import LANGUAGES, Rows, actions, attributes, binding, read, retrieval
from sightline.recipes.storybook_held_out import Asked, HeldOut, add_drawn, held_out, written
from sightline.search import find_moments
from sightline.store.library import Library

Array = Any
Told = Callable[[str, float], None]  # what is being done, and the share of the work that is done

WINDOWS = (2.0, 5.0, 10.0)
EXAMS = {  # each with the share of the pictures that it takes: of an action, many are looked at
    "retrieval": (retrieval, 1),
    "zero-shot": (attributes, 1),
    "binding": (binding, 1),
    "actions": (actions, 5),
}
RIGHT = 0.5  # the overlap from which an answer counts as right
SEARCH, WRITING = 5.0, 15.0  # what a search, and a second of video that is written, cost beside seeing one frame


@dataclass
class Report:
    """All figures of one encoder, by section; rows are (name, figures by column)."""

    encoder: str
    sections: dict[str, Rows] = field(default_factory=dict)
    confidence: list[CurveRow] = field(default_factory=list)


@dataclass(frozen=True)
class Size:
    """How much is measured: pictures per section, held-out videos, and how many of them are written to mp4 too."""

    pictures: int = 1000
    videos: int = 200
    written: int = 10
    seed: int = 1

    def __post_init__(self) -> None:
        if self.pictures < 2 or self.videos < 0 or not 0 <= self.written:
            raise BadQuery(
                f"--n needs at least 2 pictures, --videos and --written at least 0, "
                f"not {self.pictures}, {self.videos} and {self.written}"
            )


def evaluate_storybook(encoder: Encoder, size: Size | None = None, *, told: Told | None = None) -> Report:
    """All sections. Videos are written to mp4 only for an encoder that has a name by which children can open it."""
    size = size or Size()
    made = held_out(size.videos, size.seed)
    some = made[: size.written] if encoder.card.name != UNTRAINED else []
    work = _Work(
        told, len(EXAMS) * size.pictures + sum(map(_cost, made)) + WRITING * sum(m.script.seconds for m in some)
    )
    report = Report(encoder.card.name)
    for name, (exam, share) in EXAMS.items():
        work.tell(f"{encoder.card.name}: {name}")
        report.sections[name] = exam(encoder, max(1, size.pictures // share), size.seed)
        work.add(size.pictures)
    if made:
        work.tell(f"{encoder.card.name}: moments in {len(made)} videos")
        report.sections["moments"], report.confidence = _moments(encoder, made, some, work)
    work.tell("")
    return report


@dataclass
class _Work:
    """How far it is, in frames seen."""

    told: Told | None
    all: float
    what: str = ""
    done: float = 0.0

    def tell(self, what: str) -> None:
        self.what = what
        self.add(0.0)

    def add(self, done: float) -> None:
        self.done += done
        if self.told:
            self.told(self.what, min(self.done / self.all, 1.0) if self.what else 1.0)


def _cost(made: HeldOut) -> float:
    return made.script.seconds + SEARCH * len(LANGUAGES) * len(made.asked)


# --- moments -------------------------------------------------------------------------------------------

Found = list[tuple[Asked, Any]]  # a question and the best moment for it, or None


def _moments(encoder: Encoder, made: list[HeldOut], some: list[HeldOut], work: _Work) -> tuple[Rows, list[CurveRow]]:
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library", create=True) as library:
        curves = {}
        for one in made:
            curves[one.name] = add_drawn(library, encoder, one)
            work.add(one.script.seconds)
        found = {language: _answers(library, encoder, made, language, work) for language in LANGUAGES}
        rows: Rows = []
        for language in LANGUAGES:
            rows += [(f"{kind}, {language}", _scored(_of(found[language], kind))) for kind in ("thing", "event")]
            rows.append((f"line, {language}", _line(found[language])))
        rows += _baselines(encoder, made, curves)
        if some:
            rows += _written(encoder, some, found, Path(folder), work)
    answered = [pair for language in LANGUAGES for kind in ("thing", "absent") for pair in _of(found[language], kind)]
    return rows, _calibration(answered)


def _answers(library: Any, encoder: Encoder, made: Sequence[HeldOut], language: str, work: _Work | None) -> Found:
    """Each question as a search of its video, quoted, so that no word of it is read as an order word or a sign."""
    found: Found = []
    for one in made:
        for asked in one.asked:
            text = f'"{getattr(asked.text, language)}"'
            best = find_moments(library, text, videos=[one.name], min_confidence=0.0, limit=1, encoder=encoder)
            found.append((asked, best.moments[0] if best.moments else None))
        if work:
            work.add(SEARCH * len(one.asked))
    return found


def _of(found: Found, kind: str) -> Found:
    return [(asked, moment) for asked, moment in found if asked.kind == kind]


def _span(moment: Any) -> Span | None:
    return None if moment is None else (moment.start, moment.end)


def _scored(found: Found) -> dict[str, float]:
    return _figures([_span(moment) for _, moment in found], [asked.spans for asked, _ in found])


def _figures(spans: Sequence[Span | None], meant: Sequence[Sequence[Span]]) -> dict[str, float]:
    if not meant:
        return {"asked": 0}
    return {"mIoU": mean_overlap(spans, meant), "R1@0.5": recall_at_overlap(spans, meant), "asked": len(meant)}


def _line(found: Found) -> dict[str, float]:
    """At the default line: the share of things there that are answered, and of things absent that are not."""

    def answered(kind: str) -> float:
        return float(np.mean([m is not None and m.confidence >= LINE for _, m in _of(found, kind)]))

    return {"answered when there": answered("thing"), "silent when absent": 1 - answered("absent")}


def _calibration(found: Found) -> list[CurveRow]:
    answered = [(asked, moment) for asked, moment in found if moment is not None]
    right = [bool(best_overlaps([_span(m)], [asked.spans])[0] >= RIGHT) for asked, m in answered]
    return calibration_curve([moment.confidence for _, moment in answered], right, bins=10)


def _baselines(encoder: Encoder, made: Sequence[HeldOut], curves: dict[str, tuple[Array, Array]]) -> Rows:
    """Who has not looked (first third, whole video), and the best window of a fixed length by the same scores."""
    durations = {one.name: one.script.seconds for one in made}
    things = [asked for one in made for asked in one.asked if asked.kind == "thing"]

    def window(length: float, one: Asked, text: Array) -> Span:
        vectors, seconds = curves[one.video]
        return best_window(vectors @ text, seconds, durations[one.video], length)

    ways: dict[str, Callable[[Asked, Array], Span]] = {
        "blind: first third": lambda one, _: first_third(durations[one.video]),
        "blind: whole video": lambda one, _: whole_video(durations[one.video]),
        **{f"best window of {length:g} s": partial(window, length) for length in WINDOWS},
    }
    texts = read(encoder, [a.text.en for a in things]) if things else []
    meant = [asked.spans for asked in things]
    return [
        (name, _figures([way(a, text) for a, text in zip(things, texts, strict=True)], meant))
        for name, way in ways.items()
    ]


def _written(encoder: Encoder, some: Sequence[HeldOut], drawn: dict[str, Found], folder: Path, work: _Work) -> Rows:
    """Some of the videos as files that the product takes in by itself, beside what was found in their drawn frames."""
    (folder / "videos").mkdir()
    files = []
    for one in some:
        work.tell(f"{encoder.card.name}: {len(some)} of the videos written to mp4")
        files.append(written(one, folder / "videos"))
        work.add(WRITING * one.script.seconds)
    with Library.open(folder / "written", create=True) as library:
        index_paths(library, [str(folder / "videos")], Wishes(encoder=encoder.card.name))
        found = {language: _answers(library, encoder, files, language, None) for language in LANGUAGES}
    names = {one.name for one in some}
    rows: Rows = []
    for language in LANGUAGES:
        before = [pair for pair in _of(drawn[language], "thing") if pair[0].video in names]
        rows.append((f"{len(some)} of them drawn, {language}", _scored(before)))
        rows.append((f"{len(some)} of them as mp4, {language}", _scored(_of(found[language], "thing"))))
    return rows


# --- the same towers, untrained ------------------------------------------------------------------------

UNTRAINED = "untrained"


def untrained(seed: int = 0) -> Encoder:
    """The same towers before the first step (needs torch)."""
    import torch

    from sightline.encoders.built_in import BuiltIn, Towers
    from sightline.recipes import built_in
    from sightline.recipes.storybook_phrases import lexicon

    torch.manual_seed(seed)
    model = built_in.build(built_in.size_named("small")).eval()

    def run(tower: Any, *arrays: Array) -> Array:
        with torch.inference_mode():
            return tower(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)).numpy()

    towers = Towers(
        lambda pixels: run(model.pictures, pixels),
        lambda ids, mask: run(model.texts, ids, mask),
        built_in.WIDTH,
        [f"untrained {seed}"],
    )
    return BuiltIn(towers, lexicon(), UNTRAINED)
