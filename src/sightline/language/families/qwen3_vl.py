"""Qwen3-VL: as Qwen2.5-VL, but each step of time is announced by its seconds and deeper features join the first layers.

From: Qwen3VLModel, Qwen3VLProcessor and Qwen3VLVideoProcessor of `transformers`; DeepStack (2406.04334).
Departures: the announced seconds are those of the frames, not frame numbers divided by a rate.
Shapes: frames [T, 3, H, W] -> pixel_values_videos [T / 2 * h * w, 3 * 2 * 16 * 16], video_grid_thw [1, 3].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.language.families.pixels import HALF_MEAN, HALF_STD
from sightline.language.families.qwen2_5_vl import KIND, LANGUAGE, TOWERS, fitting, patches, positions, shown, wrapped

__all__ = ["DEFAULTS", "KIND", "LANGUAGE", "TOWERS", "placeholders", "positions", "seen", "shown"]

DEFAULTS: dict[str, Any] = {
    "size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 768 * 32 * 32},  # pixels of a whole video
    "resample": 3,
    "image_mean": HALF_MEAN,
    "image_std": HALF_STD,
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
}


def seen(frames: Sequence[Any], seconds: Sequence[float], settings: dict[str, Any], config: Any) -> dict[str, Any]:
    least, most = int(settings["size"]["shortest_edge"]), int(settings["size"]["longest_edge"])
    high, wide = fitting(frames[0].shape[1:], settings["patch_size"] * settings["merge_size"], least, most, len(frames))
    return patches(frames, high, wide, settings)


def placeholders(arrays: dict[str, Any], seconds: Sequence[float], config: Any, tokenizer: Any) -> str:
    times, high, wide = arrays["video_grid_thw"][0].tolist()
    count = high * wide // config.vision_config.spatial_merge_size**2
    together = -(-len(seconds) // times)
    steps = [seconds[i : i + together] for i in range(0, len(seconds), together)]
    return "".join(f"<{(step[0] + step[-1]) / 2:.1f} seconds>{wrapped(count, config, tokenizer)}" for step in steps)
