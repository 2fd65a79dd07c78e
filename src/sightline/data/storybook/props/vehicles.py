"""What moves people in the picture book: seven vehicles, looking right."""

from __future__ import annotations

from collections.abc import Callable

from sightline.data.storybook.palette import CREAM, FLAME, GLASS, GOLD, INK, STEEL, WHITE, WOOD
from sightline.data.storybook.shapes import Sheet


def _wheel(s: Sheet, x: float, y: float, r: float) -> None:
    s.oval(x, y, r, r, INK)
    s.oval(x, y, r * 0.55, r * 0.55, STEEL)
    s.oval(x, y, r * 0.2, r * 0.2, INK)


def car(s: Sheet) -> None:
    s.blob([(20, 58), (30, 34), (50, 30), (68, 36), (80, 58)], "coat")
    s.blob([(27, 55), (34, 40), (48, 37), (48, 55)], GLASS)
    s.blob([(53, 55), (53, 37), (64, 41), (73, 55)], GLASS)
    s.box(5, 52, 95, 82, "coat", 13)
    s.box(5, 71, 95, 79, "dark", 4)
    s.oval(90, 62, 4.4, 5, GOLD)
    s.oval(9, 62, 3, 4, (236, 96, 84))
    s.stroke([(46, 62), (52, 62)], 2.2, "deep")
    _wheel(s, 26, 83, 12)
    _wheel(s, 74, 83, 12)
    s.shine(22, 57, 8, 2)


def bus(s: Sheet) -> None:
    s.box(4, 22, 96, 86, "coat", 10)
    for x in (10, 30, 50):
        s.box(x, 32, x + 16, 52, GLASS, 4)
        s.stroke([(x + 4, 48), (x + 11, 36)], 2, WHITE)
    s.box(72, 32, 92, 78, GLASS, 4)
    s.stroke([(82, 33), (82, 77)], 1.8, "deep")
    s.box(4, 62, 68, 68, "light", 2)
    s.oval(93, 76, 3, 4, GOLD)
    _wheel(s, 25, 86, 10)
    _wheel(s, 63, 86, 10)


def train(s: Sheet) -> None:
    s.oval(74, 8, 7, 6, CREAM)
    s.oval(63, 14, 5, 4.5, CREAM)
    s.poly([(70, 22), (86, 22), (82, 42), (74, 42)], "dark", soft=1.5)
    s.box(30, 40, 94, 76, "coat", 10)
    s.box(6, 22, 46, 78, "coat", 5)
    s.box(2, 17, 50, 27, "dark", 4)
    s.box(14, 34, 37, 52, GLASS, 4)
    s.box(4, 74, 92, 82, "dark", 3)
    s.poly([(88, 74), (98, 90), (82, 90)], STEEL, soft=1)
    s.oval(92, 56, 4.4, 6, GOLD)
    s.box(54, 40, 60, 76, "light", 1)
    s.oval(61, 36, 5, 5, GOLD)
    _wheel(s, 24, 82, 13)
    _wheel(s, 53, 86, 9)
    _wheel(s, 75, 86, 9)


def boat(s: Sheet) -> None:
    s.stroke([(48, 8), (48, 66)], 3.4, WOOD)
    s.blob([(52, 10), (70, 28), (84, 58), (52, 60)], "light")
    s.blob([(44, 16), (30, 36), (16, 58), (44, 60)], CREAM)
    s.poly([(48, 5), (62, 9), (48, 14)], (236, 96, 84), soft=0.8)
    s.blob([(4, 64), (50, 67), (96, 62), (84, 88), (50, 94), (18, 88)], "coat")
    s.bow([(6, 68), (50, 73), (94, 67)], 4, "dark")
    for x in (32, 50, 68):
        s.oval(x, 81, 4, 4, GLASS)


def plane(s: Sheet) -> None:
    s.blob([(4, 26), (16, 22), (30, 48), (16, 52)], "dark")
    s.blob([(6, 50), (30, 44), (70, 40), (94, 50), (92, 62), (64, 70), (24, 64)], "coat")
    s.blob([(74, 41), (88, 46), (84, 53), (72, 51)], GLASS)
    for x in (32, 45, 58):
        s.oval(x, 51, 3.6, 3.6, GLASS)
    s.blob([(36, 58), (62, 58), (42, 90), (26, 90)], "dark")
    s.blob([(48, 43), (62, 42), (54, 22), (44, 22)], "dark")
    s.oval(95, 55, 2.4, 14, STEEL)
    s.oval(94, 56, 4, 4, INK)


def rocket(s: Sheet) -> None:
    s.blob([(40, 80), (60, 80), (56, 92), (50, 98), (44, 92)], FLAME)
    s.blob([(45, 80), (55, 80), (50, 92)], GOLD)
    s.blob([(34, 56), (18, 74), (20, 88), (36, 78)], "dark")
    s.blob([(66, 56), (82, 74), (80, 88), (64, 78)], "dark")
    s.blob([(50, 2), (68, 26), (70, 56), (62, 82), (38, 82), (30, 56), (32, 26)], "coat")
    s.blob([(50, 2), (63, 20), (50, 24), (37, 20)], "dark")
    s.oval(50, 42, 12.5, 12.5, "dark")
    s.oval(50, 42, 9, 9, GLASS)
    s.stroke([(46, 44), (50, 37)], 2.4, WHITE)
    s.box(33, 66, 67, 71, "light", 2)


def balloon(s: Sheet) -> None:
    s.stroke([(34, 60), (43, 80)], 1.6, WOOD)
    s.stroke([(66, 60), (57, 80)], 1.6, WOOD)
    s.blob([(50, 3), (76, 12), (84, 36), (66, 60), (50, 68), (34, 60), (16, 36), (24, 12)], "coat")
    s.blob([(50, 3), (60, 14), (62, 38), (54, 66), (46, 66), (38, 38), (40, 14)], "light")
    s.bow([(25, 12), (19, 36), (36, 61)], 2, "dark")
    s.bow([(75, 12), (81, 36), (64, 61)], 2, "dark")
    s.box(40, 79, 60, 95, WOOD, 4)
    s.box(38, 78, 62, 83, GOLD, 2)


VEHICLES: dict[str, Callable[[Sheet], None]] = {
    draw.__name__: draw for draw in (car, bus, train, boat, plane, rocket, balloon)
}
