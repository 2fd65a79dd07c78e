"""Phrases in the built-in model's own words, of which one video shows hardly any: they tell how high chance reaches.

A sentence about what it has no words for is read as nothing, so it cannot be measured with one. These are of its own
world: each thing in two of the eleven colours. A library of many videos holds some of them; so each is to be searched
in one video alone.
"""

from __future__ import annotations

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey")
THINGS = """
cat, dog, rabbit, bear, fox, mouse, pig, elephant, frog, turtle, snail, owl, penguin, duck, bird, fish,
whale, butterfly, bee, octopus, car, bus, train, boat, plane, rocket, balloon, tree, flower, mushroom,
cactus, leaf, sun, moon, star, cloud, apple, pear, strawberry, carrot, cake, ice cream, snowman, house,
tent, cup, teapot, clock, lamp, chair, book, key, umbrella, hat, gift, bell, drum, guitar, ball, kite,
robot, crown
""".replace("\n", " ").split(",")
NULLS = tuple(
    f"the {COLOURS[(4 * k + turn) % len(COLOURS)]} {thing.strip()}" for turn in (1, 6) for k, thing in enumerate(THINGS)
)
