"""The creatures that fly and swim."""

from __future__ import annotations

from collections.abc import Callable

from sightline.data.storybook.palette import CREAM, FLAME, GLASS, INK, WHITE
from sightline.data.storybook.shapes import Sheet


def owl(s: Sheet) -> None:
    for side in (-1, 1):
        s.poly([(50 + side * 12, 22), (50 + side * 28, 8), (50 + side * 28, 30)], "coat", soft=2)
        s.oval(50 + side * 10, 95, 7, 3, FLAME)
    s.blob([(50, 14), (76, 28), (80, 64), (64, 92), (36, 92), (20, 64), (24, 28)], "coat")
    s.oval(50, 72, 18, 20, "light")
    for x, y in ((43, 66), (57, 66), (50, 74), (43, 82), (57, 82)):
        s.smile(x, y, 3.6, "dark", 1.8)
    s.oval(21, 64, 8, 21, "dark", 10)
    s.oval(79, 64, 8, 21, "dark", -10)
    for side in (-1, 1):
        s.oval(50 + side * 14, 38, 15, 15, CREAM)
        s.oval(50 + side * 13, 38, 8.5, 8.5, INK)
        s.oval(50 + side * 13 + 3, 35, 3, 3, WHITE)
    s.poly([(46, 46), (54, 46), (50, 54)], FLAME, soft=1.6)


def penguin(s: Sheet) -> None:
    for side in (-1, 1):
        s.oval(50 + side * 30, 58, 8, 22, "dark", side * -18)
        s.oval(50 + side * 13, 93, 11, 4.4, FLAME)
    s.blob([(50, 6), (72, 20), (80, 60), (68, 90), (32, 90), (20, 60), (28, 20)], "coat")
    s.blob([(50, 44), (66, 50), (68, 74), (50, 90), (32, 74), (34, 50)], WHITE)
    s.oval(40, 34, 12, 13, WHITE)
    s.oval(60, 34, 12, 13, WHITE)
    s.cheeks(50, 42, 17, 3.2)
    s.oval(43, 33, 4, 4.6, INK)
    s.oval(57, 33, 4, 4.6, INK)
    s.oval(44.4, 31.4, 1.4, 1.4, WHITE)
    s.oval(58.4, 31.4, 1.4, 1.4, WHITE)
    s.poly([(45, 40), (55, 40), (50, 47)], FLAME, soft=1.6)


def duck(s: Sheet) -> None:
    s.box(40, 82, 45, 94, FLAME, 2)
    s.box(54, 82, 59, 94, FLAME, 2)
    s.oval(45, 94, 8, 3, FLAME)
    s.oval(59, 94, 8, 3, FLAME)
    s.blob([(4, 52), (24, 58), (46, 50), (62, 44), (84, 60), (76, 80), (48, 88), (22, 80)], "coat")
    s.oval(66, 33, 20, 20, "coat")
    s.blob([(24, 60), (48, 56), (60, 66), (46, 78), (30, 74)], "dark")
    s.blob([(82, 33), (98, 36), (96, 42), (82, 44)], FLAME)
    s.stroke([(84, 39), (95, 39.5)], 1.2, (214, 112, 44))
    s.eye(72, 28, 4)
    s.cheeks(74, 40, 0, 3.4)
    s.bow([(60, 15), (58, 8), (65, 6)], 3, "dark")


def bird(s: Sheet) -> None:
    s.blob([(26, 56), (4, 44), (6, 56), (2, 66), (22, 70)], "dark")
    s.stroke([(46, 84), (46, 95)], 2.6, FLAME)
    s.stroke([(58, 84), (58, 95)], 2.6, FLAME)
    s.blob([(60, 22), (82, 36), (82, 64), (62, 85), (36, 82), (20, 62), (38, 42)], "coat")
    s.blob([(70, 56), (76, 66), (60, 82), (42, 80), (52, 66)], "light")
    s.blob([(24, 54), (44, 46), (60, 58), (44, 72), (30, 70)], "dark")
    s.poly([(82, 42), (96, 47), (82, 53)], FLAME, soft=1.6)
    s.eye(70, 41, 4.6)
    s.cheeks(72, 52, 0, 3.6)
    s.bow([(58, 23), (54, 13), (61, 10)], 3, "dark")


def fish(s: Sheet) -> None:
    s.blob([(30, 52), (8, 26), (4, 40), (10, 52), (4, 64), (8, 80)], "dark")
    s.blob([(38, 30), (56, 16), (70, 30)], "dark")
    s.blob([(46, 74), (54, 86), (64, 74)], "dark")
    s.blob([(24, 52), (44, 28), (74, 28), (94, 50), (76, 74), (44, 76)], "coat")
    s.blob([(76, 29), (94, 50), (77, 73), (68, 52)], "light")
    s.blob([(44, 52), (58, 48), (58, 62), (46, 64)], "dark")
    s.eye(79, 44, 5)
    s.smile(85, 56, 4)
    s.shine(52, 36, 9, 3, -8)


def whale(s: Sheet) -> None:
    for side in (-1, 1):
        s.bow([(64, 34), (64, 20), (64 + side * 10, 14), (64 + side * 15, 21)], 4, (120, 190, 230))
    s.blob([(16, 62), (4, 44), (10, 36), (18, 44), (27, 36), (31, 46), (24, 62)], "dark")
    s.blob([(14, 58), (34, 60), (50, 38), (78, 36), (96, 58), (86, 84), (52, 90), (24, 82)], "coat")
    s.blob([(95, 66), (86, 84), (52, 90), (34, 85), (60, 76)], "light")
    s.oval(58, 78, 10, 6, "dark", 30)
    s.eye(78, 58, 4.6)
    s.cheeks(84, 68, 0, 4)
    s.bow([(96, 66), (90, 69), (84, 66)], 1.8, "ink")


def butterfly(s: Sheet) -> None:
    for side in (-1, 1):

        def at(x: float, y: float, side: int = side) -> tuple[float, float]:
            return 50 + side * x, y

        s.blob([at(4, 56), at(30, 56), at(38, 76), at(22, 90), at(6, 72)], "dark")
        s.blob([at(4, 50), at(16, 18), at(42, 14), at(45, 40), at(30, 58), at(6, 58)], "coat")
        s.oval(*at(31, 31), 7, 8, "light")
        s.oval(*at(22, 74), 6, 6, "light")
        s.bow([at(2, 28), at(7, 14), at(14, 9)], 2, INK)
        s.oval(*at(14, 9), 2.6, 2.6, INK)
    s.oval(50, 60, 5.4, 27, INK)
    s.oval(50, 33, 8.5, 8.5, INK)
    s.oval(46.6, 32, 2.2, 2.6, WHITE)
    s.oval(53.4, 32, 2.2, 2.6, WHITE)


def bee(s: Sheet) -> None:
    s.oval(40, 30, 14, 20, GLASS, -24)
    s.oval(60, 28, 14, 20, GLASS, 12)
    s.poly([(10, 60), (20, 54), (20, 66)], INK, soft=1)
    s.oval(48, 60, 33, 25, "coat")
    for x, half in ((30, 20), (45, 24.5), (59, 23)):
        s.blob(
            [(x - 4, 60 - half), (x + 4, 60 - half), (x + 5, 60), (x + 4, 60 + half), (x - 4, 60 + half), (x - 2, 60)],
            INK,
        )
    s.oval(74, 58, 19, 19, "coat")
    for x in (76, 86):
        s.bow([(x, 42), (x + 2, 32), (x + 7, 29)], 2, INK)
        s.oval(x + 7, 29, 2.6, 2.6, INK)
    s.eyes(79, 55, 6, 3.8)
    s.cheeks(79, 62, 10, 2.8)
    s.smile(79, 62, 4)


def octopus(s: Sheet) -> None:
    for x, bend in ((20, -10), (34, -5), (50, 0), (66, 5), (80, 10)):
        s.bow([(50 + (x - 50) * 0.6, 60), (x, 78), (x + bend * 0.2, 90), (x + bend, 93)], 10, "dark")
        s.oval(x + bend * 0.3, 86, 2, 2, "light")
    s.blob([(50, 6), (78, 20), (82, 48), (68, 70), (32, 70), (18, 48), (22, 20)], "coat")
    s.shine(33, 22, 8, 4.6, -38)
    s.eyes(50, 46, 13, 5.4)
    s.cheeks(50, 57, 23, 4.2)
    s.smile(50, 55, 6)


FLYERS_AND_SWIMMERS: dict[str, Callable[[Sheet], None]] = {
    draw.__name__: draw for draw in (owl, penguin, duck, bird, fish, whale, butterfly, bee, octopus)
}
