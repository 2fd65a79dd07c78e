"""Answers from words alone: a lecture, a conversation, signs; in both languages."""

import pytest

from sightline.asking.sentences import sentences, spoken_by
from sightline.asking.words import WordsReader
from sightline.records import Exhibit


def lines(*texts, source="speech", score=0.6):
    return [
        Exhibit(k, "talk.mp4", 3.0 * k, 3.0 * k + 2.5, source, 3.0 * k, text, score) for k, text in enumerate(texts, 1)
    ]


LECTURE = lines(
    "Welcome to the second lecture on thermodynamics.",
    "Entropy is a measure of how many ways",
    "a system can be arranged.",
    "It never decreases in a closed system",
    "because disordered states are far more numerous.",
    "Ludwig Boltzmann found the formula in 1877.",
    "Next week we talk about engines.",
)


def ask(question, exhibits, **more):
    return WordsReader().answer(question, exhibits, **more)


def test_a_definition_is_quoted_over_the_lines_it_runs_through():
    reading = ask("What is entropy?", LECTURE)
    assert not reading.abstained
    assert reading.text == "“Entropy is a measure of how many ways a system can be arranged.”"
    assert reading.cited == [2, 3]


def test_a_reason_is_found_where_it_is_given():
    assert ask("Why does entropy never decrease in a closed system?", LECTURE).cited == [4, 5]


def test_a_year_is_found_in_the_line_that_names_the_event():
    reading = ask("When was the formula found by Boltzmann?", LECTURE)
    assert reading.cited == [6] and "1877" in reading.text


def test_what_nobody_says_is_not_answered():
    reading = ask("What is the price of tomatoes?", LECTURE)
    assert reading.abstained


def test_a_question_in_the_talk_is_answered_by_what_follows_it():
    talk = lines("Now, what is the capital of Australia?", "It is Canberra, not Sydney.", "Let us go on.")
    assert ask("What is the capital of Australia?", talk).cited == [2]


def test_the_one_who_said_it_is_named():
    talk = lines("ANNA: We should paint the fence green.", "BEN: I would rather sleep.")
    assert ask("Who said they should paint the fence?", talk).text == "ANNA"
    assert ask("What does Ben say?", talk).text == "BEN: “I would rather sleep.”"


def test_an_option_is_chosen_by_the_sentence_that_fits_the_question():
    reading = ask("Who found the formula?", LECTURE, options=["Rudolf Clausius", "Ludwig Boltzmann", "Max Planck"])
    assert (reading.text, reading.cited, reading.abstained) == ("Ludwig Boltzmann", [6], False)


def test_options_that_no_line_speaks_of_are_not_chosen_among():
    assert ask("Who found the formula?", LECTURE, options=["Curie", "Newton"]).abstained


def test_a_chinese_lecture_is_answered():
    talk = lines("今天我们讲光合作用。", "光合作用是植物把光能变成化学能的过程。", "下次再见。")
    reading = ask("光合作用是什么？", talk)
    assert reading.cited[0] == 2 and not reading.abstained


def test_a_sign_is_read_from_the_screen_and_not_from_speech():
    shown = [*lines("The sign says nothing.", score=0.9), *lines("OPEN", source="screen", score=0.8)]
    assert ask("What does the sign say?", shown).text == "“OPEN”"


@pytest.mark.parametrize(
    ("line", "who", "said"),
    [
        ("ANNA: hello", "ANNA", "hello"),
        ("- Dr. Ito: yes", "Dr. Ito", "yes"),
        ("安娜：你好", "安娜", "你好"),
        ("no names here", "", "no names here"),
        ("it is 12:30 now", "", "it is 12:30 now"),
    ],
)
def test_a_name_before_a_colon_speaks(line, who, said):
    assert spoken_by(line) == (who, said)


def test_captions_that_never_end_a_sentence_are_cut_all_the_same():
    endless = lines(*["and then"] * 31)
    assert max(len(one.exhibits) for one in sentences(endless)) <= 6


def test_an_option_said_word_by_word_wins_over_one_with_the_same_content_words():
    shown = [Exhibit(1, "v.mp4", 3.0, 5.0, "speech", 3.0, "I like the blue crown.", 0.9)]
    options = ["Where is the blue crown?", "I like the blue crown.", "Look, the blue mouse!"]
    read = WordsReader().answer("What does the blue crown say?", shown, options=options)
    assert read.text == "I like the blue crown." and not read.abstained


def test_the_one_option_that_stands_on_any_sign_is_what_the_sign_says():
    signs = lines("NORTH", "FARM", source="screen", score=0.2)
    asked = "What does the sign on the beach say?"
    reading = ask(asked, signs, options=["SOUTH", "FARM", "EAST"])
    assert (reading.text, reading.cited, reading.abstained) == ("FARM", [2], False)
    assert ask(asked, signs, options=["NORTH", "FARM", "EAST"]).abstained
