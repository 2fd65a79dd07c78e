"""Writes a `transformers` two-tower model as ONNX files for the base install, and measures what that cost ([lab]).

From: torch.onnx.export (dynamo) and onnxruntime's dynamic quantisation.
Departures: the exporter's stored shapes (`value_info`) are dropped before quantising, which fails on them otherwise;
the report is measured on drawn pictures and sample texts, never assumed.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.encoders.encoder import Encoder
from sightline.encoders.model_folder import ModelFolder, fetched, open_folder
from sightline.encoders.onnx_models import open_onnx
from sightline.encoders.pretrained import (
    FILES,
    features_of,
    load_model,
    need_lab,
    open_pretrained,
    text_inputs,
    tokenizer_of,
)
from sightline.encoders.query_tokens import query_tokens
from sightline.errors import NoSuchEncoder
from sightline.records import Frames

Array = Any

POOLING = {
    "clip": "end of text, true length",
    "metaclip_2": "end of text, true length",
    "siglip": "last position, padded to full length",
}
FIRST_TOKEN = "first token, true length"
ONE_FILE = 1_800_000_000  # bytes; protobuf ends at 2 GiB, larger weights go to a second file
TEXTS = (
    "a red car on the left",
    "two people talking at a table",
    "snow",
    "一只猫坐在窗台上",
    "a hand writes an equation on a blackboard while somebody explains it",
)


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how near it comes to the original: the least cosine over pictures and over texts."""

    folder: str
    name: str
    family: str
    pooling: str
    width: int
    fingerprint: str
    picture_cosine: float
    text_cosine: float
    int8_fingerprint: str = ""
    int8_picture_cosine: float = 0.0
    int8_text_cosine: float = 0.0


def export_onnx(name_or_folder: str, out_dir: str | Path, int8: bool = True) -> ExportReport:
    """vision_model.onnx and text_model.onnx (and _int8 beside them) with all that `open_encoder(out_dir)` needs."""
    need_lab("export to ONNX")
    source, out = _source(name_or_folder), Path(out_dir).expanduser()
    if out.exists() and any(out.iterdir()):
        raise NoSuchEncoder(f"{out} is not empty; name a new folder for the export")
    out.mkdir(parents=True, exist_ok=True)
    _write_settings(source, out)
    _write_towers(source, out)
    if int8:
        for tower in ("vision_model", "text_model"):
            _quantise(out / f"{tower}.onnx", out / f"{tower}_int8.onnx")
    report = _measured(source, out, int8)
    (out / "sightline.json").write_text(
        json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return report


def _source(name_or_folder: str) -> ModelFolder:
    name = name_or_folder.removeprefix("hf:")
    path = Path(name).expanduser()
    return open_folder(path if path.is_dir() else fetched(name, FILES, name_or_folder), name_or_folder)


def _write_settings(source: ModelFolder, out: Path) -> None:
    for file in ("config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json"):
        if (source.path / file).is_file():
            shutil.copyfile(source.path / file, out / file)
    tokenizer = tokenizer_of(source)
    if tokenizer is None:
        shutil.copyfile(source.path / "tokenizer.json", out / "tokenizer.json")
    else:
        tokenizer.save(str(out / "tokenizer.json"))


def _write_towers(source: ModelFolder, out: Path) -> None:
    """Both towers through torch's exporter, with the batch (and where it varies, the length) left open."""
    height, width = source.preprocessing.shape
    pixels = {"pixel_values": np.zeros((2, 3, height, width), dtype=np.float32)}
    _, ids, mask = next(query_tokens(source, tokenizer_of(source)).groups([TEXTS[0]] * 2, 2))
    length = [] if source.family == "siglip" else [1]
    model = load_model(source).eval()
    _export(model, "get_image_features", pixels, [0], "image_embeds", out / "vision_model.onnx")
    _export(
        model, "get_text_features", text_inputs(source, ids, mask), [0, *length], "text_embeds", out / "text_model.onnx"
    )


def _export(model: Any, method: str, inputs: dict[str, Array], open_axes: list[int], output: str, path: Path) -> None:
    import torch

    class OneTower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Any) -> Any:
            return features_of(getattr(self.model, method)(**dict(zip(inputs, given, strict=True))))

    axes = dict.fromkeys(open_axes, torch.export.Dim.DYNAMIC)
    with torch.inference_mode(), _silence():
        program = torch.onnx.export(
            OneTower().eval(),
            tuple(torch.from_numpy(array) for array in inputs.values()),
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=((axes,) * len(inputs),),
            dynamo=True,
            verbose=False,
        )
        size = sum(part.numel() * part.element_size() for part in model.parameters())
        program.save(str(path), external_data=size > ONE_FILE)


@contextmanager
def _silence() -> Iterator[None]:
    """The exporter and the quantiser advise their own developers; what matters is in the report."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _quantise(source: Path, target: Path) -> None:
    """Weights to int8, activations at run time; `value_info` holds shapes that the quantiser contradicts.

    The patch convolution stays in float: it is a hundredth of the work, and in int8 costs most of the likeness.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(source))
    del model.graph.value_info[:]
    with _silence():
        quantize_dynamic(
            model, str(target), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm", "Gather"]
        )


def _measured(source: ModelFolder, out: Path, int8: bool) -> ExportReport:
    original = open_pretrained(str(source.path), device="cpu", asked=source.name)
    exported = open_onnx(str(out), "float")
    small = open_onnx(str(out), "int8") if int8 else None
    pictures, texts = _least_cosines(original, exported)
    small_pictures, small_texts = _least_cosines(original, small) if small else (0.0, 0.0)
    return ExportReport(
        folder=str(out),
        name=source.name,
        family=source.family,
        pooling=POOLING.get(source.family, FIRST_TOKEN),
        width=exported.card.width,
        fingerprint=exported.card.fingerprint,
        picture_cosine=pictures,
        text_cosine=texts,
        int8_fingerprint=small.card.fingerprint if small else "",
        int8_picture_cosine=small_pictures,
        int8_text_cosine=small_texts,
    )


def _least_cosines(original: Encoder, other: Encoder) -> tuple[float, float]:
    frames = drawn_pictures()
    pictures = (original.see(frames).vectors * other.see(frames).vectors).sum(axis=-1).min()
    texts = (original.read(TEXTS).vector * other.read(TEXTS).vector).sum(axis=-1).min()
    return round(float(pictures), 6), round(float(texts), 6)


def drawn_pictures(count: int = 7, height: int = 180, width: int = 320) -> Frames:
    """Coloured shapes on shaded grounds: enough structure to tell a broken export from a good one."""
    from PIL import Image, ImageDraw

    chance = np.random.default_rng(20)
    pixels = []
    for _ in range(count):
        picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
        draw = ImageDraw.Draw(picture)
        for _ in range(9):
            x, y = (int(n) for n in chance.integers(0, (width, height)))
            size, colour = int(chance.integers(9, 70)), tuple(int(n) for n in chance.integers(0, 256, 3))
            (draw.ellipse if chance.random() < 0.5 else draw.rectangle)((x, y, x + size, y + size), fill=colour)
        pixels.append(np.asarray(picture).transpose(2, 0, 1))
    return Frames(np.stack(pixels), np.arange(count, dtype=np.float64))
