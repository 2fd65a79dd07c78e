"""Turns decoded frames into pictures as a viewer sees them: upright, with square pixels, at the size asked for.

The scaling is done once, by swscale's area average, straight from the decoder's planes to small RGB; a frame
nobody keeps is never converted. Turning and mirroring happen after it, on the small picture.

From: the display matrix of the MP4 format (ISO/IEC 14496-12, track header), as FFmpeg reports it.
Departures: a turn by other than quarters is taken as the nearest quarter; a pixel shape outside 1:10 to 10:1 is
taken for nonsense and ignored, and no picture is made longer than 8 times its shorter side.
Shapes: frame -> [3, H, W] uint8
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import av

LONGEST = 8  # times the shorter side


def display_matrix(frame: av.VideoFrame) -> list[int]:
    """The nine numbers that say how the picture is turned for showing; none where it is shown as coded."""
    found = frame.side_data.get("DISPLAYMATRIX")
    return [] if found is None else np.frombuffer(bytes(found), dtype=np.int32, count=9).tolist()  # type: ignore[call-overload]


@dataclass(frozen=True)
class Orientation:
    """How the coded picture is brought upright: first its axes are swapped, then it is mirrored."""

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Reads the display matrix (a b u, c d v, x y w): a point (x, y) is shown at (a x + c y, b x + d y)."""
        matrix = display_matrix(frame)
        if not matrix:
            return cls()
        a, b, _, c, d = matrix[:5]
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def clockwise(self) -> int:
        """Degrees by which the coded picture is turned, mirroring left aside."""
        if self.swap:
            return 90 if self.mirror_x else 270
        return 180 if self.mirror_y else 0

    def apply(self, picture: np.ndarray) -> np.ndarray:  # [h, w, 3] -> [H, W, 3]
        if self.swap:
            picture = picture.transpose(1, 0, 2)
        return picture[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]


def square(width: int, height: int, pixel_shape: Fraction | None) -> tuple[int, int]:
    """Width and height with the pixels made square; the height stays."""
    if not pixel_shape or not Fraction(1, 10) <= pixel_shape <= 10:
        return width, height
    return max(1, round(width * pixel_shape)), height


def upright_size(width: int, height: int, pixel_shape: Fraction | None, orientation: Orientation) -> tuple[int, int]:
    """The size a viewer sees of a coded width and height."""
    width, height = square(width, height, pixel_shape)
    return (height, width) if orientation.swap else (width, height)


def with_short_side(width: int, height: int, side: int | None) -> tuple[int, int]:
    """The same shape with its shorter side at `side`; None leaves the size alone."""
    if side is None:
        return width, height
    if width <= height:
        return side, min(max(side, round(height * side / width)), LONGEST * side)
    return min(max(side, round(width * side / height)), LONGEST * side), side


class Painter:
    """Makes the pictures of one stream. Its scaler is set up once and used for every kept frame."""

    def __init__(self, pixel_shape: Fraction | None, side: int | None) -> None:
        from av.video.reformatter import VideoReformatter

        self.pixel_shape, self.side = pixel_shape, side
        self.scaler = VideoReformatter()
        self._coded: tuple[int, int, int] | None = None
        self._orientation = Orientation()

    def orientation_of(self, frame: av.VideoFrame) -> Orientation:
        """Read again only where the frame's size or turn changes: a frame whose side data was looked at holds itself
        in a cycle, and large pictures would pile up until the garbage is collected."""
        coded = (frame.width, frame.height, frame.rotation)
        if coded != self._coded:
            self._coded, self._orientation = coded, Orientation.of(frame)
        return self._orientation

    def paint(self, frame: av.VideoFrame, like: tuple[int, ...] | None = None) -> np.ndarray:
        """The upright picture [3, H, W]; `like` (3, H, W) forces the size of an earlier picture on it."""
        orientation = self.orientation_of(frame)
        if like is None:
            width, height = with_short_side(*square(frame.width, frame.height, self.pixel_shape), self.side)
        else:
            width, height = (like[1], like[2]) if orientation.swap else (like[2], like[1])
        small = self.scaler.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1)
        return np.ascontiguousarray(orientation.apply(small.to_ndarray()).transpose(2, 0, 1))
