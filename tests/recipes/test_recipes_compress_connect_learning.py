"""Systems that compress and connect, trained at `tiny` from three seeds, each beside itself without its idea.

Every test prints its figures. A system has to be better than chance by more than two standard errors of the exam. Which
of them are also better than without their idea at this size is a finding, and stands in LOG.md.
"""

import statistics

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.recipes.system_run import run_system, systems  # noqa: E402

SEEDS = (0, 1, 2)
NAMES = [name for name, told in systems().items() if told["family"] in ("compress", "connect")]


def runs(name, folder, idea):
    return [run_system(name, folder / f"{idea}{seed}", "tiny", seed, idea=idea) for seed in SEEDS]


def spread(values):
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_system_that_compresses_or_connects_is_better_than_chance(name, tmp_path):
    whole, without = (runs(name, tmp_path, idea) for idea in (True, False))
    right, other = ([run["accuracy"] for run in some] for some in (whole, without))
    gain = [one - two for one, two in zip(right, other, strict=True)]
    first = whole[0]
    print(f"\n{name}: {spread(right)}; {systems()[name]['without']}: {spread(other)}; gain {spread(gain)}")
    print(f"chance {first['chance']:.3f}, {first['tokens']:.0f} tokens, {first['seconds']:.0f} s")
    assert statistics.mean(right) > first["chance"] + 0.04
