"""The comparison of systems as a page for a stranger, with its plots: every figure, date and verdict from the runs.

Shapes: a comparison -> docs/comparison.md and SVG files in the folder `pictures` beside it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.errors import BadQuery
from sightline.exports.plot import Line, Plot, svg
from sightline.exports.writing import one_line, write_text
from sightline.recipes.imbalanced import found_by, given_by, rules
from sightline.recipes.questions_seen import World, seen_world
from sightline.recipes.starting_lm import size_named
from sightline.recipes.system_run import from_pretrained, systems
from sightline.systems import BASE, Comparison, Row, cells, folder_of, gain, kinds_table
from sightline.training.kept import evidence

Told = Callable[[str], None]
Array = Any

FAMILIES = {
    "choose": "Systems that choose a few frames and show their tokens as they are",
    "compress": "Systems that fold all frames into the same number of tokens",
    "connect": "Systems that differ in how visual tokens enter the language model",
}
COLUMNS = {
    "system": "the name it is trained under (`sightline train NAME`); `chance` and the rows called blind see no video",
    "seeds": "how many runs with other beginnings and another order of questions the row is the mean of",
    "accuracy": "share of the exam's questions answered right: the language model is surer of the right option than of "
    "each other; mean ± standard deviation over the seeds",
    "without": "the same for the system without the idea that makes it this system, trained with the same budget",
    "gain": "the difference of the two, seed by seed: mean ± standard deviation",
    "hit": "for systems that choose frames: share of questions where a chosen frame is one that the answer rests on",
    "IoP": "of the chosen frames, the share that the answer rests on",
    "IoU": "chosen frames that the answer rests on, among all that are chosen or that it rests on",
    "tokens": "visual tokens shown to the language model per question",
    "MFLOP": "million floating point operations per question, counted, from the kept tower features to the scores",
    "ms": "milliseconds per question on one thread of the machine it was run on, in batches of 64",
    "kB": "thousand bytes per question that tensors held at most, on top of the weights",
}
MOST_CURVES = 5


def write_page(comparison: Comparison, out: Path, command: str, told: Told | None = None) -> list[Path]:
    """Writes the page and its pictures; says which files."""
    if not comparison.rows:
        raise BadQuery("nothing is kept of these systems at this size and tower; leave --kept out to train them")
    folder = out.parent / "pictures"
    drawn = {"tokens": against(comparison, "tokens"), "flops": against(comparison, "flops")}
    drawn["frames"] = hits(size_named(comparison.size).exam, told)
    scored = curves(comparison, told)
    drawn |= {"curves": scored} if scored else {}
    files = [write_text(folder / f"comparison-{name}.svg", svg(plot)) for name, plot in drawn.items()]
    return [write_text(out, page(comparison, command, drawn)), *files]


def page(comparison: Comparison, command: str, plots: dict[str, Plot]) -> str:
    size = size_named(comparison.size)
    days = " to ".join(dict.fromkeys(comparison.made))
    parts = [
        "# Systems compared",
        f"Written by `{command}`; every figure below is read from runs, none is typed. Runs of {days}, size "
        f"{comparison.size}, seeds {', '.join(map(str, comparison.seeds))}, {comparison.questions} questions, tower "
        f"`{comparison.tower}`.",
        f"Every system sees the same {size.learn.videos} drawn videos of {size.learn.frames} frames through the same "
        f"frozen tower, begins with the same small language model, learns {size.steps} steps of {size.batch} questions "
        f"(where a recipe has stages, shares of that) and may show at most {size.tokens} visual tokens; who chooses "
        f"frames, chooses {size.choose}. Then all answer the same questions about {size.exam.videos} other videos. "
        "Settings are to be chosen on a third set, by which `sightline train` reports. These are small models in a "
        "small drawn world: the page tells what an idea adds here, not what a published model scores.",
        "\n".join(f"- **{name}**: {meaning}." for name, meaning in COLUMNS.items()),
        "## Figures",
        _table(comparison),
        *(f"### {title}\n\n{verdict(comparison, family)}" for family, title in FAMILIES.items()),
        *(f"![{one_line(plot.title)}](pictures/comparison-{name}.svg)" for name, plot in plots.items()),
        "## By kind of question",
        kinds_table(comparison),
        _missing(comparison),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(comparison: Comparison) -> str:
    """Chance, the blind, the one to beat, then family by family."""
    head = list(COLUMNS)
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines.append(f"| chance | | {comparison.rows[0].chance:.3f} |{' |' * (len(head) - 3)}")
    for name, accuracy in blind(size_named(comparison.size).exam).items():
        lines.append(f"| blind: {name} | | {accuracy:.3f} |{' |' * (len(head) - 3)}")
    order = {name: place for place, name in enumerate(FAMILIES)}
    rows = [row for row in comparison.rows if row.whole or row.name == BASE or _alone(comparison, row)]
    rows.sort(key=lambda row: (row.name != BASE, row.whole, order[systems()[row.name]["family"]], row.name))
    for row in rows:
        told = cells(row, comparison.find(row.name, whole=False))
        if row.name == BASE and not row.whole:
            told[0] = "blind: the language model, trained without pictures"
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join(lines)


def _alone(comparison: Comparison, row: Row) -> bool:
    """An ablation whose system is not trained yet, unless it is a run that has its own row."""
    return comparison.find(row.name) is None and not systems()[row.name].get("same_as")


def blind(world: World) -> dict[str, float]:
    """Who answers the exam's questions without looking, having learned from half of them (data/storybook/blind.py)."""
    from sightline.data.storybook.blind import blind_baselines
    from sightline.data.storybook.questions import questions
    from sightline.data.storybook.script import random_script
    from sightline.recipes.questions_seen import name_of

    scripts = [random_script(world.seed * 1_000_003 + k, world.dials, world.split) for k in range(world.videos)]
    asked = [question for script in scripts for question in questions(script, world.each, world.kinds, world.seed)]
    every = blind_baselines(asked, {name_of(script): script for script in scripts})[-1]
    return {"options alone": every.options_only, "question and options": every.question_and_options}


def verdict(comparison: Comparison, family: str) -> str:
    """A paragraph on a family, computed: whose idea gained more than one standard deviation, who is best."""
    own = [row for row in comparison.rows if row.whole and systems()[row.name]["family"] == family and row.name != BASE]
    pairs = [(row, comparison.find(row.name, whole=False)) for row in own]
    gains = {row.name: more for row, without in pairs if (more := _with_spread(row, without))}
    if not own:
        return "No run of this family is kept yet."
    best = max(own, key=lambda row: row.figures["accuracy"]["mean"])
    told = [f"Best of {len(own)}: `{best.name}` with {_as_text(best.figures['accuracy'])}."]
    if not gains:
        return " ".join([*told, "No two seeds of a system and its ablation are there, so nothing is said about gains."])
    up, down = ([name for name, g in gains.items() if way * g["mean"] > g["sd"]] for way in (1, -1))
    told.append(f"{len(up)} of {len(gains)} ideas gained more than one standard deviation{_names(up)};")
    told.append(f"{len(down)} lost more than that{_names(down)}; {len(gains) - len(up) - len(down)} did neither.")
    base = comparison.find(BASE)
    if base:
        ahead = [row.name for row in own if (g := _with_spread(row, base)) and g["mean"] > g["sd"]]
        told.append(f"{len(ahead)} answer more than `{BASE}` by that measure{_names(ahead)}.")
    looks = {row.name: row.figures["hit"]["mean"] for row in own if "hit" in row.figures}
    if looks:
        told.append(
            f"Evidence is found most often by `{max(looks, key=lambda n: looks[n])}` ({max(looks.values()):.3f})."
        )
    return " ".join(told)


def _with_spread(row: Row, other: Row | None) -> dict[str, float] | None:
    """The gain where two seeds or more have both: one has no spread to measure it by."""
    both = row.accuracies.keys() & (other.accuracies.keys() if other else set())
    return gain(row, other) if other and len(both) > 1 else None


def _names(names: Sequence[str]) -> str:
    return f" ({', '.join(f'`{name}`' for name in names)})" if names else ""


def _as_text(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} ± {figure['sd']:.3f}"


def _missing(comparison: Comparison) -> str:
    if not comparison.missing:
        return ""
    by_run: dict[str, list[str]] = {}
    for name, whole, seed in comparison.missing:
        if not whole and systems()[name].get("same_as"):
            continue
        by_run.setdefault(name if whole else f"{name} without its idea", []).append(str(seed))
    lines = [f"- {name}: seeds {', '.join(seeds)}" for name, seeds in by_run.items()]
    return "\n".join(["## Not trained yet", "", *lines])


# --- plots --------------------------------------------------------------------------------------------------------


def against(comparison: Comparison, column: str) -> Plot:
    """Accuracy against what it costs: a dot per system, bars of one standard deviation; who spends nothing has none."""
    axis, unit = {
        "tokens": ("visual tokens per question", 1),
        "flops": ("million floating point operations per question", 1e6),
    }[column]
    spent = [row for row in comparison.rows if row.figures[column]["mean"] > 0]

    def line(name: str, rows: Sequence[Row]) -> Line:
        x = [row.figures[column]["mean"] / unit for row in rows]
        y = [row.figures["accuracy"]["mean"] for row in rows]
        error = [row.figures["accuracy"]["sd"] for row in rows]
        return Line(name, x, y, error, joined=False, names=[row.name for row in rows])

    families = {
        family: [row for row in spent if row.whole and systems()[row.name]["family"] == family] for family in FAMILIES
    }
    lines = [line(family, rows) for family, rows in families.items() if rows]
    without = [row for row in spent if not row.whole]
    return Plot(
        f"Accuracy against {axis.removesuffix(' per question')}",
        axis,
        "accuracy",
        [*lines, *([line("without their ideas", without)] if without else [])],
        log=True,
    )


def hits(world: World, told: Told | None = None) -> Plot:
    """How often training-free rules find the evidence with K frames, scored by the question."""
    given = given_by(world, 0.999, told)
    ks = [k for k in (1, 2, 4, 8, 16, 32) if k <= world.frames // 2]
    names = ("uniform", "similarity", "suppressed-similarity", "merged-by-features", "steepest", "mmr")
    lines = []
    for name in names:
        found = [found_by(given, name, rules()[name], k, "question") for k in ks]
        lines.append(Line(name, ks, [row.hit for row in found], [row.error for row in found]))
    return Plot("Evidence found with K frames, nothing trained", "K frames", "hit", lines, log=True)


def curves(comparison: Comparison, told: Told | None = None) -> Plot | None:
    """What trained choosers think of each frame of one video; dots are the frames they chose.

    The video is the exam's first whose asked moment is the shortest; scores are stretched to 0..1.
    """
    from sightline.training.batches import Batches

    kept = seen_world(size_named(comparison.size).exam, told=told)
    lit = [
        evidence(kept.seconds[kept.films[q.video]], kept.mask[kept.films[q.video]], q.seconds) for q in kept.questions
    ]
    row = min(range(len(lit)), key=lambda k: (not lit[k].any(), lit[k].sum(), k))
    asked = kept.questions[row]
    chosen = [own for own in comparison.rows if own.whole and "hit" in own.figures]
    chosen.sort(key=lambda own: -own.figures["hit"]["mean"])
    lines: list[Line] = []
    for own in chosen:
        folder = folder_of(own.name, True, comparison.size, min(own.accuracies))
        if len(lines) == MOST_CURVES or not (folder / "model.safetensors").is_file():
            continue
        model, start = from_pretrained(folder)
        line = _curve(
            own.name,
            model.see(Batches(kept, start.tokenizer).batch([row])).choice,
            kept.seconds[kept.films[asked.video]],
        )
        lines += [line] if line else []
    title = f"Scores over one video: {asked.question}"
    return Plot(title, "seconds", "score, stretched to 0..1", lines, lit=asked.seconds) if lines else None


def _curve(name: str, choice: Any, seconds: Array) -> Line | None:
    """None where all frames score the same."""
    scores = choice.scores[0].detach().double().numpy()
    low, high = scores.min(), scores.max()
    if not np.isfinite([low, high]).all() or high <= low:
        return None
    marked = np.zeros(len(scores), bool)
    marked[choice.index[0].numpy()] = True
    return Line(
        name, np.asarray(seconds, float).tolist(), ((scores - low) / (high - low)).tolist(), marked=marked.tolist()
    )
