"""The slow twin and the queue."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")
from torch import nn  # noqa: E402

from sightline.nn.momentum import MomentumTwin, Queue  # noqa: E402


@pytest.mark.formula("nn/momentum-twin")
def test_after_n_steps_the_twin_has_kept_m_to_the_n_of_itself():
    model = nn.Linear(3, 2)
    twin = MomentumTwin(model, momentum=0.9)
    start = twin.twin.weight.clone()
    with torch.no_grad():
        model.weight.copy_(torch.randn(2, 3))
    for _ in range(7):
        twin.follow(model)
    torch.testing.assert_close(twin.twin.weight, 0.9**7 * start + (1 - 0.9**7) * model.weight)


def test_the_twin_takes_over_running_means_and_never_learns():
    model = nn.BatchNorm1d(3)
    twin = MomentumTwin(model)
    model(torch.randn(5, 3))
    twin.follow(model)
    assert torch.equal(twin.twin.running_mean, model.running_mean)
    assert int(twin.twin.num_batches_tracked) == 1
    assert not any(parameter.requires_grad for parameter in twin.parameters())
    assert not twin(torch.randn(5, 3)).requires_grad


@pytest.mark.formula("nn/queue")
@pytest.mark.parametrize("batches", [[3], [5, 5], [2, 3, 7, 5], [7, 7, 7], [17], [3, 17, 1]])
def test_the_queue_holds_the_last_rows_whatever_the_batch_size(batches):
    queue, pushed = Queue(7, 2), []
    for size in batches:
        rows = torch.randn(size, 2)
        queue.push(rows)
        pushed += rows.tolist()
    assert sorted(queue.filled().tolist()) == sorted(pushed[-7:])


def test_rows_not_yet_written_are_not_handed_out():
    queue = Queue(7, 2)
    assert queue.filled().shape == (0, 2)
    queue.push(torch.ones(3, 2))
    assert queue.filled().shape == (3, 2)


def test_a_push_does_not_reach_into_a_backward_pass():
    queue = Queue(4, 2)
    queue.push(torch.randn(4, 2))
    query = torch.randn(1, 2, requires_grad=True)
    rows = queue.filled()
    loss = (query @ rows.T).square().sum()
    queue.push(torch.randn(4, 2))
    loss.backward()
    torch.testing.assert_close(query.grad, 2 * (query @ rows.T) @ rows)
