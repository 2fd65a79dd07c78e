"""Looks at clips with a model's vision tower, each clip once, and keeps what its frames gave.

A clip is known by the bytes of its frames and their seconds, so the same frames asked about again cost nothing.
Shapes: frames [3, H, W] uint8; ids [1, L].
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from sightline.language.families import core_of, family_of
from sightline.language.families.pieces import Shown, as_clip
from sightline.language.pretrained_prompt import Clip

REMEMBERED = 32  # clips whose features are kept


class Looking:
    """One model's vision side. `count` says how often its tower was run."""

    def __init__(self, model: Any, settings: dict[str, Any]) -> None:
        self.model, self.settings = model, settings
        self.family, self.core = family_of(model.config), core_of(model)
        self.seen: OrderedDict[bytes, tuple[dict[str, Any], Shown]] = OrderedDict()
        self.count = 0

    @torch.inference_mode()
    def at(self, clip: Clip) -> tuple[dict[str, Any], Shown]:
        """What a clip's frames give; they are looked at once."""
        frames = [np.asarray(exhibit.pixels) for exhibit in clip.pictures]
        digest = blake2b(repr((clip.seconds, [frame.shape for frame in frames])).encode())
        for frame in frames:
            digest.update(np.ascontiguousarray(frame).data)
        key = digest.digest()
        if key not in self.seen:
            arrays = self.family.seen(frames, clip.seconds, self.settings, self.model.config)
            (shown,) = self.family.shown(self.core, self._tensors(arrays))
            self.count += 1
            self.seen[key] = _without_pixels(arrays), as_clip(shown)
        self.seen.move_to_end(key)
        while len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)
        return self.seen[key]

    def _tensors(self, arrays: dict[str, Any]) -> dict[str, Any]:
        made = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        kind = self.model.dtype
        return {
            name: value.to(self.model.device, kind if value.dtype == torch.float32 else None)
            for name, value in made.items()
        }

    def given(self, ids: list[int], arrays: list[dict[str, Any]]) -> dict[str, Any]:
        """The prompt as the model's forward would be given it, without its pixels."""
        tensor = torch.tensor([ids], device=self.model.device)
        names = [name for name in (arrays[0] if arrays else {}) if not name.startswith("pixel_")]
        joined = self._tensors({name: np.concatenate([each[name] for each in arrays]) for name in names})
        config = self.model.config
        kinds = (tensor == config.image_token_id).int()
        if self.family.KIND == "video":
            kinds = kinds + 2 * (tensor == config.video_token_id).int()
        return {"input_ids": tensor, "attention_mask": torch.ones_like(tensor), "mm_token_type_ids": kinds, **joined}


def _without_pixels(arrays: dict[str, Any]) -> dict[str, Any]:
    """Pixels are let go; what remains of them is their shape, by which placeholders are counted."""
    return {
        name: np.broadcast_to(np.zeros((), array.dtype), array.shape) if name.startswith("pixel_") else array
        for name, array in arrays.items()
    }
