"""A miniature of the systems' world: a few short videos, and a language model that has hardly learned."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    """The size "mini": 6 videos of 11 frames. Gives (start, kept to learn on, kept for the exam)."""
    import torch

    from sightline.data.storybook.dials import Dials
    from sightline.recipes import starting_lm
    from sightline.recipes.questions_seen import World
    from sightline.training.kept import home

    patch = pytest.MonkeyPatch()
    patch.setenv("SIGHTLINE_CACHE", str(tmp_path_factory.mktemp("seen")))
    torch.set_num_threads(1)
    dials = Dials(seconds=12.0, scenes=3, things=(2, 3))
    size = replace(
        starting_lm.SIZES["tiny"],
        learn=World(6, 12, each=6, dials=dials),
        exam=World(3, 12, each=5, split="test", seed=1, dials=dials),
        width=20,
        layers=2,
        choose=3,
        tokens=12,
        start_steps=3,
        steps=4,
        batch=5,
    )
    patch.setitem(starting_lm.SIZES, "mini", size)
    assert home().is_dir()
    learn, exam = starting_lm.data_of(size)
    yield starting_lm.start_of(size), learn, exam
    patch.undo()
