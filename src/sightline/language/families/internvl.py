"""InternVL: a video is a row of square pictures, numbered from 1, each between <img> and </img>.

From: InternVLModel and InternVLProcessor of `transformers`; InternVL3 (2504.10479).
Departures: the pictures of one prompt are the frames of one clip, and so are the tiles of a picture in tiles.
Shapes: frames [T, 3, H, W] -> pixel_values [T, 3, 448, 448].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.language.families.pieces import Shown, asked, grids, of_modality, plain_positions, square
from sightline.language.families.pixels import IMAGENET_MEAN, IMAGENET_STD, prepared

KIND, LANGUAGE = "picture", "language_model"
TOWERS = ("vision_tower",)
DEFAULTS: dict[str, Any] = {
    "size": {"height": 448, "width": 448},
    "resample": 3,
    "image_mean": IMAGENET_MEAN,
    "image_std": IMAGENET_STD,
}
positions = plain_positions

_LAYER = ("vision_feature_layer", "vision_feature_select_strategy")


def shown(core: Any, given: dict[str, Any]) -> list[Shown]:
    features = of_modality(given, "image")
    if features is None and given.get("pixel_values") is not None:
        features = asked(core.get_image_features, given, ("pixel_values", *_LAYER))
    if features is None:
        return []
    rows = features.pooler_output
    sizes = [(1, *square(rows.shape[1], "the projector"))] * len(rows)
    return [Shown(core.config.image_token_id, rows.flatten(0, 1), grids(sizes), joined=True)]


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    return {"pixel_values": prepared(frames, settings)}


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    start = getattr(tokenizer, "start_image_token", None) or "<img>"
    end = getattr(tokenizer, "end_image_token", None) or "</img>"
    token = str(tokenizer.convert_ids_to_tokens(config.image_token_id))
    pictures = range(1, len(arrays["pixel_values"]) + 1)
    return "\n".join(f"Frame{number}: {start}{token * config.image_seq_length}{end}" for number in pictures)
