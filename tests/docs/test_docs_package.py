"""The front door of the package."""

import subprocess
import sys

import pytest

import sightline


def test_every_name_at_the_front_door_is_there():
    assert all(callable(getattr(sightline, name)) for name in sightline.__all__)


def test_a_name_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(AttributeError, match="find_moments"):
        _ = sightline.serch


def test_opening_the_door_imports_nothing_heavy():
    heavy = ("numpy", "av", "onnxruntime", "torch", "sqlite3")
    code = f"import sys, sightline; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_module_of_a_verb_stays_a_module():
    import sightline.search

    assert sightline.search.__name__ == "sightline.search"
