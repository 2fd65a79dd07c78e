"""The same seed draws the same bytes again, here and in another process; its speed is measured, never asserted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sightline.cli.main import main
from sightline.data.storybook import speed
from sightline.data.storybook.draw import frames, picture
from sightline.data.storybook.script import random_script


@pytest.mark.parametrize("seed", [7, 4_001])
def test_a_seed_draws_the_same_bytes_twice_and_in_another_process(seed: int) -> None:
    first = speed.digest(seed)
    assert speed.digest(seed) == first == speed.digest_elsewhere(seed)
    assert speed.digest(seed + 1) != first


def test_what_is_kept_from_other_scripts_does_not_change_a_picture() -> None:
    fresh = np.asarray(picture(random_script(7), 9.0, (320, 180)))
    for seed in range(30, 36):
        frames(random_script(seed), (320, 180), every=2.0)
    assert np.array_equal(np.asarray(picture(random_script(7), 9.0, (320, 180))), fresh)


def test_the_command_tells_every_rate_and_whether_the_bytes_are_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed, "SIZES", {"64": 64, "wide": (96, 54)})
    monkeypatch.setattr(speed, "SCRIPTS", 1)
    assert main(["storybook", "speed", "--encoder", "colour", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["same_here"] and told["same_elsewhere"]
    assert set(told["drawing"]) == {"64", "wide"}
    assert all(rate > 0 for rate in (*told["drawing"].values(), told["writing"], told["seeing"]))


def test_the_blind_table_is_printed_for_as_many_questions_as_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storybook", "blind", "--n", "321", "--split", "test"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("321 questions about") and printed[-1].split()[:2] == ["all", "321"]
