"""From a trained judge to the files that are shipped: weights rounded to float16, an ONNX graph of the same numbers.

The graph begins with what the picture tower sees place by place (encoders/built_in_places.py), so the base install
needs nothing of the tower but its own graph.
Shapes: features [1, F, N, hidden], matter [1, F, N], vectors [1, F, D], shown [B, F], pieces [1, L] -> values [B, L]
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sightline.asking.judging import ABOUT, GRAPH, WEIGHTS
from sightline.language.judge import Judge
from sightline.recipes.built_in_files import without_traces
from sightline.recipes.questions_seen import HOME, Eye, as_tokens_of_cells


class Shipped(nn.Module):
    """The judge behind the tower's own way of saying what a place shows."""

    def __init__(self, judge: Judge, what: nn.Linear) -> None:
        super().__init__()
        self.judge, self.what = judge, what

    def forward(
        self,
        ids: Tensor,
        place: Tensor,
        group: Tensor,
        features: Tensor,
        matter: Tensor,
        vectors: Tensor,
        seconds: Tensor,
        shown: Tensor,
    ) -> Tensor:
        cells = (
            features @ self.what.weight.T + matter[..., None] * self.what.bias
        )  # what is linear: means may come first
        tokens = as_tokens_of_cells(cells, matter[..., None], vectors)
        many = shown.shape[0]
        pieces = (part.expand(many, -1) for part in (ids, place, group))
        return self.judge(*pieces, tokens.expand(many, -1, -1, -1), seconds.expand(many, -1), shown)


def ship(model: Judge, folder: Path, facts: dict[str, Any]) -> None:
    """Writes what `Judging.opened` opens (the tokenizer lies there already), and the weights as safetensors."""
    from safetensors.torch import save_file

    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, str(folder / WEIGHTS), metadata={"size": str(facts["size"])})
    model.load_state_dict({name: value.float() for name, value in state.items()})
    model.eval()
    export(Shipped(model, Eye.opened(HOME).pictures.what), folder / GRAPH)
    (folder / ABOUT).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def export(model: Shipped, path: Path) -> None:
    looks, frames, pieces = (torch.export.Dim(name, min=1) for name in ("looks", "frames", "pieces"))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it advises its own developers
    count, length, cells = 3, 11, model.judge.cell.num_embeddings
    given = {
        "ids": torch.zeros(1, length, dtype=torch.long),
        "place": torch.arange(length)[None],
        "group": (torch.arange(length) // 4)[None],
        "features": torch.rand(1, count, cells, model.what.in_features),
        "matter": torch.rand(1, count, cells) + 0.1,
        "vectors": torch.rand(1, count, model.what.out_features),
        "seconds": torch.arange(float(count))[None],
        "shown": torch.ones(count + 1, count, dtype=torch.bool),
    }
    axes = {name: {1: pieces if name in ("ids", "place", "group") else frames} for name in given}
    axes["shown"] = {0: looks, 1: frames}
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            tuple(given.values()),
            input_names=list(given),
            output_names=["values"],
            dynamic_shapes=tuple(axes.values()),
            dynamo=True,
            verbose=False,
        )
        program.save(str(path), external_data=False)
    without_traces(path)
