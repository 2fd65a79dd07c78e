"""Turns frames into the numbers a vision tower was trained on: Pillow resizes, numpy does the rest, no torchvision.

From: the preprocessor_config.json of the families, and the arithmetic of their Pillow image processors (resize on 8-bit
pixels, rescale, normalise).
Departures: the frames of one clip all get the size that the first one asks for.
Shapes: frames [3, H, W] uint8 -> [T, 3, h, w] float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sightline.errors import BadModel, BadRecord

Array = Any

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF_MEAN, HALF_STD = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
LARGEST = 4096


def prepared(frames: Sequence[Array], settings: Mapping[str, Any]) -> Array:
    """Frames in the size the settings name (the shorter side, or height and width), cropped, normalised."""
    size = settings["size"]
    if "shortest_edge" in size:
        high, wide = shorter_side(frames[0].shape[1:], int(size["shortest_edge"]))
    else:
        high, wide = int(size["height"]), int(size["width"])
    resized = [centre(scaled(frame, high, wide, settings["resample"]), settings.get("crop_size")) for frame in frames]
    return normalised(np.stack(resized), settings)


def shorter_side(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    high, wide = shape
    return (side, int(side * wide / high)) if high <= wide else (int(side * high / wide), side)


def scaled(frame: Array, high: int, wide: int, resample: int) -> Array:
    """One frame [3, H, W] uint8 in another size, still uint8."""
    from PIL import Image

    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[0] != 3 or frame.dtype != np.uint8:
        raise BadRecord(f"a frame is [3, H, W] uint8, not {frame.shape} {frame.dtype}")
    if not (1 <= high <= LARGEST and 1 <= wide <= LARGEST):
        raise BadModel(f"the preprocessing asks for frames of {high} x {wide}; sides of 1 to {LARGEST} are supported")
    picture = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))
    return np.asarray(picture.resize((wide, high), Image.Resampling(resample))).transpose(2, 0, 1)


def centre(frame: Array, crop: Mapping[str, int] | None) -> Array:
    if not crop:
        return frame
    high, wide = int(crop["height"]), int(crop["width"])
    top, left = (frame.shape[1] - high) // 2, (frame.shape[2] - wide) // 2
    if top < 0 or left < 0:
        raise BadModel(f"the preprocessing crops {high} x {wide} from frames of {frame.shape[1]} x {frame.shape[2]}")
    return frame[:, top : top + high, left : left + wide]


def normalised(frames: Array, settings: Mapping[str, Any]) -> Array:
    """[T, 3, h, w] uint8 -> float32."""
    mean = np.asarray(settings["image_mean"], np.float32)[:, None, None]
    std = np.asarray(settings["image_std"], np.float32)[:, None, None]
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise BadModel(
            f"the preprocessing normalises with mean {settings['image_mean']} and std {settings['image_std']}"
        )
    scale = np.float32(settings.get("rescale_factor", 1 / 255))
    return (frames.astype(np.float32) * scale - mean) / std
