"""Triplet, modality-adversarial, soft multi-label, noise and codes against loops, closed forms and references."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")
F = torch.nn.functional

from sightline.objectives.code_reconstruction import code_reconstruction, logit_laplace, uneven_use
from sightline.objectives.epsilon_matching import epsilon_matching
from sightline.objectives.modality_adversarial import modality_adversarial, reversed_gradient, rising
from sightline.objectives.soft_multi_label import soft_multi_label
from sightline.objectives.triplet import triplet

B, A, E = 3, 7, 5


# --- triplet ----------------------------------------------------------------------------------


def looped_triplet(scores, positives, mask, margin, negatives):
    terms = []
    for row in range(len(scores)):
        wrong = [float(scores[row, j]) for j in range(A) if mask[row, j] and not positives[row, j]]
        for i in range(A):
            if not (positives[row, i] and mask[row, i]) or not wrong:
                continue
            right = float(scores[row, i])
            below = [w for w in wrong if w < right]
            rivals = {
                "hardest": [max(wrong)],
                "semi-hard": [max(below) if below else min(wrong)],
                "all": wrong,
            }[negatives]
            terms += [max(0.0, margin - right + rival) for rival in rivals]
    return sum(terms) / len(terms)


@pytest.mark.formula("objectives/triplet")
@pytest.mark.parametrize("negatives", ["hardest", "semi-hard", "all"])
def test_triplet_is_the_loop_for_every_way_of_taking_wrong_answers(negatives):
    scores, positives, mask = torch.randn(B, A), torch.rand(B, A) < 0.4, torch.rand(B, A) < 0.8
    positives[0, mask[0]] = True  # a row without a wrong answer
    expected = looped_triplet(scores, positives, mask, 0.5, negatives)
    assert math.isclose(float(triplet(scores, positives, mask, 0.5, negatives)), expected, abs_tol=1e-6)


def test_without_saying_the_diagonal_is_right():
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.9]])
    assert math.isclose(float(triplet(scores)), (0 + 0.1) / 2, abs_tol=1e-6)


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="hardest.*not 'easy'"):
        triplet(torch.zeros(2, 2), negatives="easy")


# --- modality-adversarial ---------------------------------------------------------------------


@pytest.mark.formula("objectives/modality_adversarial")
def test_the_judges_loss_is_half_of_each_kinds_surprise():
    pictures, words, judge = torch.randn(B, E), torch.randn(A, E), torch.nn.Linear(E, 2)
    expected = 0.0
    for kind, vectors in ((0, pictures), (1, words)):
        for vector in vectors:
            logits = judge(vector).tolist()
            expected += math.log(sum(math.exp(v - logits[kind]) for v in logits)) / (2 * len(vectors))
    assert math.isclose(float(modality_adversarial(pictures, words, judge).detach()), expected, abs_tol=1e-6)


@pytest.mark.formula("objectives/modality_adversarial")
def test_the_judge_learns_as_usual_and_what_it_judged_learns_the_opposite():
    judge, words = torch.nn.Linear(E, 2), torch.randn(A, E)
    grads = []
    for turned in (False, True):
        judge.zero_grad()
        pictures = torch.randn(B, E, generator=torch.Generator().manual_seed(3)).requires_grad_()
        if turned:
            modality_adversarial(pictures, words, judge, strength=0.3).backward()
        else:
            plain = [F.cross_entropy(judge(v), torch.full((len(v),), k)) for k, v in enumerate((pictures, words))]
            (sum(plain) / 2).backward()
        grads.append((judge.weight.grad.clone(), pictures.grad))
    assert torch.allclose(grads[0][0], grads[1][0], atol=1e-7)
    assert torch.allclose(-0.3 * grads[0][1], grads[1][1], atol=1e-7)


def test_reversal_leaves_the_value_alone():
    x = torch.randn(B, E)
    assert torch.equal(reversed_gradient(x, 5.0), x)


def test_the_strength_rises_from_nothing_to_nearly_one():
    assert rising(0.0) == 0 and math.isclose(rising(0.5), math.tanh(2.5)) and 0.9999 < rising(1.0) < 1


# --- soft multi-label -------------------------------------------------------------------------


@pytest.mark.formula("objectives/soft_multi_label")
def test_soft_multi_label_is_the_loop_over_judged_labels():
    logits, shares, mask = torch.randn(B, A), torch.rand(B, A), torch.rand(B, A) < 0.6
    total = 0.0
    for b, label in mask.nonzero().tolist():
        likely, share = 1 / (1 + math.exp(-float(logits[b, label]))), float(shares[b, label])
        total -= share * math.log(likely) + (1 - share) * math.log(1 - likely)
    assert math.isclose(float(soft_multi_label(logits, shares, mask)), total / B, abs_tol=1e-5)


def test_soft_multi_label_is_vilberts_mean_times_the_number_of_labels():
    logits, shares = torch.randn(B, A), torch.rand(B, A)
    vilbert = F.binary_cross_entropy_with_logits(logits, shares) * A
    assert torch.allclose(soft_multi_label(logits, shares), vilbert, atol=1e-6)


# --- noise ------------------------------------------------------------------------------------


@pytest.mark.formula("objectives/epsilon_matching")
def test_epsilon_matching_is_the_mean_square_over_what_counts():
    noise, predicted = torch.randn(B, E), torch.randn(B, E)
    mask = torch.arange(E).expand(B, -1) < 2
    squares = [(float(noise[b, e]) - float(predicted[b, e])) ** 2 for b in range(B) for e in range(2)]
    assert math.isclose(float(epsilon_matching(predicted, noise, mask)), sum(squares) / len(squares), abs_tol=1e-6)


# --- codes ------------------------------------------------------------------------------------


def test_uneven_use_is_the_loop_and_lies_between_nothing_and_log_v():
    logits = torch.randn(B, A, E)
    total = 0.0
    for cell in logits.reshape(-1, E):
        shares = [math.exp(float(v)) for v in cell]
        shares = [s / sum(shares) for s in shares]
        total += sum(s * math.log(s * E) for s in shares)
    assert math.isclose(float(uneven_use(logits)), total / (B * A), abs_tol=1e-6)
    assert abs(float(uneven_use(torch.zeros(B, A, E)))) < 1e-6
    assert math.isclose(
        float(uneven_use(1e4 * F.one_hot(torch.zeros(B, A).long(), E).float())), math.log(E), abs_tol=1e-6
    )


@pytest.mark.formula("objectives/code_reconstruction")
@pytest.mark.parametrize(("kind", "loss"), [("squares", F.mse_loss), ("smooth", F.smooth_l1_loss)])
def test_reconstruction_is_distance_plus_beta_times_uneven_use(kind, loss):
    rebuilt, pictures, codes = torch.randn(B, 1, A, E), torch.rand(B, 1, A, E), torch.randn(B, A, E)
    expected = loss(rebuilt, pictures) + 0.3 * uneven_use(codes)
    assert torch.allclose(code_reconstruction(rebuilt, pictures, codes, 0.3, kind), expected)


def test_the_logit_laplace_density_adds_up_to_one_and_has_the_width_it_is_told():
    values = torch.linspace(0, 1, 2_000_001, dtype=torch.float64)[1:-1]
    mean, log_width = torch.tensor(0.4, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    density = torch.exp(-logit_laplace(values, mean, log_width))
    assert math.isclose(float(density.mean()), 1.0, abs_tol=1e-5)
    deviation = (density * (torch.logit(values) - mean).abs()).mean()
    assert math.isclose(float(deviation), math.exp(-1.0), abs_tol=1e-4)


def test_laplace_reconstruction_reads_means_then_log_widths():
    pictures, codes = torch.rand(B, 2, A, E), torch.zeros(B, A, E)
    means, widths = torch.randn(B, 2, A, E), torch.randn(B, 2, A, E)
    expected = logit_laplace(0.8 * pictures + 0.1, means, widths).mean()
    ours = code_reconstruction(torch.cat([means, widths], 1), pictures, codes, kind="laplace")
    assert torch.allclose(ours, expected, atol=1e-6)
