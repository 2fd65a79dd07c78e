"""The creatures that walk and crawl: each a few shapes on a sheet of 100 x 100, feet at 95, looking right or at you."""

from __future__ import annotations

from collections.abc import Callable

from sightline.data.storybook.palette import CREAM, GOLD, INK, ROSE, WHITE, mix
from sightline.data.storybook.shapes import Sheet


def cat(s: Sheet) -> None:
    s.bow([(68, 90), (88, 88), (92, 70), (83, 58)], 8, "dark")
    s.blob([(50, 50), (70, 70), (72, 92), (50, 96), (28, 92), (30, 70)], "coat")
    s.oval(50, 82, 12, 13, "light")
    for side in (-1, 1):
        s.oval(50 + side * 12, 93, 8, 4.5, "light")
        s.poly([(50 + side * 10, 20), (50 + side * 26, 8), (50 + side * 28, 34)], "coat", soft=3)
        s.poly([(50 + side * 15, 21), (50 + side * 24, 14), (50 + side * 25, 28)], ROSE, soft=1)
    s.oval(50, 40, 31, 24, "coat")
    s.oval(50, 49, 13, 10, "light")
    for side in (-1, 1):
        s.stroke([(50 + side * 19, 46), (50 + side * 35, 43)], 1.2, "deep")
        s.stroke([(50 + side * 19, 50), (50 + side * 35, 52)], 1.2, "deep")
    s.eyes(50, 37, 13, 4.8)
    s.nose(50, 45, 3)
    s.smile(46.5, 49, 3.4, INK)
    s.smile(53.5, 49, 3.4, INK)


def dog(s: Sheet) -> None:
    s.bow([(28, 80), (12, 72), (10, 58)], 8, "coat")
    s.blob([(50, 52), (70, 70), (71, 92), (50, 96), (29, 92), (29, 70)], "coat")
    s.oval(50, 82, 12, 13, "light")
    s.oval(38, 93, 9, 4.5, "light")
    s.oval(62, 93, 9, 4.5, "light")
    s.blob([(50, 14), (74, 24), (77, 44), (62, 60), (38, 60), (23, 44), (26, 24)], "coat")
    s.blob([(28, 18), (12, 26), (10, 52), (20, 58), (29, 40)], "dark")
    s.blob([(72, 18), (88, 26), (90, 52), (80, 58), (71, 40)], "dark")
    s.oval(50, 49, 17, 13, "light")
    s.eyes(50, 34, 12, 4.4)
    s.oval(50, 43, 6, 4.4, INK)
    s.oval(52, 41.6, 1.8, 1.2, WHITE)
    s.oval(50, 56, 4, 5.5, ROSE)
    s.smile(44.5, 49, 5.4, INK)
    s.smile(55.5, 49, 5.4, INK)
    s.box(36, 61, 64, 66, (232, 92, 84), 2.5)
    s.oval(50, 67, 4, 4, GOLD)


def rabbit(s: Sheet) -> None:
    s.oval(74, 84, 8, 8, "light")
    for side in (-1, 1):
        s.oval(50 + side * 13, 23, 8.5, 19, "coat", side * 9)
        s.oval(50 + side * 13, 24, 4.2, 13, ROSE, side * 9)
    s.blob([(50, 54), (68, 70), (71, 92), (50, 96), (29, 92), (32, 70)], "coat")
    s.oval(50, 82, 12, 12, "light")
    s.oval(37, 93, 10, 4.6, "light")
    s.oval(63, 93, 10, 4.6, "light")
    s.oval(50, 48, 26, 21, "coat")
    s.cheeks(50, 54, 17)
    s.eyes(50, 45, 11, 4.4)
    s.nose(50, 52, 2.8)
    s.box(46.6, 57, 53.4, 63, WHITE, 1.6)
    s.smile(46.8, 55, 3.2)
    s.smile(53.2, 55, 3.2)


def bear(s: Sheet) -> None:
    for side in (-1, 1):
        s.oval(50 + side * 24, 18, 11, 11, "coat")
        s.oval(50 + side * 24, 18, 6, 6, "light")
        s.oval(50 + side * 29, 70, 9, 14, "dark", side * -24)
        s.oval(50 + side * 17, 90, 12, 7, "dark")
    s.blob([(50, 50), (74, 66), (75, 88), (50, 96), (25, 88), (26, 66)], "coat")
    s.oval(50, 78, 16, 14, "light")
    s.oval(50, 37, 31, 27, "coat")
    s.oval(50, 46, 14, 11, "light")
    s.cheeks(50, 45, 22)
    s.eyes(50, 33, 12, 4)
    s.oval(50, 41, 5, 3.6, INK)
    s.smile(50, 48, 5, INK)


def fox(s: Sheet) -> None:
    s.blob([(66, 92), (90, 88), (97, 62), (88, 46), (76, 68), (62, 80)], "coat")
    s.blob([(97, 64), (94, 48), (87, 45), (84, 58), (91, 66)], CREAM)
    s.blob([(46, 52), (64, 70), (68, 92), (46, 96), (25, 92), (28, 70)], "coat")
    s.blob([(46, 58), (56, 72), (46, 88), (36, 72)], CREAM)
    for side in (-1, 1):
        s.poly([(46 + side * 12, 22), (46 + side * 28, 7), (46 + side * 32, 34)], "coat", soft=2.5)
        s.poly([(46 + side * 19, 20), (46 + side * 26, 14), (46 + side * 28, 26)], INK, soft=1)
        s.oval(46 + side * 12, 93, 7, 4, INK)
    s.blob([(46, 18), (72, 26), (83, 46), (62, 56), (46, 65), (30, 56), (9, 46), (20, 26)], "coat")
    s.blob([(80, 46), (66, 45), (55, 49), (46, 64), (62, 57)], CREAM)
    s.blob([(12, 46), (26, 45), (37, 49), (46, 64), (30, 57)], CREAM)
    s.eyes(46, 39, 14, 4.2)
    s.oval(46, 60, 5, 4, INK)


def mouse(s: Sheet) -> None:
    s.bow([(28, 88), (10, 90), (6, 76), (14, 68)], 3.4, ROSE)
    for side in (-1, 1):
        s.oval(52 + side * 25, 28, 18, 18, "coat")
        s.oval(52 + side * 25, 28, 11.5, 11.5, ROSE)
    s.blob([(52, 54), (72, 74), (70, 93), (52, 96), (34, 93), (31, 74)], "coat")
    s.oval(52, 83, 11, 11, "light")
    s.oval(42, 94, 7, 3.4, ROSE)
    s.oval(62, 94, 7, 3.4, ROSE)
    s.blob([(52, 26), (74, 40), (70, 58), (52, 66), (34, 58), (30, 40)], "coat")
    s.cheeks(52, 54, 14, 3)
    s.eyes(52, 45, 10, 4.4)
    s.oval(52, 55, 4, 3.4, ROSE)
    s.smile(52, 59, 4)


def pig(s: Sheet) -> None:
    s.bow([(84, 62), (94, 58), (92, 50), (87, 54), (94, 62)], 3, "dark")
    for x in (28, 42, 62, 75):
        s.box(x - 6, 78, x + 6, 96, "dark", 4)
    s.oval(54, 64, 35, 26, "coat")
    for x, tilt in ((22, -24), (52, 24)):
        s.poly([(x - 8, 36), (x + 8, 36), (x + tilt / 4, 20)], "dark", soft=3)
    s.oval(37, 52, 26, 23, "coat")
    s.cheeks(37, 58, 19)
    s.eyes(37, 46, 11, 4)
    s.oval(37, 58, 11, 8, "light")
    s.oval(33, 58, 2.2, 3.2, "deep")
    s.oval(41, 58, 2.2, 3.2, "deep")
    s.smile(37, 68, 5)
    s.shine(66, 50, 9, 4, 20)


def elephant(s: Sheet) -> None:
    s.bow([(10, 58), (5, 68), (7, 76)], 3, "dark")
    for x in (22, 52):
        s.box(x - 7, 70, x + 9, 96, "dark", 5)
    s.oval(38, 60, 32, 26, "coat")
    for x in (30, 60):
        s.box(x - 7, 66, x + 9, 96, "coat", 5)
        s.oval(x + 1, 94, 6, 2, CREAM)
    s.bow([(82, 50), (91, 64), (87, 82), (94, 86)], 11, "coat")
    s.oval(70, 42, 23, 23, "coat")
    s.oval(54, 44, 16, 21, "dark", 8)
    s.oval(54, 45, 11, 15, mix(s.coat.coat, ROSE, 0.55), 8)
    s.eye(78, 38, 4.2)
    s.cheeks(80, 48, 0)
    s.bow([(76, 56), (82, 60), (80, 66)], 3, CREAM)


def frog(s: Sheet) -> None:
    for side in (-1, 1):
        s.oval(50 + side * 28, 82, 16, 12, "dark", side * -20)
        s.oval(50 + side * 32, 93, 13, 4, "dark")
        s.oval(50 + side * 10, 94, 8, 4, "dark")
    s.blob([(50, 44), (74, 58), (76, 84), (50, 94), (24, 84), (26, 58)], "coat")
    s.oval(50, 80, 17, 12, "light")
    s.oval(50, 50, 33, 21, "coat")
    for side in (-1, 1):
        s.oval(50 + side * 18, 29, 12, 12, "coat")
        s.oval(50 + side * 18, 28, 8, 8, WHITE)
        s.eye(50 + side * 17, 29, 5)
    s.cheeks(50, 54, 25, 4)
    s.bow([(28, 52), (40, 61), (50, 63), (60, 61), (72, 52)], 2.2, "ink")


def turtle(s: Sheet) -> None:
    s.poly([(12, 80), (4, 86), (18, 88)], "light", soft=2)
    for x in (26, 60):
        s.box(x - 7, 76, x + 7, 95, "light", 6)
    s.bow([(66, 80), (78, 74), (80, 60)], 15, "light")
    s.oval(81, 56, 14, 13, "light")
    s.blob([(42, 30), (64, 42), (76, 80), (44, 86), (10, 80), (20, 42)], "coat")
    s.box(8, 76, 78, 86, "dark", 5)
    for x, y, r in ((43, 50, 11), (24, 62, 7), (62, 62, 7), (43, 71, 5)):
        s.oval(x, y, r, r * 0.85, "dark")
        s.oval(x, y - 0.8, r - 2.4, r * 0.85 - 2.4, "light")
    s.eye(85, 52, 4)
    s.smile(86, 60, 4, INK)


def snail(s: Sheet) -> None:
    for x in (78, 88):
        s.stroke([(82, 66), (x, 46)], 3, CREAM)
        s.oval(x, 44, 4.4, 4.4, INK)
        s.oval(x + 1, 42.6, 1.5, 1.5, WHITE)
    s.blob([(6, 92), (30, 80), (68, 82), (74, 62), (90, 62), (92, 80), (78, 95), (30, 96)], CREAM)
    s.oval(42, 58, 33, 32, "coat")
    s.bow([(70, 70), (60, 38), (34, 34), (22, 58), (38, 76), (56, 64), (48, 50), (38, 56)], 4, "dark")
    s.shine(30, 38, 8, 4, -35)
    s.smile(86, 74, 4, INK)


WALKERS: dict[str, Callable[[Sheet], None]] = {
    draw.__name__: draw for draw in (cat, dog, rabbit, bear, fox, mouse, pig, elephant, frog, turtle, snail)
}
