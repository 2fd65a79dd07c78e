"""Blend, product and cascade of scores, against loops; without torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sightline.fusion import FUSIONS
from sightline.fusion.scores import best_first, blend, cascade, product

SCORE = st.floats(-3, 3, width=16) | st.sampled_from([0.0, math.nan])


def scores(*shape):
    return arrays.arrays(np.float64, shape, elements=SCORE)


def looped_order(row):
    return sorted(range(len(row)), key=lambda i: (math.isnan(row[i]), -row[i] if row[i] == row[i] else 0, i))


@settings(max_examples=200, deadline=None)
@given(scores(3, 7))
def test_best_first_sorts_falling_ties_in_place_and_nan_last(table):
    assert best_first(table).tolist() == [looped_order(row) for row in table.tolist()]


@pytest.mark.formula("fusion/blend")
@settings(max_examples=200, deadline=None)
@given(scores(2, 7), st.tuples(st.floats(0, 2), st.floats(0.1, 2)))
def test_a_blend_is_the_weighted_mean_of_what_is_there(parts, weights):
    for column, value in enumerate(blend(parts, weights)):
        there = [(w, s) for w, s in zip(weights, parts[:, column].tolist(), strict=True) if not math.isnan(s) and w > 0]
        if there:
            expected = sum(w * s for w, s in there) / sum(w for w, _ in there)
            assert math.isclose(float(value), expected, abs_tol=1e-9)
        else:
            assert math.isnan(value)


def test_a_blend_without_weights_is_half_and_half():
    assert blend([[0.2, 0.6], [0.4, 0.0]]).tolist() == pytest.approx([0.3, 0.3])


@pytest.mark.parametrize("weights", [(1,), (0, 0), (-1, 2)])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="2 scores need as many weights"):
        blend([[0.1], [0.2]], weights)


def looped_product(first, second, keep):
    order = looped_order(first)
    head, rest = order[:keep], order[keep:]
    if any(math.isnan(second[i]) for i in head):
        return order
    both = [-1.0 if math.isnan(first[i]) else max(first[i], 0) * max(second[i], 0) for i in head]
    return [head[i] for i in sorted(range(len(head)), key=lambda i: (-both[i], i))] + rest


@pytest.mark.formula("fusion/product")
@settings(max_examples=200, deadline=None)
@given(scores(7), scores(7), st.integers(1, 9))
def test_a_product_orders_the_best_and_leaves_the_others(first, second, keep):
    assert product(first, second, keep).tolist() == looped_product(first.tolist(), second.tolist(), keep)


@settings(max_examples=50, deadline=None)
@given(scores(3, 7), scores(3, 7))
def test_a_product_of_many_queries_is_the_product_of_each(first, second):
    rows = [product(a, b, 4).tolist() for a, b in zip(first, second, strict=True)]
    assert product(first, second, 4).tolist() == rows


def test_two_bad_scores_are_no_good_one():
    assert product([0.3, -0.9], [0.1, -0.9]).tolist() == [0, 1]


@pytest.mark.formula("fusion/cascade")
@settings(max_examples=200, deadline=None)
@given(scores(7), scores(7), st.integers(1, 9))
def test_a_cascade_asks_the_judge_about_the_best_only(first, dear, keep):
    heard = []

    def judge(rows):
        heard.extend(rows.tolist())
        return dear[rows]

    order = looped_order(first.tolist())
    head = order[:keep]
    again = [head[i] for i in looped_order([dear.tolist()[i] for i in head])]
    assert cascade(first, judge, keep).tolist() == again + order[keep:]
    assert heard == head


def test_a_judge_who_answers_something_else_is_refused():
    with pytest.raises(ValueError, match=r"asked about \(2,\) and answered \(1,\)"):
        cascade([0.1, 0.2], lambda rows: [1.0], keep=2)


def test_scores_are_built_by_fixing_their_options():
    assert FUSIONS["product"](keep=1)([0.1, 0.2], [9.0, 0.1]).tolist() == [1, 0]
    assert FUSIONS["blend"](weights=(1, 3))([[0.0], [1.0]]).tolist() == [0.75]
    assert FUSIONS["cascade"](keep=2)([0.1, 0.2, 0.0], lambda rows: -rows).tolist() == [0, 1, 2]
