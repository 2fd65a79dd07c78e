"""Commands that need torch say in one line how to get it, wherever they are asked."""

import pytest

from sightline import errors
from sightline.cli.main import main


@pytest.mark.parametrize(
    "command",
    [
        ("systems", "similar", "--size", "tiny"),
        ("systems", "--imbalanced"),
        ("train", "pllava", "--size", "tiny", "--out", "out"),
    ],
    ids=" ".join,
)
def test_without_torch_a_command_of_the_lab_is_one_line_with_the_cure(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(errors, "find_spec", lambda module: None)
    assert main(list(command)) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and told[0].endswith("pip install 'sightline[lab]'")


def test_asking_too_few_questions_is_refused_in_words(capsys):
    assert main(["evaluate", "asking", "--n", "1"]) == 1
    assert "--n and --videos of 2 at least" in capsys.readouterr().err
