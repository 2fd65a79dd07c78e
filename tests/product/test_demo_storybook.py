"""The demo: videos are drawn, taken in by the built-in model, and found again by words in two languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightline.cli.main import main
from sightline.demo import STATED, Asked, Demo, run_demo, scripts, true_spans
from sightline.encoders.by_name import DEFAULT


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo"))


def stated(language: str) -> list[str]:
    return [query for query, kind, _ in STATED if kind != "nothing" and query.isascii() == (language == "en")]


def test_at_least_five_queries_are_stated_in_each_language() -> None:
    assert len(stated("en")) >= 5 and len(stated("zh")) >= 5


def test_what_is_stated_is_true_somewhere_in_the_videos() -> None:
    for query, kind, what in STATED:
        spans = [span for script in scripts().values() for span in true_spans(script, kind, what)]
        assert bool(spans) == (kind != "nothing"), query


def test_nine_of_ten_stated_queries_find_the_right_second(demo: Demo) -> None:
    asked = [one for one in demo.asked if one.kind in ("thing", "place", "line")]
    wrong = [(one.query, one.second, one.video) for one in asked if not one.right]
    assert len(asked) >= 10
    assert len(wrong) <= len(asked) // 10, wrong


def test_what_is_nowhere_is_not_found(demo: Demo) -> None:
    assert [one.query for one in demo.asked if one.kind == "nothing" and one.second is not None] == []


def test_three_of_four_questions_are_answered_right_without_options(demo: Demo) -> None:
    there = [one for one in demo.answered if one.truth]
    assert sum(one.right for one in there) >= 0.75 * len(there)
    for english in (True, False):
        asked = [one for one in there if one.question.isascii() == english]
        assert len(asked) >= 5 and sum(one.right for one in asked) >= 0.6 * len(asked)


def test_a_question_about_what_a_video_does_not_show_is_not_answered(demo: Demo) -> None:
    absent = [one for one in demo.answered if not one.truth]
    assert len(absent) == 3 and all(one.right for one in absent)


def test_a_right_answer_rests_on_seconds_in_which_it_is_true(demo: Demo) -> None:
    told = [one for one in demo.answered if one.right and one.span]
    beside = [one for one in told if not any(a < one.span[1] and b > one.span[0] for a, b in one.spans)]
    assert len(told) >= 8 and beside == []


def test_the_videos_are_seen_by_the_built_in_model(demo: Demo) -> None:
    assert demo.report["encoder"] == DEFAULT == "storybook"
    assert demo.report["indexed"] == 3 and demo.report["failed"] == []


def test_the_contact_sheet_shows_a_picture_for_the_first_query(demo: Demo) -> None:
    page = Path(demo.sheet).read_text(encoding="utf-8")
    assert demo.asked[0].query in page and "data:image/jpeg;base64," in page


@pytest.mark.parametrize(
    ("second", "video", "right"),
    [(4.0, "a.mp4", True), (3.4, "a.mp4", True), (2.9, "a.mp4", False), (6.1, "a.mp4", False), (4.0, "b.mp4", False)],
)
def test_an_answer_is_right_within_its_stretch_and_one_look_before(second: float, video: str, right: bool) -> None:
    assert Asked("a kite", "thing", {"a.mp4": [(4.0, 6.0)]}, second, (second, second), video).right is right


def test_finding_nothing_is_right_only_where_nothing_is() -> None:
    assert Asked("a kite", "nothing", {}, None).right
    assert not Asked("a kite", "thing", {"a.mp4": [(4.0, 6.0)]}, None).right
    assert not Asked("a kite", "nothing", {}, 3.0, (3.0, 4.0), "a.mp4").right


def test_the_true_stretch_that_is_shown_lies_nearest_in_the_same_video() -> None:
    truth = {"a.mp4": [(0.0, 1.0), (8.0, 9.0)], "b.mp4": [(4.0, 5.0)]}
    assert Asked("a kite", "thing", truth, 6.0, (6.0, 7.0), "a.mp4").true_span == ("a.mp4", (8.0, 9.0))
    assert Asked("a kite", "thing", truth, 4.0, (4.0, 5.0), "b.mp4").true_span == ("b.mp4", (4.0, 5.0))
    assert Asked("a kite", "nothing", {}, None).true_span is None


def test_the_command_tells_every_answer_beside_the_truth(
    demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = Path(demo.folder)  # drawn and taken in already: nothing is done twice
    assert main(["demo", "--folder", str(again)]) == 0
    printed = capsys.readouterr().out
    assert all(query in printed for query, _, _ in STATED)
    assert f"of {len(demo.asked)} right" in printed and "true from" in printed
    assert "knows a drawn picture-book world and nothing else" in " ".join(printed.split())


def test_the_command_gives_one_json_object(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--folder", demo.folder, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["query"] for one in told["asked"]] == [one.query for one in demo.asked]
    assert told["report"]["indexed"] == 0 and told["report"]["unchanged"] == 3
