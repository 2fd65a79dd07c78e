"""Questions: right by the script, of sixteen kinds, and not answerable without looking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sightline.data.storybook.blind import Blind, as_table, blind_baselines, opening
from sightline.data.storybook.dials import Dials
from sightline.data.storybook.looks import LOOKS
from sightline.data.storybook.moves import MOVES
from sightline.data.storybook.questions import KINDS, Question, questions
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.truth import sentence
from sightline.data.storybook.words import Both
from sightline.errors import BadQuery

SCRIPTS: dict[str, Script] = {f"train-{seed:06d}": random_script(seed) for seed in range(250)}
ASKED = [question for script in SCRIPTS.values() for question in questions(script, 8)]


def of_kind(kind: str) -> list[tuple[Script, Question]]:
    found = [(SCRIPTS[q.video], q) for q in ASKED if q.kind == kind]
    assert len(found) > 12, f"only {len(found)} questions of kind {kind}"
    return found


def test_there_are_sixteen_kinds_and_all_are_asked() -> None:
    assert len(KINDS) == 16
    assert {question.kind for question in ASKED} == set(KINDS)


def test_every_question_has_different_options_and_seconds_inside_its_video() -> None:
    for question in ASKED:
        assert (
            len({o.en for o in question.options}) == len({o.zh for o in question.options}) == len(question.options) >= 2
        )
        assert question.seconds
        assert all(0 <= start < end <= SCRIPTS[question.video].seconds for start, end in question.seconds)


def test_no_wording_is_left_unfilled() -> None:
    texts = [t for q in ASKED for both in (q.question, q.event, *q.options) for t in (both.en, both.zh)]
    assert all(text and "{" not in text for text in texts)


def test_the_right_answer_to_which_first_starts_before_all_options() -> None:
    for script, question in of_kind("first"):
        starts = {sentence(script, event).en: event.start for event in script.events}
        assert question.right.en == min((o.en for o in question.options), key=starts.__getitem__)


def test_the_right_answer_to_what_after_is_the_next_event() -> None:
    for script, question in of_kind("after"):
        starts = {sentence(script, event).en: event.start for event in script.events}
        asked = next(start for text, start in starts.items() if text in question.question.en)
        assert starts[question.right.en] == min(start for start in starts.values() if start > asked)


def test_what_happens_meanwhile_overlaps_and_the_other_options_do_not() -> None:
    for script, question in of_kind("while"):
        events = {sentence(script, event).en: event for event in script.events}
        asked = next(event for text, event in events.items() if text in question.question.en)
        meeting = [o.en for o in question.options if events[o.en].start < asked.end and events[o.en].end > asked.start]
        assert meeting == [question.right.en]


def test_a_colour_question_names_a_thing_that_is_there_once() -> None:
    for script, question in of_kind("colour"):
        assert question.right.en in {thing.colour for thing in script.things}
        assert sum(thing.name.en in question.event.en for thing in script.things) == 1


def test_present_is_asked_of_the_seen_and_of_the_unseen() -> None:
    answers = []
    for script, question in of_kind("present"):
        shown = any(question.question.en.endswith(f" {thing.name.en} seen in the video?") for thing in script.things)
        assert shown == (question.right.en == "yes")
        answers.append(shown)
    assert 0.35 < sum(answers) / len(answers) < 0.65


def test_the_text_that_is_asked_for_is_on_a_sign() -> None:
    for script, question in of_kind("text"):
        assert question.right.en in {sign.text for sign in script.signs}


def test_the_same_seed_asks_the_same_questions() -> None:
    script = random_script(9)
    assert questions(script, 8) == questions(script, 8) != questions(script, 8, seed=1)


def test_the_dials_choose_between_the_families_of_questions() -> None:
    def kinds(**dials: float) -> set[str]:
        return {q.kind for seed in range(12) for q in questions(random_script(seed, Dials(**dials)), 6)}  # type: ignore[arg-type]

    assert kinds(motion=1.0, generic=0.0) <= set(MOVES)
    assert kinds(motion=0.0, generic=0.0) <= set(LOOKS)
    assert kinds(generic=1.0) == {"gist"}


def test_one_kind_can_be_asked_for_and_an_unknown_one_is_named() -> None:
    assert {q.kind for q in questions(random_script(3), 4, kinds=["where"])} == {"where"}
    with pytest.raises(BadQuery, match="no question kind 'why'; there are what"):
        questions(random_script(3), 4, kinds=["why"])


def test_the_challenge_asks_in_other_words_about_unseen_combinations() -> None:
    asked = questions(random_script(3, split="challenge"), 12, kinds=["action", "where", "how many"])
    assert asked and all(question.unseen for question in asked)
    assert not any(question.question.en.startswith(("What does the", "Where is", "How many")) for question in asked)


def test_training_questions_never_rest_on_unseen_combinations() -> None:
    assert not any(question.unseen for question in ASKED)


def rows(asked: list[Question]) -> dict[str, Blind]:
    return {row.kind: row for row in blind_baselines(asked, SCRIPTS)}


def test_who_sees_nothing_stays_near_chance() -> None:
    found = rows(ASKED)["all"]
    assert found.count == len(ASKED) > 1900
    for share in (found.options_only, found.question_and_options, found.word_overlap, found.first_frame):
        assert share < found.chance + 0.03


def test_the_first_scene_is_neither_asked_for_nor_offered() -> None:
    for question in ASKED:
        script = SCRIPTS[question.video]
        early = {script.things[k].name.en for k in script.scenes[0].things}
        if question.kind != "gist":  # all its options begin alike, with somebody from the first scene
            assert not any(name in option.en for option in question.options for name in early), question
        assert all(start >= script.scenes[1].start for start, _ in question.seconds) or question.right.en == "no"


def test_a_leak_in_the_first_frame_is_caught() -> None:
    leaky = [replace(q, options=tuple(Both(o.en + f" {sorted(opening(SCRIPTS[q.video]))[0]}" * (k == q.answer), o.zh)
                                      for k, o in enumerate(q.options))) for q in ASKED]  # fmt: skip
    assert rows(leaky)["all"].first_frame > 0.7


def test_the_opening_is_what_the_first_picture_shows() -> None:
    script = random_script(7)
    assert {"grey crown", "black", "mouse", "on the beach", "open"} <= opening(script)
    assert not {"white dog", "yellow", "under the night sky"} & opening(script)


def test_a_leak_in_the_options_is_caught() -> None:
    leaky = [replace(q, options=tuple(Both(o.en + " indeed" * (k == q.answer), o.zh) for k, o in enumerate(q.options)))
             for q in ASKED]  # fmt: skip
    assert rows(leaky)["all"].options_only > 0.9


def test_a_leak_in_the_question_is_caught() -> None:
    leaky = [replace(q, question=Both(f"{q.question.en} {q.right.en} {q.right.en}", "")) for q in ASKED]
    found = rows(leaky)["all"]
    assert found.word_overlap > 0.7 and found.options_only < found.chance + 0.03


def test_the_blind_table_has_a_line_per_kind_and_one_for_all() -> None:
    lines = as_table(blind_baselines(ASKED[:600], SCRIPTS)).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["kind", *KINDS, "all"]
