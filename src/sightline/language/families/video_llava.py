"""Video-LLaVA: eight frames, each with its class token, through two layers into Vicuna.

From: VideoLlavaModel, VideoLlavaProcessor and VideoLlavaImageProcessor of `transformers`; Video-LLaVA (2311.10122).
Departures: any number of frames (it was trained on eight).
Shapes: frames [T, 3, H, W] -> pixel_values_videos [1, T, 3, 224, 224].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.errors import BadRecord
from sightline.language.families.pieces import Shown, asked, grids, of_modality, plain_positions
from sightline.language.families.pixels import CLIP_MEAN, CLIP_STD, prepared

KIND, LANGUAGE = "video", "language_model"
TOWERS = ("image_tower", "video_tower")
DEFAULTS: dict[str, Any] = {
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "image_mean": CLIP_MEAN,
    "image_std": CLIP_STD,
}
positions = plain_positions

_LAYER = ("vision_feature_layer", "vision_feature_select_strategy")


def shown(core: Any, given: dict[str, Any]) -> list[Shown]:
    found = []
    side = core.config.vision_config.image_size // core.config.vision_config.patch_size
    picture = of_modality(given, "image")
    if given.get("pixel_values_images") is not None:  # the older name
        given = given | {"pixel_values": given["pixel_values_images"]}
    if picture is None and given.get("pixel_values") is not None:
        picture = asked(core.get_image_features, given, ("pixel_values", *_LAYER))
    if picture is not None:
        found.append(_as_shown(core.config.image_token_id, picture.pooler_output, (1, side, side)))
    video = of_modality(given, "video")
    if video is None and given.get("pixel_values_videos") is not None:
        video = asked(core.get_video_features, given, ("pixel_values_videos", "vision_feature_layer"))
    if video is not None:
        if given.get("pixel_values_videos") is None:
            raise BadRecord("features alone do not say how many frames a video has; hand over pixel_values_videos")
        frames = given["pixel_values_videos"].shape[1]
        found.append(_as_shown(core.config.video_token_id, video.pooler_output, (frames, side, side)))
    return found


def _as_shown(token: int, features: Any, size: tuple[int, int, int]) -> Shown:
    """features [frames of all, 1 + h * w or h * w, W]"""
    beside = features.shape[1] - size[1] * size[2]  # the class token, where the model hands it on
    return Shown(token, features.flatten(0, 1), grids([size] * (len(features) // size[0]), before=beside))


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    return {"pixel_values_videos": prepared(frames, settings)[None]}


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    side = config.vision_config.image_size // config.vision_config.patch_size
    count = arrays["pixel_values_videos"].shape[1] * (side * side + 1)
    return str(tokenizer.convert_ids_to_tokens(config.video_token_id)) * count
