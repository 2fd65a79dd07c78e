"""Reads pictures: photographs as one frame, animations as frames with their real times.

The size is checked in the header, before a pixel is decoded. Orientation from EXIF is applied, transparency is laid
on white, and 16-bit grey is brought to 8 bits.

From: JPEG, PNG and APNG, GIF, WebP, BMP and TIFF, through Pillow; no other format is tried.
Departures: an animation's frame that claims less than 20 ms is shown for 100 ms, as browsers do.
Shapes: a file -> Frames, pixels [T, 3, H, W]; a photograph is T = 1 at second 0
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.errors import NotMedia, TooLarge
from sightline.records import Frames
from sightline.video.facts import LIMITS, Facts, Limits
from sightline.video.faults import as_media_error, ordinary_file, reading, shown
from sightline.video.passes import cell_of
from sightline.video.upright import with_short_side

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*")
ORIENTATION = 0x0112  # the EXIF tag
CLOCKWISE = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}  # what its values turn by; 2, 4, 5 and 7 also mirror
SHORTEST, INSTEAD = 20.0, 100.0  # milliseconds of an animation's frame
MOST_BYTES = 1 << 30  # of pictures in one answer


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Told by the first bytes, whatever the file is called."""
    with reading(path), open(path, "rb") as file:
        head = file.read(16)
    return head.startswith(MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@contextmanager
def opened_picture(path: Path, limits: Limits) -> Iterator[Image.Image]:
    """The picture with only its header read. Raises TooLarge, NotMedia."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(path, formats=FORMATS) as picture:
                refuse_large(path, picture.size, limits)
                yield picture
    except Image.DecompressionBombError as bomb:
        raise TooLarge(f"{shown(path)} has far more pixels than the limit of {limits.still_pixels:,}") from bomb
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as fault:
        if getattr(fault, "errno", None) is not None:  # the system's word, not Pillow's
            raise as_media_error(path, fault) from fault
        raise NotMedia(f"{shown(path)} is a damaged or cut-off picture, or none at all") from fault


def refuse_large(path: Path, size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.still_pixels:
        raise TooLarge(
            f"{shown(path)} is {width} x {height} = {width * height:,} pixels, over the limit {limits.still_pixels:,}"
        )


def picture_facts(path: Path, limits: Limits = LIMITS) -> Facts:
    """Facts from the header; an animation's length is the sum of its frames' times."""
    with opened_picture(path, limits) as picture:
        animated = is_animated(picture)
        orientation = picture.getexif().get(ORIENTATION, 1)
        coded_width, coded_height = picture.size
        width, height = (coded_height, coded_width) if orientation in (5, 6, 7, 8) else (coded_width, coded_height)
        name = (picture.format or "").lower()
        return Facts(
            path=os.fspath(path),
            kind="animation" if animated else "still",
            container=name,
            codec=name,
            width=width,
            height=height,
            coded_width=coded_width,
            coded_height=coded_height,
            rotation=CLOCKWISE.get(orientation, 0),
            first=0.0,
            duration=sum(length for _, length in shown_times(picture, limits)) if animated else 0.0,
            frame_rate=0.0,
            audio_tracks=0,
            text_tracks=(),
        )


def is_animated(picture: Image.Image) -> bool:
    return picture.format in ("GIF", "PNG", "WEBP") and getattr(picture, "n_frames", 1) > 1


def shown_times(picture: Image.Image, limits: Limits) -> Iterator[tuple[float, float]]:
    """Steps through an animation: the second and the length of each frame, with the picture on that frame."""
    milliseconds = 0.0
    for place in range(min(picture.n_frames, limits.frames)):  # type: ignore[attr-defined]
        picture.seek(place)
        picture.load()  # a WebP knows a frame's time only then
        stated = float(picture.info.get("duration", 0) or 0)
        length = stated if stated >= SHORTEST else INSTEAD
        yield milliseconds / 1000, length / 1000
        milliseconds += length


def still(
    path: str | os.PathLike[str], side: int | None = 224, *, every: float | None = None, limits: Limits = LIMITS
) -> Frames:
    """A photograph as one frame at second 0, an animation as its frames (with `every`: the first of each cell)."""
    found = ordinary_file(path)
    with opened_picture(found, limits) as picture:
        if is_animated(picture):
            seconds, pictures, duration = moving(picture, side, every, limits)
        else:
            seconds, pictures, duration = [0.0], [photograph(picture, side)], 0.0
    return Frames(np.stack(pictures), np.array(seconds), video=os.fspath(path), duration=duration)


def moving(
    picture: Image.Image, side: int | None, every: float | None, limits: Limits
) -> tuple[list[float], list[np.ndarray], float]:
    seconds: list[float] = []
    pictures: list[np.ndarray] = []
    duration = 0.0
    for second, length in shown_times(picture, limits):
        duration = second + length
        if every is not None and seconds and cell_of(second, every) == cell_of(seconds[-1], every):
            continue
        seconds.append(second)
        pictures.append(pixels(picture, side))
        if len(pictures) * pictures[-1].nbytes > MOST_BYTES:
            raise TooLarge(f"the animation has more than {len(pictures)} frames to keep; ask for fewer with every=1.0")
    return seconds, pictures, duration


def photograph(picture: Image.Image, side: int | None) -> np.ndarray:
    from PIL import ImageOps

    if side is not None:
        picture.draft("RGB", (2 * side, 2 * side))  # lets a JPEG be decoded at a fraction of its size
    return pixels(ImageOps.exif_transpose(picture), side)


def pixels(picture: Image.Image, side: int | None) -> np.ndarray:
    """[3, H, W] of the picture as it stands."""
    from PIL import Image

    flat = on_white(picture)
    size = with_short_side(*flat.size, side)
    if size != flat.size:
        way = Image.Resampling.BOX if size[0] < flat.width else Image.Resampling.BILINEAR
        flat = flat.resize(size, way)
    return np.ascontiguousarray(np.asarray(flat).transpose(2, 0, 1))


def on_white(picture: Image.Image) -> Image.Image:
    """RGB, with whatever is transparent laid on white."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16-bit grey, also where Pillow widens it to 32
        grey = np.clip(np.asarray(picture, dtype=np.int64), 0, 65535) // 257
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")
