"""A small JPEG of one frame, for people to look at.

Shapes: [H, W, 3] or [3, H, W] uint8 -> JPEG bytes
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

from sightline.errors import BadRecord


def jpeg(frame: np.ndarray, width: int = 192, quality: int = 80) -> bytes:
    """The frame as a JPEG at most `width` wide; it is never enlarged. The same frame gives the same bytes."""
    from PIL import Image

    if frame.ndim != 3 or 3 not in (frame.shape[0], frame.shape[2]):
        raise BadRecord(f"a thumbnail needs a frame [3, H, W] or [H, W, 3], not shape {frame.shape}")
    if frame.shape[2] != 3:
        frame = frame.transpose(1, 2, 0)
    picture = Image.fromarray(np.ascontiguousarray(frame))
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
