"""Every training-free way of choosing, held to one contract: exactly min(K, valid T) distinct frames, in time order."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from sightline.errors import BadQuery, BadRecord
from sightline.keyframes import CHOOSERS, LEARNED
from sightline.keyframes.contract import as_choice, finite

T, E = 37, 5
RANDOM = np.random.default_rng(3)
VECTORS = RANDOM.normal(size=(T, E))
CURVES = {
    "random": RANDOM.normal(size=T),
    "constant": np.full(T, 0.3),
    "zero": np.zeros(T),
    "one-hot": np.eye(T)[11],
    "all NaN": np.full(T, np.nan),
    "some NaN": np.where(np.arange(T) % 3 == 0, np.nan, RANDOM.normal(size=T)),
    "all inf": np.full(T, np.inf),
    "all -inf": np.full(T, -np.inf),
    "mixed": np.array([np.nan, np.inf, -np.inf, 0.0, 1.0] * 8)[:T],
    "huge": RANDOM.normal(size=T) * 1e307,
    "tiny": RANDOM.integers(0, 9, size=T) * 5e-324,
    "falling": -np.arange(T, dtype=float),
}
everyone = pytest.mark.parametrize("name", CHOOSERS)


def held(choice, k, mask):
    """The whole contract on one choice."""
    index = choice.index[0]
    assert len(index) == min(k, mask.sum())
    assert (np.diff(index) > 0).all()
    assert mask[index].all()
    assert choice.weight.shape == (1, len(index), len(mask))
    assert (choice.weight[0] == np.eye(len(mask))[index]).all()


@everyone
@pytest.mark.parametrize("curve", CURVES)
def test_the_budget_is_kept_for_any_scores(name, curve):
    for k in (1, 2, 3, 7, 8, 13, 31, 36, 37, 38, 64):
        held(CHOOSERS[name](CURVES[curve], k, vectors=VECTORS), k, np.ones(T, dtype=bool))


@everyone
@pytest.mark.parametrize("curve", CURVES)
def test_a_masked_frame_is_never_chosen(name, curve):
    mask = np.random.default_rng(5).random(T) < 0.6
    for k in (1, 5, 19, 23, 37):
        held(CHOOSERS[name](CURVES[curve], k, vectors=VECTORS, mask=mask), k, mask)


@everyone
def test_the_same_question_gets_the_same_frames(name):
    for curve in CURVES.values():
        first, second = (CHOOSERS[name](curve, 7, vectors=VECTORS).index for _ in range(2))
        assert (first == second).all()


@everyone
def test_padding_changes_nothing(name):
    curve = np.r_[CURVES["random"], np.full(13, 1e9)]
    vectors = np.r_[VECTORS, np.full((13, E), np.nan)]
    padded = CHOOSERS[name](curve, 7, vectors=vectors, mask=np.arange(T + 13) < T)
    assert (padded.index == CHOOSERS[name](CURVES["random"], 7, vectors=VECTORS).index).all()


@everyone
def test_pictures_that_are_all_the_same_or_missing_keep_the_budget(name):
    for vectors in (np.ones((T, E)), np.zeros((T, E)), np.full((T, E), np.nan), np.full((T, E), np.inf)):
        held(CHOOSERS[name](CURVES["random"], 7, vectors=vectors), 7, np.ones(T, dtype=bool))


@everyone
def test_a_video_without_valid_frames_gives_an_empty_choice(name):
    held(CHOOSERS[name](CURVES["random"], 7, vectors=VECTORS, mask=np.zeros(T, dtype=bool)), 7, np.zeros(T, dtype=bool))


@everyone
def test_what_was_given_is_left_as_it_was(name):
    curve, vectors = CURVES["some NaN"].copy(), VECTORS.copy()
    choice = CHOOSERS[name](curve, 7, vectors=vectors)
    assert np.array_equal(curve, CURVES["some NaN"], equal_nan=True) and (vectors == VECTORS).all()
    assert np.array_equal(choice.scores[0], curve, equal_nan=True)


@everyone
def test_its_signature_is_the_common_one_and_its_own_options(name):
    names = list(inspect.signature(CHOOSERS[name]).parameters)
    assert names[:5] == ["scores", "k", "vectors", "mask", "seconds"]


@everyone
def test_scaling_and_shifting_the_scores_changes_nothing(name):
    curve = np.random.default_rng(7).integers(0, 64, size=T) / 64  # exact under both
    assert (
        CHOOSERS[name](curve, 7, vectors=VECTORS).index == CHOOSERS[name](curve * 8 - 2, 7, vectors=VECTORS).index
    ).all()


@everyone
def test_budgets_that_public_code_loses_are_kept(name):
    """32 and below gave no frames, 40 and 48 gave 32 and 100 gave 96 where the curve was flat."""
    curve = np.random.default_rng(11).random(211)
    vectors = np.random.default_rng(12).normal(size=(211, E))
    for k in (8, 16, 24, 31, 32, 40, 48, 64, 100, 128):
        held(CHOOSERS[name](curve, k, vectors=vectors), k, np.ones(211, dtype=bool))


def test_asking_for_no_frames_is_refused_with_the_cure():
    with pytest.raises(BadQuery, match="asked for 0 frames; ask for at least 1"):
        CHOOSERS["uniform"](CURVES["random"], 0)


def test_lengths_that_disagree_are_refused_with_both():
    with pytest.raises(BadRecord, match=r"scores and mask disagree: 37 frames against shape \(36,\)"):
        CHOOSERS["uniform"](CURVES["random"], 3, mask=np.ones(36, dtype=bool))
    with pytest.raises(BadRecord, match=r"scores and vectors disagree: 37 frames against shape \(5, 37\)"):
        CHOOSERS["mmr"](CURVES["random"], 3, vectors=VECTORS.T)
    with pytest.raises(BadRecord, match="one video at a time"):
        CHOOSERS["uniform"](np.zeros((2, T)), 3)


def test_comparing_frames_without_vectors_is_refused():
    for name in ("mmr", "dpp", "sequential-dpp", "merged-by-features"):
        with pytest.raises(BadRecord, match=r"give vectors \[T, E\]"):
            CHOOSERS[name](CURVES["random"], 3)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="sharpness"):
        CHOOSERS["uniform"](CURVES["random"], 3, sharpness=2)


def test_unknown_scores_come_last_and_infinite_ones_first():
    assert np.argsort(finite(np.array([0.5, np.nan, np.inf, 0.1, -np.inf])), kind="stable").tolist() == [1, 4, 3, 0, 2]


def test_a_choice_is_applied_by_one_einsum():
    choice = as_choice([2, 11, 30], CURVES["random"])
    assert np.allclose(np.einsum("bkt,te->bke", choice.weight, VECTORS)[0], VECTORS[[2, 11, 30]])


def test_every_learned_chooser_is_named_by_module_and_class():
    for name, where in LEARNED.items():
        module, _, part = where.partition(":")
        assert module.startswith("sightline.keyframes.") and part.isidentifier(), name
