"""Splits hold combinations out, and every dial turns what it says."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from statistics import mean

import numpy as np
import pytest

from sightline.data.storybook import dial_page
from sightline.data.storybook import dials as dials_module
from sightline.data.storybook.dials import Dials, usual
from sightline.data.storybook.draw import frames
from sightline.data.storybook.palette import COLOURS
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.splits import action_group, actions_of, colour_group, colours_of, props_in
from sightline.data.storybook.words import ACTIONS
from sightline.errors import BadQuery


def groups_shown(split: str, seeds: range) -> tuple[set[str], set[str]]:
    scripts = [random_script(seed, split=split) for seed in seeds]
    colours = {colour_group(thing.prop, thing.colour) for script in scripts for thing in script.things}
    return colours, {action_group(s.things[e.thing].prop, e.action) for s in scripts for e in s.events}


@pytest.mark.parametrize(
    ("split", "groups"),
    [("train", {"train"}), ("val", {"train", "val"}), ("test", {"train", "test"}), ("challenge", {"val", "test"})],
)
def test_a_split_shows_its_own_combinations_alone(split: str, groups: set[str]) -> None:
    assert groups_shown(split, range(30)) == (groups, groups)


def test_every_thing_is_trained_in_six_colours_and_seven_actions() -> None:
    assert {len(colours_of(prop, "train")) for prop in PROPS} == {6}
    assert {len(actions_of(prop, "train")) for prop in PROPS} == {7}


def test_every_colour_and_every_thing_is_seen_in_training() -> None:
    assert all(len(props_in(colour, "train")) > 25 for colour in COLOURS)
    assert {p for colour in COLOURS for p in props_in(colour, "train")} == set(PROPS)


def test_the_groups_divide_all_combinations() -> None:
    assert {colour_group(p, c) for p, c in product(PROPS, COLOURS)} == {"train", "val", "test"}
    assert {action_group(p, a) for p, a in product(PROPS, ACTIONS)} == {"train", "val", "test"}


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(BadQuery, match="no split 'dev'; there are train, val, test, challenge, all"):
        random_script(0, Dials(), "dev")


def test_the_challenge_is_longer_and_fuller() -> None:
    assert usual("challenge").seconds > 3 * usual("test").seconds
    assert len(random_script(0, split="challenge").scenes) == 8


def drawn(**dials: object) -> list[Script]:
    return [random_script(seed, Dials(**dials)) for seed in range(25)]  # type: ignore[arg-type]


def test_seconds_and_scenes_are_as_dialled_up_to_a_thousand_frames() -> None:
    script = random_script(1, Dials(seconds=1024, scenes=40))
    assert len(script.scenes) == 40 and script.scenes[-1].end == 1024
    assert len(frames(script, 32, every=1.0)) == 1024


def test_evidence_is_the_length_of_an_event() -> None:
    short, long = (mean(e.end - e.start for s in drawn(evidence=v) for e in s.events) for v in (0.5, 2.0))
    assert short == pytest.approx(0.48, abs=0.05) and long > 3 * short


def test_concentration_packs_events_together() -> None:
    def spread(script: Script) -> float:
        return script.events[-1].end - script.events[0].start

    loose, tight = (mean(map(spread, drawn(concentration=v, evidence=1.0, scenes=5, seconds=60))) for v in (0.0, 1.0))
    assert tight < loose / 6


def test_similarity_makes_things_share_kind_or_colour() -> None:
    def alike(script: Script) -> float:
        pairs = [(a, b) for k, a in enumerate(script.things) for b in script.things[:k]]
        return mean(a.prop == b.prop or a.colour == b.colour for a, b in pairs)

    assert mean(map(alike, drawn(similarity=1.0))) > 2.5 * mean(map(alike, drawn(similarity=0.0)))


def test_glyph_is_the_height_of_letters() -> None:
    assert {sign.height for script in drawn(glyph=0.2, sign=1.0) for sign in script.signs} == {0.2}


def test_things_are_between_the_fewest_and_the_most() -> None:
    assert {len(scene.things) for script in drawn(things=(3, 5)) for scene in script.scenes} == {3, 4, 5}


def test_hold_repeats_a_still() -> None:
    script = random_script(2, Dials(hold=1.0, seconds=8, scenes=2, speech=0))
    pixels = frames(script, 48, every=0.25).pixels.reshape(8, 4, -1)
    assert (pixels == pixels[:, :1]).all()
    assert np.unique(pixels[:, 0], axis=0).shape[0] > 2


def test_every_dial_with_a_line_of_documentation_has_a_picture() -> None:
    documented = {line.split("`")[1] for line in (dials_module.__doc__ or "").splitlines() if line.startswith("| `")}
    assert documented == set(dial_page.SETTINGS) <= {field.name for field in fields(Dials)}


def test_the_page_of_dials_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial_page, "SETTINGS", {"glyph": (0.05, 0.1, 0.2), "motion": (0.0, 0.5, 1.0)})
    page = np.asarray(dial_page.dial_page(3))
    assert page.shape[1] == 1280 and len(np.unique(page[:300].reshape(-1, 3), axis=0)) > 2000


@pytest.mark.parametrize(
    ("dials", "words"),
    [
        ({"similarity": 1.5}, "dial similarity goes from 0.0 to 1.0, not 1.5"),
        ({"things": (4, 2)}, "dial things goes from 2 to 5"),
        ({"scenes": 11}, "11 scenes need at least 22 seconds, not 20"),
    ],
)
def test_a_dial_turned_too_far_is_told(dials: dict[str, object], words: str) -> None:
    with pytest.raises(BadQuery, match=words):
        Dials(**dials)  # type: ignore[arg-type]
