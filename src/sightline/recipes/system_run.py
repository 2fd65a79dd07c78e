"""Trains a system by its recipe, examines it, and keeps it; opens one that was kept.

Shapes: a recipe module -> a folder with checkpoint, log, weights and system.json
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery
from sightline.recipes.questions_seen import Eye, seen_files
from sightline.recipes.starting_lm import HOME, Size, Start, blank_start, data_of, size_named, start_of
from sightline.training import policy
from sightline.training.batches import Batches
from sightline.training.examine import Figures, examine
from sightline.training.log import read_log
from sightline.training.loop import LOG, Course, Stage, learn_in_stages
from sightline.training.pretrained import facts_of, load_weights, save_weights
from sightline.training.together import join, leave

Model = Any
Told = Callable[[dict[str, Any]], None]

POLICY = {"lm": "trained 0.3"}  # where a recipe has none of its own
OWN_EXAM = (0, 5)  # of somebody's own videos, every fifth is kept for the exam


@cache
def systems() -> dict[str, dict[str, Any]]:
    """What each recipe says of its system, by the name it is trained under. Read as text: nothing is imported."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="SYSTEM")], value=ast.Dict() as told):
                    found[file.stem.replace("_", "-")] = ast.literal_eval(told)
    return found


def recipe_named(name: str) -> Any:
    if name not in systems():
        raise BadQuery(f"there is no system {name!r}; there are {', '.join(systems())}")
    return importlib.import_module(f"sightline.recipes.{name.replace('-', '_')}")


def stages_of(recipe: Any, model: Model, size: Size, idea: bool) -> list[Stage]:
    """One stage with the recipe's `losses` and `POLICY`, or its own `STAGES`: (name, share of steps, policy, losses).

    Without its idea a system lacks parts that policies name; `STAGES_WITHOUT` is for one that learns otherwise then.
    """
    one = (("instruct", 1.0, getattr(recipe, "POLICY", POLICY), recipe.losses),)
    every = getattr(recipe, "STAGES", one)
    if not idea:
        every = getattr(recipe, "STAGES_WITHOUT", every)
    peak, there = getattr(recipe, "PEAK", 2e-3), {name for name, _ in model.named_modules()}
    return [
        Stage(
            name,
            Course(max(1, round(share * size.steps)), peak, half=False),
            terms,
            rules if idea else {part: rule for part, rule in rules.items() if part in there},
        )
        for name, share, rules, terms in every
    ]


def run_system(
    name: str,
    out: Path,
    size: str = "small",
    seed: int = 0,
    *,
    data: str = "storybook",
    ask: str = "val",
    idea: bool = True,
    resume: bool = False,
    stop_after: int | None = None,
    told: Told | None = None,
) -> dict[str, Any]:
    """Trains the system called `name` into `out` and gives its figures; `data` is "storybook" or a folder of videos.

    `ask` says which of storybook's questions the figures are of: "val", to choose settings by, or the "exam".
    """
    import torch

    torch.set_num_threads(1)  # sums come out alike on any machine
    tell = (lambda text: told({"note": text})) if told else None
    sized = size_named(size)
    start = start_of(sized, tell)
    learn_on, asked = own_data(Path(data), sized, tell) if data != "storybook" else data_of(sized, tell, ask)
    rank, world = join()  # only now: what is made once is made by one process, while the others wait
    recipe = recipe_named(name)
    model = built(recipe, start, seed, idea)
    stages = stages_of(recipe, model, sized, idea)
    batches = Batches(learn_on, start.tokenizer)
    steps = learn_in_stages(
        model,
        lambda step: batches.forever(sized.batch, seed, step, (rank, world)),
        stages,
        out,
        resume=resume,
        told=told,
        stop_after=stop_after,
    )
    leave()
    if rank:
        return {}
    save_pretrained(model, start, out, {"recipe": name, "size": size, "seed": seed, "idea": idea, "steps": steps})
    figures = summary(examine(model, Batches(asked, start.tokenizer)))
    figures |= {"asked": ask if data == "storybook" else "own videos", "steps": steps}
    return figures | {"seconds": read_log(out / LOG)[-1]["seconds"], "folder": str(out)}


def built(recipe: Any, start: Start, seed: int, idea: bool) -> Model:
    """The recipe's model before it has learned anything."""
    import torch

    torch.manual_seed(seed)
    return recipe.build(start.copy(), idea)


def summary(figures: Figures) -> dict[str, Any]:
    """The figures in a line: numbers rounded, nothing that has no value."""
    kept = {
        name: value for name, value in asdict(figures).items() if value is not None and name not in ("right", "counts")
    }
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in kept.items()}
    return rounded | {"questions": len(figures.right)}


def own_data(folder: Path, size: Size, tell: Callable[[str], None] | None) -> tuple[Any, Any]:
    """Somebody's own videos: every fifth for the exam, the others to learn on."""
    part, of = OWN_EXAM
    if not (folder / "questions.jsonl").is_file():
        raise BadQuery(f"{folder} has no questions.jsonl; data is 'storybook' or a folder with videos and that file")
    exam = seen_files(folder, size.learn.frames, lambda k: k % of == part, told=tell)
    return seen_files(folder, size.learn.frames, lambda k: k % of != part, told=tell), exam


def save_pretrained(model: Model, start: Start, folder: Path, facts: dict[str, Any]) -> None:
    """Writes the system, its tokenizer, and what is needed to build it again."""
    start.tokenizer.save(folder)
    save_weights(model, folder, facts | {"tower": Eye.opened(HOME).mark, "shape": start.shape()})


def from_pretrained(folder: str | Path) -> tuple[Model, Start]:
    """A trained system in reading mode, and the start it was built on (tokenizer, sizes, grid)."""
    from sightline.language.tokenizer import Tokenizer

    folder = Path(folder).expanduser()
    facts = facts_of(folder)
    recipe, size = recipe_named(facts["recipe"]), size_named(facts["size"])
    start = blank_start(size, Tokenizer.load(folder), facts["shape"])
    model = recipe.build(start.copy(), facts["idea"])
    for stage in stages_of(recipe, model, size, facts["idea"]):
        policy.applied(model, stage.policy)
    return load_weights(model, folder).eval(), start
