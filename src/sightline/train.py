"""Runs a recipe by its name: `train("built-in", out)` runs recipes/built_in.py. The file name is the registry.

A recipe has `SIZES` and `run(out, size, seed, *, resume, stop_after, told) -> dict`, the figures of what it made.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sightline.errors import BadQuery, MissingExtra


def recipes() -> list[str]:
    """The names that can be trained."""
    folder = Path(__file__).parent / "recipes"
    return sorted(f.stem.replace("_", "-") for f in folder.glob("*.py") if "def run(" in f.read_text(encoding="utf-8"))


def train(
    recipe: str,
    out: str | Path,
    *,
    size: str = "small",
    seed: int = 0,
    resume: bool = False,
    stop_after: int | None = None,
    told: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains `recipe` at a size into the folder `out`; `stop_after` ends the course early, `resume` goes on with it."""
    if not re.fullmatch(r"[a-z0-9-]+", recipe) or recipe not in recipes():
        raise BadQuery(f"there is no recipe {recipe!r}; there are {', '.join(recipes())}")
    if stop_after is not None and stop_after < 1:
        raise BadQuery(f"a run stops after at least one step, not {stop_after}")
    if not (find_spec("torch") and find_spec("safetensors")):
        raise MissingExtra(f"training {recipe}", "lab")
    module = importlib.import_module(f"sightline.recipes.{recipe.replace('-', '_')}")
    folder = Path(out).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return module.run(folder, size, seed, resume=resume, stop_after=stop_after, told=told)
