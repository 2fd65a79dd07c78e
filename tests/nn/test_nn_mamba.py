"""The selective state space against its recurrence, the public mixer, and the cost of its backward pass."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")

from sightline.nn.mamba import MambaBlock, MambaMixer, selective_scan  # noqa: E402

B, L, C = 2, 7, 5


@pytest.mark.formula("nn/state-space")
def test_the_scan_is_the_recurrence_channel_by_channel():
    width, state = 3, 2
    u, delta = torch.randn(B, L, width), torch.rand(B, L, width)
    decay, into, out = -torch.rand(width, state), torch.randn(B, L, state), torch.randn(B, L, state)
    y = selective_scan(u, delta, decay, into, out)
    for b in range(B):
        for e in range(width):
            h = [0.0] * state
            for t in range(L):
                for n in range(state):
                    keep = torch.exp(delta[b, t, e] * decay[e, n])
                    h[n] = keep * h[n] + delta[b, t, e] * into[b, t, n] * u[b, t, e]
                torch.testing.assert_close(y[b, t, e], sum(out[b, t, n] * h[n] for n in range(state)))


@pytest.mark.formula("nn/state-space")
def test_the_mixer_is_the_public_one():
    pytest.importorskip("transformers", reason="the reference class lives in transformers (the lab extra)")
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer as Theirs

    config = MambaConfig(hidden_size=18, state_size=3, expand=2, conv_kernel=4, num_hidden_layers=1, vocab_size=5)
    theirs, ours = Theirs(config, layer_idx=0).eval(), MambaMixer(18, state=3).eval()
    for mine, yours in {
        "read": "in_proj",
        "conv": "conv1d",
        "select": "x_proj",
        "step": "dt_proj",
        "write": "out_proj",
    }.items():
        getattr(ours, mine).load_state_dict(getattr(theirs, yours).state_dict())
    with torch.no_grad():
        ours.log_decay.copy_(theirs.A_log)
        ours.skip.copy_(theirs.D)
        x = torch.randn(B, 11, 18)
        assert (ours(x) - theirs(x)).abs().max() <= 1e-5


def test_the_first_steps_lie_between_a_thousandth_and_a_tenth():
    steps = torch.nn.functional.softplus(MambaMixer(64).step.bias)
    assert 0.9e-3 <= steps.min().item() and steps.max().item() <= 0.11


def test_padding_changes_nothing_in_either_direction():
    block, x = MambaBlock(C), torch.randn(B, L, C)
    mask = torch.arange(L + 3) < torch.tensor([[L], [L - 2]])
    longer = torch.cat([x, torch.full((B, 3, C), 9.0)], dim=1)
    padded = block(longer, mask)
    torch.testing.assert_close(padded[0, :L], block(x[:1])[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(padded[1, : L - 2], block(x[1:, : L - 2])[0], atol=1e-6, rtol=1e-5)


def test_read_one_way_later_steps_never_change_earlier_ones():
    block, x = MambaBlock(C, both_ways=False), torch.randn(B, L, C)
    changed = x.clone()
    changed[:, 4:] = 9.0
    assert torch.equal(block(x)[:, :4], block(changed)[:, :4])
    assert not torch.equal(MambaBlock(C)(x)[:, :4], MambaBlock(C)(changed)[:, :4])


def test_the_backward_pass_makes_no_full_size_gradient_at_every_step():
    """Indexing the sequence inside the loop allocates B L E n numbers L times over; unbinding it does so once."""
    from torch.profiler import ProfilerActivity, profile

    def allocated(length):
        u = torch.randn(1, length, 8, requires_grad=True)
        delta, decay = torch.rand(1, length, 8), -torch.rand(8, 4)
        into, out = torch.randn(1, length, 4), torch.randn(1, length, 4)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
            selective_scan(u, delta, decay, into, out).sum().backward()
        return sum(max(0, event.self_cpu_memory_usage) for event in run.key_averages())

    assert allocated(192) <= 2.5 * allocated(96)


def test_the_gradient_reaches_every_parameter():
    block = MambaBlock(C)
    (block(torch.randn(B, L, C)) * torch.arange(C)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in block.parameters())
