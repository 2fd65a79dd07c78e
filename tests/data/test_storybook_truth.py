"""Captions, moments, tags and words: complete in both languages, and true of the script they come from."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from sightline.data.storybook.backdrops import BACKDROPS
from sightline.data.storybook.draw import picture
from sightline.data.storybook.palette import COLOURS
from sightline.data.storybook.props import PROPS
from sightline.data.storybook.script import SIZES, random_script
from sightline.data.storybook.sprites import TEXTURES
from sightline.data.storybook.truth import (
    captions,
    counts,
    leaves,
    moments,
    order,
    screen_text,
    spoken,
    statement,
    tags,
)
from sightline.data.storybook.words import (
    ACTION_NAMES,
    ACTIONS,
    COLOUR_WORDS,
    PLACES,
    SIZE_WORDS,
    TEXTURE_WORDS,
    THINGS,
    described,
    named,
)

SCRIPTS = [random_script(seed, split=split) for seed in range(6) for split in ("train", "test")]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_everything_that_can_be_drawn_has_its_words_in_both_languages() -> None:
    for table, names in (
        (THINGS, PROPS), (COLOUR_WORDS, COLOURS), (PLACES, BACKDROPS), (TEXTURE_WORDS, TEXTURES), (SIZE_WORDS, SIZES),
        (ACTION_NAMES, ACTIONS),
    ):  # fmt: skip
        assert set(table) == set(names)
        assert all(word.en[0] and CHINESE.search(word.zh[0]) for word in table.values())


def test_things_places_and_actions_have_a_synonym_for_the_challenge() -> None:
    for table in (THINGS, PLACES, ACTIONS, ACTION_NAMES, COLOUR_WORDS):
        assert all(len(word.en) > 1 and len(word.zh) > 1 for word in table.values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_things_share_a_name_or_synonym(language: str) -> None:
    names = Counter(name for word in THINGS.values() for name in getattr(word, language))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_thing_is_described_in_both_languages() -> None:
    assert described("cat", "orange", "striped", "small").en == "a small striped orange cat"
    assert described("cat", "orange", "striped", "small").zh == "一只带条纹的橙色的小猫"
    assert named("umbrella", "red").zh == "红色的雨伞"


def test_statements_say_who_what_how_often_and_where() -> None:
    said = [statement(s, e) for s in SCRIPTS for e in s.events]
    assert all(CHINESE.search(both.zh) and not re.search("[{}]", both.en + both.zh) for both in said)
    assert any(re.fullmatch(r"the \w+ [\w ]+ jumps (once|twice|\w+ times) \w+ .+", both.en) for both in said)


def test_moments_lie_in_the_video_and_their_boxes_in_the_moment_and_the_picture() -> None:
    for script in SCRIPTS:
        for known in moments(script, aspect=16 / 9):
            assert 0 <= known.start < known.end <= script.seconds
            for second, (x0, y0, x1, y1) in known.boxes:
                assert known.start <= second <= known.end
                assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1


def test_the_colour_of_a_thing_is_found_inside_its_box() -> None:
    script = SCRIPTS[0]
    for known, thing in ((k, t) for k in moments(script) for t in script.things if k.kind == "thing"):
        if described(thing.prop, thing.colour, thing.texture, thing.size).en not in known.text.en:
            continue
        second, box = known.boxes[len(known.boxes) // 2]
        shown = np.asarray(picture(script, second, 256), float)
        x0, y0, x1, y1 = (round(v * 256) for v in box)
        near = np.abs(shown[y0:y1, x0:x1] - np.array(COLOURS[thing.colour].coat)).max(2) < 45
        assert near.mean() > 0.08, (thing, second)


def test_events_are_ordered_by_their_start() -> None:
    for script in SCRIPTS:
        starts = [event.start for event in script.events]
        assert starts == sorted(starts) and len(order(script)) == len(starts)


def test_every_event_lies_in_the_scene_of_its_thing() -> None:
    for script in SCRIPTS:
        for event in script.events:
            scene = script.scene_of(event.thing)
            assert scene.start < event.start < event.end <= scene.end


def test_no_video_has_two_things_of_one_name() -> None:
    for script in SCRIPTS:
        assert len({thing.name for thing in script.things}) == len(script.things)


def test_counts_add_up_to_what_there_is() -> None:
    script = SCRIPTS[1]
    found = counts(script)
    assert sum(found.get(prop, 0) for prop in PROPS) == len(script.things)
    assert sum(found.get(action, 0) for action in ACTIONS) == len(script.events)


def test_captions_cover_the_whole_every_scene_and_every_event() -> None:
    script = SCRIPTS[0]
    assert len(captions(script)) == 1 + len(script.scenes) + len(script.events)
    assert (captions(script)[0].start, captions(script)[0].end) == (0.0, script.seconds)


def test_signs_and_speech_come_as_lines_with_their_source() -> None:
    scripts = [s for s in SCRIPTS if s.signs and s.speech]
    assert scripts
    assert {line.source for line in screen_text(scripts[0])} == {"screen"}
    english, chinese = spoken(scripts[0], "en"), spoken(scripts[0], "zh")
    assert [line.start for line in english] == [line.start for line in chinese]
    assert all(CHINESE.search(line.text) for line in chinese)


def test_the_label_tree_has_hundreds_of_leaves_on_four_branches() -> None:
    assert len(leaves()) >= 300
    assert {path[0] for path in leaves()} == {"who", "what", "whom", "where"}
    assert all(CHINESE.search(both.zh) for both in leaves().values())


def test_every_tag_of_a_video_is_a_leaf_of_the_tree() -> None:
    for script in SCRIPTS:
        found = tags(script)
        assert set(found) <= set(leaves())
        assert len([path for path in found if path[0] == "who"]) == len(script.things)
