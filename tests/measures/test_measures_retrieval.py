"""Recall at k against the loop one would explain on a blackboard."""

import numpy as np
import pytest

from sightline.measures.retrieval import accuracy, ranks, recall_at


def slow_rank(row: list[float], right: int) -> int:
    """How many columns one must look through, the worst of equals last, until the right one."""
    ahead = [k for k in range(len(row)) if k != right and row[k] >= row[right]]
    return len(ahead) + 1


@pytest.mark.parametrize("k", [1, 2, 5])
def test_recall_at_k_is_the_share_of_rows_whose_right_column_is_among_the_first_k(k: int) -> None:
    chance = np.random.default_rng(3)
    scores = chance.integers(0, 4, (13, 7)).astype(np.float32)  # few values: many ties
    right = chance.integers(0, 7, 13)
    slow = [slow_rank(list(row), int(r)) for row, r in zip(scores, right, strict=True)]
    assert ranks(scores, right).tolist() == slow
    assert recall_at(scores, right, k) == pytest.approx(sum(rank <= k for rank in slow) / 13)


def test_equal_scores_everywhere_get_nothing() -> None:
    assert accuracy(np.zeros((5, 3)), np.arange(5) % 3) == 0.0


def test_the_identity_is_always_right() -> None:
    assert accuracy(np.eye(7), np.arange(7)) == 1.0
