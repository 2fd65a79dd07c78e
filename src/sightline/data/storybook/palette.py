"""The colours of the picture book: eleven named coats, each with its lighter, darker and outline tone.

From: the eleven basic colour terms of Berlin and Kay (1969). The values are ours: soft, far enough apart that the
nearest of the eleven is the named one, light enough for ink on top.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]

INK: RGB = (60, 50, 74)
CREAM: RGB = (255, 248, 232)
WHITE: RGB = (255, 255, 255)
ROSE: RGB = (247, 163, 168)
LEAF: RGB = (122, 178, 102)
WOOD: RGB = (170, 118, 80)
GOLD: RGB = (248, 200, 92)
GLASS: RGB = (196, 228, 240)
STEEL: RGB = (168, 174, 190)
FLAME: RGB = (255, 158, 70)


@dataclass(frozen=True)
class Coat:
    """One colour as paint: the coat itself, light and dark tones, the outline, and an ink that reads on it."""

    coat: RGB
    light: RGB
    dark: RGB
    deep: RGB
    ink: RGB


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`share` of the other colour in the one."""
    r, g, b = (round(a + (z - a) * share) for a, z in zip(one, other, strict=True))
    return r, g, b


def _coat(body: RGB) -> Coat:
    return Coat(body, mix(body, CREAM, 0.5), mix(body, INK, 0.22), mix(body, INK, 0.62), INK)


COLOURS: dict[str, Coat] = {
    "red": _coat((226, 72, 70)),
    "orange": _coat((244, 140, 52)),
    "yellow": _coat((252, 212, 78)),
    "green": _coat((92, 172, 88)),
    "blue": _coat((68, 132, 216)),
    "purple": _coat((146, 98, 192)),
    "pink": _coat((246, 150, 184)),
    "brown": _coat((146, 94, 60)),
    "black": Coat((58, 54, 66), (112, 108, 126), (40, 37, 48), (22, 20, 28), (236, 228, 214)),
    "white": Coat((251, 249, 244), (255, 255, 255), (222, 218, 222), (142, 136, 152), INK),
    "grey": Coat((152, 155, 164), (204, 206, 210), (122, 124, 136), (82, 80, 98), INK),
}


def nearest_colour(rgb: tuple[float, float, float]) -> str:
    """The name of the coat that a pixel is closest to."""
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLOURS[name].coat, rgb, strict=True)))
