"""Choosing that can be learned: values against slow forms, gradients against finite differences and closed forms."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="learned choosing needs torch (the lab extra)")

from golden import wave  # noqa: E402
from sightline.errors import BadRecord
from sightline.nn.choice import gumbel_noise, one_hot, perturbed_top_k, straight_through, top_k_in_time

B, K, T, DRAWS, SIGMA = 2, 3, 7, 11, 0.05


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def cosine(a, b):
    return float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))


# --- one of T ---------------------------------------------------------------------------------


def test_forward_is_exactly_one_hot_at_the_highest():
    weight = straight_through(wave(B, K, T), temperature=0.3)
    assert torch.equal(weight, one_hot(wave(B, K, T).argmax(-1), T, torch.float64).reshape(B, K, T))


@pytest.mark.formula("nn/straight-through")
def test_the_gradient_is_that_of_the_tempered_softmax():
    logits, noise, upstream = wave(B, T).requires_grad_(), wave(B, T, step=1.1), wave(B, T, step=0.7)
    (straight_through(logits, temperature=0.5, noise=noise) * upstream).sum().backward()
    for b in range(B):
        heat = [math.exp(float(logits[b, t].detach() + noise[b, t]) / 0.5) for t in range(T)]
        y = [h / sum(heat) for h in heat]
        for t in range(T):
            slope = sum(y[j] * ((j == t) - y[t]) / 0.5 * float(upstream[b, j]) for j in range(T))
            assert math.isclose(float(logits.grad[b, t]), slope, abs_tol=1e-12)


def test_golden_selection_and_gradient_of_the_frame_prompter():
    logits = torch.tensor(
        [[[-0.236376, 0.081334, -0.104905, 0.156145], [-0.268111, 0.077271, -0.065513, 0.085976]]], requires_grad=True
    )
    uniform = (0.49 * (1 + wave(1, 2, 4, step=1.1)) + 0.01).float()
    noise = -torch.log(1e-10 - torch.log(uniform + 1e-10))
    weight = straight_through(logits, temperature=0.5, noise=noise)
    assert weight.argmax(-1).tolist() == [[1, 3]]
    (weight.flatten() * torch.arange(1, 9)).sum().backward()
    golden = [[-0.009022, -0.321561, 0.311411, 0.019172], [-0.000065, -0.000285, -0.002052, 0.002402]]
    assert torch.allclose(logits.grad[0], torch.tensor(golden), atol=2e-6)


def test_noise_draws_each_frame_as_often_as_the_softmax_says():
    logits = torch.tensor([0.5, -1.0, 1.0, 0.0, -torch.inf])
    drawn = straight_through(logits.expand(40_000, -1), noise=gumbel_noise(logits.expand(40_000, -1), seeded()))
    assert torch.allclose(drawn.mean(0), logits.softmax(-1), atol=0.01)
    assert drawn[:, 4].sum() == 0


def test_a_frame_that_may_not_be_chosen_gets_no_gradient_and_spoils_none():
    logits = torch.tensor([[0.5, -torch.inf, 0.1]], requires_grad=True)
    straight_through(logits)[0, 0].backward()
    assert logits.grad[0, 1] == 0 and logits.grad.isfinite().all() and logits.grad[0, 0] > 0


# --- k of T -----------------------------------------------------------------------------------


def dense(scores, k, noise, sigma):
    """The public form: every draw as a one-hot [B, n, k, T]."""
    drawn = (scores[:, None] + sigma * noise).topk(k, dim=-1).indices.sort(dim=-1).values
    return torch.nn.functional.one_hot(drawn, scores.shape[1]).to(scores.dtype)


def gradient_of(scores, upstream, **options):
    scores = scores.clone().requires_grad_()
    (perturbed_top_k(scores, upstream.shape[1], **options) * upstream).sum().backward()
    return scores.grad


@pytest.mark.formula("nn/perturbed-top-k")
def test_its_value_is_how_often_each_frame_took_each_place():
    scores, noise = wave(B, T), torch.randn(B, DRAWS, T, dtype=torch.float64, generator=seeded())
    weight = perturbed_top_k(scores, K, sigma=0.3, noise=noise)
    assert torch.allclose(weight, dense(scores, K, noise, 0.3).mean(1))
    assert torch.allclose(weight.sum(-1), torch.ones(B, K, dtype=torch.float64))


@pytest.mark.formula("nn/perturbed-top-k")
def test_its_gradient_is_the_covariance_of_worth_and_noise():
    scores, upstream = wave(B, T), wave(B, K, T, step=0.9)
    noise = torch.randn(B, DRAWS, T, dtype=torch.float64, generator=seeded(1))
    draws = dense(scores, K, noise, 0.3)
    for b in range(B):
        worth = [float((draws[b, n] * upstream[b]).sum()) for n in range(DRAWS)]
        expected = torch.zeros(T, dtype=torch.float64)
        for n in range(DRAWS):
            others = sum(worth[m] for m in range(DRAWS) if m != n) / (DRAWS - 1)
            expected += (worth[n] - others) * noise[b, n] / (DRAWS * 0.3)
        assert torch.allclose(gradient_of(scores, upstream, sigma=0.3, noise=noise)[b], expected)


def test_the_diagonal_option_is_the_public_form():
    scores, upstream = wave(B, T), wave(B, K, T, step=0.9)
    noise = torch.randn(B, DRAWS, T, dtype=torch.float64, generator=seeded(2))
    public = torch.einsum("bnkt,bnt->bkt", dense(scores, K, noise, 0.3), noise) / (DRAWS * 0.3)
    expected = (upstream * public).sum(1)
    assert torch.allclose(gradient_of(scores, upstream, sigma=0.3, noise=noise, gradient="diagonal"), expected)


def finite_differences(scores, upstream, step=0.01, draws=100_000):
    """Central differences of the expectation, with the same draws on both sides."""
    noise = torch.randn(draws, len(scores), generator=seeded(3))

    def expectation(moved):
        drawn = (moved + SIGMA * noise).topk(K, dim=-1).indices.sort(dim=-1).values
        return upstream.gather(1, drawn.T).sum() / draws

    return torch.stack([(expectation(scores + h) - expectation(scores - h)) / (2 * step) for h in step * torch.eye(T)])


def test_the_true_gradient_agrees_with_finite_differences_and_the_diagonal_far_less():
    scores = torch.tensor([0.52, 0.45, 0.55, 0.4, 0.5, 0.47, 0.58])
    upstream = torch.randn(K, T, generator=seeded(4))
    reference = finite_differences(scores, upstream)
    many = {"samples": 100_000, "sigma": SIGMA, "generator": seeded(5)}
    true = gradient_of(scores[None], upstream[None], **many)[0]
    diagonal = gradient_of(scores[None], upstream[None], gradient="diagonal", **many)[0]
    true_error, diagonal_error = (float((g - reference).norm() / reference.norm()) for g in (true, diagonal))
    assert cosine(true, reference) >= 0.99 and true_error < 0.1
    assert diagonal_error > 3 * true_error


def test_of_two_frames_value_and_gradient_have_a_closed_form():
    """P(first wins) = Phi((x1 - x2) / (sigma sqrt 2))."""
    scores, far = torch.tensor([[0.03, 0.0]], dtype=torch.float64, requires_grad=True), 0.03 / (SIGMA * math.sqrt(2))
    weight = perturbed_top_k(scores, 1, samples=200_000, sigma=SIGMA, generator=seeded(6))
    weight[0, 0, 0].backward()
    density = math.exp(-(far**2) / 2) / math.sqrt(2 * math.pi) / (SIGMA * math.sqrt(2))
    assert math.isclose(float(weight[0, 0, 0].detach()), 0.5 * (1 + math.erf(far / math.sqrt(2))), abs_tol=0.005)
    assert torch.allclose(scores.grad, torch.tensor([[density, -density]], dtype=torch.float64), rtol=0.03)


def test_the_baseline_quiets_the_gradient():
    """A constant upstream moves nothing: every draw is worth the same, so the gradient is exactly zero."""
    assert gradient_of(wave(B, T), torch.ones(B, K, T, dtype=torch.float64), generator=seeded(7)).abs().max() < 1e-12


def test_without_noise_it_is_the_hard_choice():
    weight = perturbed_top_k(wave(B, T), K, sigma=1e-9, generator=seeded(8))
    assert torch.allclose(weight, one_hot(top_k_in_time(wave(B, T), K), T, torch.float64))


def test_a_padded_frame_is_never_drawn():
    scores = wave(B, T).masked_fill(torch.arange(T) > 4, -torch.inf).requires_grad_()
    weight = perturbed_top_k(scores, K, sigma=5.0, generator=seeded(9))
    (weight * wave(B, K, T)).sum().backward()
    assert weight[..., 5:].sum() == 0 and scores.grad.isfinite().all()


def test_what_is_kept_for_the_gradient_is_a_small_share_of_the_dense_form():
    frames, k, draws, kept = 600, 32, 100, []
    scores = torch.randn(1, frames, generator=seeded(10), requires_grad=True)

    def keep(tensor):
        kept.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        perturbed_top_k(scores, k, samples=draws)
    assert sum(kept) <= 0.05 * draws * k * frames * 4


def test_half_precision_scores_are_counted_in_full():
    scores = torch.tensor([[5.0, 0.0, 5.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    weight = perturbed_top_k(scores, 2, samples=2000)
    weight[0, 0, 0].backward()
    assert weight[0].tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert weight.dtype == scores.grad.dtype == torch.bfloat16


def test_equal_scores_keep_the_earlier_frames_in_time_order():
    assert top_k_in_time(torch.tensor([[0.0, 1.0, 1.0, 2.0, 1.0, 1.0]]), 3).tolist() == [[1, 2, 3]]


def test_asking_for_what_cannot_be_is_refused_with_the_numbers():
    with pytest.raises(BadRecord, match=r"asked for 8 frames of scores with shape \(2, 7\)"):
        perturbed_top_k(wave(B, T), 8)
    with pytest.raises(BadRecord, match="'true', 'diagonal'"):
        perturbed_top_k(wave(B, T), K, gradient="dense")
    with pytest.raises(BadRecord, match="at least 2, not 1"):
        perturbed_top_k(wave(B, T), K, samples=1)
