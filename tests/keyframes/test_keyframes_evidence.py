"""What each way of choosing finds: a short answer beside a long scene, and a short event in a long video.

The first world is the one the reading notes on GCG argue about: of 32 frames a long scene is most similar to the words,
the answer's 3 frames are 0.03 less similar, other scenes follow. Directions are asserted, not figures.
"""

from __future__ import annotations

import numpy as np
import pytest

from sightline.keyframes import CHOOSERS
from sightline.keyframes.coarse_to_fine import choose_within

T, LONG, ANSWER, SCENES = 32, 10, 3, 6
VIDEOS = 300


def video(rng):
    """A similarity curve, pictures and the frames of the answer."""
    rest = T - LONG - ANSWER
    cuts = np.sort(rng.choice(np.arange(1, rest), SCENES - 1, replace=False))
    scenes = [(LONG, 0.30), (ANSWER, 0.27)] + [(n, rng.uniform(0.14, 0.24)) for n in np.diff(np.r_[0, cuts, rest])]
    order = rng.permutation(len(scenes))
    scene_of = np.concatenate([np.full(scenes[s][0], s) for s in order])
    noise = rng.normal(size=T)
    for t in range(1, T):
        noise[t] = 0.6 * noise[t - 1] + 0.8 * noise[t]
    places = rng.normal(size=(len(scenes), 32))
    pictures = places[scene_of] + 0.2 * rng.normal(size=(T, 32))
    return np.array([scenes[s][1] for s in scene_of]) + 0.015 * noise, pictures, np.flatnonzero(scene_of == 1)


@pytest.fixture(scope="module")
def hit_rate():
    """The share of videos in which at least one of 4 frames lies in the answer, by name."""
    hits = dict.fromkeys(CHOOSERS, 0)
    rng = np.random.default_rng(0)
    for _ in range(VIDEOS):
        curve, pictures, answer = video(rng)
        for name in hits:
            hits[name] += bool(np.isin(CHOOSERS[name](curve, 4, vectors=pictures).index, answer).any())
    return {name: count / VIDEOS for name, count in hits.items()}


def test_the_most_similar_frames_miss_a_short_answer_more_often_than_blind_ones(hit_rate):
    assert hit_rate["similarity"] < 0.1 < hit_rate["uniform"] < 0.45


def test_merging_neighbours_finds_it_far_more_often_than_blind_sampling(hit_rate):
    assert min(hit_rate["merged-by-curve"], hit_rate["merged-by-features"]) > hit_rate["uniform"] + 0.25


def test_steepness_beats_similarity_and_stays_behind_merging(hit_rate):
    assert 5 * hit_rate["similarity"] < hit_rate["steepest"] < hit_rate["merged-by-curve"]


def test_diversity_finds_it(hit_rate):
    assert min(hit_rate[name] for name in ("mmr", "dpp", "suppressed-similarity")) > 0.75


@pytest.mark.parametrize("minutes", [5, 20, 60])
def test_a_three_second_event_is_found_with_44_of_100_scores(minutes):
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        seconds, middle = np.arange(60 * minutes), rng.uniform(2, 60 * minutes - 2)
        inside = abs(seconds - middle) <= 1.5
        curve = rng.normal(0.2, 0.03, size=len(seconds)) + 0.25 * inside
        budget = 44 * len(seconds) // 100
        choice = choose_within(lambda frames, curve=curve: curve[frames], len(seconds), 8, budget=budget)
        assert np.isfinite(choice.scores).sum() == budget
        found += bool(inside[choice.index[0]].any())
    assert found >= 18
