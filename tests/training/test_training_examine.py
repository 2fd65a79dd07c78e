"""What an exam counts: right answers, ties, where a system looked, and what it cost."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sightline.training.batches import Batch  # noqa: E402
from sightline.training.examine import Peak, answered, grounded  # noqa: E402
from sightline.training.kept import evidence  # noqa: E402


def test_grounding_agrees_with_counting_by_hand():
    dice = np.random.default_rng(3)
    lit = dice.random((23, 11)) < 0.3
    lit[0] = True  # all the video is evidence: not counted
    lit[1] = False  # none is known: not counted
    index = np.stack([np.sort(dice.choice(11, 3, replace=False)) for _ in range(23)])
    rows = grounded(index, lit, np.ones_like(lit))
    assert np.isnan(rows[:2]).all()
    for chosen, own, (hit, iop, iou) in zip(index[2:], lit[2:], rows[2:], strict=True):
        both = len(set(chosen.tolist()) & set(np.flatnonzero(own).tolist()))
        union = len(set(chosen.tolist()) | set(np.flatnonzero(own).tolist()))
        if own.any():
            assert (hit, iop, iou) == (both > 0, both / 3, both / union)


def test_a_padded_frame_does_not_make_the_evidence_partial():
    lit = np.array([[True, True, False]])
    assert np.isnan(grounded(np.array([[0]]), lit, np.array([[True, True, False]]))).all()


def test_a_tie_with_the_right_option_counts_as_wrong():
    batch = Batch(*[None] * 5, answer=torch.tensor([0, 1, 0]), statement=None, evidence=None, rows=(0, 1, 2))
    scores = torch.tensor([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    assert answered(scores, batch).tolist() == [True, False, False]


def test_evidence_is_the_frames_inside_or_the_nearest_one():
    seconds, mask = np.array([0.5, 1.5, 2.5, 3.5, 9.0]), np.array([True] * 4 + [False])
    assert evidence(seconds, mask, [(1.0, 3.0)]).tolist() == [False, True, True, False, False]
    assert evidence(seconds, mask, [(1.6, 1.9)]).tolist() == [False, True, False, False, False]
    assert evidence(seconds, mask, [(8.0, 9.5)]).tolist() == [False, False, False, True, False]  # padding is no frame
    assert evidence(seconds, mask, [(0.0, 1.0), (3.0, 4.0)]).tolist() == [True, False, False, True, False]


def test_peak_sees_what_was_held_and_let_go():
    with Peak() as peak:
        np.ones(8_000_000)  # 64 MB
    if peak.bytes is None:
        pytest.skip("this system does not say how much memory a process took")
    assert 60e6 < peak.bytes < 120e6
