"""The measuring of answers on drawn videos: every way of choosing frames is judged on every question."""

import pytest

from sightline.data.storybook.questions import KINDS
from sightline.encoders.by_name import open_encoder
from sightline.evaluate_asking import WAYS, measure_asking, told


@pytest.fixture(scope="module")
def report():
    return measure_asking(open_encoder("storybook", threads=1), videos=2, count=8, seed=5)


def test_every_question_is_judged_in_every_way_and_both_languages(report):
    assert [len(report.of(way)) for way in WAYS] == [16, 16, 16]
    assert len(report.of("asked", "", "zh")) == 8


def test_a_right_answer_is_a_right_guess_that_was_not_withheld(report):
    for one in report.judged:
        assert not one.right or (one.guess and not one.abstained)


def test_the_oracle_always_sees_the_true_moment(report):
    assert all(one.hit for one in report.of("oracle"))


def test_the_text_has_a_row_for_every_kind_that_was_asked_and_names_its_baselines(report):
    lines = told(report)
    asked = {one.kind for one in report.judged}
    assert [line.split("  ")[0] for line in lines if line.split("  ")[0] in KINDS] == [k for k in KINDS if k in asked]
    text = "\n".join(lines)
    assert all(
        word in text for word in ("uniform", "oracle", "blind", "chance", "precision", "recall", "seconds a question")
    )
