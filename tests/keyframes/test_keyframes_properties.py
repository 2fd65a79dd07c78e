"""The contract of choosing over thousands of drawn scores, masks and counts."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="property tests need hypothesis (the dev extra)")

from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.keyframes import CHOOSERS
from sightline.keyframes.coarse_to_fine import choose_within
from sightline.keyframes.inverse_cdf import capped, even_steps

ANY = st.floats(allow_nan=True, allow_infinity=True)
FEW = st.sampled_from([0.0, 0.5, 1.0, np.nan, np.inf, -np.inf])  # draws many equals
CURVES = st.lists(st.one_of(ANY, FEW), min_size=1, max_size=67)


@pytest.mark.parametrize("name", CHOOSERS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(curve=CURVES, k=st.integers(1, 71), seed=st.integers(0, 2**31), valid=st.sampled_from([0.0, 0.5, 1.0]))
def test_exactly_the_budget_of_distinct_valid_frames_in_time_order_the_same_twice(name, curve, k, seed, valid):
    rng = np.random.default_rng(seed)
    mask = rng.random(len(curve)) < valid
    vectors = rng.integers(-1, 2, size=(len(curve), 3)).astype(float)  # copies and zero rows among them
    first, second = (CHOOSERS[name](curve, k, vectors=vectors, mask=mask).index[0] for _ in range(2))
    assert len(first) == min(k, mask.sum()) and (np.diff(first) > 0).all() and mask[first].all()
    assert (first == second).all()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(weight=st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=61), k=st.integers(1, 61))
def test_capped_shares_sum_to_one_and_none_holds_more_than_a_step(weight, k):
    k = min(k, len(weight))
    share = capped(np.array(weight), k)
    assert np.isclose(share.sum(), 1.0) and (share <= 1 / k).all()
    assert (np.diff(even_steps(np.array(weight), k)) > 0).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(total=st.integers(1, 211), k=st.integers(1, 31), extra=st.integers(0, 61), seed=st.integers(0, 2**31))
def test_no_frame_is_scored_twice_and_the_scoring_budget_is_spent(total, k, extra, seed):
    curve, asked = np.random.default_rng(seed).normal(size=total), []

    def score_at(frames):
        asked.extend(frames.tolist())
        return curve[frames]

    choice = choose_within(score_at, total, k, budget=k + extra)
    assert len(asked) == len(set(asked)) == min(k + extra, total)
    assert choice.index.shape[1] == min(k, total) and set(choice.index[0].tolist()) <= set(asked)
    assert (np.flatnonzero(~np.isnan(choice.scores[0])) == choice.extras["looked"][0]).all()


@pytest.mark.parametrize("name", ["dpp", "sequential-dpp"])
def test_a_still_repeated_gives_frames_and_no_overflow(name: str) -> None:
    """Sixty copies of two pictures, and more frames asked for than there are different ones."""
    two = np.random.default_rng(3).standard_normal((2, 7))
    vectors = np.repeat(two, 30, axis=0)
    with np.errstate(all="raise", under="ignore"):
        index = CHOOSERS[name](np.linspace(0, 1, 60), 23, vectors=vectors).index[0]
    assert len(set(index.tolist())) == 23
