"""The evaluation: held-out combinations alone, every figure it claims, and files that agree with drawn frames."""

from __future__ import annotations

import json

import pytest

from sightline.cli.evaluate import told
from sightline.cli.main import main
from sightline.data.storybook.splits import colour_group
from sightline.encoders.by_name import open_encoder
from sightline.errors import BadQuery
from sightline.evaluate import Report, Size, evaluate_storybook
from sightline.recipes.storybook_held_out import LONGEST, SHORTEST, held_out


@pytest.fixture(scope="module")
def heard() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def report(heard: list) -> Report:
    size = Size(pictures=23, videos=3, written=1, seed=5)
    return evaluate_storybook(open_encoder("storybook"), size, told=lambda what, share: heard.append((what, share)))


def figures(report: Report, section: str, name: str) -> dict[str, float]:
    return dict(report.sections[section])[name]


def test_held_out_videos_last_half_a_minute_to_two() -> None:
    seconds = [one.script.seconds for one in held_out(60, 1)]
    assert SHORTEST == 30 <= min(seconds) < 45 and 105 < max(seconds) <= LONGEST == 120


def test_things_are_asked_for_in_colours_that_training_did_not_show() -> None:
    for one in held_out(20, 1):
        names = {thing.name.en: (thing.prop, thing.colour) for thing in one.script.things}
        for asked in one.asked:
            name = asked.text.en.split(" ", 1)[1]
            if asked.kind == "thing":
                assert colour_group(*names[name]) != "train" and asked.spans
            if asked.kind == "absent":
                assert name not in names and not asked.spans


def test_another_seed_asks_of_other_videos() -> None:
    assert held_out(2, 1) == held_out(2, 1) != held_out(2, 2)


def test_every_section_has_its_figures(report: Report) -> None:
    assert set(report.sections) == {"retrieval", "zero-shot", "binding", "actions", "moments"}
    assert set(dict(report.sections["retrieval"])) == {
        f"{way}, {language}" for way in ("frame to caption", "caption to frame") for language in ("en", "zh")
    }
    assert {"thing", "colour", "texture", "size", "backdrop"} == set(dict(report.sections["zero-shot"]))
    things = [asked for one in held_out(3, 5) for asked in one.asked if asked.kind == "thing"]
    assert figures(report, "moments", "thing, en")["asked"] == len(things) >= 4
    assert {"blind: first third", "blind: whole video"} <= set(dict(report.sections["moments"]))
    assert sum(row.count for row in report.confidence) > 0


def test_looking_beats_not_looking(report: Report) -> None:
    seen = figures(report, "moments", "thing, en")["mIoU"]
    assert seen > figures(report, "moments", "blind: first third")["mIoU"]
    assert seen > figures(report, "moments", "blind: whole video")["mIoU"]
    assert figures(report, "zero-shot", "colour")["en"] > 0.6


def test_a_written_video_is_answered_like_its_drawn_frames(report: Report) -> None:
    for language in ("en", "zh"):
        drawn = figures(report, "moments", f"1 of them drawn, {language}")
        mp4 = figures(report, "moments", f"1 of them as mp4, {language}")
        assert drawn["asked"] == mp4["asked"] == 2
        assert abs(drawn["mIoU"] - mp4["mIoU"]) < 0.2


def test_the_share_of_the_work_grows_to_the_whole(report: Report, heard: list) -> None:
    shares = [share for _, share in heard]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 10
    assert {"storybook: retrieval", "storybook: moments in 3 videos"} <= {what for what, _ in heard}


def test_the_table_holds_every_row(report: Report) -> None:
    printed = "\n".join(told(report))
    assert all(name in printed for rows in report.sections.values() for name, _ in rows)
    assert "stated confidence against how often the answer was right" in printed


def test_a_wrong_size_is_told_with_its_numbers() -> None:
    with pytest.raises(BadQuery, match="not 1, 200 and 10"):
        Size(pictures=1)


def test_the_command_gives_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--n", "11", "--videos", "0", "--only-trained", "--encoder", "colour", "--json"]
    assert main(["evaluate", "storybook", *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [report["encoder"] for report in answer["reports"]] == ["colour"]
    assert set(answer["reports"][0]["sections"]) == {"retrieval", "zero-shot", "binding", "actions"}
