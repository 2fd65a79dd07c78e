"""A sheet to draw on with five shapes: oval, blob, polygon, rounded box, stroke; and the faces made of them.

Coordinates are hundredths of the sheet's height, x to the right, y down, so one drawing serves every size. A sheet is
drawn three times too large and reduced, which smooths every edge. A paint is an RGB value or the name of a tone of the
sheet's coat ("coat", "light", "dark", "deep", "ink"); what is painted "coat" remembers it, for textures go there alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sightline.data.storybook.palette import COLOURS, INK, RGB, ROSE, WHITE, Coat, mix

Point = tuple[float, float]
Paint = str | RGB
OVERSAMPLING = 3


def oval_points(x: float, y: float, rx: float, ry: float, tilt: float = 0.0, steps: int = 40) -> list[Point]:
    turn = math.radians(tilt)
    cos, sin = math.cos(turn), math.sin(turn)
    ring = [(rx * math.cos(a), ry * math.sin(a)) for a in (2 * math.pi * k / steps for k in range(steps))]
    return [(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in ring]


def smooth(points: Sequence[Point], closed: bool, steps: int = 8) -> list[Point]:
    """A Catmull-Rom curve through the points: soft corners from few numbers."""
    n = len(points)
    at = (lambda k: points[k % n]) if closed else (lambda k: points[min(max(k, 0), n - 1)])
    curve: list[Point] = []
    for k in range(n if closed else n - 1):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = at(k - 1), at(k), at(k + 1), at(k + 2)
        for step in range(steps):
            t = step / steps
            p, q, r, s = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2
            curve.append(((ax * p + bx * q + cx * r + dx * s) / 2, (ay * p + by * q + cy * r + dy * s) / 2))
    return curve if closed else [*curve, points[-1]]


class Sheet:
    """A transparent sheet, 100 units high and `w` units wide."""

    def __init__(self, height: int, width: int | None = None, coat: Coat = COLOURS["white"]) -> None:
        from PIL import Image, ImageDraw

        self.pixels = (width or height, height)
        self.unit = height * OVERSAMPLING / 100
        self.w = 100.0 * self.pixels[0] / height
        big = (self.pixels[0] * OVERSAMPLING, height * OVERSAMPLING)
        self.picture = Image.new("RGBA", big, (*coat.deep, 0))
        self.coated = Image.new("L", big, 0)
        self._brush, self._mark = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.coated)
        self.coat = coat

    def reduced(self) -> tuple[Any, Any]:
        """The finished picture (RGBA) and the mask of its coat (L), at their true size."""
        return self.picture.reduce(OVERSAMPLING), self.coated.reduce(OVERSAMPLING)

    def _scaled(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.unit, y * self.unit) for x, y in points]

    def _rgb(self, paint: Paint) -> RGB:
        return getattr(self.coat, paint) if isinstance(paint, str) else paint

    # --- the five shapes ---------------------------------------------------------------------

    def poly(self, points: Sequence[Point], paint: Paint, soft: float = 0.0) -> None:
        """A polygon; `soft` rounds its corners by that radius (and makes it larger by as much)."""
        shape = self._scaled(points)
        self._brush.polygon(shape, fill=self._rgb(paint))
        self._mark.polygon(shape, fill=255 if paint == "coat" else 0)
        if soft:
            self.stroke([*points, points[0]], 2 * soft, paint)

    def oval(self, x: float, y: float, rx: float, ry: float, paint: Paint, tilt: float = 0.0) -> None:
        self.poly(oval_points(x, y, rx, ry, tilt), paint)

    def blob(self, points: Sequence[Point], paint: Paint) -> None:
        """A closed soft curve through the points."""
        self.poly(smooth(points, closed=True), paint)

    def box(self, x0: float, y0: float, x1: float, y1: float, paint: Paint, r: float = 5.0) -> None:
        r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = [(x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180), (x1 - r, y0 + r, 270)]
        turns = [(x, y, math.radians(a + k * 15)) for x, y, a in corners for k in range(7)]
        self.poly([(x + r * math.cos(a), y + r * math.sin(a)) for x, y, a in turns], paint)

    def stroke(self, points: Sequence[Point], width: float, paint: Paint) -> None:
        """A line with round ends and joints."""
        shape, thick = self._scaled(points), max(1, round(width * self.unit))
        for draw, fill in ((self._brush, self._rgb(paint)), (self._mark, 255 if paint == "coat" else 0)):
            draw.line(shape, fill=fill, width=thick, joint="curve")
            for x, y in (shape[0], shape[-1]):
                draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=fill)

    def bow(self, points: Sequence[Point], width: float, paint: Paint) -> None:
        """A stroke along a soft curve through the points."""
        self.stroke(smooth(points, closed=False), width, paint)

    # --- faces and light -----------------------------------------------------------------------

    def eye(self, x: float, y: float, r: float = 4.0) -> None:
        if self.coat.ink != INK:  # a dark coat: a pale rim keeps the eye visible
            self.oval(x, y, r * 1.35, r * 1.4, self.coat.ink)
        self.oval(x, y, r, r * 1.08, INK)
        self.oval(x + r * 0.3, y - r * 0.36, r * 0.36, r * 0.36, WHITE)

    def eyes(self, x: float, y: float, apart: float, r: float = 4.0) -> None:
        self.eye(x - apart, y, r)
        self.eye(x + apart, y, r)

    def smile(self, x: float, y: float, half: float = 5.0, paint: Paint = "ink", width: float = 1.8) -> None:
        self.bow([(x - half, y), (x, y + half * 0.62), (x + half, y)], width, paint)

    def cheeks(self, x: float, y: float, apart: float, r: float = 3.6) -> None:
        blush = mix(self.coat.coat, (240, 96, 110), 0.45)
        self.oval(x - apart, y, r * 1.2, r * 0.85, blush)
        self.oval(x + apart, y, r * 1.2, r * 0.85, blush)

    def face(self, x: float, y: float, size: float = 1.0) -> None:
        """Two eyes, a smile and cheeks: what turns a thing into somebody."""
        self.cheeks(x, y + 4.5 * size, 13 * size, 3.2 * size)
        self.eyes(x, y, 8.5 * size, 3.4 * size)
        self.smile(x, y + 3.5 * size, 4 * size, width=1.7 * size)

    def shine(self, x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> None:
        """A patch of light on the coat."""
        self.oval(x, y, rx, ry, mix(self.coat.coat, WHITE, 0.55), tilt)

    def nose(self, x: float, y: float, size: float = 3.0, paint: Paint = ROSE) -> None:
        self.blob([(x - size, y - size * 0.6), (x + size, y - size * 0.6), (x, y + size * 0.8)], paint)
