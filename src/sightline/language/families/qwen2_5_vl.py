"""Qwen2.5-VL: any size and shape of frame, two frames a step of time, positions in time, rows and columns (M-RoPE).

From: Qwen2_5_VLModel, Qwen2VLImageProcessorPil and Qwen2VLVideoProcessor of `transformers`; Qwen2.5-VL (2502.13923).
Departures: frames come in chosen; none is dropped to fit a rate. An odd last frame is shown twice, as there.
Shapes: frames [T, 3, H, W] -> pixel_values_videos [T / 2 * h * w, 3 * 2 * 14 * 14], video_grid_thw [1, 3].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sightline.errors import BadRecord
from sightline.language.families.pieces import Shown, asked, grids, of_modality
from sightline.language.families.pixels import CLIP_MEAN, CLIP_STD, normalised, scaled

KIND, LANGUAGE = "video", "language_model"
TOWERS = ("visual",)
DEFAULTS: dict[str, Any] = {
    "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28},  # pixels of a frame
    "resample": 3,
    "image_mean": CLIP_MEAN,
    "image_std": CLIP_STD,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
}
FLATTEST = 200  # how many times longer than high a frame may be


def shown(core: Any, given: dict[str, Any]) -> list[Shown]:
    found = []
    for modality, pixels in (("image", "pixel_values"), ("video", "pixel_values_videos")):
        grid = given.get(f"{modality}_grid_thw")
        features = of_modality(given, modality)
        if features is None and given.get(pixels) is not None:
            features = asked(getattr(core, f"get_{modality}_features"), given, (pixels, f"{modality}_grid_thw"))
        if features is None or grid is None:
            continue
        merge = core.visual.spatial_merge_size
        sizes = [(t, high // merge, wide // merge) for t, high, wide in grid.tolist()]
        steps = given.get("second_per_grid_ts") if modality == "video" else None
        steps = None if steps is None else [float(step) for step in steps]
        deeper = [torch.cat(list(layer)) for layer in getattr(features, "deepstack_features", None) or []]
        token = getattr(core.config, f"{modality}_token_id")
        found.append(Shown(token, torch.cat(list(features.pooler_output)), grids(sizes, steps=steps), deeper))
    return found


def positions(core: Any, given: dict[str, Any], embeddings: Any) -> Any | None:
    """The positions [3, B, L] of the whole prompt, as the model itself would give them."""
    names = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts", "mm_token_type_ids", "attention_mask")
    known = {name: given.get(name) for name in names if name != "second_per_grid_ts" or name in given}
    return core.compute_3d_position_ids(
        input_ids=given["input_ids"], inputs_embeds=embeddings, past_key_values=None, **known
    )


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    least, most = int(settings["size"]["shortest_edge"]), int(settings["size"]["longest_edge"])
    patch, merge = settings["patch_size"], settings["merge_size"]
    high, wide = fitting(frames[0].shape[1:], patch * merge, least, most)
    arrays = patches(frames, high, wide, settings)
    return arrays | {"second_per_grid_ts": np.array([_step(seconds) * settings["temporal_patch_size"]])}


def _step(seconds: Sequence[float]) -> float:
    return (seconds[-1] - seconds[0]) / (len(seconds) - 1) if len(seconds) > 1 else 1.0


def fitting(shape: tuple[int, ...], unit: int, least: int, most: int, frames: int = 1) -> tuple[int, int]:
    """Height and width in whole units, in the frame's proportions, with `least` to `most` pixels in `frames` frames."""
    high, wide = shape
    if max(high, wide) > FLATTEST * min(high, wide):
        raise BadRecord(f"a frame of {high} x {wide} is too narrow: at most {FLATTEST} : 1")
    units = [round(high / unit) * unit, round(wide / unit) * unit]
    pixels = frames * units[0] * units[1]
    if pixels > most:
        shrink = math.sqrt(len_pixels(frames, high, wide) / most)
        units = [max(unit, math.floor(side / shrink / unit) * unit) for side in (high, wide)]
    elif pixels < least:
        grow = math.sqrt(least / len_pixels(frames, high, wide))
        units = [math.ceil(side * grow / unit) * unit for side in (high, wide)]
    return units[0], units[1]


def len_pixels(frames: int, high: int, wide: int) -> int:
    return frames * high * wide


def patches(frames: Sequence[Any], high: int, wide: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Frames as the tower reads them: patches of `temporal` frames, the four that are merged next to each other."""
    patch, merge, temporal = settings["patch_size"], settings["merge_size"], settings["temporal_patch_size"]
    pixels = normalised(np.stack([scaled(frame, high, wide, settings["resample"]) for frame in frames]), settings)
    missing = -len(pixels) % temporal
    pixels = np.concatenate([pixels, np.repeat(pixels[-1:], missing, axis=0)])
    grid = (len(pixels) // temporal, high // patch, wide // patch)
    cut = pixels.reshape(
        grid[0], temporal, 3, grid[1] // merge, merge, patch, grid[2] // merge, merge, patch
    )  # t, frame, colour, row, row in merge, y, column, column in merge, x
    rows = cut.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(math.prod(grid), -1)
    return {"pixel_values_videos": rows, "video_grid_thw": np.array([grid])}


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    count = int(arrays["video_grid_thw"].prod()) // config.vision_config.spatial_merge_size**2
    return wrapped(count, config, tokenizer)


def wrapped(count: int, config: Any, tokenizer: Any) -> str:
    ids = (config.vision_start_token_id, config.video_token_id, config.vision_end_token_id)
    start, token, end = (str(tokenizer.convert_ids_to_tokens(number)) for number in ids)
    return start + token * count + end
