"""Trains what has a recipe: `train("built-in", out)`, `train("gcg", out, data="videos")`. File names are the registry.

A recipe is a file in recipes/ that says `SYSTEM` (a system, run by recipes/system_run.py) or has a `run` of its own.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery, require
from sightline.recipes.system_run import run_system, systems

STORYBOOK = "storybook"


def recipes() -> list[str]:
    """The names that can be trained."""
    folder = Path(__file__).parent / "recipes"
    own = [
        file.stem for file in folder.glob("*.py") if re.search(r"^def run\(", file.read_text(encoding="utf-8"), re.M)
    ]
    return sorted({name.replace("_", "-") for name in own} | set(systems()))


def train(
    recipe: str,
    out: str | Path,
    *,
    size: str = "small",
    seed: int = 0,
    data: str | Path = STORYBOOK,
    resume: bool = False,
    stop_after: int | None = None,
    told: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains `recipe` at a size into the folder `out`; `stop_after` ends the course early, `resume` goes on with it.

    `data` is "storybook", or a folder of videos with questions.jsonl (training/asked.py), for systems.
    """
    if not re.fullmatch(r"[a-z0-9-]+", recipe) or recipe not in recipes():
        raise BadQuery(f"there is no recipe {recipe!r}; there are {', '.join(recipes())}")
    if stop_after is not None and stop_after < 1:
        raise BadQuery(f"a run stops after at least one step, not {stop_after}")
    require(f"training {recipe}", "lab", "torch", "safetensors")
    folder = Path(out).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    if recipe in systems():
        return run_system(recipe, folder, size, seed, data=str(data), resume=resume, stop_after=stop_after, told=told)
    if str(data) != STORYBOOK:
        raise BadQuery(f"{recipe} learns from storybook alone; leave --data out")
    module = importlib.import_module(f"sightline.recipes.{recipe.replace('-', '_')}")
    return module.run(folder, size, seed, resume=resume, stop_after=stop_after, told=told)
