"""Keeps a run's weights, its optimiser's memory, its dice and its step in one safetensors file, to go on or to be used.

Written beside and renamed, so that a run which dies while saving leaves the checkpoint before it. Never pickle.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError

DICE = "dice"  # the state of torch's random numbers


class BadCheckpoint(SightlineError):
    """A checkpoint that is not one of this model."""

    code = "bad-checkpoint"


def save_checkpoint(path: Path, model: Any, optimiser: Any, step: int) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for k, memory in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{k}.{name}": value.contiguous() for name, value in memory.items()}
    tensors[DICE] = torch.get_rng_state()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    save_file(tensors, str(beside), metadata={"step": str(step)})
    os.replace(beside, path)


def step_of(path: Path) -> int:
    """The step at which a checkpoint was made."""
    return _read(path, weights=False)[1]


def load_checkpoint(path: Path, model: Any, optimiser: Any | None = None) -> int:
    """Fills the model (and the optimiser), throws the dice on from there, and gives the checkpoint's step."""
    import torch

    tensors, step = _read(path)
    weights = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as problem:
        raise BadCheckpoint(f"{path} belongs to another model ({str(problem).splitlines()[0]})") from problem
    if optimiser is not None:
        _remember(optimiser, tensors)
    if DICE in tensors:
        torch.set_rng_state(tensors[DICE])
    return step


def _read(path: Path, weights: bool = True) -> tuple[dict[str, Any], int]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()} if weights else {}
            return tensors, int((file.metadata() or {})["step"])
    except (SafetensorError, KeyError, OSError, ValueError) as problem:
        raise BadCheckpoint(f"{path} is no checkpoint ({problem}); start anew without --resume") from problem


def _remember(optimiser: Any, tensors: dict[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
