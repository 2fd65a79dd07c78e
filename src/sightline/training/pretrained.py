"""Keeps a trained system in a folder that can be opened again: weights in safetensors, facts in a small json.

    model.safetensors   all weights            tokenizer.json   the pieces of its words
    system.json         recipe, size, whether its idea is in, the tower it looks with, the policies it learned under

From: the folder layout of `save_pretrained` and `from_pretrained` in transformers.
Departures: weights that do not match are an error that lists what is missing and what is too much.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sightline.errors import BadModel

WEIGHTS, FACTS = "model.safetensors", "system.json"


def save_weights(model: Any, folder: Path, facts: dict[str, Any]) -> None:
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, str(folder / WEIGHTS))
    (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def facts_of(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadModel(
            f"{folder} holds no trained system ({problem}); train one: sightline train RECIPE --out DIR"
        ) from None
    if not isinstance(facts, dict) or not isinstance(facts.get("recipe"), str):
        raise BadModel(f"{folder / FACTS} does not name the recipe it was trained by; train it again")
    return facts


def load_weights(model: Any, folder: Path) -> Any:
    """Fills the model; BadModel lists what does not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(str(folder / WEIGHTS))
    except (SafetensorError, OSError) as problem:
        raise BadModel(f"{folder / WEIGHTS} cannot be read ({problem}); train it again") from problem
    own = model.state_dict()
    shared = {id_: name for name, id_ in reversed([(name, tensor.data_ptr()) for name, tensor in own.items()])}
    full = {name: found.get(name, found.get(shared[tensor.data_ptr()])) for name, tensor in own.items()}
    missing = [name for name, tensor in full.items() if tensor is None]
    surplus = sorted(set(found) - set(own))
    bent = [name for name, tensor in full.items() if tensor is not None and tensor.shape != own[name].shape]
    if missing or surplus or bent:
        raise BadModel(
            f"{folder / WEIGHTS} does not fit: missing {missing[:4]}, too much {surplus[:4]}, other shapes {bent[:4]}"
        )
    model.load_state_dict(full)
    return model
