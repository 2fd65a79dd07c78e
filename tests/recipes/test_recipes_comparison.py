"""The comparison: every run once, means and spreads over seeds, the blind one beside, figures that can be listed."""

import statistics
from dataclasses import replace

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


def test_only_what_is_kept_is_told_and_the_rest_is_named(compared, monkeypatch):
    made, _ = compared
    monkeypatch.setattr(systems, "run_system", None)  # nothing can be trained
    some = systems.evaluate_systems(["similar", "vila", "gcg-paper"], "mini", (0, 1, 2), kept=True)
    assert some.row("similar") == made.row("similar")  # two seeds of three
    assert some.row("vila", whole=False).accuracies == made.row("uniform-linear").accuracies  # it is the same run
    assert some.find("vila") is None and ("vila", True, 0) in some.missing
    assert ("similar", True, 2) in some.missing and ("similar", True, 0) not in some.missing


def test_nothing_kept_is_no_page(compared, tmp_path, monkeypatch):
    from sightline.systems_page import write_page

    none = systems.evaluate_systems(["vila"], "mini", (97,), kept=True)
    assert none.rows == [] and none.questions == 0
    with pytest.raises(BadQuery, match="nothing is kept"):
        write_page(none, tmp_path / "page.md", "sightline systems")


def test_a_gain_is_that_of_the_seeds_that_both_have(compared):
    row = compared[0].row("similar")
    whole, without = (
        replace(row, accuracies={0: 0.5, 1: 0.7, 2: 0.9}),
        replace(row, accuracies={1: 0.6, 2: 0.5, 3: 0.1}),
    )
    assert systems.gain(whole, without) == {
        "mean": pytest.approx(0.25),
        "sd": pytest.approx(statistics.stdev([0.1, 0.4])),
    }
    assert systems.gain(replace(row, accuracies={7: 1.0}), without) is None


def test_the_page_holds_every_run_its_command_and_its_plots(compared, tmp_path):
    from sightline.systems_page import FAMILIES, write_page

    made, _ = compared
    files = write_page(made, tmp_path / "page.md", "sightline systems similar --size mini")
    page = files[0].read_text(encoding="utf-8")
    assert "`sightline systems similar --size mini`" in page and made.tower in page and made.made[0] in page
    assert f"{made.questions} questions" in page and "seeds 0, 1" in page
    assert f"{made.row('pllava').figures['accuracy']['mean']:.3f}" in page
    assert all(title in page for title in FAMILIES.values())
    assert page.count("| blind: ") == 3 and "Not trained yet" not in page
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table[: table.index(next(x for x in table if "pllava" in x))]}) == 1
    for picture in files[1:]:
        assert f"(pictures/{picture.name})" in page and picture.read_text(encoding="utf-8").endswith("</svg>\n")
    assert {path.name for path in files[1:]} >= {
        "comparison-tokens.svg",
        "comparison-frames.svg",
        "comparison-curves.svg",
    }


def test_a_family_is_judged_by_its_gains_against_their_spread(compared):
    from sightline.systems_page import verdict

    made, _ = compared
    row = made.row("similar")

    def of(name, whole, *accuracies):
        figures = row.figures | {"accuracy": systems.spread(accuracies)}
        return replace(row, name=name, whole=whole, figures=figures, accuracies=dict(enumerate(accuracies)))

    rows = [of("similar", True, 0.5, 0.6), of("similar", False, 0.4, 0.49), of("vila", True, 0.2, 0.4)]
    rows += [of("vila", False, 0.3, 0.3), of("gcg", True, 0.2, 0.21), of("gcg", False, 0.4, 0.4)]
    said = verdict(replace(made, rows=rows), "choose")
    assert "1 of 3 ideas gained more than one standard deviation (`similar`)" in said
    one = [replace(row, accuracies={0: row.accuracies[0]}) for row in rows]
    assert "nothing is said about gains" in verdict(replace(made, rows=one), "choose")
    assert "1 lost more than that (`gcg`); 1 did neither" in said and "Best of 3: `similar` with 0.550" in said


def test_spread_is_the_mean_and_the_sample_deviation():
    assert systems.spread([0.5, 0.7, 0.9]) == {"mean": pytest.approx(0.7), "sd": pytest.approx(0.2)}
    assert systems.spread([0.5]) == {"mean": 0.5, "sd": 0.0}
    assert systems.spread([1.0, 4.0])["sd"] == statistics.stdev([1.0, 4.0])


def test_a_system_that_is_not_there_is_refused():
    with pytest.raises(BadQuery, match="nothing"):
        systems.evaluate_systems(["nothing"], "mini")


def test_a_single_seed_is_told_without_a_spread(compared):
    made, _ = compared
    row = made.row("similar")
    assert "±" in " ".join(systems.cells(row, made.row("similar", whole=False)))
    alone = replace(row, seeds=1, accuracies={0: row.accuracies[0]})
    assert "±" not in " ".join(systems.cells(alone, replace(made.row("similar", whole=False), seeds=1)))


def test_who_shows_no_tokens_has_no_dot_over_their_number(compared):
    from sightline.systems_page import against

    made, _ = compared
    nothing = {"mean": 0.0, "sd": 0.0}
    rows = [replace(r, figures=r.figures | {"tokens": nothing}) if r.name == "pllava" else r for r in made.rows]
    plot = against(replace(made, rows=rows), "tokens")
    assert all("pllava" not in (line.names or ()) for line in plot.lines)
