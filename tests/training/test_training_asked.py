"""Questions of one's own: read back as written; a wrong line is named with its file, its number and what it lacks."""

import json

import pytest

from sightline.training.asked import Asked, BadQuestions, read_asked, write_asked

FINE = {"video": "a.mp4", "question": "What colour is the tent?", "options": ["red", "green"], "answer": 1}


def test_questions_come_back_as_they_were_written(tmp_path):
    questions = [
        Asked(
            "a.mp4",
            "风筝是什么颜色的？",
            ("红色", "绿色", "蓝色"),
            2,
            ((0.5, 2.0), (7.0, 9.25)),
            "蓝色的风筝",
            "colour",
            "zh",
        ),
        Asked("b.mp4", "Is it\nthere?", ("yes", "no"), 0),
    ]
    write_asked(tmp_path / "q.jsonl", questions)
    assert read_asked(tmp_path / "q.jsonl") == questions


def test_what_may_be_left_out_is_left_out(tmp_path):
    (tmp_path / "q.jsonl").write_text(json.dumps(FINE) + "\n\n")
    assert read_asked(tmp_path / "q.jsonl") == [Asked("a.mp4", FINE["question"], ("red", "green"), 1)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": 2}, "'answer' is '2'; it needs a whole number, 0 to 1"),
        ({"answer": True}, "'answer' is 'True'"),
        ({"answer": None}, "'answer' is 'None'"),
        ({"options": ["red"]}, "'options' is .*two or more"),
        ({"options": ["red", "red"]}, "all different"),
        ({"options": ["red", " "]}, "two or more texts"),
        ({"question": ""}, "'question' is ''; it needs text"),
        ({"video": 3}, "'video' is '3'"),
        ({"seconds": [[3, 1]]}, "stretches"),
        ({"seconds": [3, 1]}, "stretches"),
        ({"seconds": [[0, 1e999]]}, "stretches"),
        ({"statement": 5}, "'statement' is '5'"),
        ({"anwser": 1}, "unknown field 'anwser'; there are video, question"),
    ],
)
def test_a_wrong_field_is_told_with_file_and_line(tmp_path, change, told):
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(FINE) + "\n" + json.dumps(FINE | change) + "\n")
    with pytest.raises(BadQuestions, match=rf"q\.jsonl, line 2: .*{told}"):
        read_asked(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[1]", "a list"),
        ("[" * 9000, "not JSON"),
        ('"' + "a" * 70_000 + '"', "70,002 bytes"),
        ("\xff", "not JSON"),
    ],
    ids=["broken", "list", "deep", "long", "not text"],
)
def test_a_line_that_is_no_question_is_told_with_its_number(tmp_path, line, told):
    (tmp_path / "q.jsonl").write_bytes(line.encode("latin-1") + b"\n")
    with pytest.raises(BadQuestions, match=f"line 1: .*{told}"):
        read_asked(tmp_path / "q.jsonl")


def test_a_missing_field_is_told(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"video": "a.mp4", "question": "Why?", "answer": 0}')
    with pytest.raises(BadQuestions, match="line 1: 'options' is missing"):
        read_asked(tmp_path / "q.jsonl")


def test_an_empty_file_and_a_missing_one_are_told(tmp_path):
    (tmp_path / "q.jsonl").write_text("\n")
    with pytest.raises(BadQuestions, match="has no questions"):
        read_asked(tmp_path / "q.jsonl")
    with pytest.raises(BadQuestions, match="cannot be read"):
        read_asked(tmp_path / "none.jsonl")
