"""Videos and annotation files: real mp4s with sound and subtitles, and the fields of the public formats."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from sightline.cli import storybook as command
from sightline.data.storybook.dials import Dials
from sightline.data.storybook.draw import picture
from sightline.data.storybook.film import srt, video
from sightline.data.storybook.script import random_script
from sightline.data.storybook.show import contact_sheet
from sightline.data.storybook.sound import RATE, samples
from sightline.data.storybook.write import Episode, make
from sightline.errors import BadQuery, SightlineError
from sightline.records import Line

SHARED = Path(__file__).parents[2] / "../shared/data/annotations"
SHORT = Dials(seconds=8.0, scenes=2, evidence=1.0, speech=1.0, sign=1.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Episode]]:
    folder = tmp_path_factory.mktemp("set")
    return folder, make(folder, 3, "test", 17, dials=SHORT, size=(128, 72), rate=8)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_mp4_shows_the_script_at_its_own_timestamps(written: tuple[Path, list[Episode]]) -> None:
    folder, (episode, *_) = written
    with av.open(str(folder / "videos" / f"{episode.name}.mp4")) as container:
        shown = [
            (float(frame.pts * frame.time_base), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]
    assert [second for second, _ in shown] == pytest.approx([k / 8 for k in range(64)])
    for second, pixels in shown[::13]:
        drawn = np.asarray(picture(episode.script, second, (128, 72)), float)
        assert np.abs(pixels - drawn).mean() < 6


def test_the_mp4_carries_sound_as_long_as_the_picture(written: tuple[Path, list[Episode]]) -> None:
    folder, (episode, *_) = written
    with av.open(str(folder / "videos" / f"{episode.name}.mp4")) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0)) / RATE
    assert heard == pytest.approx(8.0, abs=0.1)


def test_events_are_louder_than_silence() -> None:
    script = random_script(5, Dials(seconds=12, scenes=2, speech=0.0))
    track = samples(script)
    busy = np.zeros(len(track), bool)
    for event in script.events:
        busy[int(event.start * RATE) : int((event.end + 0.6) * RATE)] = True
    assert len(track) == 12 * RATE
    assert np.sqrt((track[busy] ** 2).mean()) > 2 * np.sqrt((track[~busy] ** 2).mean())


def test_the_same_script_gives_the_same_file(tmp_path: Path) -> None:
    script = random_script(6, Dials(seconds=4, scenes=1))
    one, two = (video(script, tmp_path / name, (64, 48), 6).read_bytes() for name in ("one.mp4", "two.mp4"))
    assert one == two


def test_subtitles_stand_beside_the_video_in_both_languages(written: tuple[Path, list[Episode]]) -> None:
    folder, (episode, *_) = written
    english, chinese = (
        (folder / "videos" / f"{episode.name}.{language}.srt").read_text(encoding="utf-8") for language in ("en", "zh")
    )
    assert english.count("-->") == chinese.count("-->") == len(episode.script.speech) == 2
    assert episode.script.speech[0].text.en in english and episode.script.speech[1].text.zh in chinese


def test_subtitle_times_are_written_to_the_millisecond() -> None:
    assert srt([Line(3661.0005, 3662.9996, "hello")]) == "1\n01:01:01,000 --> 01:01:03,000\nhello\n"


def test_an_odd_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadQuery, match="even width and height, not 65x48"):
        video(random_script(1), tmp_path / "odd.mp4", (65, 48))
    assert not list(tmp_path.iterdir())


def test_two_scripts_of_one_seed_are_refused(tmp_path: Path) -> None:
    script = random_script(1, SHORT)
    with pytest.raises(BadQuery, match="two scripts have the seed 1"):
        make(tmp_path / "set", 0, scripts=[script, script])
    assert not (tmp_path / "set").exists()


def test_our_jsonl_holds_one_line_a_video_with_all_its_truth(written: tuple[Path, list[Episode]]) -> None:
    folder, episodes = written
    lines = rows(folder / "storybook.jsonl")
    assert [line["video"] for line in lines] == [f"{e.name}.mp4" for e in episodes]
    for line, episode in zip(lines, episodes, strict=True):
        assert len([m for m in line["moments"] if m["kind"] == "event"]) == len(episode.script.events)
        assert line["tags"] and line["screen_text"] and line["speech"]["zh"]


def test_our_questions_name_their_answer_and_chance(written: tuple[Path, list[Episode]]) -> None:
    folder, episodes = written
    lines = rows(folder / "questions.jsonl")
    assert len(lines) == sum(len(e.questions) for e in episodes)
    assert all(line["options"][line["answer"]] == line["answer_text"] for line in lines)
    assert all(line["chance"] == 1 / len(line["options"]) for line in lines)


@pytest.mark.parametrize(
    ("ours", "public"),
    [("nextqa.csv", "nextqa/val.csv"), ("nextgqa.csv", "nextgqa/val.csv"),
     ("msrvtt_test.csv", "msrvtt/MSRVTT_JSFUSION_test.csv")],
)  # fmt: skip
def test_csv_files_have_the_columns_of_the_released_ones(ours: str, public: str, written: tuple[Path, Any]) -> None:
    if not (SHARED / public).exists():
        pytest.skip(f"the released file is not here: {public}")
    with (written[0] / ours).open(encoding="utf-8") as mine, (SHARED / public).open(encoding="utf-8") as theirs:
        assert next(csv.reader(mine)) == next(csv.reader(theirs))


def test_next_answers_are_an_index_in_one_file_and_a_text_in_the_other(written: tuple[Path, list[Episode]]) -> None:
    with (
        (written[0] / "nextqa.csv").open(encoding="utf-8") as one,
        (written[0] / "nextgqa.csv").open(encoding="utf-8") as two,
    ):
        pairs = list(zip(csv.DictReader(one), csv.DictReader(two), strict=True))
    assert len(pairs) > 5
    assert all(by_index[f"a{by_index['answer']}"] == by_text["answer"] for by_index, by_text in pairs)


def test_every_grounded_question_has_its_seconds(written: tuple[Path, list[Episode]]) -> None:
    folder, _ = written
    grounds = json.loads((folder / "nextgqa_gsub.json").read_text(encoding="utf-8"))
    with (folder / "nextgqa.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spans = grounds[row["video_id"]]["location"][row["qid"]]
            assert all(0 <= start < end <= grounds[row["video_id"]]["duration"] for start, end in spans)


def test_qvhighlights_windows_are_whole_clips_around_the_event(written: tuple[Path, list[Episode]]) -> None:
    folder, episodes = written
    lines = rows(folder / "qvhighlights.jsonl")
    events = [event for episode in episodes for event in episode.script.events]
    assert [line["qid"] for line in lines] == list(range(len(events)))
    for line in lines:
        (start, end), clips = line["relevant_windows"][0], line["relevant_clip_ids"]
        assert (start, end) == (2 * clips[0], min(2 * clips[-1] + 2, line["duration"]))
        assert len(line["saliency_scores"]) == len(clips)
        assert all(len(raters) == 3 and 1 <= raters[0] <= 4 for raters in line["saliency_scores"])


def test_qvhighlights_rows_have_the_released_fields(written: tuple[Path, Any]) -> None:
    public = SHARED / "qvhighlights/highlight_val_release.jsonl"
    if not public.exists():
        pytest.skip(f"the released file is not here: {public}")
    released = json.loads(public.open(encoding="utf-8").readline())
    assert set(rows(written[0] / "qvhighlights.jsonl")[0]) - {"query_zh"} == set(released)


def test_the_contact_sheet_is_a_page_with_twelve_pictures_and_text() -> None:
    page = np.asarray(contact_sheet(random_script(7)))
    assert page.shape[1:] == (1280, 3) and 1000 < page.shape[0] < 3000
    assert len(np.unique(page[:600].reshape(-1, 3), axis=0)) > 5000


def ran(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    args = parser.parse_args(["storybook", *words])
    args.json = True
    return int(args.run(args))


def test_make_and_show_run_as_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dials = ["--dial", "seconds=4", "--dial", "scenes=1", "--dial", "things=2-3"]
    assert ran(["make", str(tmp_path / "set"), "--n", "2", "--seed", "5", "--no-videos", "--blind", *dials]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["videos"] == ["train-000005", "train-000006"] and said["blind"][-1]["kind"] == "all"
    assert ran(["show", "5", "--out", str(tmp_path / "page.png"), *dials]) == 0
    assert Image.open(tmp_path / "page.png").width == 1280


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dial", "speed=3"], "no dial 'speed'; there are seconds"),
        (["--dial", "glyph=large"], "dial glyph is turned to a number, not to 'large'"),
        (["--size", "big"], "a size is WIDTHxHEIGHT"),
        (["--split", "dev"], "no split 'dev'"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_told(words: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(SightlineError, match=message):
        ran(["make", str(tmp_path), *words])
