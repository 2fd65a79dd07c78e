"""From a trained model to the files that are shipped, and back: centred, rounded to float16, exported to ONNX.

Both forms hold the same rounded numbers: safetensors to train on, ONNX for the base install to run.
Shapes: pixels [B, 3, H, W] uint8 and ids, mask [B, L] stay open in B, H and W
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from random import Random
from typing import Any

from sightline.encoders import home_world
from sightline.encoders.built_in import ABOUT, PICTURES, TEXTS, WEIGHTS, WORDS
from sightline.errors import BadModel
from sightline.recipes.built_in_lessons import SHAPES, lesson
from sightline.recipes.storybook_phrases import lexicon
from sightline.recipes.storybook_pictures import draw_sheaf
from sightline.recipes.strange_pictures import strange_pictures

Tensor = Any


WHOLE = 1.25  # how much the whole picture weighs more than it was learned to, beside the things in it


def settle(model: Any, seed: int, sheaves: int = 24, count: int = 64) -> None:
    """Takes the mean of training pictures and phrases off both towers, so that strangers score about zero.

    Before that the part for the whole picture, its place, is given more weight: the losses ask only which of several
    phrases is nearer, and things, of which there is more to say, leave a place so little that its name scores low.
    """
    import torch

    words, model = lexicon(), model.eval()
    seen: list[Tensor] = []
    read: list[Tensor] = []
    with torch.inference_mode():
        model.pictures.whole.weight.mul_(WHOLE)
        model.pictures.whole.bias.mul_(WHOLE)
        for tower in (model.pictures, model.texts):
            tower.centre.zero_()
        for k in range(sheaves):
            sheaf = draw_sheaf(seed, 1_000_000 + k, SHAPES[k % len(SHAPES)], count)
            one = lesson(sheaf.pixels, sheaf.facts, 2 * count, Random(f"settle {seed} {k}"), words)
            seen.append(model.pictures(one.pixels))
            read += [model.texts(ids, mask) for ids, mask in one.phrases]
        model.pictures.centre.copy_(torch.cat(seen).mean(dim=0))
        model.texts.centre.copy_(torch.cat(read).mean(dim=0))


HOME_DECAY = 1e-4  # keeps the direction from being sure of itself


def home_of(model: Any, seed: int, sheaves: int = 24, count: int = 64) -> home_world.HomeWorld:
    """The direction that tells drawn pictures from strange ones: logistic regression on what the picture tower says."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    chance, own, strange = np.random.default_rng([seed, 2]), [], []
    with torch.inference_mode():
        for k in range(sheaves):
            shape = SHAPES[k % len(SHAPES)]
            drawn = draw_sheaf(seed, 2_000_000 + k, shape, count, eighths=(6, 1)).pixels
            own.append(model.pictures(torch.from_numpy(drawn)))
            strange.append(model.pictures(torch.from_numpy(strange_pictures(count, shape, chance, plain=True))))
    rows = torch.cat([*own, *strange]).clone()
    ours = torch.arange(len(rows)) < len(rows) // 2
    weight = torch.zeros(rows.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=200)

    def loss() -> Tensor:
        optimiser.zero_grad()
        odds = rows @ weight[1:] + weight[0]
        total = F.binary_cross_entropy_with_logits(odds, ours.float()) + HOME_DECAY * weight[1:].square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    return home_world.between(weight[1:].detach().numpy(), rows[ours].numpy(), rows[~ours].numpy())


def ship(model: Any, folder: Path, facts: dict[str, Any], home: home_world.HomeWorld) -> None:
    """Writes what `open_built_in` opens, and the towers as safetensors (float16; the ONNX holds them rounded)."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in towers_of(model).items()}
    save_file(state, str(folder / WEIGHTS), metadata={"size": facts["size"]})
    model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    model.eval()
    batch, high, wide = (torch.export.Dim(name, min=1) for name in ("batch", "height", "width"))
    pixels = torch.zeros(2, 3, SHAPES[0][1], SHAPES[0][0], dtype=torch.uint8)
    ids, mask, _ = lexicon().numbers(["red cat", "蓝色的狗"])
    _export(model.pictures, {"pixels": pixels}, ({0: batch, 2: high, 3: wide},), folder / PICTURES)
    words = {"ids": torch.from_numpy(ids), "mask": torch.from_numpy(mask)}
    _export(model.texts, words, ({0: batch}, {0: batch}), folder / TEXTS)
    lexicon().write(folder / WORDS)
    judge = [round(float(value), 5) for value in (home.offset, *home.direction)]
    about = {"width": model.pictures.centre.numel(), **facts, "home": judge}
    (folder / ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")


def towers_of(model: Any) -> dict[str, Tensor]:
    return {
        k: v for k, v in model.state_dict().items() if k.startswith(("pictures.", "texts.")) and v.is_floating_point()
    }


def _export(tower: Any, inputs: dict[str, Tensor], axes: tuple[dict[int, Any], ...], path: Path) -> None:
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it advises its own developers
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            tower,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["vectors"],
            dynamic_shapes=axes,
            dynamo=True,
            verbose=False,
        )
        program.save(str(path), external_data=False)
    without_traces(path)


def without_traces(path: Path) -> None:
    """The graph without the lines of source that each step came from, and the folders they lay in."""
    import onnx

    graph = onnx.load(str(path))
    parts = [graph, graph.graph, *graph.functions, *graph.graph.node, *graph.graph.value_info]
    parts += [node for function in graph.functions for node in function.node]
    parts += [*graph.graph.initializer, *graph.graph.input, *graph.graph.output]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(graph, str(path))


def fill(model: Any, folder: Path) -> None:
    """Puts the shipped towers into a model of their size."""
    from safetensors.torch import load_file

    shipped = {name: value.float() for name, value in load_file(str(folder / WEIGHTS)).items()}
    wanted, found = ({(k, tuple(v.shape)) for k, v in towers.items()} for towers in (towers_of(model), shipped))
    if wanted != found:
        strange = sorted({name for name, _ in wanted ^ found})
        raise BadModel(f"{folder / WEIGHTS} is of another size: {', '.join(strange[:3])} do not match; train it again")
    model.load_state_dict(shipped, strict=False)
