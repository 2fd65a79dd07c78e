"""Temporal overlap against counting tenths of seconds, and the windows of those who have not looked."""

import numpy as np
import pytest

from sightline.measures.grounding import (
    best_window,
    first_third,
    mean_overlap,
    overlap_share,
    recall_at_overlap,
    whole_video,
)


def counted(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Tenths of a second in both over tenths in either; for touching or overlapping stretches."""
    tenths = np.arange(0, 200) / 10 + 0.05
    inside = [(tenths > span[0]) & (tenths < span[1]) for span in (one, other)]
    return (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()


@pytest.mark.parametrize("other", [(2.0, 7.0), (0.0, 3.0), (3.5, 4.5), (5.0, 9.0), (0.0, 20.0)])
def test_overlap_is_shared_seconds_over_covered_seconds(other: tuple[float, float]) -> None:
    assert overlap_share((2.0, 5.0), other) == pytest.approx(counted((2.0, 5.0), other))


def test_stretches_apart_do_not_overlap() -> None:
    assert overlap_share((0.0, 2.0), (3.0, 5.0)) == 0.0


def test_of_several_right_stretches_the_best_counts_and_nothing_found_counts_as_zero() -> None:
    found = [(0.0, 4.0), None]
    meant = [[(8.0, 9.0), (0.0, 5.0)], [(1.0, 2.0)]]
    assert mean_overlap(found, meant) == pytest.approx(0.8 / 2)
    assert recall_at_overlap(found, meant) == 0.5


def test_who_has_not_looked_says_the_first_third_or_everything() -> None:
    assert first_third(30.0) == (0.0, 10.0) and whole_video(30.0) == (0.0, 30.0)


def test_the_best_window_is_the_one_with_the_highest_mean() -> None:
    seconds = np.arange(11.0)
    scores = np.array([0, 0, 9, 0, 0, 0, 5, 6, 5, 0, 0], float)
    slow = max((scores[k : k + 3].mean(), -k) for k in range(9))
    assert best_window(scores, seconds, 11.0, 3.0) == (-slow[1], -slow[1] + 3.0) == (6.0, 9.0)


def test_a_window_longer_than_the_video_is_the_video() -> None:
    assert best_window(np.ones(3), np.arange(3.0), 3.0, 10.0) == (0.0, 3.0)
