"""`sightline ask` as a user types it: on a real drawn film and on a public clip with subtitles."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from films import SRC, index, subtitle

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.film import video
from sightline.data.storybook.script import random_script
from sightline.records import Answer


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A library with one drawn film of 14 seconds; gives the library's path and the film's script."""
    folder = tmp_path_factory.mktemp("ask")
    script = random_script(
        8, replace(Dials(), seconds=14.0, scenes=2, things=(2, 2), speech=0.0, dissolve=0.0), "train"
    )
    (folder / "films").mkdir()
    video(script, folder / "films" / "story.mp4", size=(224, 128), rate=8, sound=False, subtitles=False)
    subtitle(
        folder / "films" / "story.srt", (1.0, 2.5, "The keeper is called Miriam."), (3.0, 4.5, "She loves clocks.")
    )
    report = index(folder / "films", folder / "library", "--encoder", "storybook")
    assert report["files"]["indexed"] == 1 if "files" in report else report
    return folder / "library", script


def ask(library, *words, said="", code=0):
    places = os.pathsep.join([str(SRC), *(p for p in sys.path if p)])
    done = subprocess.run(
        [sys.executable, "-m", "sightline.cli.main", "ask", *words, "--library", str(library)],
        capture_output=True,
        text=True,
        input=said,
        env={**os.environ, "PYTHONPATH": places},
        timeout=120,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_the_answer_is_the_first_line_and_its_seconds_follow(home):
    library, script = home
    thing = script.things[0]
    done = ask(library, f"Is there {thing.name.en}?", "--trace")
    lines = done.stdout.splitlines()
    assert lines[0] == "yes" and "story.mp4" in lines[1] and "confidence" in done.stdout
    stations = [line.split("  ")[0].strip() for line in lines if line.startswith(("understand", "look again", "check"))]
    assert stations == ["understand", "look again", "check"]


def test_promising_stretches_of_the_file_are_decoded_again_in_a_child(home):
    library, script = home
    done = ask(library, f"Is there {script.things[0].name.en}?", "--json", "--seconds-of-work", "60")
    (step,) = (step for step in json.loads(done.stdout)["trace"] if step["station"] == "look again")
    assert int(step["shape_out"].split()[0]) > 10


def test_json_is_the_record_and_nothing_else(home):
    library, _ = home
    done = ask(library, "What is the keeper called?", "--json", "--seconds-of-work", "0")
    answer = json.loads(done.stdout)
    assert set(answer) == set(Answer.__dataclass_fields__)
    assert "Miriam" in answer["text"] and (answer["moments"][0]["start"], answer["moments"][0]["end"]) == (1.0, 2.5)


def test_nothing_found_ends_with_its_own_code_and_names_the_nearest(home):
    library, _ = home
    done = ask(library, "What does Napoleon say about artillery?", "--seconds-of-work", "0", code=3)
    assert done.stdout.startswith("not in these videos")


def test_a_chat_goes_on_until_an_empty_line(home):
    library, script = home
    said = f"Is there {script.things[0].name.en}?\n看守人喜欢什么？\nWhat is the keeper called?\n\n"
    done = ask(library, "--chat", "--seconds-of-work", "0", said=said)
    answers = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert answers[0] == "yes" and answers[1].startswith("没有回答") and "Miriam" in answers[2]
    assert len(answers) == 3


@pytest.mark.parametrize("words", [("what?", "nowhere.mp4"), ("what?", "--frames", "0")])
def test_errors_are_one_line_with_the_cure(home, words):
    library, _ = home
    done = ask(library, *words, code=1)
    assert done.stderr.startswith("sightline: ") and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_the_names_of_a_public_clips_colours_are_answered_from_its_subtitles(shared_clip, tmp_path):
    (tmp_path / "films").mkdir()
    shutil.copy(shared_clip("big_buck_bunny_0_30.webm"), tmp_path / "films" / "bunny.webm")
    shutil.copy(shared_clip("subtitles.srt"), tmp_path / "films" / "bunny.srt")
    index(tmp_path / "films", tmp_path / "library", "--encoder", "none")
    done = ask(tmp_path / "library", "When do they say green?", "--json")
    answer = json.loads(done.stdout)
    assert [(m["start"], m["end"]) for m in answer["moments"]] == [(5.0, 6.0)] and not answer["abstained"]
