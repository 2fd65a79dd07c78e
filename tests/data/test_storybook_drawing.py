"""The drawn world: the same for everybody, in its true colours, its boxes and seconds true of the pixels."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sightline
from sightline.data.storybook.backdrops import BACKDROPS, backdrop
from sightline.data.storybook.draw import frames, picture
from sightline.data.storybook.motion import pose_at, visible_spans
from sightline.data.storybook.palette import COLOURS, nearest_colour
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.script import DISSOLVE, Event, Scene, Script, Sign, Thing, random_script, stand
from sightline.data.storybook.sprites import sprite
from sightline.data.storybook.truth import box_at, screen_text
from sightline.data.storybook.words import ACTIONS

DIGEST = """
import hashlib
from sightline.data.storybook.draw import frames
from sightline.data.storybook.script import random_script
script = random_script(41, split="test")
print(hashlib.sha256(repr(script).encode() + frames(script, (96, 64), every=0.7).pixels.tobytes()).hexdigest())
"""


def one_act(action: str, side: str = "right", times: int = 1, prop: str = "cat", colour: str = "red") -> Script:
    """A six-second scene in which a cat does one thing from second 2 to 4, with a tree where it needs one."""
    things = (
        Thing(prop, colour, size="small", x=0.31, y=stand(prop, "small")),
        Thing("tree", "green", size="big", x=0.72, y=stand("tree", "big")),
    )
    other = 1 if action in ("hides", "carried") else None
    scene = Scene("meadow", 0.0, 6.0, (0,) if other is None else (0, 1))
    return Script(1, 6.0, (scene,), things, (Event(0, action, 2.0, 4.0, side, times, other),))


def changed_box(script: Script, second: float, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """Where the pixels change when thing 0 is taken away: the box as the picture knows it."""
    scene = script.scenes[0]
    without = replace(script, scenes=(replace(scene, things=scene.things[1:]),))
    before, after = (np.asarray(picture(s, second, size), np.int16) for s in (script, without))
    rows, columns = np.nonzero(np.abs(before - after).max(2) > 60)
    if not len(rows):
        return None
    return columns.min() / size[0], rows.min() / size[1], (columns.max() + 1) / size[0], (rows.max() + 1) / size[1]


def test_two_processes_draw_the_same_bytes() -> None:
    root = str(Path(sightline.__file__).parents[1])
    environments = [os.environ | {"PYTHONPATH": root, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    runs = [subprocess.run([sys.executable, "-c", DIGEST], env=e, capture_output=True, text=True) for e in environments]
    assert runs[0].stdout and runs[0].stdout == runs[1].stdout, runs[0].stderr


def test_another_seed_is_another_script() -> None:
    assert random_script(3) != random_script(4)


def test_a_picture_depends_on_its_second_alone() -> None:
    script = random_script(5)
    alone = np.asarray(picture(script, 9.0, 64))
    all_of_them = frames(script, 64, every=3.0)
    assert np.array_equal(all_of_them.pixels[3].transpose(1, 2, 0), alone)


def test_frames_have_their_shape_and_seconds() -> None:
    seen = frames(random_script(5), (53, 31), every=2.5, start=1.0, end=11.0)
    assert seen.pixels.shape == (4, 3, 31, 53)
    assert seen.seconds.tolist() == [1.0, 3.5, 6.0, 8.5]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_prop_shows_its_colour_more_than_any_other(colour: str) -> None:
    wrong = []
    for prop in PROPS:
        pixels = np.asarray(sprite(prop, colour, "plain", 48)).reshape(-1, 4)
        solid = pixels[pixels[:, 3] > 230][:, :3].astype(float)
        coat = np.array(COLOURS[colour].coat)
        near = np.abs(solid - coat).max(1) < 42
        if near.mean() < 0.2:
            wrong.append((prop, round(float(near.mean()), 2)))
    assert not wrong


def test_the_named_colours_are_nearest_to_themselves() -> None:
    assert [nearest_colour(coat.coat) for coat in COLOURS.values()] == list(COLOURS)


def test_all_props_look_different_from_each_other() -> None:
    pictures = {p: np.asarray(sprite(p, "blue", "plain", 24), np.float32) for p in PROPS}
    names = list(pictures)
    alike = [(a, b) for k, a in enumerate(names) for b in names[:k] if np.abs(pictures[a] - pictures[b]).mean() < 8]
    assert not alike


def test_textures_change_the_coat_and_leave_the_outline() -> None:
    plain, striped, spotted = (np.asarray(sprite("car", "red", t, 64)) for t in ("plain", "striped", "spotted"))
    assert np.array_equal(plain[..., 3], striped[..., 3])
    assert len({p.tobytes() for p in (plain, striped, spotted)}) == 3


def test_the_ten_backdrops_differ_and_so_do_their_variants() -> None:
    assert len({backdrop(name, variant, 61, 41).tobytes() for name in BACKDROPS for variant in range(4)}) == 40


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_changes_the_picture_only_while_it_lasts(action: str) -> None:
    script = one_act(action, times=2)
    shots = [np.asarray(picture(script, s, 64)).astype(int) for s in (0.5, 1.9, 2.9, 4.05, 5.5)]
    moved = [np.abs(a - b).max() for a, b in zip(shots, shots[1:], strict=False)]
    assert moved[0] == 0 and moved[3] == 0
    assert moved[1] > 40 or moved[2] > 40


UNCOVERED = [(a, s) for a in ACTIONS for s in (1.0, 2.5, 3.5, 5.0) if a != "hides" or s < 2]


@pytest.mark.parametrize(("action", "second"), UNCOVERED)
@pytest.mark.parametrize("size", [(180, 180), (320, 180)])
def test_the_box_is_where_the_pixels_are(action: str, second: float, size: tuple[int, int]) -> None:
    script = one_act(action)
    said, seen = box_at(script, 0, second, size[0] / size[1]), changed_box(script, second, size)
    assert (said is None) == (seen is None)
    if said is not None and seen is not None:
        assert np.abs(np.array(said) - np.array(seen)).max() < 0.035


@pytest.mark.parametrize(
    ("action", "spans"),
    [("enters", (2, 6)), ("falls", (2, 6)), ("leaves", (0, 4)), ("flies", (0, 4)), ("jumps", (0, 6))],
)
def test_a_thing_is_seen_from_its_first_to_its_last_second(action: str, spans: tuple[float, float]) -> None:
    script = one_act(action)
    assert visible_spans(script, 0) == [spans]
    for second in np.arange(0.1, 6, 0.37):
        assert (pose_at(script, 0, float(second)) is not None) == (spans[0] <= second < spans[1])


def test_a_hidden_thing_is_gone_behind_the_other() -> None:
    assert changed_box(one_act("hides"), 4.0, (96, 96)) is None


@pytest.mark.parametrize(("side", "way"), [("left", -1), ("right", 1)])
@pytest.mark.parametrize("action", ["enters", "leaves"])
def test_a_thing_moves_to_the_side_that_is_said(action: str, side: str, way: int) -> None:
    script = one_act(action, side)
    early, late = pose_at(script, 0, 2.4), pose_at(script, 0, 3.6)
    assert early is not None and late is not None
    assert (late.x - early.x) * way > 0.1


def test_a_thing_jumps_as_often_as_is_said() -> None:
    script = one_act("jumps", times=3)
    heights = [pose_at(script, 0, 2 + k / 100).y for k in range(201)]  # type: ignore[union-attr]
    peaks = [k for k in range(1, 200) if heights[k - 1] > heights[k] < heights[k + 1]]
    assert len(peaks) == 3


def test_who_is_carried_ends_where_its_carrier_ends() -> None:
    script = one_act("carried", "left")
    rider, carrier = pose_at(script, 0, 5.0), pose_at(script, 1, 5.0)
    assert rider is not None and carrier is not None
    assert rider.x == pytest.approx(carrier.x) and carrier.x < 0.5


def test_a_cut_is_sudden_and_a_dissolve_mixes_both_scenes() -> None:
    things = (Thing("cat", "red", x=0.5, y=0.7), Thing("cat", "blue", x=0.5, y=0.7))
    night = Scene("night", 3.0, 6.0, (1,))
    scenes = Scene("snow", 0.0, 3.0, (0,)), night
    cut = Script(1, 6.0, scenes, things, ())
    dissolve = replace(cut, scenes=(scenes[0], replace(night, join="dissolve")))
    second = 3.0 + DISSOLVE / 2
    before, after = (np.asarray(picture(cut, s, 64), np.int16) for s in (2.9, second))
    mixed = np.asarray(picture(dissolve, second, 64), np.int16)
    assert np.abs(mixed - (before + after) / 2).max() <= 2
    assert np.array_equal(np.asarray(picture(dissolve, 3.0 + DISSOLVE, 64)), np.asarray(picture(cut, 4.0, 64)))


def test_the_words_of_a_sign_stand_in_its_box() -> None:
    scene = Scene("room", 0.0, 4.0, (0,))
    cat = (Thing("cat", "red", x=0.2, y=0.8),)
    script = Script(1, 4.0, (scene,), cat, (), (Sign("ZOO 42", 0.0, 4.0, 0.6, 0.15, 0.12),))
    blank = replace(script, signs=())
    (line,) = screen_text(script, 16 / 9)
    assert line.box is not None
    shown, bare = (np.asarray(picture(s, 1.0, (640, 360)), np.int16) for s in (script, blank))
    rows, columns = np.nonzero(np.abs(shown - bare).max(2) > 20)
    seen = columns.min() / 640, rows.min() / 360, (columns.max() + 1) / 640, (rows.max() + 1) / 360
    assert np.abs(np.array(seen) - np.array(line.box)).max() < 0.01
    dark = (shown.max(2) < 110)[int(line.box[1] * 360) : int(line.box[3] * 360)]
    assert dark.any(0).sum() > 40  # ink of six glyphs


def test_things_grow_where_the_picture_is_wide_but_stay_on_the_ground() -> None:
    script = one_act("jumps")
    square, wide = box_at(script, 0, 1.0, 1.0), box_at(script, 0, 1.0, 16 / 9)
    assert square is not None and wide is not None
    assert wide[3] - wide[1] > 1.2 * (square[3] - square[1])
    assert wide[3] == pytest.approx(square[3], abs=0.01)
