"""Puts the drawing of test media on the path and keeps every test off the network."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE / "media"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

SHARED_CLIPS = HERE.parents[1] / "shared" / "data" / "clips"


def pytest_configure(config):
    config.addinivalue_line("markers", 'formula("station/part", …): the second writing that proves a part')


@pytest.fixture(autouse=True)
def _the_same_chance():
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def shared_clip():
    """The path of a public clip by its name; the test is skipped where the clips are not at hand."""

    def find(name: str) -> Path:
        path = SHARED_CLIPS / name
        if not path.is_file():
            pytest.skip(f"the public clip {name} is not in {SHARED_CLIPS}")
        return path

    return find
