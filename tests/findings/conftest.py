"""A miniature of the findings: a few questions a seed, fewer frames, a few steps of what learns."""

from dataclasses import replace

import pytest


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The size "mini" for findings; gives its `Scale`."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    import torch

    from sightline.findings import (
        folded_stills,
        guided_pooling,
        longer_videos,
        prompters,
        rare_evidence,
        repeated_stills,
    )
    from sightline.findings.seen import Scale
    from sightline.recipes import starting_lm

    patch = pytest.MonkeyPatch()
    patch.setenv("SIGHTLINE_CACHE", str(tmp_path_factory.getbasetemp() / "findings"))
    torch.set_num_threads(1)
    tiny = starting_lm.SIZES["tiny"]
    patch.setitem(starting_lm.SIZES, "mini", replace(tiny, exam=replace(tiny.exam, videos=4)))
    for module, name, value in (
        (rare_evidence, "FRAMES", 24),
        (rare_evidence, "MOST", 0.2),
        (rare_evidence, "SCENES", (4, 8)),
        (rare_evidence, "KS", (2, 4)),
        (guided_pooling, "LENGTHS", (8, 16)),
        (guided_pooling, "MIDDLE", 16),
        (prompters, "STEPS", 3),
        (folded_stills, "STEPS", 3),
        (longer_videos, "STEPS", 3),
        (repeated_stills, "COPIES", (1, 2)),
        (repeated_stills, "LENGTHS", (16, 32)),
    ):
        patch.setattr(module, name, value)
    yield Scale("mini", (0, 1))
    patch.undo()
