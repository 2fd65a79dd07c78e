"""Exams in pictures: captions, attributes, bound colours and actions, on combinations that training never showed.

Departures: the right answer must beat all others outright (measures/retrieval.py), and no two captions are the same.
Shapes: pictures [n, 3, 64, 112] uint8; an exam gives rows (name, figures by column)
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from sightline.data.storybook.draw import picture
from sightline.data.storybook.script import random_script
from sightline.data.storybook.words import (
    ACTION_NAMES,
    COLOUR_WORDS,
    PLACES,
    SIZE_WORDS,
    TEXTURE_WORDS,
    THINGS,
    Both,
    article,
    described,
    joined,
    named,
)
from sightline.encoders.encoder import Encoder
from sightline.measures.retrieval import accuracy, recall_at
from sightline.recipes.storybook_phrases import APART, COLOUR, NAMES, RELATIONS, SIZE, TEXTURE, THING
from sightline.recipes.storybook_pictures import seen_at, strewn
from sightline.records import Frames

Array = Any
Rows = list[tuple[str, dict[str, float]]]

SHAPE = (112, 64)
LANGUAGES = ("en", "zh")


def _see(encoder: Encoder, pixels: Array) -> Array:
    return np.asarray(encoder.see(Frames(pixels, np.arange(len(pixels), dtype=np.float64))).vectors)[0]


def read(encoder: Encoder, texts: Sequence[str]) -> Array:
    return np.asarray(encoder.read(texts).vector)


def _pixels(made: Any) -> Array:
    return np.asarray(made, np.uint8).transpose(2, 0, 1)


# --- captions ----------------------------------------------------------------------------------------


def _captioned(count: int, seed: int) -> tuple[Array, list[Both]]:
    """One picture from each scene of challenge scripts, with what is to be seen in it; no two captions are the same."""
    pixels: list[Array] = []
    captions: dict[Both, None] = {}
    number = 0
    while len(pixels) < count:
        script = random_script(seed * 1_000_003 + number, split="challenge")
        number += 1
        for scene in script.scenes:
            second = (scene.start + scene.end) / 2
            slots = seen_at(script, second, SHAPE[0] / SHAPE[1])
            caption = _caption([thing for thing, _ in slots], scene.backdrop)
            if not slots or caption in captions or len(pixels) == count:
                continue
            captions[caption] = None
            pixels.append(_pixels(picture(script, second, SHAPE)))
    return np.stack(pixels), list(captions)


def _caption(things: list[list[int]], place: str) -> Both:
    parts = [described(*(NAMES[k][thing[k]] for k in (THING, COLOUR, TEXTURE, SIZE))) for thing in things]
    cast = joined(parts) if parts else Both("", "")
    return Both(f"{cast.en} {PLACES[place].en[0]}", f"{PLACES[place].zh[0]}有{cast.zh}")


def retrieval(encoder: Encoder, count: int, seed: int) -> Rows:
    pixels, captions = _captioned(count, seed)
    seen, own = _see(encoder, pixels), np.arange(len(pixels))
    rows = []
    for language in LANGUAGES:
        scores = seen @ read(encoder, [getattr(caption, language) for caption in captions]).T
        for name, table in (("frame to caption", scores), ("caption to frame", scores.T)):
            figures = {f"recall@{k}": recall_at(table, own, k) for k in (1, 5)}
            rows.append((f"{name}, {language}", figures | {"chance@1": 1 / len(own)}))
    return rows


# --- attributes and binding ----------------------------------------------------------------------------


def attributes(encoder: Encoder, count: int, seed: int) -> Rows:
    """One thing in an unseen colour, anywhere on a backdrop: which of all the words fits?"""
    dice = Random(f"attributes {seed}")
    made = [strewn(dice, SHAPE, "challenge", count=1) for _ in range(count)]
    seen = _see(encoder, np.stack([_pixels(drawn) for drawn, _, _ in made]))
    things = np.array([slots[0][0] for _, slots, _ in made])
    places = np.array([list(PLACES).index(place) for _, _, place in made])
    rows = []
    for name, table, right, en, zh in (
        ("thing", THINGS, things[:, THING], "{}", "{}"),
        ("colour", COLOUR_WORDS, things[:, COLOUR], "something {}", "{}的东西"),
        ("texture", TEXTURE_WORDS, things[:, TEXTURE], "something {}", "{}的东西"),
        ("size", SIZE_WORDS, things[:, SIZE], "something {}", "{}的东西"),
        ("backdrop", PLACES, places, "{}", "{}"),
    ):
        figures = {}
        for language in LANGUAGES:
            words = [getattr(word, language)[0] for word in table.values()]
            if language == "en":
                texts = [article(w) if name == "thing" else en.format(w) for w in words]
            else:
                texts = [zh.format(w) for w in words]
            figures[language] = accuracy(seen @ read(encoder, texts).T, right)
        rows.append((name, figures | {"chance": 1 / len(table)}))
    return rows


def binding(encoder: Encoder, count: int, seed: int) -> Rows:
    """Two things in two colours: the phrase as it is, or with colours swapped? One under the other, or above?"""
    dice = Random(f"binding {seed}")
    made: list[tuple[Any, Any]] = []
    while len(made) < count:
        drawn, slots, _ = strewn(dice, SHAPE, "test", count=2)
        if len(slots) == 2 and all(slots[0][0][k] != slots[1][0][k] for k in (THING, COLOUR)):
            made.append((drawn, slots))
    seen = _see(encoder, np.stack([_pixels(drawn) for drawn, _ in made]))
    lower = np.array([slots[0][1][1] - slots[1][1][1] for _, slots in made])  # how much the first is below the second
    colours: dict[str, float] = {}
    ways: dict[str, float] = {}
    for k, language in enumerate(LANGUAGES):
        under, above = (RELATIONS[way][k][0] for way in ("under", "above"))
        also = " and " if language == "en" else "和"
        right, swapped, below, over = (
            (seen * read(encoder, [_pair_text(slots, word, language, swap) for _, slots in made])).sum(axis=1)
            for word, swap in ((also, 0), (also, 1), (under, 0), (above, 0))
        )
        colours[language] = float((right > swapped).mean())
        ways[language] = float(((below > over) == (lower > 0))[abs(lower) > APART].mean())
    return [("against colours swapped", colours | {"chance": 0.5}), ("under against above", ways | {"chance": 0.5})]


def _pair_text(slots: Any, word: str, language: str, swap: int = 0) -> str:
    """The two joined by a word; `swap` gives each the other's colour."""
    props, colours = ([NAMES[k][thing[k]] for thing, _ in slots] for k in (THING, COLOUR))
    one, other = (named(prop, colours[k ^ swap]) for k, prop in enumerate(props))
    if language == "en":
        return f"{article(one.en)} {word.strip()} {article(other.en)}"
    return f"{one.zh}{word}{other.zh}" if word == "和" else f"{one.zh}在{other.zh}的{word}"


# --- actions -----------------------------------------------------------------------------------------

A_SECOND = 4  # frames of an action that are looked at


def actions(encoder: Encoder, count: int, seed: int) -> Rows:
    """What is it doing, from all frames of an event? The likeliest of all actions; each frame is judged alone."""
    pixels: list[Array] = []
    events: list[tuple[Any, str, slice]] = []
    number = 0
    while len(events) < count:
        script = random_script(seed * 7_000_003 + number, split="challenge")
        number += 1
        for event in script.events[: count - len(events)]:
            seconds = np.arange(event.start, event.end, 1 / A_SECOND)
            events.append((script.things[event.thing], event.action, slice(len(pixels), len(pixels) + len(seconds))))
            pixels += [_pixels(picture(script, float(second), SHAPE)) for second in seconds]
    seen = _see(encoder, np.stack(pixels))
    names = list(ACTION_NAMES)
    figures = {}
    for language in LANGUAGES:
        right = 0
        for thing, action, shown in events:
            said = article(thing.name.en) if language == "en" else thing.name.zh
            space = " " if language == "en" else ""
            texts = [f"{said}{space}{getattr(ACTION_NAMES[name], language)[0]}" for name in names]
            right += int((seen[shown].mean(axis=0) @ read(encoder, texts).T).argmax()) == names.index(action)
        figures[language] = right / len(events)
    return [("action", figures | {"chance": 1 / len(names)})]
