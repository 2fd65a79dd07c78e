"""The things about the house, to play with, to wear and to read."""

from __future__ import annotations

import math
from collections.abc import Callable

from sightline.data.storybook.palette import CREAM, GLASS, GOLD, INK, STEEL, WHITE, WOOD, mix
from sightline.data.storybook.props.nature import star_points
from sightline.data.storybook.shapes import Sheet


def house(s: Sheet) -> None:
    s.box(68, 12, 78, 36, "dark", 1.5)
    s.box(16, 42, 84, 95, "light", 3)
    s.poly([(50, 8), (94, 46), (6, 46)], "coat", soft=3)
    s.bow([(22, 47), (50, 47), (78, 47)], 3, "dark")
    s.box(42, 66, 60, 95, "coat", 8)
    s.oval(56, 82, 1.8, 1.8, GOLD)
    for x in (21, 66):
        s.box(x, 58, x + 14, 74, GLASS, 3)
        s.stroke([(x + 7, 58), (x + 7, 74)], 1.6, "dark")
        s.stroke([(x, 66), (x + 14, 66)], 1.6, "dark")
    s.oval(50, 30, 7, 7, GLASS)


def tent(s: Sheet) -> None:
    s.stroke([(50, 12), (50, 4)], 2.4, WOOD)
    s.poly([(50, 2), (64, 6), (50, 10)], GOLD, soft=0.6)
    s.poly([(50, 14), (94, 92), (6, 92)], "coat", soft=3)
    s.poly([(50, 14), (38, 92), (22, 92)], "light", soft=0.5)
    s.poly([(50, 14), (62, 92), (78, 92)], "light", soft=0.5)
    s.poly([(50, 46), (64, 94), (36, 94)], INK, soft=1)
    s.poly([(50, 46), (64, 94), (57, 94)], "dark", soft=0.5)


def cup(s: Sheet) -> None:
    for x in (38, 54):
        s.bow([(x, 26), (x - 4, 18), (x + 4, 12), (x, 5)], 3, mix(WHITE, STEEL, 0.3))
    s.bow([(70, 46), (92, 44), (92, 68), (68, 74)], 7, "dark")
    s.blob([(16, 36), (46, 34), (76, 36), (72, 78), (60, 92), (32, 92), (20, 78)], "coat")
    s.oval(46, 37, 29, 6, "dark")
    s.oval(46, 38, 24, 3.6, (120, 78, 56))
    s.face(46, 62, 1.15)


def teapot(s: Sheet) -> None:
    s.bow([(24, 46), (5, 44), (6, 70), (26, 76)], 6.5, "dark")
    s.bow([(74, 68), (86, 62), (88, 46), (96, 42)], 9, "dark")
    s.blob([(50, 32), (74, 42), (80, 66), (66, 90), (34, 90), (20, 66), (26, 42)], "coat")
    s.oval(50, 36, 20, 6, "dark")
    s.blob([(33, 34), (50, 22), (67, 34)], "light")
    s.oval(50, 21, 5, 5, GOLD)
    s.shine(31, 52, 4, 9, 20)
    s.face(51, 61, 1.15)


def clock(s: Sheet) -> None:
    for side in (-1, 1):
        s.oval(50 + side * 24, 15, 12, 9, "dark", side * 35)
        s.stroke([(50 + side * 20, 84), (50 + side * 27, 94)], 6, "dark")
    s.oval(50, 53, 39, 39, "coat")
    s.oval(50, 53, 29, 29, CREAM)
    for k in range(12):
        a = math.radians(30 * k)
        s.oval(50 + 24 * math.cos(a), 53 + 24 * math.sin(a), 1.8, 1.8, INK)
    s.stroke([(50, 53), (50, 34)], 3, INK)
    s.stroke([(50, 53), (63, 60)], 3.4, INK)
    s.oval(50, 53, 3.4, 3.4, "coat")


def lamp(s: Sheet) -> None:
    s.oval(50, 91, 22, 5, "dark")
    s.stroke([(50, 54), (50, 90)], 5, GOLD)
    s.oval(50, 55, 20, 5, (255, 240, 180))
    s.poly([(36, 12), (64, 12), (80, 54), (20, 54)], "coat", soft=3)
    s.bow([(18, 55), (50, 58), (82, 55)], 3.6, "light")
    s.face(50, 36, 1.0)


def chair(s: Sheet) -> None:
    for x in (24, 74):
        s.stroke([(x, 70), (x - 2 + (x > 50) * 4, 95)], 6, WOOD)
    s.box(20, 6, 78, 66, "coat", 14)
    s.box(28, 14, 70, 52, "light", 9)
    s.box(14, 58, 84, 76, "coat", 8)
    s.box(10, 46, 24, 76, "dark", 7)
    s.box(74, 46, 88, 76, "dark", 7)


def book(s: Sheet) -> None:
    s.box(12, 12, 84, 94, "dark", 5)
    s.box(18, 82, 88, 92, CREAM, 3)
    s.stroke([(22, 87), (86, 87)], 1.2, mix(CREAM, INK, 0.25))
    s.box(16, 6, 88, 84, "coat", 5)
    s.box(16, 6, 26, 84, "dark", 3)
    s.poly(star_points(57, 30, 13, 6, 5), GOLD, soft=1.5)
    s.face(57, 58, 1.1)


def key(s: Sheet) -> None:
    s.stroke([(44, 50), (92, 50)], 9, "coat")
    s.stroke([(74, 52), (74, 68)], 8, "coat")
    s.stroke([(88, 52), (88, 64)], 8, "coat")
    s.oval(27, 50, 23, 23, "coat")
    s.oval(26, 50, 11, 11, CREAM)
    s.stroke([(50, 47.6), (90, 47.6)], 2, "light")
    s.shine(17, 36, 5, 3, -35)


def umbrella(s: Sheet) -> None:
    s.bow([(50, 18), (50, 78), (54, 92), (64, 90), (65, 80)], 4.6, WOOD)
    s.blob([(50, 8), (76, 16), (95, 46), (96, 54), (4, 54), (5, 46), (24, 16)], "coat")
    for x in (19.5, 50, 80.5):
        s.oval(x, 54, 15.2, 6, CREAM if x == 50 else "light")
    s.blob([(50, 9), (60, 26), (65, 50), (50, 48), (35, 50), (40, 26)], "light")
    s.stroke([(50, 4), (50, 9)], 4, WOOD)


def hat(s: Sheet) -> None:
    s.oval(50, 78, 46, 13, "dark")
    s.oval(50, 75, 46, 12, "coat")
    s.blob([(26, 74), (28, 34), (40, 22), (60, 22), (72, 34), (74, 74), (50, 80)], "coat")
    s.blob([(25, 62), (50, 69), (75, 62), (75, 74), (50, 81), (25, 74)], "light")
    s.oval(70, 66, 7, 7, GOLD)
    s.oval(70, 66, 3, 3, (236, 96, 84))
    s.shine(38, 38, 4, 9, 14)


def gift(s: Sheet) -> None:
    for side in (-1, 1):
        s.blob([(50, 28), (50 + side * 12, 6), (50 + side * 30, 12), (50 + side * 22, 28)], GOLD)
        s.blob(
            [(50 + side * 6, 25), (50 + side * 13, 14), (50 + side * 22, 17), (50 + side * 16, 25)],
            mix(GOLD, INK, 0.25),
        )
    s.box(14, 42, 86, 95, "coat", 4)
    s.box(8, 28, 92, 46, "coat", 4)
    s.stroke([(10, 47), (90, 47)], 2, "dark")
    s.box(43, 28, 57, 95, GOLD, 1)
    s.oval(50, 28, 6, 5, mix(GOLD, INK, 0.15))


def bell(s: Sheet) -> None:
    s.oval(50, 12, 7, 7, "dark")
    s.oval(50, 86, 9, 9, "dark")
    s.blob([(50, 12), (68, 22), (74, 54), (90, 78), (50, 84), (10, 78), (26, 54), (32, 22)], "coat")
    s.bow([(12, 78), (50, 84), (88, 78)], 5, "dark")
    s.shine(35, 36, 4, 11, 14)
    s.face(52, 54, 1.05)


def drum(s: Sheet) -> None:
    s.stroke([(62, 24), (92, 8)], 3.6, WOOD)
    s.stroke([(40, 24), (14, 6)], 3.6, WOOD)
    s.oval(14, 6, 4.4, 4.4, CREAM)
    s.oval(91, 8, 4.4, 4.4, CREAM)
    s.box(10, 32, 90, 88, "coat", 10)
    s.oval(50, 86, 40, 10, "coat")
    for k in range(4):
        s.stroke([(13 + 20 * k, 44), (23 + 20 * k, 84), (33 + 18 * k, 44)], 2.4, CREAM)
    s.oval(50, 34, 41, 12, "dark")
    s.oval(50, 32, 36, 9, CREAM)


def guitar(s: Sheet) -> None:
    s.box(46, 6, 56, 60, WOOD, 2)
    s.box(43, 2, 59, 17, "dark", 4)
    s.blob([(50, 42), (68, 46), (68, 60), (80, 76), (68, 95), (50, 96), (32, 95), (20, 76), (32, 60), (32, 46)], "coat")
    s.oval(50, 68, 11, 11, (92, 62, 52))
    s.box(38, 84, 63, 89, WOOD, 2)
    for x in (48, 51, 54):
        s.stroke([(x, 10), (x, 86)], 0.9, CREAM)
    s.shine(30, 80, 3, 7, 20)


def ball(s: Sheet) -> None:
    s.oval(50, 52, 43, 43, "coat")
    s.blob([(50, 10), (66, 16), (60, 50), (50, 52), (40, 50), (34, 16)], CREAM)
    s.blob([(50, 52), (60, 54), (84, 78), (72, 90), (54, 62)], CREAM)
    s.blob([(50, 52), (40, 54), (16, 78), (28, 90), (46, 62)], CREAM)
    s.oval(50, 52, 7, 7, GOLD)
    s.shine(24, 36, 5, 9, 34)


def kite(s: Sheet) -> None:
    s.bow([(40, 74), (30, 84), (40, 90), (28, 97)], 2, INK)
    for x, y in ((32, 83), (36, 91)):
        s.poly([(x - 7, y - 4), (x, y), (x - 7, y + 4)], GOLD, soft=1)
        s.poly([(x + 7, y - 4), (x, y), (x + 7, y + 4)], GOLD, soft=1)
    s.poly([(60, 4), (92, 40), (40, 76), (20, 28)], "coat", soft=2.5)
    s.poly([(60, 4), (92, 40), (54, 37)], "light", soft=0.5)
    s.poly([(20, 28), (40, 76), (54, 37)], "dark", soft=0.5)
    s.face(55, 34, 1.15)


def robot(s: Sheet) -> None:
    s.stroke([(50, 16), (50, 8)], 3, STEEL)
    s.oval(50, 6, 4.4, 4.4, (236, 96, 84))
    for side in (-1, 1):
        s.bow([(50 + side * 24, 62), (50 + side * 38, 66), (50 + side * 40, 78)], 7, "dark")
        s.box(50 + side * 14 - 9, 84, 50 + side * 14 + 9, 96, "dark", 4)
        s.box(50 + side * 32 - 4, 30, 50 + side * 32 + 4, 42, STEEL, 3)
    s.box(26, 56, 74, 88, "coat", 7)
    s.box(20, 15, 80, 54, "coat", 11)
    s.box(27, 22, 73, 47, GLASS, 7)
    s.oval(40, 33, 4.6, 5, INK)
    s.oval(60, 33, 4.6, 5, INK)
    s.oval(41.4, 31.4, 1.6, 1.6, WHITE)
    s.oval(61.4, 31.4, 1.6, 1.6, WHITE)
    s.smile(50, 39, 5, INK)
    for x, paint in ((40, (236, 96, 84)), (50, GOLD), (60, (120, 190, 120))):
        s.oval(x, 72, 3.8, 3.8, paint)


def crown(s: Sheet) -> None:
    s.poly([(12, 84), (8, 34), (30, 54), (50, 18), (70, 54), (92, 34), (88, 84)], "coat", soft=3)
    s.box(10, 72, 90, 90, "dark", 4)
    for x, y in ((8, 31), (50, 15), (92, 31)):
        s.oval(x + (8 - x) / 40 * (x < 20), y, 5, 5, "light")
    for x, paint in ((28, (236, 96, 84)), (50, (110, 176, 230)), (72, (120, 190, 120))):
        s.oval(x, 81, 5, 5, paint)
    s.face(50, 57, 0.95)


HOUSEHOLD: dict[str, Callable[[Sheet], None]] = {
    draw.__name__: draw
    for draw in (
        house,
        tent,
        cup,
        teapot,
        clock,
        lamp,
        chair,
        book,
        key,
        umbrella,
        hat,
        gift,
        bell,
        drum,
        guitar,
        ball,
        kite,
        robot,
        crown,
    )
}
