"""Turns frames into the numbers a picture tower was trained on: resize, centre crop, rescale, normalise.

From: the `preprocessor_config.json` of the `transformers` models; Pillow's own resize, so that pixels equal those of
the models' own processors (torchvision is not needed).
Departures: one resize rule per model, "shorter" (CLIP: the shorter side, then a centre crop) or "exact" (SigLIP:
squashed to the size); the variable-resolution rule of SigLIP 2 NaFlex is refused.
Shapes: frames [T, 3, H, W] uint8 -> pixels [T, 3, h, w] float32
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.errors import BadModel

Array = Any

LARGEST = 4096  # no picture tower takes more; a damaged file must not ask for a terabyte
RESAMPLINGS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}  # Pillow's numbers


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a picture before the tower; two equal ones give equal pixels."""

    size: tuple[int, int] | int | None  # (height, width): squash to it; a number: the shorter side; None: as it is
    crop: tuple[int, int] | None  # (height, width) cut from the centre, black where the picture is smaller
    resample: int = 3
    rescale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what the tower gets."""
        if self.crop is not None:
            return self.crop
        if isinstance(self.size, tuple):
            return self.size
        raise BadModel(
            f"the preprocessing gives pictures of no fixed shape (size {self.size}, no crop); name a crop_size"
        )

    def apply(self, pixels: Array) -> Array:
        """Frames [T, 3, H, W] uint8 -> [T, 3, h, w] float32."""
        height, width = self.shape
        ready = np.zeros((len(pixels), 3, height, width), dtype=np.float32)
        for row, frame in zip(ready, pixels, strict=True):
            _put_centre(self._resized(np.asarray(frame)), row)
        scale, shift = self._affine()
        ready *= scale
        ready += shift
        return ready

    def _affine(self) -> tuple[Array, Array]:
        """Rescale and normalise as one multiplication and one addition per colour [3, 1, 1]."""
        mean, std = np.array(self.mean)[:, None, None], np.array(self.std)[:, None, None]
        return (self.rescale / std).astype(np.float32), (-mean / std).astype(np.float32)

    def _resized(self, frame: Array) -> Array:
        """One frame [3, H, W] uint8 in the size that the crop is cut from."""
        height, width = self._target(*frame.shape[1:])
        if (height, width) == frame.shape[1:]:
            return frame
        from PIL import Image

        picture = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))
        resized = picture.resize((width, height), resample=Image.Resampling(self.resample))
        return np.asarray(resized).transpose(2, 0, 1)

    def _target(self, height: int, width: int) -> tuple[int, int]:
        if self.size is None:
            return height, width
        if isinstance(self.size, tuple):
            return self.size
        if width <= height:
            return int(self.size * height / width), self.size
        return self.size, int(self.size * width / height)


def _put_centre(frame: Array, row: Array) -> None:
    """The centre of a frame into `row`; where the frame is too small, `row` keeps a border (the odd line before it)."""
    cuts = []
    for have, want in zip(frame.shape[1:], row.shape[1:], strict=True):
        before = math.floor((have - want) / 2)
        cuts.append((slice(max(before, 0), max(before, 0) + min(have, want)), max(-before, 0), min(have, want)))
    (rows, top, height), (columns, left, width) = cuts
    row[:, top : top + height, left : left + width] = frame[:, rows, columns]


def read_preprocessing(settings: Mapping[str, Any], whose: str) -> Preprocessing:
    """From the fields of a `preprocessor_config.json`."""
    if "max_num_patches" in settings:
        raise BadModel(
            f"{whose} is a variable-resolution (NaFlex) model, which is not supported; "
            "take its fixed-resolution sister, such as google/siglip2-base-patch16-256"
        )
    try:
        size = _size(settings["size"]) if settings.get("do_resize", True) else None
        crop = (
            _square(_size(settings["crop_size"])) if settings.get("do_center_crop", "crop_size" in settings) else None
        )
        normalise = settings.get("do_normalize", True)
        made = Preprocessing(
            size=size,
            crop=crop,
            resample=int(settings.get("resample", 3)),
            rescale=float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0,
            mean=_three(settings["image_mean"]) if normalise else (0.0, 0.0, 0.0),
            std=_three(settings["image_std"]) if normalise else (1.0, 1.0, 1.0),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise BadModel(
            f"the preprocessing of {whose} cannot be read ({type(problem).__name__}: {problem})"
        ) from problem
    _check(made, whose)
    return made


def _size(size: Any) -> tuple[int, int] | int:
    """224 or {"shortest_edge": 224}: the shorter side; {"height": 224, "width": 224}: exactly."""
    if isinstance(size, Mapping):
        return int(size["shortest_edge"]) if "shortest_edge" in size else (int(size["height"]), int(size["width"]))
    return int(size)


def _square(size: tuple[int, int] | int) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _three(numbers: Any) -> tuple[float, float, float]:
    first, second, third = (float(number) for number in numbers)
    return first, second, third


def _check(made: Preprocessing, whose: str) -> None:
    sides = [side for part in (made.size, made.crop) if part is not None for side in _square(part)]
    if not all(1 <= side <= LARGEST for side in sides):
        raise BadModel(f"{whose} asks for pictures of {sides}; sides of 1 to {LARGEST} are supported")
    if made.resample not in RESAMPLINGS:
        raise BadModel(f"{whose} asks for resampling {made.resample}; known are {RESAMPLINGS}")
    if not all(map(math.isfinite, (*made.mean, *made.std, made.rescale))) or 0 in made.std:
        raise BadModel(
            f"{whose} normalises with mean {made.mean} and std {made.std}; both must be finite, std not zero"
        )
