"""All systems of the literature that are built here: listed, and compared at one budget, each with its own ablation.

A comparison trains every system and the same system without its idea, with several seeds, on one world, from one
language model, with as many steps and visual tokens; then all take one exam. Blind answering stands in the same table.
Each run is kept on disk under everything that decides it, so a comparison that was stopped goes on where it stood, and
what is kept can be shown at any time (`kept=True`: trains nothing, names what is missing).

Shapes: names, size, seeds -> rows of mean and standard deviation
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery, require
from sightline.exports.writing import replacing
from sightline.recipes.questions_seen import Eye
from sightline.recipes.starting_lm import HOME, size_named
from sightline.recipes.system_run import run_system, systems
from sightline.training.kept import alone, home, name_of

Told = Callable[[str], None]

PACKAGE = Path(__file__).parent
TESTS = PACKAGE.parents[1] / "tests" / "recipes"  # not there in an installed package
BASE = "uniform-linear"  # without its idea it is blind
COLUMNS = ("accuracy", "hit", "iop", "iou", "tokens", "flops", "milliseconds", "peak_bytes", "seconds")
FIGURES = "figures.json"
VERSION = 3  # raised when the same run would give other figures


@dataclass(frozen=True)
class SystemFacts:
    """One system: where it is from, what it costs, what proves it. `figures` are those of the last comparison here."""

    name: str
    title: str
    paper: str
    family: str
    idea: str
    without: str
    file: str
    command: str
    minutes: float | None
    tests: list[str]
    figures: dict[str, Any]


def list_systems() -> list[SystemFacts]:
    """Every system, by family and name; needs no torch."""
    last = _last_figures()
    order = {"choose": 0, "compress": 1, "connect": 2}
    found = [_facts(name, told, last.get(name, {})) for name, told in systems().items()]
    return sorted(found, key=lambda system: (order.get(system.family, 9), system.name))


def _facts(name: str, told: Mapping[str, Any], figures: dict[str, Any]) -> SystemFacts:
    file = PACKAGE / "recipes" / f"{name.replace('-', '_')}.py"
    tests = [
        f"tests/recipes/{path.name}"
        for path in sorted(TESTS.glob("test_*.py"))
        if f'"{name}"' in (text := path.read_text(encoding="utf-8")) or "systems()" in text
    ]
    seconds = figures.get("whole", {}).get("seconds", {}).get("mean")
    return SystemFacts(
        name=name,
        title=told["name"],
        paper=told["paper"],
        family=told["family"],
        idea=told["idea"],
        without=told["without"],
        file=str(file.relative_to(PACKAGE.parent)),
        command=f"sightline train {name} --size tiny --out DIR",
        minutes=None if seconds is None else round(seconds / 60, 1),
        tests=tests,
        figures=figures,
    )


def _last_figures() -> dict[str, Any]:
    path = home() / FIGURES
    return json.loads(path.read_text(encoding="utf-8"))["systems"] if path.is_file() else {}


# --- the comparison -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One system, whole or without its idea: mean and sd over seeds of each figure, and of the accuracy by kind.

    `accuracies` are those of the single seeds, so that two rows can be compared seed by seed.
    """

    name: str
    whole: bool
    seeds: int
    figures: dict[str, dict[str, float]]
    kinds: dict[str, dict[str, float]]
    chance: float
    accuracies: dict[int, float]


@dataclass(frozen=True)
class Comparison:
    """`missing` are runs (system, whole, seed) that were not trained yet; `made` the days on which the others were."""

    size: str
    tower: str
    seeds: tuple[int, ...]
    questions: int
    rows: list[Row]
    missing: list[tuple[str, bool, int]] = field(default_factory=list)
    made: tuple[str, str] = ("", "")

    def find(self, name: str, whole: bool = True) -> Row | None:
        return next((row for row in self.rows if row.name == name and row.whole == whole), None)

    def row(self, name: str, whole: bool = True) -> Row:
        found = self.find(name, whole)
        if found is None:
            raise BadQuery(f"the comparison has no row of {name!r}{'' if whole else ' without its idea'}")
        return found


def evaluate_systems(
    names: Sequence[str] | None = None,
    size: str = "small",
    seeds: Sequence[int] = (0, 1, 2),
    told: Told | None = None,
    *,
    ablations: bool = True,
    kept: bool = False,
) -> Comparison:
    """Trains and examines the named systems (all, without names), with the one to beat and the blind one.

    With `kept` only what was trained before is told, from fewer seeds where some are missing, and nothing is trained.
    """
    chosen = list(dict.fromkeys([BASE, *(names or systems())]))
    unknown = [name for name in chosen if name not in systems()]
    if unknown:
        raise BadQuery(f"there is no system {', '.join(unknown)}; there are {', '.join(systems())}")
    if not seeds:
        raise BadQuery("a comparison needs a seed; give --seeds 0 1 2")
    require("comparing systems", "lab", "torch", "safetensors")
    runs = [(name, True) for name in chosen] + [(BASE, False)]
    if ablations:
        runs += [(name, False) for name in chosen if name != BASE]
    rows: list[Row] = []
    missing: list[tuple[str, bool, int]] = []
    every: list[dict[str, Any]] = []
    for name, whole in runs:
        found = {seed: _run(name, whole, size, seed, told, kept) for seed in seeds}
        there = {seed: figures for seed, figures in found.items() if figures is not None}
        missing += [(name, whole, seed) for seed in seeds if seed not in there]
        rows += [_row(name, whole, there)] if there else []
        every += there.values()
    days = sorted(figure["made"] for figure in every) or [""]
    count = every[0]["questions"] if every else 0
    made = Comparison(size, Eye.opened(HOME).mark, tuple(seeds), count, rows, missing, (days[0], days[-1]))
    _keep(made)
    return made


def folder_of(name: str, whole: bool, size: str, seed: int) -> Path:
    """Where a run is kept: under all that decides it. A run that is the same as another (`same_as`) is that one."""
    same = systems()[name].get("same_as")
    if not whole and same:
        name, whole = same, True
    facts = {"kind": f"{name}-{'whole' if whole else 'without'}", "seed": seed, "size": asdict(size_named(size))}
    facts |= {"tower": Eye.opened(HOME).mark, "recipe": _digest(name), "version": VERSION}
    return home() / "runs" / name_of(facts)


def _run(name: str, whole: bool, size: str, seed: int, told: Told | None, kept: bool) -> dict[str, Any] | None:
    """One run's figures; None where it was not made and only what is `kept` is asked for."""
    done = folder_of(name, whole, size, seed) / FIGURES
    if kept:
        return json.loads(done.read_text(encoding="utf-8")) if done.is_file() else None
    same = systems()[name].get("same_as")
    name, idea = (same, True) if same and not whole else (name, whole)
    with alone(done.parent):
        if not done.is_file():
            if told:
                told(f"{name}{'' if idea else ' without its idea'}, seed {seed}")
            figures = run_system(name, done.parent, size, seed, ask="exam", idea=idea, resume=True, told=_as_text(told))
            with replacing(done) as part:
                part.write_text(json.dumps(figures | {"made": date.today().isoformat()}), encoding="utf-8")
    read: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return read


def _digest(name: str) -> str:
    """Of the recipe's file: a changed recipe is another run."""
    file = PACKAGE / "recipes" / f"{name.replace('-', '_')}.py"
    return hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()


def _as_text(told: Told | None) -> Callable[[dict[str, Any]], None] | None:
    if told is None:
        return None
    return lambda entry: told(entry.get("note") or f"  step {entry.get('step')}, loss {entry.get('loss', 0):.3f}")


def _row(name: str, whole: bool, by_seed: Mapping[int, Mapping[str, Any]]) -> Row:
    runs = list(by_seed.values())
    figures = {
        column: spread([run[column] for run in runs]) for column in COLUMNS if all(column in run for run in runs)
    }
    kinds = {kind: spread([run["kinds"][kind] for run in runs]) for kind in runs[0]["kinds"]}
    accuracies = {seed: run["accuracy"] for seed, run in by_seed.items()}
    return Row(name, whole, len(runs), figures, kinds, float(runs[0]["chance"]), accuracies)


def gain(whole: Row, without: Row) -> dict[str, float] | None:
    """What the idea added: mean and deviation of the differences seed by seed; None where no seed has both."""
    both = sorted(whole.accuracies.keys() & without.accuracies.keys())
    return spread([whole.accuracies[seed] - without.accuracies[seed] for seed in both]) if both else None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard deviation over seeds (0 for one)."""
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0}


def _keep(comparison: Comparison) -> None:
    """Remembers the newest figures of each system for `list_systems`."""
    if not comparison.rows:
        return
    last = _last_figures()
    for row in comparison.rows:
        part = last.setdefault(row.name, {})
        part["whole" if row.whole else "without"] = row.figures
        part["size"], part["seeds"], part["chance"] = comparison.size, row.seeds, row.chance
    path = home() / FIGURES
    path.write_text(json.dumps({"tower": comparison.tower, "systems": last}, indent=1), encoding="utf-8")


def as_table(comparison: Comparison) -> str:
    """Markdown: one row per system, its ablation beside it."""
    head = ["system", "seeds", "accuracy", "without its idea", "gain", "hit", "IoP", "IoU", "tokens"]
    head += ["MFLOP", "ms", "kB"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    if comparison.rows:
        lines.append(f"| chance | | {comparison.rows[0].chance:.3f} |{' |' * (len(head) - 3)}")
    ablated = {row.name: row for row in comparison.rows if not row.whole}
    for row in comparison.rows:
        if row.whole or not (comparison.find(row.name) or systems()[row.name].get("same_as")):
            lines.append(f"| {' | '.join(cells(row, ablated.get(row.name)))} |")
    return "\n".join(lines)


def cells(row: Row, without: Row | None) -> list[str]:
    """A row of the table: the system, its ablation, what it cost; one seed has no spread."""

    def shown(column: str, form: str = ".3f", scale: float = 1.0, wide: bool = False) -> str:
        if column not in row.figures:
            return ""
        figure = row.figures[column]
        return _told(figure, row.seeds) if wide else f"{figure['mean'] / scale:{form}}"

    name = row.name if row.whole else f"{row.name} without its idea"
    own = [name, str(row.seeds), shown("accuracy", wide=True)]
    if row.whole and without:
        less, more = without.figures["accuracy"], gain(row, without)
        both = row.accuracies.keys() & without.accuracies.keys()
        own += [_told(less, without.seeds), _told(more, len(both), "+.3f") if more else ""]
    else:
        own += ["", ""]
    own += [shown("hit", wide=True), shown("iop"), shown("iou"), shown("tokens", ".0f")]
    return [*own, shown("flops", ".1f", 1e6), shown("milliseconds", ".1f"), shown("peak_bytes", ".0f", 1e3)]


def _told(figure: Mapping[str, float], seeds: int, form: str = ".3f") -> str:
    return f"{figure['mean']:{form}}" + (f" ± {figure['sd']:.3f}" if seeds > 1 else "")


def kinds_table(comparison: Comparison) -> str:
    """Markdown: accuracy by kind of question."""
    kinds = sorted({kind for row in comparison.rows for kind in row.kinds})
    lines = [f"| system | {' | '.join(kinds)} |", f"|{'---|' * (len(kinds) + 1)}"]
    for row in comparison.rows:
        if not row.whole and systems()[row.name].get("same_as"):
            continue  # the same run as a row that is there
        name = row.name if row.whole else f"{row.name} without its idea"
        lines.append(f"| {name} | {' | '.join(format(row.kinds[kind]['mean'], '.3f') for kind in kinds)} |")
    return "\n".join(lines)
