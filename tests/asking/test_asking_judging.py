"""The judge that came with the package: drawn pictures it never learned from, questions in two languages."""

import numpy as np
import pytest

from sightline.asking.built_in import BuiltInReader
from sightline.asking.comparing import ComparingReader
from sightline.asking.judging import END, HOME, LONGEST, START, Judging, laid_out
from sightline.asking.judging_reader import JudgingReader, judge_for
from sightline.asking.question import understand
from sightline.data.storybook.draw import frames
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import random_script
from sightline.encoders.built_in import open_built_in
from sightline.encoders.by_name import open_encoder
from sightline.records import Exhibit, Frames

SHAPE = (112, 64)


def exhibits(shown: Frames, count=8):
    pixels, seconds = np.asarray(shown.pixels), np.asarray(shown.seconds)
    chosen = np.linspace(0, len(seconds) - 1, count).round().astype(int)
    return [
        Exhibit(n, "film.mp4", float(seconds[k]), float(seconds[k]) + 1, "picture", float(seconds[k]), score=0.5,
                pixels=pixels[k])
        for n, k in enumerate(chosen, 1)
    ]  # fmt: skip


def asked_of_films(kinds, films=12, language="en"):
    """Each question with eight frames of its evidence's surroundings."""
    reader = JudgingReader(Judging.opened(HOME))
    for seed in range(films):
        script = random_script(700 + seed, split="test")
        shown = frames(script, SHAPE, every=0.5)
        for question in questions(script, 4, kinds):
            near = np.array([any(a - 1 <= s < b + 1 for a, b in question.seconds) for s in shown.seconds])
            some = Frames(np.asarray(shown.pixels)[near], np.asarray(shown.seconds)[near])
            options = [getattr(option, language) for option in question.options]
            reading = reader.answer(getattr(question.question, language), exhibits(some), options=options)
            yield question, reading, getattr(question.right, language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_eight_of_ten_questions_about_held_out_films_are_answered_right(language):
    kinds = ("colour", "where", "what", "which")
    right = [reading.text == answer for _, reading, answer in asked_of_films(kinds, language=language)]
    assert len(right) > 30 and np.mean(right) >= 0.8


def test_what_is_asked_of_a_film_that_does_not_show_it_is_left_unanswered():
    reader, silent = JudgingReader(Judging.opened(HOME)), []
    for seed in range(12):
        script, other = random_script(700 + seed, split="test"), random_script(800 + seed, split="test")
        here = {thing.prop for thing in script.things}
        for question in questions(other, 4, ("colour",)):
            if not here & {thing.prop for thing in other.things if thing.prop in question.question.en}:
                options = [option.en for option in question.options]
                shown = exhibits(frames(script, SHAPE, every=1.0))
                silent.append(reader.answer(question.question.en, shown, options=options).abstained)
    assert len(silent) > 15 and np.mean(silent) >= 0.9


def test_the_answer_rests_on_a_frame_that_shows_it():
    reader, inside = JudgingReader(Judging.opened(HOME)), []
    for seed in range(8):
        script = random_script(700 + seed, split="test")
        shown = exhibits(frames(script, SHAPE, every=0.5), 16)[::2]
        for question in questions(script, 4, ("colour",)):
            reading = reader.answer(question.question.en, shown, options=[option.en for option in question.options])
            seen = [one for one in shown if any(a <= one.second < b for a, b in question.seconds)]
            if seen and reading.cited and reading.text == question.right.en:
                inside.append(reading.cited[0] in [one.number for one in seen])
    assert len(inside) > 10 and np.mean(inside) >= 0.9


def test_the_layout_says_whose_every_piece_is():
    ids, place, group = laid_out("ab", ["c", "de"], lambda text: [ord(letter) for letter in text])
    assert ids.tolist() == [START, 97, 98, 99, END, 100, 101, END]
    assert group.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert place.tolist() == [0, 1, 2, LONGEST[0], LONGEST[0] + 1, LONGEST[0], LONGEST[0] + 1, LONGEST[0] + 2]


def test_a_very_long_question_and_option_are_cut_to_what_the_judge_has_places_for():
    _, place, _ = laid_out("a" * 5000, ["b" * 5000, "c"], lambda text: [7] * len(text))
    assert place.max() < sum(LONGEST)


def test_the_judge_takes_part_only_where_the_library_was_seen_by_its_tower():
    assert judge_for(open_built_in()) is not None
    assert judge_for(open_encoder("colour")) is None


@pytest.mark.parametrize(
    ("question", "learned"),
    [
        ("What colour is the kite?", True),
        ("风筝是什么颜色的？", True),
        ("What happens next after this: the cat jumps?", False),
        ("How many times does the cat jump?", False),
        ("Which way does the cat move?", False),
    ],
)
def test_it_answers_the_kinds_of_question_that_it_learned(question, learned):
    reader = JudgingReader(Judging.opened(HOME))
    assert reader.reads(understand(question), ["red", "blue"]) is learned


def test_without_pictures_the_built_in_reader_compares_as_before():
    encoder = open_built_in()
    shown = exhibits(frames(random_script(700, split="test"), SHAPE, every=1.0))
    bare = [Exhibit(o.number, o.video, o.start, o.end, o.source, o.second, score=o.score) for o in shown]
    vectors = np.asarray(encoder.see(Frames(np.stack([o.pixels for o in shown]), np.arange(8.0))).vectors)[0]
    comparing = ComparingReader(encoder, lambda one: vectors[one.number - 1])
    both = BuiltInReader(comparing, judging=judge_for(encoder))
    question, options = "What colour is the cat?", ["red", "blue", "green"]
    assert both.answer(question, bare, options=options).text == comparing.answer(question, bare, options=options).text
    assert "judged" in both.answer(question, shown, options=options).notes
