"""Answers from pictures without a language model, in a world where every word has a direction of its own."""

import numpy as np
import pytest
from search_world import WordEncoder, picture_vector

from sightline.asking.comparing import ComparingReader
from sightline.records import Exhibit

OTHERS = np.stack([picture_vector(text, 900 + k) for k, text in enumerate(["grass", "sea", "wall", "road"] * 4)])


def world(*captions, score=0.9, moments=None):
    """One picture a caption, two seconds apart, each a moment of its own."""
    exhibits = [
        Exhibit(k, "v.mp4", 2.0 * k, 2.0 * k + 2.0, "picture", 2.0 * k + 0.5, score=score)
        for k in range(1, len(captions) + 1)
    ]
    seen = {one.second: picture_vector(text, 40 + one.number) for one, text in zip(exhibits, captions, strict=True)}
    return ComparingReader(WordEncoder(), lambda one: seen[one.second], OTHERS), exhibits


def test_a_colour_is_read_off_the_picture_that_shows_it():
    reader, shown = world("green grass", "red kite beach", "blue sea")
    reading = reader.answer("What colour is the kite?", shown, options=["blue", "red", "yellow"])
    assert (reading.text, reading.cited, reading.abstained) == ("red", [2], False)


def test_without_options_a_table_of_colours_is_compared():
    reader, shown = world("grass", "red kite")
    assert reader.answer("What colour is the kite?", shown).text == "red"


def test_a_thing_is_found_by_its_best_frame_among_many_others():
    reader, shown = world("sea", "sea", "yellow submarine", "sea", "sea", "sea", "sea")
    reading = reader.answer(
        "Which of these is seen?", shown, options=["a steam train", "a yellow submarine", "a piano"]
    )
    assert (reading.text, reading.cited) == ("a yellow submarine", [3])


def test_a_summary_must_be_true_in_all_its_parts():
    reader, shown = world("red kite beach", "black dog kitchen")
    options = ["red kite beach and white cow forest", "red kite beach and black dog kitchen"]
    assert reader.answer("What is the video about?", shown, options=options).text == options[1]


def test_the_first_of_several_is_the_earliest_and_not_the_most_similar():
    reader, shown = world("dog", "cup falls", "red kite flies beach")
    options = ["red kite flies beach", "cup falls", "dog"]
    assert reader.answer("Which of these happens first?", shown, options=options).text == "dog"
    assert reader.answer("Which of these happens last?", shown, options=options).text == "red kite flies beach"


def test_where_every_candidate_is_as_far_as_nothing_at_all_it_abstains():
    reader, shown = world("grass", "sea", "wall")
    reading = reader.answer("Which of these is seen?", shown, options=["an old harp", "a purple tractor", "a wet owl"])
    assert reading.abstained and reading.confidence < 0.5


def test_something_that_the_search_is_sure_of_is_there_and_what_it_is_sure_of_nowhere_is_not():
    reader, shown = world("harp", "sea", score=0.9)
    assert reader.answer("Is there a harp?", shown).text == "yes"
    reader, shown = world("grass", "sea", score=0.02)
    reading = reader.answer("Is there a harp?", shown)
    assert (reading.text, reading.abstained) == ("no", False)


def test_a_thing_that_is_only_named_is_asked_for_as_in_a_question():
    for score, answer in ((0.9, "yes"), (0.02, "no")):
        reader, shown = world("harp", "sea", score=score)
        named, asked = reader.answer("harp", shown), reader.answer("Is there a harp?", shown)
        assert (named.text, named.cited, named.abstained) == (asked.text, asked.cited, asked.abstained)
        assert named.text == answer
    assert world("竖琴", score=0.9)[0].answer("竖琴", shown).text in ("有", "没有")


def test_what_the_encoder_does_not_know_is_not_called_absent():
    reader, shown = world("grass", "sea", score=0.02)
    abroad = ComparingReader(WordEncoder(), reader.vectors, OTHERS, trust=lambda statement, video: 0.1)
    reading = abroad.answer("Is there a harp?", shown, options=["yes", "no"])
    assert reading.abstained and "does not know" in reading.notes["why"]


def test_between_surely_there_and_surely_not_nothing_is_said():
    reader, shown = world("grass", "sea", score=0.3)
    assert reader.answer("Is there a harp?", shown).abstained


def test_a_thing_in_another_colour_is_not_there():
    reader, shown = world("blue kite", "grass", score=0.8)
    assert reader.answer("Is there a red kite?", shown, options=["yes", "no"]).text == "no"


def test_as_often_as_there_are_separate_moments_it_happens():
    reader, shown = world("dog jumps", "dog jumps", "sea", score=0.9)
    twice = [*shown[:2], Exhibit(3, "v.mp4", 4.0, 6.0, "picture", 5.5, score=0.8)]
    assert reader.answer("How many times does the dog jump?", twice[:2]).text == "2"


def test_movement_is_not_read_off_single_pictures():
    reader, shown = world("red kite")
    reading = reader.answer("Which way does the kite move?", shown, options=["to the left", "to the right"])
    assert reading.abstained and "how something moves" in reading.notes["why"]


def test_a_premise_that_is_not_seen_is_no_ground_for_an_answer():
    reader, shown = world("grass", "red wall", score=0.01)
    reading = reader.answer("What colour is the dragon?", shown, options=["red", "blue"])
    assert reading.abstained and reading.notes["why"] == "'the dragon' is not seen"


def test_what_shows_only_the_mark_is_no_answer():
    reader, shown = world("cat jumps", "vase breaks")
    shown[0] = Exhibit(1, "v.mp4", 2.0, 4.0, "picture", 2.5, score=0.0)
    reading = reader.answer("What happens after the cat jumps?", shown, options=["cat jumps", "vase breaks"])
    assert (reading.text, reading.cited) == ("vase breaks", [2])


def test_an_encoder_that_does_not_know_the_words_or_the_world_is_not_sure():
    reader, shown = world("red kite", "grass")
    abroad = ComparingReader(WordEncoder(), reader.vectors, OTHERS, trust=lambda statement, video: 0.1)
    assert not reader.answer("What colour is the kite?", shown).abstained
    assert abroad.answer("What colour is the kite?", shown).abstained


def test_pictures_without_a_known_vector_are_seen_by_the_encoder():
    reader = ComparingReader(WordEncoder(shows="red kite"), background=OTHERS)
    shown = [Exhibit(1, "v.mp4", 0.0, 2.0, "picture", 0.5, score=0.9, pixels=np.zeros((3, 32, 48), np.uint8))]
    assert reader.wants.pictures
    assert reader.answer("What colour is the kite?", shown, options=["red", "blue"]).text == "red"


@pytest.mark.parametrize("question", ["What colour is the kite?", "Is there a kite?", "When does the kite fall?"])
def test_without_pictures_nothing_is_answered(question):
    reader, _ = world("kite")
    assert reader.answer(question, []).abstained
