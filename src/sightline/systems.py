"""All systems of the literature that are built here: listed, and compared at one budget, each with its own ablation.

A comparison trains every system and the same system without its idea, with several seeds, on one world, from one
language model, with as many steps and visual tokens; then all take one exam. Blind answering stands in the same table.
Each run is kept on disk under everything that decides it, so a comparison that was stopped goes on where it stood.

Shapes: names, size, seeds -> rows of mean and standard deviation
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery, require
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
    """One system, whole or without its idea: mean and sd over seeds of each figure, and of the accuracy by kind."""

    name: str
    whole: bool
    seeds: int
    figures: dict[str, dict[str, float]]
    kinds: dict[str, dict[str, float]]
    chance: float


@dataclass(frozen=True)
class Comparison:
    size: str
    tower: str
    seeds: tuple[int, ...]
    questions: int
    rows: list[Row]

    def row(self, name: str, whole: bool = True) -> Row:
        return next(row for row in self.rows if row.name == name and row.whole == whole)


def evaluate_systems(
    names: Sequence[str] | None = None,
    size: str = "small",
    seeds: Sequence[int] = (0, 1, 2),
    told: Told | None = None,
    *,
    ablations: bool = True,
) -> Comparison:
    """Trains and examines the named systems (all, without names), with the one to beat and the blind one."""
    chosen = list(dict.fromkeys([BASE, *(names or systems())]))
    unknown = [name for name in chosen if name not in systems()]
    if unknown or not seeds:
        raise BadQuery(f"there is no system {unknown}; there are {', '.join(systems())}; and a comparison needs a seed")
    require("comparing systems", "lab", "torch", "safetensors")
    runs = [(name, True) for name in chosen] + [(BASE, False)]
    if ablations:
        runs += [(name, False) for name in chosen if name != BASE]
    rows, count = [], 0
    for name, whole in runs:
        figures = [_run(name, whole, size, seed, told) for seed in seeds]
        count = figures[0]["questions"]
        rows.append(_row(name, whole, figures))
    made = Comparison(size, Eye.opened(HOME).mark, tuple(seeds), count, rows)
    _keep(made)
    return made


def _run(name: str, whole: bool, size: str, seed: int, told: Told | None) -> dict[str, Any]:
    """One run's figures; a run that is the same as another (`same_as`) is that one."""
    same = systems()[name].get("same_as")
    if not whole and same:
        name, whole = same, True
    facts = {"kind": f"{name}-{'whole' if whole else 'without'}", "seed": seed, "size": asdict(size_named(size))}
    facts |= {"tower": Eye.opened(HOME).mark, "recipe": _digest(name)}
    folder = home() / "runs" / name_of(facts)
    done = folder / FIGURES
    with alone(folder):
        if not done.is_file():
            if told:
                told(f"{name}{'' if whole else ' without its idea'}, seed {seed}")
            figures = run_system(name, folder, size, seed, idea=whole, resume=True, told=_as_text(told))
            done.write_text(json.dumps(figures), encoding="utf-8")
    kept: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return kept


def _digest(name: str) -> str:
    """Of the recipe's file: a changed recipe is another run."""
    file = PACKAGE / "recipes" / f"{name.replace('-', '_')}.py"
    return hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()


def _as_text(told: Told | None) -> Callable[[dict[str, Any]], None] | None:
    if told is None:
        return None
    return lambda entry: told(entry.get("note") or f"  step {entry.get('step')}, loss {entry.get('loss', 0):.3f}")


def _row(name: str, whole: bool, runs: Sequence[Mapping[str, Any]]) -> Row:
    figures = {
        column: spread([run[column] for run in runs]) for column in COLUMNS if all(column in run for run in runs)
    }
    kinds = {kind: spread([run["kinds"][kind] for run in runs]) for kind in runs[0]["kinds"]}
    return Row(name, whole, len(runs), figures, kinds, float(runs[0]["chance"]))


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard deviation over seeds (0 for one)."""
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0}


def _keep(comparison: Comparison) -> None:
    """Remembers the newest figures of each system for `list_systems`."""
    last = _last_figures()
    for row in comparison.rows:
        part = last.setdefault(row.name, {})
        part["whole" if row.whole else "without"] = row.figures
        part["size"], part["seeds"], part["chance"] = comparison.size, row.seeds, row.chance
    path = home() / FIGURES
    path.write_text(json.dumps({"tower": comparison.tower, "systems": last}, indent=1), encoding="utf-8")


def as_table(comparison: Comparison) -> str:
    """Markdown: one row per system, its ablation beside it."""
    head = ["system", "accuracy", "without its idea", "gain", "hit", "IoP", "IoU", "tokens", "MFLOP", "ms", "MB"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    chance = comparison.rows[0].chance
    lines.append(f"| chance | {chance:.3f} |{' |' * (len(head) - 2)}")
    ablated = {row.name: row for row in comparison.rows if not row.whole}
    for row in (row for row in comparison.rows if row.whole):
        lines.append(_line(row, ablated.get(row.name)))
    return "\n".join(lines)


def _line(row: Row, without: Row | None) -> str:
    def shown(column: str, form: str = ".3f", scale: float = 1.0) -> str:
        if column not in row.figures:
            return ""
        mean, sd = (row.figures[column][part] / scale for part in ("mean", "sd"))
        return f"{mean:{form}} ± {sd:{form}}" if column in ("accuracy", "hit") else f"{mean:{form}}"

    own = row.figures["accuracy"]["mean"]
    less = without.figures["accuracy"] if without else None
    cells = [row.name, shown("accuracy")]
    cells += [f"{less['mean']:.3f} ± {less['sd']:.3f}", f"{own - less['mean']:+.3f}"] if less else ["", ""]
    cells += [shown("hit"), shown("iop"), shown("iou"), shown("tokens", ".0f"), shown("flops", ".1f", 1e6)]
    cells += [shown("milliseconds", ".1f"), shown("peak_bytes", ".1f", 1e6)]
    return f"| {' | '.join(cells)} |"


def kinds_table(comparison: Comparison) -> str:
    """Markdown: accuracy by kind of question."""
    kinds = sorted(comparison.rows[0].kinds)
    lines = [f"| system | {' | '.join(kinds)} |", f"|{'---|' * (len(kinds) + 1)}"]
    for row in comparison.rows:
        name = row.name if row.whole else f"{row.name} without its idea"
        lines.append(f"| {name} | {' | '.join(format(row.kinds[kind]['mean'], '.3f') for kind in kinds)} |")
    return "\n".join(lines)
