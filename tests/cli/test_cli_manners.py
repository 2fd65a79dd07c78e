"""What a person meets at the command line: one line for an error, an exit code, nothing lost on Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time

import films
import pytest

from sightline.cli.text import clock, printable, size, span


@pytest.fixture
def library(tmp_path):
    return tmp_path / "library"


def _one_line(done):
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("sightline: ")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_wrong_path_is_told_in_one_line(library):
    assert "no such file or folder" in _one_line(films.sightline("index", "/nowhere/at/all", library=library))


def test_searching_before_indexing_says_what_to_do(library):
    assert "sightline index" in _one_line(films.sightline("search", "cat", library=library))
    assert not library.exists()


def test_listing_a_folder_that_is_no_library_says_so(tmp_path):
    (tmp_path / "notes.txt").write_text("dear diary")
    _one_line(films.sightline("list", library=tmp_path))


def test_an_error_is_an_object_too_when_json_is_asked_for(library):
    done = films.sightline("list", library=library)
    assert json.loads(done.stdout)["error"]["code"] == "no-library"


def test_an_empty_folder_is_no_error(tmp_path, library):
    (tmp_path / "videos").mkdir()
    assert films.index(tmp_path / "videos", library)["found"] == 0


def test_a_folder_of_nothing_but_refusals_exits_with_one(tmp_path, library):
    (tmp_path / "bad.mp4").write_bytes(b"nothing of use" * 50)
    done = films.sightline("index", str(tmp_path / "bad.mp4"), library=library)
    assert done.returncode == 1 and json.loads(done.stdout)["failed"][0]["code"] == "not-media"


def test_forgetting_what_is_not_there_says_where_to_look(tmp_path, library):
    films.index(films.tiny_film(tmp_path / "a.mp4", seed=1), library)
    assert "sightline list" in _one_line(films.sightline("forget", str(tmp_path / "b.mp4"), library=library))


def test_forgetting_a_folder_and_compacting_gives_space_back(tmp_path, library):
    for i in range(3):
        films.tiny_film(tmp_path / "in" / f"{i}.mp4", seed=i)
    films.index(tmp_path / "in", library)
    done = films.sightline("forget", str(tmp_path / "in"), "--compact", library=library)
    assert json.loads(done.stdout)["forgotten"] == 3
    assert json.loads(films.sightline("list", library=library).stdout)["counts"]["files"] == 0


def test_the_debug_switch_shows_where_an_error_comes_from(library):
    done = films.sightline("list", library=library, env={"SIGHTLINE_DEBUG": "1"})
    assert "Traceback" in done.stderr and "NoLibrary" in done.stderr


def test_a_wrong_option_exits_with_two(library):
    assert films.sightline("index", ".", "--every", "never", library=library).returncode == 2


def test_a_name_cannot_speak_to_the_terminal(tmp_path, library):
    films.tiny_film(tmp_path / "in" / "evil\x1b[2J\u202egpj.mp4", seed=1)
    films.index(tmp_path / "in", library)
    words = [sys.executable, "-m", "sightline.cli.main", "list", "--library", str(library)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([films.SRC, *(p for p in sys.path if p)])}
    shown = subprocess.run(words, capture_output=True, text=True, env=environment).stdout
    assert "\x1b" not in shown and "\u202e" not in shown and "\\x1b[2J\\u202egpj.mp4" in shown


def test_ctrl_c_keeps_what_was_done_and_the_next_run_continues(tmp_path, library):
    for i in range(60):
        films.tiny_film(tmp_path / "in" / f"{i:02d}.mp4", seed=i)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([films.SRC, *(p for p in sys.path if p)])}
    words = [
        sys.executable,
        "-m",
        "sightline.cli.main",
        "index",
        str(tmp_path / "in"),
        "--library",
        str(library),
        "--json",
    ]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"state": "indexed"' in line:
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    report = json.loads(out)
    assert report["interrupted"] and report["indexed"] + report["waiting"] == 60
    began = time.monotonic()
    again = films.index(tmp_path / "in", library)
    assert again["indexed"] + again["unchanged"] == 60 and again["unchanged"] >= report["indexed"]
    assert time.monotonic() - began < 50, "claims of the interrupted run were waited for"


def test_a_closed_pipe_is_no_error(tmp_path, library):
    films.index(films.tiny_film(tmp_path / "a.mp4", seed=1), library)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([films.SRC, *(p for p in sys.path if p)])}
    line = f"{sys.executable} -m sightline.cli.main list --library {library} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stderr == ""


@pytest.mark.parametrize(
    ("second", "told"),
    [(0, "0:00.000"), (75.5, "1:15.500"), (59.9996, "1:00.000"), (3723.4504, "1:02:03.450"), (-2.5, "-0:02.500")],
)
def test_a_second_is_told_on_the_clock(second, told):
    assert clock(second) == told


def test_sizes_lengths_and_names_are_told_in_few_words():
    assert (size(999), size(3_600_000), span(9.96), span(75), span(5400)) == (
        "999 B",
        "3.6 MB",
        "10.0 s",
        "75 s",
        "1 h 30 min",
    )
    assert printable("猫 a\x07b\u200b") == "猫 a\\x07b\\u200b"
