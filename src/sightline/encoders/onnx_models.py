"""Runs a two-tower model from ONNX files: the base install's way to a real picture model, without torch.

From: the layouts of Xenova and onnx-community (onnx/vision_model.onnx and onnx/text_model.onnx, also *_quantized, or
one model.onnx with both towers) and of `sightline encoders export`.
Departures: towers quantised dynamically run one item at a time, because their int8 scale is taken over the batch
(a sixth slower than sixteen at a time, and a picture's vector stays its own).
Shapes: frames [T, 3, H, W] -> vectors [1, T, E]; texts -> vector [B, E]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.model_folder import ModelFolder, fetched, open_folder, weight_digest
from sightline.encoders.onnx_graph import OnnxGraph, read_graph
from sightline.encoders.two_towers import BATCH, Towers, TwoTowers
from sightline.errors import BadModel, NoSuchEncoder

Array = Any

PRECISIONS = {
    "": ("", "_fp16", "_int8", "_quantized", "_uint8"),  # the first that is there
    "float": ("",),
    "fp16": ("_fp16",),
    "int8": ("_int8", "_quantized", "_uint8"),
}
NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


def session_of(path: Path, threads: int | None = None, model: bytes | None = None) -> Any:
    """Runs the graph in a file (or `model`, made from it); BadModel where it cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only; they are raised as well
    if threads:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(model or str(path), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's errors have no base of their own
        raise BadModel(f"{path} cannot be run ({str(problem).splitlines()[0][:200]})") from problem


@dataclass
class Tower:
    """One ONNX file and how to call it. Its session starts with the first call: a search loads no picture tower."""

    path: Path
    graph: OnnxGraph
    outputs: tuple[str, ...]  # the names its result may have, best first
    threads: int | None

    @property
    def batch(self) -> int:
        return 1 if self.graph.quantises_by_batch else BATCH

    def run(self, **given: Array) -> Array:
        """Rows [n, E]; what the file does not ask for is left out."""
        feeds = {}
        for wanted in self.session.get_inputs():
            value = given[wanted.name] if wanted.name in given else _stand_in(wanted)
            feeds[wanted.name] = value.astype(NUMBERS.get(wanted.type, value.dtype), copy=False)
        return self.session.run([self.result.name], feeds)[0]

    @cached_property
    def session(self) -> Any:
        return session_of(self.path, self.threads)

    @cached_property
    def result(self) -> Any:
        """The output that holds one vector per item."""
        named = {output.name: output for output in self.session.get_outputs()}
        for wanted in self.outputs:
            if wanted in named:
                return named[wanted]
        raise BadModel(f"{self.path} gives {', '.join(named)}; one of {', '.join(self.outputs)} is needed")


def _stand_in(wanted: Any) -> Array:
    """The smallest input for the tower that is not asked, where one file holds both."""
    shape = [size if isinstance(size, int) else 1 for size in wanted.shape]
    if wanted.name == "pixel_values":
        return np.zeros([1, 3, *(size if size > 1 else 224 for size in shape[2:])], dtype=np.float32)
    if wanted.name in ("input_ids", "attention_mask", "token_type_ids"):
        return np.full(shape, int(wanted.name == "attention_mask"), dtype=np.int64)
    raise BadModel(f"the model wants an input {wanted.name!r}, which is not known here")


def open_onnx(path_or_name: str, precision: str = "", threads: int | None = None, asked: str = "") -> TwoTowers:
    """A folder of ONNX files, or the name of one on the Hugging Face hub."""
    asked = asked or path_or_name
    if precision not in PRECISIONS:
        raise NoSuchEncoder(f"{asked}: {precision!r} is not known; {', '.join(filter(None, PRECISIONS))} are")
    path = Path(path_or_name).expanduser()
    if not path.is_dir():
        path = fetched(path_or_name, _patterns(precision), asked)
    folder = open_folder(path, asked)
    vision_file, text_file = tower_files(folder, precision)
    vision = Tower(vision_file, read_graph(vision_file), ("image_embeds", "pooler_output"), threads)
    text = Tower(text_file, read_graph(text_file), ("text_embeds", "pooler_output"), threads)
    towers = Towers(
        pictures=lambda pixels: vision.run(pixel_values=pixels),
        texts=lambda ids, mask: text.run(input_ids=ids, attention_mask=mask, token_type_ids=np.zeros_like(ids)),
        digests=weight_digest([*_files_of(vision), *_files_of(text)]),
        picture_batch=vision.batch,
        text_batch=text.batch,
    )
    return TwoTowers(folder, towers)


def tower_files(folder: ModelFolder, precision: str) -> tuple[Path, Path]:
    """The files of the picture tower and of the text tower; one file may hold both."""
    for place in (folder.path, folder.path / "onnx"):
        vision, text, both = (_first(place, stem, precision) for stem in ("vision_model", "text_model", "model"))
        if vision and text:
            return vision, text
        if both:
            return both, both
    suffix = PRECISIONS[precision][0]
    there = sorted(str(file.relative_to(folder.path)) for file in folder.path.glob("**/*.onnx"))
    raise NoSuchEncoder(
        f"{folder.name} needs vision_model{suffix}.onnx and text_model{suffix}.onnx (or model{suffix}.onnx); "
        f"{folder.path} has {', '.join(there) or 'no .onnx file'}"
    )


def _first(place: Path, stem: str, precision: str) -> Path | None:
    files = (place / f"{stem}{suffix}.onnx" for suffix in PRECISIONS[precision])
    return next((file for file in files if file.is_file()), None)


def _files_of(tower: Tower) -> list[Path]:
    return [tower.path, *(tower.path.parent / location for location in sorted(tower.graph.external))]


def _patterns(precision: str) -> list[str]:
    """Of a hub's many variants just the one that is asked for: the float one unless another is named."""
    suffixes = PRECISIONS[precision or "float"]
    towers = [f"{stem}_model{suffix}.onnx*" for stem in ("vision", "text") for suffix in suffixes]
    return ["*.json", "*.txt", *towers, *(f"onnx/{tower}" for tower in towers)]
