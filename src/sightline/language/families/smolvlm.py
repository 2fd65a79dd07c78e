"""SmolVLM and Idefics3: a video is a row of square pictures, each announced by its time.

From: SmolVLMModel, SmolVLMProcessor and SmolVLMVideoProcessor of `transformers`; SmolVLM (2504.05299).
Departures: the pictures of one prompt are the frames of one clip, and so are the tiles of a picture in tiles.
Shapes: frames [T, 3, H, W] -> pixel_values [1, T, 3, s, s], pixel_attention_mask [1, T, s, s].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sightline.language.families.pieces import Shown, asked, grids, of_modality, plain_positions, square
from sightline.language.families.pixels import HALF_MEAN, HALF_STD, normalised, scaled

KIND, LANGUAGE = "picture", "text_model"
TOWERS = ("vision_model",)
DEFAULTS: dict[str, Any] = {
    "size": {"longest_edge": 4 * 364},
    "max_image_size": {"longest_edge": 364},
    "resample": 1,
    "image_mean": HALF_MEAN,
    "image_std": HALF_STD,
}
positions = plain_positions


def shown(core: Any, given: dict[str, Any]) -> list[Shown]:
    features = of_modality(given, "image")
    if features is None and given.get("pixel_values") is not None:
        features = asked(core.get_image_features, given, ("pixel_values", "pixel_attention_mask"))
    if features is None:
        return []
    rows = features.pooler_output
    rows = torch.cat([part.flatten(0, -2) for part in rows]) if isinstance(rows, (list, tuple)) else rows.flatten(0, -2)
    side = square(core.image_seq_len, "the connector")
    sizes = [(1, *side)] * (len(rows) // core.image_seq_len)
    return [Shown(core.config.image_token_id, rows, grids(sizes), joined=True)]


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    side = int(settings["max_image_size"]["longest_edge"])
    how = settings["resample"]
    long = min(int(settings["size"]["longest_edge"]), 4096)
    squares = [scaled(scaled(frame, *_in_proportion(frame.shape[1:], long), how), side, side, how) for frame in frames]
    pixels = normalised(np.stack(squares), settings)[None]
    return {"pixel_values": pixels, "pixel_attention_mask": np.ones((1, len(frames), side, side), np.int64)}


def _in_proportion(shape: tuple[int, ...], long: int) -> tuple[int, int]:
    """The longer side as asked, the other in proportion and even."""
    high, wide = shape
    if wide >= high:
        other = int(long / (wide / high))
        return max(1, other + other % 2), long
    other = int(long * (wide / high))
    return long, max(1, other + other % 2)


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    vision = config.vision_config
    count = (vision.image_size // vision.patch_size) ** 2 // config.scale_factor**2
    around = getattr(tokenizer, "fake_image_token", None) or "<fake_token_around_image>"
    whole = getattr(tokenizer, "global_image_token", None) or "<global-img>"
    token = str(tokenizer.convert_ids_to_tokens(config.image_token_id))
    picture = around + whole + token * count + around
    times = [f"{int(second // 60):02d}:{int(second % 60):02d}" for second in seconds]
    return "".join(f"\nFrame from {time}:{picture}" for time in times)
