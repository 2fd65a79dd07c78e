"""Held-out videos of 30 to 120 seconds, what is asked of them, and how they come into a library without being encoded.

They are of the `test` split: half of their colour x thing pairs were never shown in training, and those are asked for.

Departures: frames are drawn at one a second instead of being decoded from a file, and cuts are seen where neighbouring
frames differ (as in video/shots.py): writing 200 videos would take longer than the rest. `written` does it for some.
Shapes: frames [T, 3, 64, 112] uint8, one a second
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from sightline.data.storybook.dials import usual
from sightline.data.storybook.draw import frames
from sightline.data.storybook.film import video
from sightline.data.storybook.motion import visible_spans
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.splits import colour_group
from sightline.data.storybook.truth import statement
from sightline.data.storybook.words import COLOUR_WORDS, THINGS, Both, article, named
from sightline.encoders.colour_layout import area_mean
from sightline.encoders.encoder import Encoder
from sightline.measures.grounding import Span
from sightline.recipes.storybook_exams import SHAPE
from sightline.records import Frames, Shot
from sightline.store.rows import FileStat, UnitDone
from sightline.video.shots import CUT, TINY

Array = Any

SHORTEST, LONGEST = 30, 120  # seconds
SCENE = (8.0, 16.0)  # seconds a scene lasts on average
WRITTEN = {"size": (448, 256), "rate": 8, "sound": False, "subtitles": False}


@dataclass(frozen=True)
class Asked:
    """A text, the video it is asked of, and the stretches where it holds there (none: it is not there)."""

    kind: str  # "thing", "event" or "absent"
    text: Both
    video: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class HeldOut:
    name: str
    script: Script
    asked: tuple[Asked, ...]


def held_out(count: int, seed: int) -> list[HeldOut]:
    dice = Random(f"moments {seed}")
    made = []
    for k in range(count):
        seconds = float(dice.randint(SHORTEST, LONGEST))
        dials = replace(usual("test"), seconds=seconds, scenes=max(2, round(seconds / dice.uniform(*SCENE))))
        script = random_script(seed * 7_000_003 + k, dials, "test")
        name = f"/storybook/{k:04d}.mp4"
        made.append(HeldOut(name, script, tuple(questions_about(script, name, dice))))
    return made


def questions_about(script: Script, name: str, dice: Random) -> list[Asked]:
    """Two things in colours that training did not show with them, one event, one thing that is absent."""
    unseen = [k for k, t in enumerate(script.things) if colour_group(t.prop, t.colour) != "train"]
    asked = []
    for k in dice.sample(unseen, min(2, len(unseen))):
        thing = script.things[k]
        asked.append(Asked("thing", _said(thing.prop, thing.colour), name, tuple(visible_spans(script, k))))
    if script.events:
        event = dice.choice(script.events)
        asked.append(Asked("event", statement(script, event), name, ((event.start, event.end),)))
    shown = {(t.prop, t.colour) for t in script.things}
    absent = [(prop, colour) for prop in THINGS for colour in COLOUR_WORDS if (prop, colour) not in shown]
    return [*asked, Asked("absent", _said(*dice.choice(absent)), name, ())]


def _said(prop: str, colour: str) -> Both:
    said = named(prop, colour)
    return Both(article(said.en), said.zh)


# --- into a library ------------------------------------------------------------------------------------


def add_drawn(library: Any, encoder: Encoder, video: HeldOut) -> tuple[Array, Array]:
    """The script's frames, one a second, in the library as a video of that name; gives vectors and seconds."""
    script, name = video.script, video.name
    shown = frames(script, SHAPE, every=1.0)
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


def written(made: HeldOut, folder: Path) -> HeldOut:
    """The same video as an mp4 in the folder, asked the same."""
    path = str(video(made.script, folder / Path(made.name).name, **WRITTEN))  # type: ignore[arg-type]
    return HeldOut(path, made.script, tuple(replace(one, video=path) for one in made.asked))
