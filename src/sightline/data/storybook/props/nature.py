"""What grows, shines and is eaten in the picture book; many have a face, as the sun in a picture book has."""

from __future__ import annotations

import math
from collections.abc import Callable

from sightline.data.storybook.palette import CREAM, GOLD, LEAF, ROSE, WHITE, WOOD, mix
from sightline.data.storybook.shapes import Point, Sheet

_STEM = (104, 150, 84)


def star_points(x: float, y: float, outer: float, inner: float, tips: int, turn: float = -90.0) -> list[Point]:
    """The corners of a star, tip and notch in turn."""
    rays = [(outer if k % 2 == 0 else inner, math.radians(turn + 180 * k / tips)) for k in range(2 * tips)]
    return [(x + r * math.cos(a), y + r * math.sin(a)) for r, a in rays]


def tree(s: Sheet) -> None:
    s.poly([(44, 60), (56, 60), (61, 95), (39, 95)], WOOD, soft=1)
    s.stroke([(50, 74), (60, 62)], 4, WOOD)
    for x, y, r in ((30, 50, 21), (70, 50, 21), (50, 56, 20)):
        s.oval(x, y, r, r * 0.9, "dark")
    for x, y, r in ((36, 36, 22), (64, 36, 22), (50, 24, 20), (50, 44, 22)):
        s.oval(x, y, r, r * 0.92, "coat")
    s.shine(40, 20, 8, 4, -30)
    for x, y in ((33, 46), (62, 30), (66, 52), (48, 38)):
        s.oval(x, y, 3.4, 3.4, "light")


def flower(s: Sheet) -> None:
    s.bow([(50, 50), (52, 72), (50, 95)], 5, _STEM)
    s.blob([(51, 84), (62, 68), (80, 66), (70, 82)], LEAF)
    s.blob([(50, 88), (40, 74), (24, 74), (33, 88)], LEAF)
    for k in range(8):
        a = math.radians(45 * k)
        s.oval(50 + 21 * math.cos(a), 36 + 21 * math.sin(a), 13, 9.5, "dark" if k % 2 else "coat", 45 * k)
    for k in range(0, 8, 2):
        a = math.radians(45 * k)
        s.oval(50 + 21 * math.cos(a), 36 + 21 * math.sin(a), 13, 9.5, "coat", 45 * k)
    s.oval(50, 36, 14, 14, GOLD)
    s.oval(45, 34, 2, 2.4, (90, 60, 50))
    s.oval(55, 34, 2, 2.4, (90, 60, 50))
    s.smile(50, 38, 4, (90, 60, 50))


def mushroom(s: Sheet) -> None:
    s.blob([(38, 54), (62, 54), (66, 90), (50, 96), (34, 90)], CREAM)
    s.blob([(6, 54), (14, 28), (50, 8), (86, 28), (94, 54), (72, 62), (28, 62)], "coat")
    s.bow([(12, 56), (50, 62), (88, 56)], 4, "dark")
    for x, y, r in ((50, 24, 8), (28, 38, 6.5), (72, 38, 6.5), (50, 48, 5)):
        s.oval(x, y, r, r * 0.85, "light")
    s.oval(43, 72, 3, 3.4, (84, 64, 64))
    s.oval(57, 72, 3, 3.4, (84, 64, 64))
    s.smile(50, 77, 4, (84, 64, 64))
    s.oval(37.5, 78, 3, 2.2, ROSE)
    s.oval(62.5, 78, 3, 2.2, ROSE)


def cactus(s: Sheet) -> None:
    s.bow([(50, 60), (24, 62), (20, 50), (20, 38)], 13, "dark")
    s.bow([(50, 68), (76, 66), (80, 52), (80, 42)], 13, "dark")
    s.box(35, 14, 65, 90, "coat", 15)
    for x in (43, 50, 57):
        s.stroke([(x, 22), (x, 30)], 1.4, "light")
        s.stroke([(x, 64), (x, 72)], 1.4, "light")
    s.poly([(28, 80), (72, 80), (67, 95), (33, 95)], (214, 128, 92), soft=1.5)
    s.box(26, 77, 74, 84, (228, 148, 110), 2)
    for k in range(5):
        a = math.radians(72 * k - 90)
        s.oval(50 + 6 * math.cos(a), 12 + 6 * math.sin(a), 4.6, 4.6, ROSE)
    s.oval(50, 12, 3.4, 3.4, GOLD)
    s.face(50, 44, 0.9)


def leaf(s: Sheet) -> None:
    s.bow([(30, 78), (18, 88), (12, 95)], 5, "dark")
    s.blob([(26, 82), (16, 56), (30, 28), (60, 12), (92, 8), (92, 40), (78, 68), (52, 84)], "coat")
    s.bow([(27, 80), (54, 50), (84, 18)], 2.8, "dark")
    for x, y in ((42, 63), (54, 50), (67, 37)):
        s.bow([(x, y), (x - 2, y - 12), (x - 2, y - 19)], 2, "dark")
        s.bow([(x, y), (x + 12, y + 3), (x + 19, y + 2)], 2, "dark")


def sun(s: Sheet) -> None:
    s.poly(star_points(50, 50, 46, 32, 12), "dark", soft=1.5)
    s.poly(star_points(50, 50, 41, 34, 12, -75), "light", soft=1.5)
    s.oval(50, 50, 31, 31, "coat")
    s.shine(38, 34, 8, 4.4, -40)
    s.face(50, 47, 1.25)


def moon(s: Sheet) -> None:
    s.poly(
        [
            *[(50 + 44 * math.cos(a), 50 + 44 * math.sin(a)) for a in (math.radians(d) for d in range(60, 301, 6))],
            *[(72 + 37 * math.cos(a), 50 + 37 * math.sin(a)) for a in (math.radians(d) for d in range(274, 85, -6))],
        ],
        "coat",
        soft=2,
    )
    s.oval(24, 66, 4, 4, "dark")
    s.oval(38, 80, 3, 3, "dark")
    s.oval(30, 24, 3, 3, "dark")
    s.bow([(22, 44), (26, 47), (30, 44)], 2.2, "ink")
    s.cheeks(24, 53, 0, 3.6)
    s.smile(32, 54, 4)
    s.poly(star_points(78, 34, 9, 4.4, 5), "light", soft=1.4)


def star(s: Sheet) -> None:
    s.poly(star_points(50, 53, 42, 22, 5), "coat", soft=5)
    s.shine(37, 34, 3.6, 7, 18)
    s.face(50, 50, 1.15)


def cloud(s: Sheet) -> None:
    for x, y, r in ((25, 62, 19), (75, 62, 20), (50, 66, 20)):
        s.oval(x, y + 3, r, r, "dark")
    for x, y, r in ((25, 60, 19), (44, 42, 22), (66, 48, 20), (77, 61, 18)):
        s.oval(x, y, r, r, "coat")
    s.box(18, 54, 84, 78, "coat", 12)
    s.shine(36, 30, 8, 4, -30)
    s.face(50, 58, 1.15)


def apple(s: Sheet) -> None:
    s.bow([(50, 26), (49, 14), (55, 6)], 4, WOOD)
    s.blob([(54, 18), (66, 6), (82, 8), (72, 20)], LEAF)
    s.blob([(50, 28), (68, 22), (89, 36), (88, 66), (68, 94), (50, 90), (32, 94), (12, 66), (11, 36), (32, 22)], "coat")
    s.bow([(40, 27), (50, 32), (60, 27)], 2.4, "dark")
    s.shine(27, 42, 5, 11, 22)
    s.face(53, 60, 1.2)


def pear(s: Sheet) -> None:
    s.bow([(50, 16), (52, 8), (58, 4)], 4, WOOD)
    s.blob([(53, 14), (66, 6), (78, 12), (66, 20)], LEAF)
    s.blob([(50, 12), (63, 20), (68, 42), (84, 66), (72, 92), (50, 96), (28, 92), (16, 66), (32, 42), (37, 20)], "coat")
    s.shine(34, 54, 4, 10, 24)
    s.face(51, 66, 1.15)


def strawberry(s: Sheet) -> None:
    s.blob([(50, 22), (78, 20), (88, 42), (70, 76), (50, 95), (30, 76), (12, 42), (22, 20)], "coat")
    for x, y in ((28, 42), (72, 42), (24, 56), (76, 56), (50, 36), (38, 78), (62, 78), (50, 86)):
        s.oval(x, y, 1.6, 2.6, "light")
    s.poly(star_points(50, 20, 25, 10, 7), LEAF, soft=1.6)
    s.bow([(50, 18), (50, 8), (56, 5)], 4, _STEM)
    s.face(50, 56, 1.1)


def carrot(s: Sheet) -> None:
    for x, top in ((34, 10), (50, 3), (66, 10)):
        s.blob([(46, 32), (x - 5, top + 10), (x, top), (x + 5, top + 10), (54, 32)], LEAF)
    s.blob([(50, 26), (70, 30), (72, 48), (60, 80), (50, 97), (40, 80), (28, 48), (30, 30)], "coat")
    for x, y in ((35, 66), (62, 72), (58, 82), (64, 38)):
        s.stroke([(x, y), (x + 6, y + 0.6)], 2, "dark")
    s.face(49, 48, 0.95)


def cake(s: Sheet) -> None:
    s.oval(50, 90, 44, 6, mix(WHITE, (180, 190, 210), 0.4))
    s.box(12, 54, 88, 90, "coat", 7)
    s.box(24, 30, 76, 58, "coat", 6)
    for x0, x1, y in ((12, 88, 56), (24, 76, 32)):
        s.box(x0, y - 4, x1, y + 4, CREAM, 4)
        for k in range(5):
            x = x0 + (k + 0.5) * (x1 - x0) / 5
            s.oval(x, y + 4, (x1 - x0) / 12, 4 + 2.4 * (k % 2), CREAM)
    s.box(47.5, 12, 52.5, 30, (122, 182, 226), 2)
    s.blob([(50, 2), (54, 9), (50, 14), (46, 9)], (255, 170, 80))
    s.face(50, 73, 1.0)


def icecream(s: Sheet) -> None:
    s.poly([(30, 52), (70, 52), (50, 95)], (226, 172, 108), soft=2)
    for k in range(3):
        s.stroke([(34 + 9 * k, 56), (50 + 5 * k, 82 - 9 * k)], 1.6, (196, 138, 82))
        s.stroke([(66 - 9 * k, 56), (50 - 5 * k, 82 - 9 * k)], 1.6, (196, 138, 82))
    s.blob(
        [(50, 8), (72, 18), (80, 42), (76, 56), (66, 54), (58, 62), (48, 55), (38, 60), (24, 54), (20, 42), (28, 18)],
        "coat",
    )
    s.oval(52, 8, 6, 6, (226, 72, 80))
    s.shine(34, 24, 5, 8, 30)
    s.face(50, 38, 1.1)


def snowman(s: Sheet) -> None:
    s.stroke([(30, 56), (10, 44)], 3, WOOD)
    s.stroke([(70, 56), (90, 44)], 3, WOOD)
    s.oval(50, 76, 28, 20, "coat")
    s.oval(50, 50, 21, 18, "coat")
    s.oval(50, 29, 17, 16, "coat")
    s.box(36, 4, 64, 17, "dark", 2)
    s.box(29, 14, 71, 19, "dark", 2)
    s.box(33, 40, 67, 46, (228, 84, 84), 3)
    s.box(58, 42, 65, 60, (228, 84, 84), 2)
    for y in (54, 68, 80):
        s.oval(50, y, 2.6, 2.6, "ink")
    s.eyes(50, 27, 6.5, 2.8)
    s.poly([(50, 31), (50, 35), (64, 35)], (244, 140, 60), soft=0.8)


NATURE: dict[str, Callable[[Sheet], None]] = {
    draw.__name__: draw
    for draw in (
        tree,
        flower,
        mushroom,
        cactus,
        leaf,
        sun,
        moon,
        star,
        cloud,
        apple,
        pear,
        strawberry,
        carrot,
        cake,
        icecream,
        snowman,
    )
}
