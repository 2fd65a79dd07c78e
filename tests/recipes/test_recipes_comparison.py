"""The comparison: every run once, means and spreads over seeds, the blind one beside, figures that can be listed."""

import statistics

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline import systems  # noqa: E402
from sightline.errors import BadQuery  # noqa: E402
from sightline.recipes.system_run import systems as told  # noqa: E402


@pytest.fixture(scope="module")
def compared(mini):
    said = []
    made = systems.evaluate_systems(["similar", "pllava"], "mini", (0, 1), said.append)
    return made, said


def test_every_system_stands_beside_its_ablation_and_the_blind_one(compared):
    made, _ = compared
    assert {(row.name, row.whole) for row in made.rows} == {
        (name, whole) for name in ("uniform-linear", "similar", "pllava") for whole in (True, False)
    }
    assert made.row("uniform-linear", whole=False).figures["tokens"]["mean"] == 0
    assert made.row("similar").figures["tokens"]["mean"] <= 12
    assert made.row("similar", whole=False).figures["accuracy"] == made.row("uniform-linear").figures["accuracy"]


def test_a_run_is_not_repeated(compared, monkeypatch):
    made, said = compared
    assert any("similar, seed 1" in line for line in said)
    monkeypatch.setattr(systems, "run_system", None)
    assert systems.evaluate_systems(["similar", "pllava"], "mini", (0, 1)) == made


def test_a_changed_recipe_is_another_run(compared, monkeypatch):
    monkeypatch.setattr(systems, "_digest", lambda name: "changed")
    monkeypatch.setattr(systems, "run_system", lambda *a, **b: pytest.fail("trained again"))
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        systems.evaluate_systems(["similar"], "mini", (0,))


def test_the_list_tells_the_last_figures(compared):
    made, _ = compared
    listed = {system.name: system for system in systems.list_systems()}
    assert set(listed) == set(told())
    assert listed["similar"].figures["whole"]["accuracy"] == made.row("similar").figures["accuracy"]
    assert "tests/recipes/test_recipes_systems.py" in listed["gcg"].tests
    assert listed["gcg"].file == "sightline/recipes/gcg.py"


def test_the_tables_hold_every_system_and_kind(compared):
    made, _ = compared
    table = systems.as_table(made)
    assert all(f"| {name} |" in table for name in ("chance", "uniform-linear", "similar", "pllava"))
    assert len({line.count("|") for line in table.splitlines()}) == 1
    assert all(kind in systems.kinds_table(made) for kind in made.rows[0].kinds)


def test_spread_is_the_mean_and_the_sample_deviation():
    assert systems.spread([0.5, 0.7, 0.9]) == {"mean": pytest.approx(0.7), "sd": pytest.approx(0.2)}
    assert systems.spread([0.5]) == {"mean": 0.5, "sd": 0.0}
    assert systems.spread([1.0, 4.0])["sd"] == statistics.stdev([1.0, 4.0])


def test_a_system_that_is_not_there_is_refused():
    with pytest.raises(BadQuery, match="nothing"):
        systems.evaluate_systems(["nothing"], "mini")
