"""Confidence: chance measured by null queries, words by their rarity, and whether what was stated was right."""

import math

import numpy as np
import pytest

from sightline.finding.confidence import (
    CEILING,
    LINE,
    RARE,
    Calibration,
    calibration_curve,
    gumbel_fit,
    rarity,
    word_confidence,
)
from sightline.finding.null_queries import NULL_QUERIES
from sightline.language.terms import query_terms, terms

CHANCE = Calibration(centre=0.2, spread=0.01, draws=88, rows=100)


def test_the_fit_finds_the_law_the_maxima_were_drawn_from() -> None:
    maxima = np.random.default_rng(7).gumbel(0.21, 0.013, size=4_001)
    assert gumbel_fit(maxima) == pytest.approx((0.21, 0.013), rel=0.05)


def test_null_sentences_that_are_true_of_the_library_do_not_move_the_fit_much() -> None:
    maxima = np.random.default_rng(7).gumbel(0.21, 0.013, size=401)
    spoiled = np.r_[maxima[:341], np.full(60, 0.9)]
    centre, spread = gumbel_fit(spoiled)
    assert abs(centre - 0.21) < 0.005 and spread < 0.025


def test_the_line_stands_where_chance_is_rare() -> None:
    at_line = CHANCE.score_at(LINE)
    assert CHANCE.confidence(at_line) == pytest.approx(LINE)
    assert CHANCE.chance(at_line) == pytest.approx(RARE, rel=0.05)


@pytest.mark.parametrize("score", [0.15, 0.2, 0.21, 0.25, 0.3])
def test_chance_is_the_upper_tail_of_the_law(score: float) -> None:
    slow = 1 - math.exp(-math.exp(-(score - 0.2) / 0.01))
    assert CHANCE.chance(score) == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("chance", [CHANCE, Calibration(0.6, 0.2, 64, 100, closeness=True)])
@pytest.mark.parametrize("confidence", [0.01, 0.1, 0.5, 0.9, 0.98])
def test_score_at_is_the_inverse_of_confidence(confidence: float, chance: Calibration) -> None:
    assert chance.confidence(chance.score_at(confidence)) == pytest.approx(confidence)


def test_between_pictures_the_same_picture_is_sure() -> None:
    """Unrelated frames reach 0.45, give or take 0.1: 0.7 is no news, 1.0 is."""
    chance = Calibration(0.6, 0.2, 64, 100, closeness=True)
    assert chance.confidence(1.0) == pytest.approx(CEILING) and chance.confidence(0.7) < LINE
    assert chance.noise == pytest.approx(1 - math.exp(-0.8) - (1 - math.exp(-0.6)))


def test_confidence_rises_with_the_score_and_never_reaches_certainty() -> None:
    stated = [CHANCE.confidence(score) for score in np.linspace(-1, 1, 201)]
    assert stated == sorted(stated) and 0 <= stated[0] and stated[-1] <= CEILING


def test_null_sentences_are_all_different_and_in_both_languages() -> None:
    assert len(set(NULL_QUERIES)) == len(NULL_QUERIES) >= 80
    assert sum(any("\u4e00" <= c for c in sentence) for sentence in NULL_QUERIES) >= 20


# --- words ----------------------------------------------------------------------------------------


def sure(query: str, line: str, library: list[str]) -> float:
    wanted = query_terms(query)
    weights = rarity(wanted, [frozenset(terms(text)) for text in [line, *library]])
    return word_confidence(wanted, terms(line), weights)


LIBRARY = ["the weather is fine today", "today we look at the graph", "the end of the story", "he walks to the house"]


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("kite", "look at the kite"),
        ("red kite", "the red kite flies"),
        ("kites", "a kite"),
        ("where does the red kite fly", "the red kite flies"),
        ("风筝", "红色的风筝落下来了"),
        ("to be or not to be", "to be or not to be"),
        ("weather", "the weather is fine today"),
    ],
)
def test_a_line_that_holds_the_words_is_above_the_line(query: str, line: str) -> None:
    assert sure(query, line, LIBRARY) > LINE


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("the zeppelin", "he walks to the house"),
        ("zeppelin over today", "today we look at the graph"),
        ("the", "the end of the story"),
        ("red kite", "a red house"),
        ("fnord blorp quux", "the end of the story"),
        ("风筝比赛", "比较两个方案"),
    ],
)
def test_a_line_that_shares_little_with_the_query_is_below_the_line(query: str, line: str) -> None:
    assert sure(query, line, LIBRARY) < LINE


def test_words_side_by_side_count_more_than_words_apart() -> None:
    assert sure("red kite", "the red kite", LIBRARY) > sure("red kite", "red is the colour of the kite", LIBRARY)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    common = ["today again"] * 40
    assert sure("kite today", "a kite", common) > sure("kite today", "see you today", common)


# --- stated against observed ----------------------------------------------------------------------


def test_the_curve_counts_every_answer_once() -> None:
    draw = np.random.default_rng(3)
    stated = draw.random(997)
    rows = calibration_curve(stated, draw.random(997) < stated)
    assert sum(row.count for row in rows) == 997
    assert all(abs(row.stated - row.observed) < 0.17 for row in rows)  # these answers are calibrated: 100 a bin


def test_the_curve_is_the_slow_loop() -> None:
    stated, right = [0.05, 0.15, 0.18, 1.0, 0.95], [False, True, False, True, False]
    rows = {row.low: (row.count, row.stated, row.observed) for row in calibration_curve(stated, right)}
    assert rows[0.0] == (1, pytest.approx(0.05), 0.0)
    assert rows[0.1] == (2, pytest.approx(0.165), 0.5)
    assert rows[0.9] == (2, pytest.approx(0.975), 0.5)
    assert len(rows) == 3


def test_judgements_must_be_as_many_as_confidences() -> None:
    with pytest.raises(ValueError, match="3 confidences stand against 2 judgements"):
        calibration_curve([0.1, 0.2, 0.3], [True, False])
