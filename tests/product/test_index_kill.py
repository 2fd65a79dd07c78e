"""An indexer may be killed at any moment and at any step: what was acknowledged is there, and the next run ends
the same.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import films
import pytest

from sightline.doctor import examine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty files: films, one still name of a film twice, one broken file, one with subtitles."""
    root = tmp_path_factory.mktemp("videos")
    for i in range(37):
        films.tiny_film(root / f"season{i % 3}" / f"film{i:02d}.mp4", seed=i)
    (root / "copy.mp4").write_bytes((root / "season0" / "film00.mp4").read_bytes())
    (root / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and then nothing of use" * 20)
    films.tiny_film(root / "talk.mp4", seed=99)
    films.subtitle(root / "talk.srt", (0.0, 1.0, "the fridge door"), (1.0, 2.0, "冰箱的门"))
    return root


@pytest.fixture(scope="module")
def uninterrupted(folder, tmp_path_factory):
    library = tmp_path_factory.mktemp("whole") / "library"
    count = library.parent / "steps"
    films.index(folder, library, env={"SIGHTLINE_FAIL_COUNT": str(count)})
    return films.rows(library), int(count.read_text().split()[-1])


def _sound_and_continues(folder, library, expected):
    """After a kill: the library opens and is clean; one more run ends equal to the uninterrupted one."""
    _looked_at(library, expected)
    films.index(folder, library)
    assert films.rows(library) == expected
    assert examine(library, deep=True).problems == []


def _kill_at_step(folder, tmp_path, expected, step):
    library = tmp_path / f"library{step}"
    done = films.sightline("index", str(folder), library=library, env={"SIGHTLINE_FAIL_AT": str(step)})
    assert done.returncode == 137, (step, done.returncode, done.stderr[-500:])
    _sound_and_continues(folder, library, expected)


def _kill_after(folder, tmp_path, expected, name, seconds):
    library = tmp_path / name
    command = [sys.executable, "-m", "sightline.cli.main", "index", str(folder), "--library", str(library), "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([films.SRC, *(p for p in sys.path if p)])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _sound_and_continues(folder, library, expected)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.61, 0.98])
def test_a_kill_at_a_step_loses_nothing(folder, uninterrupted, tmp_path, share):
    expected, steps = uninterrupted
    _kill_at_step(folder, tmp_path, expected, 1 + int(share * (steps - 1)))


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.2])
def test_a_kill_at_a_moment_loses_nothing(folder, uninterrupted, tmp_path, seconds):
    _kill_after(folder, tmp_path, uninterrupted[0], "library", seconds)


@pytest.mark.slow
def test_a_kill_at_every_step_of_the_way_loses_nothing(folder, uninterrupted, tmp_path):
    """From one state of the library after another, a run is killed at its first step, its second, ... its sixtieth;
    what the sixtieth left is the next state. After every kill the library is sound and nothing half done is visible;
    every tenth is carried on to its end, which must equal the uninterrupted run.
    """
    expected, _ = uninterrupted
    state, kills, carried_on = tmp_path / "state", 0, 0
    while True:
        for step in range(1, AT_A_STRETCH + 1):
            library = _copied(state, tmp_path / "trial")
            done = films.sightline("index", str(folder), library=library, env={"SIGHTLINE_FAIL_AT": str(step)})
            if done.returncode == 0:
                assert films.rows(library) == expected
                print(f"{kills} kills, one at every step; {carried_on} carried on to the end: 0 violations")
                return
            assert done.returncode == 137, done.stderr[-500:]
            kills += 1
            _looked_at(library, expected)
            if kills % 10 == 0:
                _sound_and_continues(folder, _copied(library, tmp_path / "carried on"), expected)
                carried_on += 1
        _copied(library, state)


AT_A_STRETCH = 60


def _copied(library, to):
    """A copy in place of what is there; a library that is not there yet has none."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(library, to) if library.exists() else to


def _looked_at(library, expected):
    """Sound, and nothing half done visible."""
    if (library / "ledger.sqlite").exists():
        assert [problem for problem in examine(library, deep=True).problems if problem["kind"] != "garbage"] == []
        assert films.rows(library).items() <= expected.items()


@pytest.mark.slow
def test_sixty_kills_at_random_moments_lose_nothing(folder, uninterrupted, tmp_path):
    began = time.monotonic()
    films.index(folder, tmp_path / "timed")
    whole = time.monotonic() - began
    moments = random.Random(7)
    for trial in range(60):
        _kill_after(folder, tmp_path, uninterrupted[0], f"library{trial}", moments.uniform(0.15, whole))
    print("60 random kills: 0 violations")


def test_two_kills_in_a_row_lose_nothing(folder, uninterrupted, tmp_path):
    expected, steps = uninterrupted
    library = tmp_path / "library"
    for step in (steps // 3, steps // 4):
        films.sightline("index", str(folder), library=library, env={"SIGHTLINE_FAIL_AT": str(step)})
    _sound_and_continues(folder, library, expected)


def test_the_report_adds_up_after_a_kill(folder, uninterrupted, tmp_path):
    library = tmp_path / "library"
    films.sightline("index", str(folder), library=library, env={"SIGHTLINE_FAIL_AT": str(uninterrupted[1] // 2)})
    report = json.loads(films.sightline("index", str(folder), library=library).stdout)
    total = report["unchanged"] + report["known"] + report["indexed"] + len(report["failed"]) + report["waiting"]
    assert report["found"] == total == 40
