"""What an exam counts: right answers, ties, where a system looked, and what it cost."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sightline.training.batches import Batch  # noqa: E402
from sightline.training.examine import answered, cost, grounded  # noqa: E402
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


class Wasteful(torch.nn.Module):
    """Holds 3 rows of 700 numbers at once beside its weights, whatever it is asked; hands on a view of a parameter."""

    def __init__(self):
        super().__init__()
        self.queries = torch.nn.Parameter(torch.ones(1, 700))
        self.inner = torch.nn.Linear(700, 700, bias=False)

    def forward(self, batch):
        once = self.inner(self.queries.expand(1, 700))  # views of parameters cost nothing
        twice = once * 2  # with `once`: 2 rows
        thrice = twice + once  # 3 rows
        del once, twice
        return thrice * 2  # 2 rows


def test_cost_counts_the_operations_and_the_tensors_that_live_at_once():
    model, batch = Wasteful(), [None] * 7
    with torch.inference_mode():
        flops, peak = cost(model, batch)
    assert flops == pytest.approx(2 * 700 * 700 / 7)
    assert peak == pytest.approx(3 * 700 * 4 / 7)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_cost_is_the_same_twice():
    assert cost(Wasteful(), [None]) == cost(Wasteful(), [None])
