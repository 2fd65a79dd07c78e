"""The rule of verdicts, and the page: what is told follows from figures and their errors, and nothing is left out."""

import re

import numpy as np
import pytest

from sightline.errors import BadQuery, BadRecord
from sightline.exports.plot import Line, Plot
from sightline.findings import FINDINGS, named
from sightline.findings.finding import Claim, Finding, Table, claimed, grown, mean_and_error
from sightline.findings.page import Made, write_page


@pytest.mark.parametrize(
    ("difference", "error", "same", "outcome"),
    [
        (0.5, 0.2, None, "holds"),
        (0.5, 0.3, None, "open"),
        (-0.5, 0.3, None, "open"),
        (-0.5, 0.2, None, "fails"),
        (0.0, 0.0, None, "open"),
        (0.02, 0.01, 0.05, "holds"),
        (-0.02, 0.01, 0.05, "holds"),
        (0.02, 0.02, 0.05, "open"),
        (-0.2, 0.01, 0.05, "fails"),
        (0.5, float("inf"), None, "open"),
    ],
)
def test_two_standard_errors_decide(difference, error, same, outcome):
    assert Claim("H", "says", difference, error, same).outcome == outcome


def test_one_question_a_video_is_the_usual_standard_error():
    values = np.random.default_rng(3).random(17)
    mean, error = mean_and_error(values, np.arange(17))
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / 17**0.5)


def test_asking_the_same_of_a_video_again_is_no_more_evidence():
    values = np.random.default_rng(5).random(11)
    once = mean_and_error(values, np.arange(11))
    assert mean_and_error(np.repeat(values, 7), np.repeat(np.arange(11), 7)) == pytest.approx(once)


def test_the_error_agrees_with_videos_counted_in_a_slow_loop():
    dice = np.random.default_rng(7)
    videos = dice.integers(5, size=23)
    values = dice.random(23)
    mean, error = mean_and_error(values, videos)
    total = 0.0
    for video in set(videos.tolist()):
        total += sum(value - mean for value, own in zip(values, videos, strict=True) if own == video) ** 2
    assert error == pytest.approx((total * 5 / 4) ** 0.5 / 23)


def test_the_spread_over_trainings_adds_to_the_error_and_trainings_that_agree_add_nothing():
    dice = np.random.default_rng(11)
    values, videos = dice.random(13), np.arange(13)
    once = mean_and_error(values, videos)
    assert mean_and_error([values, values], videos) == pytest.approx(once)
    mean, error = mean_and_error([values + 0.1, values, values - 0.1], videos)
    assert mean == pytest.approx(once[0]) and error == pytest.approx((once[1] ** 2 + 0.1**2 / 3) ** 0.5)


def test_a_difference_of_two_means_has_the_errors_of_both():
    dice = np.random.default_rng(13)
    after, before = (dice.random(17), np.arange(17)), (dice.random(11), np.arange(11))
    claim = grown("H", "says", after, before)
    (high, wide), (low, narrow) = mean_and_error(*after), mean_and_error(*before)
    assert claim.difference == pytest.approx(high - low) and claim.error == pytest.approx((wide**2 + narrow**2) ** 0.5)
    assert claim.questions == 28


def test_one_video_proves_nothing():
    assert claimed("H", "says", [1.0, 1.0], [0.0, 0.0], ["a", "a"]).outcome == "open"
    with pytest.raises(BadRecord, match="no question is left"):
        mean_and_error([], [])


def test_a_table_with_an_uneven_row_is_refused():
    with pytest.raises(BadRecord, match="2 cells under 3 heads"):
        Table("a", ["x", "y", "z"], [["1", "2"]])


def test_a_finding_that_is_not_there_is_refused_with_those_that_are():
    assert named([]) == list(FINDINGS) and named(["one-budget", "one-budget"]) == ["one-budget"]
    with pytest.raises(BadQuery, match=r"no finding 'ghost'.*rare-evidence"):
        named(["ghost"])


@pytest.fixture
def written(tmp_path):
    claims = [
        Claim("H-1", "up", 0.3, 0.1, questions=1017),
        Claim("H-1", "down", -0.3, 0.1),
        Claim("H-2", "who knows", 0.1, 0.2),
    ]
    plot = Plot("A plot", "x", "y", [Line("one", [0, 1], [0, 1])])
    told = Finding(
        "some-name",
        "Is it so?",
        "a dial",
        {"H-1": "this"},
        {"H-9": "no time"},
        5,
        1234,
        [Table("T", ["a", "b"], [["1", "2"]])],
        {"only": plot},
        claims,
    )
    made = Made("sightline findings --size s", "s", (0, 4), "of the split `val`", "f00d", "2020-02-02")
    return write_page([told], tmp_path / "page.md", made)


def test_the_page_counts_its_own_verdicts(written):
    text = written[0].read_text(encoding="utf-8")
    assert "Of 3 claims 1 hold, 1 fail, 1 are open" in text
    assert "| H-1 | down | -0.300 ± 0.100 | 0 | **fails** |" in text
    assert "| H-1 | up | +0.300 ± 0.100 | 1,017 | **holds** |" in text


def test_the_page_says_how_it_came_about_and_what_it_does_not_test(written):
    text = written[0].read_text(encoding="utf-8")
    for told in (
        "`sightline findings --size s`",
        "`f00d`",
        "2020-02-02",
        "1,234 questions about 5 videos",
        "of the split `val`",
        "- H-9: no time",
    ):
        assert told in text
    assert "sightline findings some-name --size s --seeds 0 4" in text


def test_every_picture_that_is_shown_was_written(written):
    shown = re.findall(r"\]\((pictures/[^)]+)\)", written[0].read_text(encoding="utf-8"))
    assert shown == [f"pictures/{path.name}" for path in written[1:]] and len(shown) == 1
    assert all((written[0].parent / path).is_file() for path in shown)
