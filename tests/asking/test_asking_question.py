"""What a question wants: its kind, the statement to look for, and the order it is asked in."""

import pytest

from sightline.asking.forms import SLOT
from sightline.asking.question import LONGEST, about_the_same, understand
from sightline.data.storybook.desk import ASKED
from sightline.errors import BadQuery

FORMS = [
    ("What colour is the kite?", "colour", "the kite", ""),
    ("which color does the big kite have", "colour", "the big kite", ""),
    ("Where is the red cat?", "where", "the red cat", ""),
    ("When does the bell ring?", "when", "the bell ring", ""),
    ("How many times does the dog jump?", "times", "the dog jump", ""),
    ("How many cats are there in the video?", "number", "cats", ""),
    ("Is there a red cat?", "present", "a red cat", ""),
    ("Does a red cat appear anywhere?", "present", "a red cat", ""),
    ("What does the sign on the beach say?", "text", "on the beach", ""),
    ("Who says hello to Anna?", "speaker", "hello to Anna", ""),
    ("What does the professor say about entropy?", "said", "entropy", ""),
    ("Why is the sky blue?", "explain", "the sky blue", ""),
    ("What is the capital of France?", "define", "the capital of France", ""),
    ("What is on the table?", "thing", "is on the table", ""),
    ("What falls off the table after the cat jumps?", "thing", "falls off the table", "after"),
    ("After the bell rings, what does the dog do?", "action", "the dog", "after"),
    ("what does the dog do when the cat jumps", "action", "the dog", "while"),
    ("What happens before the goal?", "event", "", "before"),
    ("When does the cat first appear?", "when", "the cat", "first"),
    ("猫第一次出现是什么时候？", "when", "猫", "first"),
    ("Which of these happens last?", "which", "", "last"),
    ("Could you tell me what happens in the kitchen in this video?", "event", "in the kitchen", ""),
    ("风筝是什么颜色的？", "colour", "风筝", ""),
    ("猫在哪里？", "where", "猫", ""),
    ("视频里有红色的猫吗？", "present", "红色的猫", ""),
    ("狗跳了几次？", "times", "狗跳", ""),
    ("牌子上写着什么？", "text", "", ""),
    ("谁提到了熵？", "speaker", "熵", ""),
    ("天空为什么是蓝色的？", "explain", "天空是蓝色的", ""),
    ("桌子上有什么？", "thing", "桌子上", ""),
    ("猫跳了之后，什么东西从桌子上掉下来？", "thing", "从桌子上掉下来", "after"),
    ("粉色的鱼跳的同时，还发生了什么？", "event", "", "while"),
    ("下面哪一件事最先发生？", "which", "", "first"),
    ("红色的火车什么时候出现？", "when", "红色的火车", ""),
    ("红色的火车会在第几秒出现", "when", "红色的火车", ""),
    ("猫是什么时候跳的？", "when", "猫跳", ""),
    ("猫什么时候第一次出现？", "when", "猫", "first"),
    ("在第几秒能看到猫跳？", "when", "猫跳", ""),
    ("红色的火车在哪里出现？", "where", "红色的火车", ""),
    ("Is there any blue whale here?", "present", "blue whale", ""),
    ("What is carried away under water?", "thing", "is carried away under water", ""),
]


@pytest.mark.parametrize(("question", "kind", "look_for", "order"), FORMS)
def test_a_question_is_read_as_its_kind_its_statement_and_its_order(question, kind, look_for, order):
    asked = understand(question)
    assert (asked.kind, asked.look_for, asked.order) == (kind, look_for, order)


def test_the_mark_of_an_order_word_is_a_statement_of_its_own():
    assert understand("what falls off the table after the cat jumps?").mark == "the cat jumps"
    assert understand("What happens next after this: the red cat jumps twice?").mark == "the red cat jumps twice"
    assert understand("猫跳了之后，接下来发生了什么？").mark == "猫跳了"


def test_an_answer_put_into_the_question_makes_a_statement():
    assert understand("What colour is the kite?").filled("red") == "a red kite"
    assert understand("What falls off the table?").filled("a cup") == "a cup falls off the table"
    assert understand("风筝是什么颜色的？").filled("红色") == "红色的风筝"


@pytest.mark.parametrize("kind", ASKED)
def test_every_wording_of_the_drawn_world_is_understood_in_both_languages(kind):
    words = {"thing": "kite", "a_thing": "a kite", "who": "the red cat", "action": "jumps", "place": "on the beach"}
    words |= {"event": "the red cat jumps", "who_cap": "The red cat", "place_cap": "On the beach"}
    chinese = {
        "thing_zh": "风筝",
        "who_zh": "红色的猫",
        "action_zh": "跳",
        "place_zh": "海滩上",
        "event_zh": "红色的猫跳了两下",
    }
    for wording in ASKED[kind]:
        for said in (wording.en.format(**words), wording.zh.format(**chinese)):
            assert understand(said).kind != "other", said


def test_a_question_of_no_known_form_is_looked_for_as_it_stands():
    asked = understand("kite beach wow")
    assert (asked.kind, asked.look_for) == ("other", "kite beach wow")


def test_control_and_private_characters_of_a_question_are_spaces():
    asked = understand(f"what colour is\x1b the\u202e {SLOT}kite?\n")
    assert asked.look_for == "the kite" and asked.frame.count(SLOT) == 1


@pytest.mark.parametrize("nothing", ["", "  ", "\n\x00"])
def test_an_empty_question_is_an_error_that_shows_one(nothing):
    with pytest.raises(BadQuery, match="nothing is asked; write a question"):
        understand(nothing)


def test_a_page_of_text_is_no_question():
    with pytest.raises(BadQuery, match=f"ask in {LONGEST} or fewer"):
        understand("why " * LONGEST)


def test_hostile_repetition_is_read_in_reasonable_time():
    for unit in ("what does ", "when after ", "之后什么", "有没有出现", "( ", "after the, what "):
        understand((unit * LONGEST)[:LONGEST])


@pytest.mark.parametrize(
    ("question", "before", "whole"),
    [
        ("Where is it?", "What colour is the big kite?", "Where is the big kite?"),
        ("What colour is it?", "Is there a red cat?", "What colour is the red cat?"),
        ("它在哪里？", "风筝是什么颜色的？", "风筝在哪里？"),
        ("Where is it?", "", "Where is it?"),
        ("Where is it?", "What is the video about?", "Where is it?"),
        ("Where is the cat?", "What colour is the kite?", "Where is the cat?"),
    ],
)
def test_it_is_what_the_question_before_asked_about(question, before, whole):
    assert about_the_same(question, before) == whole
