"""Videos and questions of one's own: decoded once, one video in five for the exam, errors that name what is wrong."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("av")

from sightline.data.storybook.dials import Dials  # noqa: E402
from sightline.data.storybook.film import video  # noqa: E402
from sightline.data.storybook.questions import questions  # noqa: E402
from sightline.data.storybook.script import random_script  # noqa: E402
from sightline.errors import BadQuery  # noqa: E402
from sightline.recipes.questions_seen import SEEN_IN_ONE, as_asked, seen_files  # noqa: E402
from sightline.recipes.system_run import run_system  # noqa: E402
from sightline.train import recipes, train  # noqa: E402
from sightline.training.asked import BadQuestions  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six films of four seconds with three questions each."""
    made = tmp_path_factory.mktemp("own")
    lines = []
    for seed in range(6):
        script = random_script(seed, Dials(seconds=4.0, scenes=1, things=(2, 2)))
        video(script, made / f"film {seed}.mp4", size=(112, 64))
        for question in questions(script, 3, SEEN_IN_ONE):
            asked = as_asked(question, "en")
            row = {"video": f"film {seed}.mp4", "question": asked.question, "options": asked.options}
            lines.append(json.dumps(row | {"answer": asked.answer, "seconds": asked.seconds}))
    (made / "questions.jsonl").write_text("\n".join(lines) + "\n")
    return made


def test_a_system_learns_on_own_videos_and_is_examined_on_others(mini, folder, tmp_path):
    figures = run_system("similar", tmp_path, "mini", data=str(folder))
    assert figures["questions"] == 6  # films 0 and 5
    assert 0 <= figures["accuracy"] <= 1


def test_a_film_is_seen_at_the_decoders_own_seconds(mini, folder):
    seen = seen_files(folder, 5, lambda place: place == 2)
    assert list(seen.films) == ["film 2.mp4"]
    assert seen.tokens.shape[:2] == (1, 5)
    shown = [4, 14, 24, 33, 43]  # the frame shown at the middle of each fifth, 12 a second
    assert seen.seconds[0] == pytest.approx([frame / 12 for frame in shown], abs=1e-4)


def test_a_question_about_a_video_that_is_not_there_is_refused(mini, tmp_path):
    row = {"video": "gone.mp4", "question": "Why?", "options": ["a", "b"], "answer": 0}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row))
    with pytest.raises(BadQuery, match=r"asks about 'gone\.mp4'"):
        seen_files(tmp_path, 5)


def test_a_folder_without_questions_is_refused(mini, tmp_path):
    with pytest.raises(BadQuery, match=r"has no questions\.jsonl"):
        train("similar", tmp_path / "out", size="mini", data=tmp_path)


def test_a_wrong_line_stops_the_training_with_its_number(mini, folder, tmp_path):
    (tmp_path / "questions.jsonl").write_text((folder / "questions.jsonl").read_text() + '{"video": "film 0.mp4"}\n')
    with pytest.raises(BadQuestions, match=r"questions\.jsonl, line 19: 'question' is missing"):
        train("similar", tmp_path / "out", size="mini", data=tmp_path)


def test_recipes_are_systems_and_the_built_in_model():
    assert {"built-in", "gcg", "uniform-linear"} <= set(recipes())
    assert not {"questions-seen", "starting-lm", "system-run"} & set(recipes())
