"""PPLLaVA as released: a softmax over the whole video, then one in each box, guided in training by the answers too.

Shows: two things of the public code. The first softmax leaves something to few tokens of the whole video; a box that
holds none of them is a plain mean. And a guide that holds the answer points at places that no question finds.
Command: sightline train ppllava-released --size tiny --out DIR
From: PPLLaVA's public code: scale 100, temperature 0.01, the text tower reads the whole conversation in training.
Departures: as in `ppllava` but for these settings; the linear layer comes after pooling (the same numbers).
Shapes: as in `ppllava`
"""

from __future__ import annotations

from sightline.recipes.ppllava import Settings, losses
from sightline.recipes.ppllava import build as build_with
from sightline.recipes.starting_lm import Start
from sightline.training.system import System

__all__ = ["SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "PPLLaVA, as released",
    "paper": "arXiv 2411.02327",
    "family": "compress",
    "idea": "pooling weighted by two softmaxes, guided by the whole conversation",
    "without": "average pooling in the same boxes",
}


def build(start: Start, idea: bool = True) -> System:
    return build_with(start, idea, Settings("released", scale=100.0, guide="conversation"))
