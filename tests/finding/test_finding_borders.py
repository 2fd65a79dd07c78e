"""Where a moment begins and ends, once its frames lie close."""

import numpy as np
import pytest

from sightline.finding.borders import sharpened, upper_part
from sightline.finding.moments import Stretch
from sightline.finding.sources import Curve


def scene(levels, seed=0, scatter=0.005, step=0.25):
    """Scores at every `step`: `levels` of (seconds, score), with some noise."""
    random = np.random.default_rng(seed)
    scores = np.concatenate([np.full(round(seconds / step), score) for seconds, score in levels])
    return (scores + scatter * random.standard_normal(len(scores))).astype(np.float32)


def kept(scores, peak=None, least=0.05, step=0.25):
    peak = int(np.argmax(scores)) if peak is None else peak
    left, right = upper_part(scores, np.full(len(scores), step), peak, least)
    return left * step, (right + 1) * step


@pytest.mark.parametrize("seed", range(5))
def test_a_step_up_and_a_step_down_are_the_borders(seed):
    assert kept(scene([(4, 0.21), (3, 0.36), (7, 0.2)], seed)) == (4.0, 7.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_level_without_a_step_is_left_whole(seed):
    assert kept(scene([(13, 0.3)], seed, scatter=0.04)) == (0.0, 13.0)


def test_a_step_that_chance_makes_is_no_border():
    assert kept(scene([(4, 0.21), (3, 0.24)]), least=0.05) == (0.0, 7.0)


def test_a_flash_is_no_moment_of_its_own():
    assert kept(scene([(4, 0.2), (0.5, 0.4), (4, 0.2)])) == (0.0, 8.5)


def test_a_hole_of_less_than_a_second_is_bridged_and_a_longer_one_is_not():
    short = scene([(2, 0.1), (2, 0.4), (0.75, 0.1), (2, 0.4), (2, 0.1)])
    assert kept(short, peak=10) == (2.0, 6.75) == kept(short, peak=22)
    long = scene([(2, 0.1), (2, 0.4), (1.25, 0.1), (2, 0.4), (2, 0.1)])
    assert kept(long, peak=10) == (2.0, 4.0) and kept(long, peak=24) == (5.25, 7.25)


def test_the_level_is_that_of_a_split_tried_at_every_frame():
    scores, stands = scene([(3, 0.1), (2, 0.5), (5, 0.12)], 3), np.linspace(0.1, 0.5, 40)

    def scatter(part, weight):
        mean = np.average(part, weights=weight)
        return float((weight * (part - mean) ** 2).sum())

    order = np.argsort(scores)
    ranked, weight = scores[order], stands[order]
    cut = min(
        range(1, len(ranked)),
        key=lambda k: scatter(ranked[:k], weight[:k]) + scatter(ranked[k:], weight[k:]),
    )
    upper = np.flatnonzero(scores >= ranked[cut])
    assert upper_part(scores, stands, int(scores.argmax()), 0.05) == (int(upper[0]), int(upper[-1]))


def test_the_seconds_of_a_stretch_stay_the_decoders():
    seconds = np.arange(0, 14, 0.25) + 0.04
    curve = Curve(1, np.arange(56), seconds, scene([(4, 0.21), (3, 0.36), (7, 0.2)]), 14.04, [])
    one = sharpened(Stretch(1, 0.04, 14.04, "picture", 0.36, second=5.04), curve, 0.05)
    assert (one.start, one.end, one.second) == (4.04, 7.04, 5.04)
