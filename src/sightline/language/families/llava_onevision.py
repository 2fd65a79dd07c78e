"""LLaVA-OneVision: SigLIP, two layers, Qwen2. A video frame is pooled to a quarter; one line break ends a video.

From: LlavaOnevisionModel and LlavaOnevisionProcessor of `transformers`; LLaVA-OneVision (2408.03326).
Departures: none; of a picture in tiles, the small whole one and the tiles are two pieces.
Shapes: frames [T, 3, H, W] -> pixel_values_videos [1, T, 3, 384, 384].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from sightline.language.families.pieces import Piece, Shown, asked, grids, of_modality, plain_positions
from sightline.language.families.pixels import CLIP_MEAN, CLIP_STD, prepared

KIND, LANGUAGE = "video", "language_model"
TOWERS = ("vision_tower",)
DEFAULTS: dict[str, Any] = {
    "size": {"height": 384, "width": 384},
    "resample": 3,
    "image_mean": CLIP_MEAN,
    "image_std": CLIP_STD,
}
positions = plain_positions

_LAYER = ("vision_feature_layer", "vision_feature_select_strategy")
_PICTURE = ("pixel_values", "image_sizes", "vision_aspect_ratio", "batch_num_images", *_LAYER)


def shown(core: Any, given: dict[str, Any]) -> list[Shown]:
    found = []
    picture = of_modality(given, "image")
    if picture is None and given.get("pixel_values") is not None:
        picture = asked(core.get_image_features, given, _PICTURE)
    if picture is not None:
        pieces, start = [], 0
        for number, rows in enumerate(picture.pooler_output):
            pieces += _picture(core, len(rows), start, given["image_sizes"][number], given)
            start += len(rows)
        found.append(Shown(core.config.image_token_id, torch.cat(list(picture.pooler_output)), pieces))
    video = of_modality(given, "video")
    if video is None and given.get("pixel_values_videos") is not None:
        video = asked(core.get_video_features, given, ("pixel_values_videos", *_LAYER))
    if video is not None:
        videos, rows, _ = video.pooler_output.shape
        high, wide = _pooled(core.config)
        sizes = [((rows - 1) // (high * wide), high, wide)] * videos
        found.append(Shown(core.config.video_token_id, video.pooler_output.flatten(0, 1), grids(sizes, after=1)))
    return found


def _pooled(config: Any) -> tuple[int, int]:
    side = config.vision_config.image_size // config.vision_config.patch_size
    return math.ceil(side / 2), math.ceil(side / 2)


def _picture(core: Any, rows: int, start: int, size: Any, given: dict[str, Any]) -> list[Piece]:
    """The whole picture, then its tiles joined: lines of cells, each ended by a line break."""
    side = core.config.vision_config.image_size // core.config.vision_config.patch_size
    small, rest = side * side, rows - side * side
    row = start + torch.arange(rows)
    if rest <= 1:
        return [Piece((1, side, side), row[:small], row[small:])]
    high = _lines(core, size, given)
    lines = row[small:].view(high, rest // high)
    whole = Piece((1, side, side), row[:small], row[:0])
    return [whole, Piece((1, high, rest // high - 1), lines[:, :-1].flatten(), lines[:, -1])]


def _lines(core: Any, size: Any, given: dict[str, Any]) -> int:
    """How many lines of cells the tiles of a picture [height, width] leave: breaks are counted in packed blanks."""
    from transformers.models.llava_onevision.modeling_llava_onevision import image_size_to_num_patches

    config = core.config
    tile = config.vision_config.image_size
    tiles = image_size_to_num_patches(size, config.image_grid_pinpoints, tile)
    cells = (tile // config.vision_config.patch_size) ** 2
    mark = -torch.ones(1)
    ratio = given.get("vision_aspect_ratio") or config.vision_aspect_ratio
    packed, _ = core.pack_image_features([torch.zeros(tiles, cells, 1)], [size], mark, ratio)
    return int((packed[0] == mark).sum())


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    return {"pixel_values_videos": prepared(frames, settings)[None]}


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    high, wide = _pooled(config)
    count = arrays["pixel_values_videos"].shape[1] * high * wide + 1
    return str(tokenizer.convert_ids_to_tokens(config.video_token_id)) * count
