"""A process may end at any write, sync, rename or commit: what it acknowledged is there, and nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from library_story import PATHS, RED, SAMPLING, seen, stat_of, story, tell, told_by, troubles

from sightline.errors import NoLibrary
from sightline.store.library import Library

STEPS = 500  # more than the story has; those beyond its end are not run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "library"
    assert tell(folder)[0] == 0
    assert troubles(folder) == []
    return told_by(folder)


def assert_nothing_lost(folder: Path, told: list[str], undisturbed: dict) -> None:
    """After a kill: all that was acknowledged is there and sound; a video is there as a whole or not at all."""
    try:
        assert troubles(folder) == []
    except NoLibrary:
        assert not told
        return
    found = told_by(folder)
    assert_units_kept(folder, told)
    visible = {path for path in PATHS if path in found}
    if "swapped" in told:
        assert found == undisturbed
    if found["generation"] == RED.name:
        finished = {word.split()[2] for word in told if word.startswith("finished red")}
        gone = {PATHS[1]} if "forgot" in told else set()
        assert finished - {PATHS[1]} <= visible, "a video that was acknowledged cannot be searched"
        assert not gone & visible
        assert all(found[path][4][0] == 13 + 14 for path in visible), "a video is there by half"


def assert_units_kept(folder: Path, told: list[str]) -> None:
    with Library.open(folder) as library:
        known = library.known()
        for generation in filter(None, (library.current(), library.building())):
            for word in told:
                kind, _, rest = word.partition(" ")
                if kind == "unit" and (parts := rest.split())[0] == generation.name and parts[1] in known:
                    units = library.units(known[parts[1]].content, generation)
                    assert units[int(parts[2])].done is not None, f"lost: {word}"


def break_and_mend(folder: Path, fail_at: str, expected: int, undisturbed: dict) -> bool:
    """One trial; False when the story was over before the step."""
    code, told = tell(folder, fail_at)
    if code == 0:
        return False
    assert code == expected
    assert_nothing_lost(folder, told, undisturbed)
    assert tell(folder)[0] == 0
    assert told_by(folder) == undisturbed
    assert troubles(folder) == []
    with Library.open(folder) as library:
        assert library.check(deep=True) == []
    return True


def test_a_kill_at_sampled_steps_loses_nothing(tmp_path, undisturbed):
    steps = [1, 3, 5, *range(8, 300, 19)]
    tried = [break_and_mend(tmp_path / str(n), str(n), 137, undisturbed) for n in steps]
    assert sum(tried) >= 12


@pytest.mark.slow
def test_a_kill_at_every_step_loses_nothing(tmp_path, undisturbed):
    for n in range(1, STEPS):
        if not break_and_mend(tmp_path / str(n), str(n), 137, undisturbed):
            break
    assert 150 < n < STEPS


def test_a_second_kill_while_mending_the_first_loses_nothing(tmp_path, undisturbed):
    draw = random.Random(23)
    for trial in range(3):
        folder, told = tmp_path / str(trial), []
        for _ in range(3):
            told += tell(folder, str(draw.randrange(1, 150)))[1]
            assert_nothing_lost(folder, told, undisturbed)
        assert tell(folder)[0] == 0
        assert told_by(folder) == undisturbed


def test_the_environment_ends_a_process_at_a_step_and_counts_steps(tmp_path):
    script = "import sys; from pathlib import Path; from library_story import story; story(Path(sys.argv[1]))"
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parent), *sys.path]))
    count = tmp_path / "count"

    def run(folder: str, **environment: str) -> int:
        command = [sys.executable, "-c", script, str(tmp_path / folder)]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": paths, **environment}).returncode

    assert run("whole", SIGHTLINE_FAIL_COUNT=str(count)) == 0
    steps = int(count.read_text())
    assert run("almost", SIGHTLINE_FAIL_AT=str(steps)) == 137
    assert run("beyond", SIGHTLINE_FAIL_AT=str(steps + 1)) == 0


@pytest.mark.slow
def test_two_hundred_kills_at_random_moments_lose_nothing(tmp_path, undisturbed):
    draw = random.Random(29)
    for trial in range(200):
        folder = tmp_path / str(trial)
        child = os.fork()
        if child == 0:
            story(folder)
            os._exit(0)
        time.sleep(draw.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert_nothing_lost(folder, [], undisturbed)
        assert tell(folder)[0] == 0
        assert told_by(folder) == undisturbed


def test_an_unfinished_unit_is_the_only_one_repeated(tmp_path):
    library = Library.open(tmp_path / "library", create=True)
    red = library.generation_for(RED, SAMPLING)
    content = library.place(PATHS[0], stat_of(PATHS[0]), "digest of " + PATHS[0])
    library.plan(content, red, {}, [(0, 60), (60, 120), (120, 180)])
    unit = library.claim(red, "one who dies", lease=0.0)
    library.commit(unit, seen(PATHS[0], red, 0), "one who dies")
    library.claim(red, "one who dies", lease=0.0)
    repeated = library.claim(red, "another")
    assert (repeated.number, repeated.attempts) == (1, 2)
    assert library.claim(red, "another").number == 2
    assert library.claim(red, "another") is None
