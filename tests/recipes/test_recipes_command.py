"""The commands over systems: what can be trained is listed, a run tells its terms, a wrong name is one line."""

import json
from argparse import Namespace

import pytest

from sightline.cli.main import main
from sightline.recipes.system_run import systems


def test_systems_are_listed_without_training_any(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path))
    assert main(["list", "systems", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["systems"]
    assert {system["name"] for system in listed} == set(systems())
    assert all(system["command"].startswith("sightline train ") and system["figures"] == {} for system in listed)
    assert main(["list", "systems"]) == 0
    assert "gcg-released" in capsys.readouterr().out


def test_training_tells_every_term_and_ends_with_figures(mini, capsys, tmp_path):
    assert main(["train", "gcg", "--size", "mini", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert all(word in told.err for word in ("ground", "regression", "contrast", "options", "words"))
    assert "accuracy" in told.out and "hit" in told.out
    assert {path.name for path in tmp_path.iterdir()} >= {
        "model.safetensors",
        "system.json",
        "tokenizer.json",
        "log.jsonl",
    }


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(mini, tmp_path):
    from safetensors.torch import load_file

    for folder, more in (("whole", []), ("parts", ["--stop-after", "2"]), ("parts", ["--resume"])):
        assert main(["train", "vila", "--size", "mini", "--out", str(tmp_path / folder), *more]) == 0
    whole, parts = (load_file(str(tmp_path / name / "model.safetensors")) for name in ("whole", "parts"))
    assert all(bool((whole[name] == parts[name]).all()) for name in whole) and whole.keys() == parts.keys()


def test_a_name_that_is_no_system_is_told_in_one_line(capsys, tmp_path):
    assert main(["train", "gcgg", "--out", str(tmp_path)]) == 1
    assert "there is no recipe 'gcgg'; there are" in capsys.readouterr().err


def test_own_data_is_for_systems_alone(capsys, tmp_path):
    pytest.importorskip("torch")
    assert main(["train", "built-in", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "storybook alone" in capsys.readouterr().err


def test_a_comparison_prints_its_tables(mini, capsys):
    from sightline.cli.systems import run

    asked = Namespace(names=["similar"], size="mini", seeds=[3], no_ablations=True, imbalanced=False, json=False)
    asked.kept, asked.write = False, None
    assert run(asked) == 0
    told = capsys.readouterr().out
    assert "| uniform-linear |" in told and "| similar |" in told and "colour" in told
