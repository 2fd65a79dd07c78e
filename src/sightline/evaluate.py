"""Measures an encoder on storybook's held-out combinations: retrieval, attributes, binding, moments, confidence.

Pictures and videos are drawn from the `challenge` and `test` splits, with colour x thing pairs training never showed.
Moments are found by the product itself: frames go through the encoder into a library, and `find_moments` answers.

Departures: frames are drawn at one a second instead of being decoded from a file, and cuts are seen where neighbouring
frames differ (as in video/shots.py), since encoding 200 videos would take longer than all the rest.
Shapes: pictures [n, 3, 64, 112] uint8
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from sightline.data.storybook.dials import usual
from sightline.data.storybook.draw import frames as drawn_frames
from sightline.data.storybook.motion import visible_spans
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.splits import colour_group
from sightline.data.storybook.truth import statement
from sightline.data.storybook.words import COLOUR_WORDS, THINGS, Both, article, named
from sightline.encoders.colour_layout import area_mean
from sightline.encoders.encoder import Encoder
from sightline.errors import BadQuery
from sightline.finding.confidence import CurveRow, calibration_curve
from sightline.measures.grounding import (
    Span,
    best_overlaps,
    best_window,
    first_third,
    mean_overlap,
    recall_at_overlap,
    whole_video,
)
from sightline.recipes.storybook_exams import LANGUAGES, SHAPE, Rows, attributes, binding, read, retrieval
from sightline.records import Frames, Shot
from sightline.search import find_moments
from sightline.store.library import Library
from sightline.store.rows import FileStat, UnitDone
from sightline.video.shots import CUT, TINY

Array = Any
Told = Callable[[str], None]

WINDOWS = (2.0, 5.0, 10.0)
RIGHT = 0.5  # the overlap from which an answer counts as right


@dataclass
class Report:
    """All figures of one encoder, by section; rows are (name, figures by column)."""

    encoder: str
    sections: dict[str, Rows] = field(default_factory=dict)
    confidence: list[CurveRow] = field(default_factory=list)


def check(count: int, videos: int) -> None:
    if count < 2 or videos < 0:
        raise BadQuery(f"--n needs at least 2 pictures and --videos at least 0, not {count} and {videos}")


def evaluate_storybook(
    encoder: Encoder, *, count: int = 1000, videos: int = 100, seed: int = 1, told: Told | None = None
) -> Report:
    """`count` pictures per section, `videos` videos of 30 to 60 seconds."""
    tell = told or (lambda text: None)
    report = Report(encoder.card.name)
    tell("pictures and captions")
    report.sections["retrieval"] = retrieval(encoder, count, seed)
    tell("attributes")
    report.sections["zero-shot"] = attributes(encoder, count, seed)
    report.sections["binding"] = binding(encoder, count, seed)
    if videos:
        tell(f"moments in {videos} videos")
        report.sections["moments"], report.confidence = _moments(encoder, videos, seed, tell)
    return report


# --- moments -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A text, the video it is asked of, and the stretches where it holds there (none: it is not there)."""

    kind: str
    text: Both
    video: str
    spans: tuple[Span, ...]


def _moments(encoder: Encoder, count: int, seed: int, tell: Told) -> tuple[Rows, list[CurveRow]]:
    dice = Random(f"moments {seed}")
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library", create=True) as library:
        asked: list[Asked] = []
        durations: dict[str, float] = {}
        curves: dict[str, tuple[Array, Array]] = {}
        for k in range(count):
            dials = replace(usual("test"), seconds=float(dice.randint(30, 60)), scenes=dice.randint(3, 6))
            script = random_script(seed * 7_000_003 + k, dials, "test")
            name = f"/storybook/{k:04d}.mp4"
            durations[name] = script.seconds
            curves[name] = add_drawn(library, encoder, script, name)
            asked += questions_about(script, name, dice)
            if (k + 1) % 50 == 0:
                tell(f"  {k + 1} videos seen")
        tell(f"  {len(asked)} questions")
        return _answers(library, encoder, asked, durations, curves)


def questions_about(script: Script, name: str, dice: Random) -> list[Asked]:
    """Two things in colours that training did not show with them, one event, one thing that is absent."""
    held_out = [k for k, t in enumerate(script.things) if colour_group(t.prop, t.colour) != "train"]
    chosen = dice.sample(held_out, min(2, len(held_out)))
    asked = []
    for k in chosen:
        thing = script.things[k]
        said = named(thing.prop, thing.colour)
        asked.append(Asked("thing", Both(article(said.en), said.zh), name, tuple(visible_spans(script, k))))
    if script.events:
        event = dice.choice(script.events)
        asked.append(Asked("event", statement(script, event), name, ((event.start, event.end),)))
    shown = {(t.prop, t.colour) for t in script.things}
    while True:
        pair = dice.choice(tuple(THINGS)), dice.choice(tuple(COLOUR_WORDS))
        if pair not in shown:
            said = named(*pair)
            return [*asked, Asked("absent", Both(article(said.en), said.zh), name, ())]


def add_drawn(library: Any, encoder: Encoder, script: Script, name: str) -> tuple[Array, Array]:
    """The script's frames, one a second, in the library as a video of that name; gives vectors and seconds."""
    shown = drawn_frames(script, SHAPE, every=1.0)
    vectors = np.asarray(encoder.see(shown).vectors)[0]
    generation = library.current() or library.generation_for(encoder.card, {"every": 1.0})
    digest = hashlib.blake2b(name.encode(), digest_size=32).hexdigest()
    content = library.place(name, FileStat(1, 1, 1 + len(library.known())), digest)
    facts = {"frame_rate": 1.0, "first": 0.0, "duration": script.seconds, "width": SHAPE[0], "height": SHAPE[1]}
    library.plan(content, generation, facts, [(0.0, float("inf"))])
    cuts = seen_cuts(shown)
    done = UnitDone(
        seconds=shown.seconds,
        vectors=vectors,
        cuts=cuts,
        seen=len(shown),
        decoded=len(shown),
        first=0.0,
        last=script.seconds,
    )
    unit = library.claim(generation, "evaluate", contents=[content])
    library.commit(unit, done, "evaluate")
    library.finish(content, generation, _shots(cuts, script.seconds))
    return vectors, shown.seconds


def seen_cuts(shown: Frames) -> list[float]:
    """The seconds of frames that differ so much from the one before that a cut must lie between."""
    grey = np.asarray(shown.pixels, np.float32).mean(axis=1)  # [T, H, W]
    tiny = area_mean(grey.shape[1], TINY) @ grey @ area_mean(grey.shape[2], TINY).T
    change = np.abs(np.diff(tiny, axis=0)).mean(axis=(1, 2))
    return [float(second) for second in shown.seconds[1:][change > CUT]]


def _shots(cuts: Sequence[float], end: float) -> list[Shot]:
    edges = [0.0, *cuts, end]
    return [Shot(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def _answers(
    library: Any,
    encoder: Encoder,
    asked: list[Asked],
    durations: dict[str, float],
    curves: dict[str, tuple[Array, Array]],
) -> tuple[Rows, list[CurveRow]]:
    rows: Rows = []
    stated: list[float] = []
    right: list[bool] = []
    for language in LANGUAGES:
        found: dict[str, list[tuple[Asked, Any]]] = {"thing": [], "event": [], "absent": []}
        for one in asked:
            text = getattr(one.text, language)
            best = find_moments(library, _plain(text), videos=[one.video], min_confidence=0.0, limit=1, encoder=encoder)
            found[one.kind].append((one, best.moments[0] if best.moments else None))
        for kind in ("thing", "event"):
            rows.append((f"{kind}, {language}", _scored([(a.spans, _span(m)) for a, m in found[kind]])))
        for one, moment in (*found["thing"], *found["absent"]):
            if moment is not None:
                stated.append(moment.confidence)
                right.append(bool(best_overlaps([_span(moment)], [one.spans])[0] >= RIGHT))
        rows.append((f"line, {language}", _line(found)))
    things = [one for one in asked if one.kind == "thing"]
    rows += _baselines(encoder, things, durations, curves)
    return rows, calibration_curve(stated, right, bins=10)


def _plain(text: str) -> str:
    """Quoted, so that no word of it is read as an order word or a sign."""
    return f'"{text}"'


def _span(moment: Any) -> Span | None:
    return None if moment is None else (moment.start, moment.end)


def _scored(pairs: list[tuple[tuple[Span, ...], Span | None]]) -> dict[str, float]:
    meant, found = [p[0] for p in pairs], [p[1] for p in pairs]
    return {"mIoU": mean_overlap(found, meant), "R1@0.5": recall_at_overlap(found, meant), "asked": len(pairs)}


def _line(found: dict[str, list[tuple[Asked, Any]]]) -> dict[str, float]:
    """At the default line: the share of things there that are answered, and of things absent that are not."""

    def answered(kind: str) -> float:
        return float(np.mean([m is not None and m.confidence >= 0.5 for _, m in found[kind]]))

    return {"answered when there": answered("thing"), "silent when absent": 1 - answered("absent")}


def _baselines(
    encoder: Encoder, asked: list[Asked], durations: dict[str, float], curves: dict[str, tuple[Array, Array]]
) -> Rows:
    """Who has not looked (first third, whole video), and the best window of a fixed length by the same scores."""

    def window(length: float, one: Asked, text: Array) -> Span:
        vectors, seconds = curves[one.video]
        return best_window(vectors @ text, seconds, durations[one.video], length)

    ways: dict[str, Callable[[Asked, Array], Span]] = {
        "blind: first third": lambda one, _: first_third(durations[one.video]),
        "blind: whole video": lambda one, _: whole_video(durations[one.video]),
        **{f"best window of {length:g} s": partial(window, length) for length in WINDOWS},
    }
    texts = read(encoder, [a.text.en for a in asked])
    return [
        (name, _scored([(a.spans, way(a, text)) for a, text in zip(asked, texts, strict=True)]))
        for name, way in ways.items()
    ]


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
    return BuiltIn(towers, lexicon(), "untrained")
