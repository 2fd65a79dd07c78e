"""GCG's and ViLA's objectives: loops, and the golden numbers measured on their public code."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")
F = torch.nn.functional

from golden import fill, of_the_gaussian, wave  # noqa: E402
from sightline.keyframes.gaussian import GaussianChooser
from sightline.nn.choice import top_k_in_time
from sightline.objectives.centre_regression import centre_regression, likely_frames, order_hinge
from sightline.objectives.contrastive_grounding import GroundingHead, contrastive_grounding
from sightline.objectives.distillation import TokenDecoder, distillation
from sightline.records import Seen, Words

B, K, E, J = 3, 2, 7, 5


# --- golden numbers ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden():
    """The generator and the head at the sizes of the measurement, and what it was fed."""
    chooser = GaussianChooser(32, 2, frames=8, heads=2, dropout=0.0, released_width=0.2).double().eval()
    head = GroundingHead(32, dropout=0.0).double().eval()
    ordered, norms = of_the_gaussian(chooser)
    ordered += [head.layers[1].weight, head.layers[3].weight, head.layers[3].bias]
    fill(ordered, norms)
    frames, texts = wave(3, 8, 32, step=0.3), wave(3, 6, 32, step=0.2, of=torch.cos)
    seen = Seen(frames, torch.arange(8.0).expand(3, -1), torch.ones(3, 8).bool())
    choice = chooser(seen, Words(texts[:, 0]), texts[:, 1:])
    return choice, head, frames, texts, wave(3, 32, step=0.5, start=1.0)


@pytest.mark.formula("objectives/centre_regression", "objectives/order_hinge")
def test_golden_regression_and_hinge_of_gcg(golden):
    choice = golden[0]
    likely = top_k_in_time(wave(3, 8, step=1.3), 2)
    assert likely.tolist() == [[1, 6], [3, 7], [0, 5]]
    regression = centre_regression(choice.extras["centres"], likely, 8)
    assert math.isclose(float(regression.detach()), 1.852277, abs_tol=2e-6)
    assert math.isclose(float((regression + order_hinge(choice.extras["centres"], 8)).detach()), 2.885737, abs_tol=2e-6)


@pytest.mark.formula("objectives/contrastive_grounding")
@pytest.mark.parametrize(("with_options", "value"), [(True, 2.561542), (False, 2.197240)])
def test_golden_contrast_of_gcg_with_hard_choices(golden, with_options, value):
    choice, head, frames, texts, answers = golden
    rows = torch.arange(3)[:, None]
    chosen, left = top_k_in_time(choice.scores, 2), top_k_in_time(1 - choice.scores, 6)
    wrong = torch.tensor([[o for o in range(5) if o != right] for right in (0, 3, 1)])
    ours = contrastive_grounding(
        head(frames[rows, chosen]),
        head(answers),
        left_frames=head(frames[rows, left]),
        wrong_options=head(texts[:, 1:][rows, wrong]) if with_options else None,
    )
    assert math.isclose(float(ours.detach()), value, abs_tol=2e-6)


@pytest.mark.formula("objectives/distillation")
def test_golden_decoder_and_distance_of_vila():
    decoder = TokenDecoder(6, 12).double()
    fill(
        [decoder.spread.weight, decoder.spread.bias, decoder.over_tokens.weight, decoder.over_tokens.bias],
        [decoder.over_tokens.weight],
    )
    student, teacher = wave(1, 6, 2, step=0.3), wave(1, 12, 2, step=0.2, of=torch.cos)
    decoded = decoder(student)
    golden = torch.tensor([[1.735995, 1.795865], [0.082261, -0.455651], [-0.775733, -0.337886]], dtype=torch.float64)
    assert torch.allclose(decoded[0, :3], golden, atol=2e-6)
    assert math.isclose(float(distillation(decoded, teacher).detach()), 1.253888, abs_tol=2e-6)


def test_the_decoder_has_the_parameters_of_the_released_one():
    assert sum(p.numel() for p in TokenDecoder(4 * 32, 32 * 32).parameters()) == 134_144


# --- loops ------------------------------------------------------------------------------------


def smooth(distance):
    return distance**2 / 2 if abs(distance) < 1 else abs(distance) - 0.5


def test_regression_is_the_loop_in_frames_and_in_shares():
    centres, likely, frames = torch.rand(B, K), torch.tensor([[0, 3], [1, 6], [2, 4]]), [5, 7, 11]
    in_frames = [smooth(float(centres[b, k]) * (frames[b] - 1) - int(likely[b, k])) for b in range(B) for k in range(K)]
    in_shares = [smooth(float(centres[b, k]) - int(likely[b, k]) / (frames[b] - 1)) for b in range(B) for k in range(K)]
    each = torch.tensor(frames)
    assert math.isclose(float(centre_regression(centres, likely, each)), sum(in_frames) / 6, abs_tol=1e-5)
    assert math.isclose(float(centre_regression(centres, likely, each, "share")), sum(in_shares) / 6, abs_tol=1e-6)


def test_the_hinge_is_the_loop_and_rests_once_centres_are_a_frame_apart():
    centres = torch.rand(B, 3)
    late = [max(0.0, 1 + 6 * float(row[k]) - 6 * float(row[k + 1])) for row in centres for k in range(2)]
    assert math.isclose(float(order_hinge(centres, 7)), sum(late) / len(late), abs_tol=1e-5)
    assert order_hinge(torch.tensor([[0.0, 0.5, 1.0]]), 7) == 0


def test_one_centre_has_no_order_to_keep():
    centres = torch.rand(B, 1, requires_grad=True)
    value = order_hinge(centres, 7)
    value.backward()
    assert value == 0 and not centres.grad.any()


def test_likely_frames_are_the_most_similar_in_time_order_and_never_padding():
    event = torch.tensor([[1.0, 0.0]])
    frames = torch.tensor([[[0.1, 1.0], [9.0, 1.0], [0.5, 0.6], [2.0, 0.1], [1.0, 0.0]]])
    mask = torch.tensor([[True, True, True, True, False]])
    assert likely_frames(frames, event, 2, mask).tolist() == [[1, 3]]


def cosine(left, right):
    return float(left @ right / (left.norm() * right.norm()))


def looped_grounding(chosen, event, left, options, others, answers, ids):
    total = 0.0
    for b in range(B):
        for k in range(K):
            row = [cosine(chosen[b, k], event[b])]
            row += [cosine(frame, event[b]) for frame in left[b]] if left is not None else []
            row += [cosine(frame, event[b]) for frame in others[b]] if others is not None else []
            row += [cosine(option, chosen[b, k]) for option in options[b]] if options is not None else []
            row += [cosine(event[a], chosen[b, k]) for a in range(B) if answers and ids[a] != ids[b]]
            total += math.log(sum(math.exp((v - row[0]) / 0.1) for v in row))
    return total / (B * K)


@pytest.mark.parametrize("against", ["left", "options", "others", "answers", "all"])
def test_grounding_is_the_loop_with_each_kind_of_negative_alone_and_together(against):
    everything = {"left": (B, J, E), "options": (B, 4, E), "others": (B, 3, E)}
    made = {what: torch.randn(shape) for what, shape in everything.items()}
    part = {what: made[what] if against in (what, "all") else None for what in made}
    chosen, event, answers = torch.randn(B, K, E), torch.randn(B, E), against in ("answers", "all")
    ours = contrastive_grounding(
        chosen,
        event,
        left_frames=part["left"],
        wrong_options=part["options"],
        other_frames=part["others"],
        other_answers=answers,
    )
    expected = looped_grounding(chosen, event, part["left"], part["options"], part["others"], answers, range(B))
    assert math.isclose(float(ours), expected, abs_tol=1e-5)


def test_another_sample_with_the_same_answer_is_not_a_negative():
    chosen, event, ids = torch.randn(B, K, E), torch.randn(B, E), torch.tensor([4, 9, 4])
    ours = contrastive_grounding(chosen, event, answer_id=ids)
    expected = looped_grounding(chosen, event, None, None, None, True, ids.tolist())
    assert math.isclose(float(ours), expected, abs_tol=1e-5)


def test_nothing_against_it_means_nothing_to_learn():
    assert contrastive_grounding(torch.randn(B, K, E), torch.randn(B, E), other_answers=False) == 0


@pytest.mark.parametrize("norm", ["tokens", "channels", None])
def test_the_decoder_spreads_tokens_with_its_norm_over_the_named_axis(norm):
    decoder, student = TokenDecoder(K, J, E, norm=norm), torch.randn(B, K, E)
    weight, bias = decoder.spread.weight, decoder.spread.bias
    for b in range(B):
        table = torch.stack([sum(weight[j, k] * student[b, k] for k in range(K)) + bias[j] for j in range(J)])  # [J, E]
        if norm is not None:
            axis = 0 if norm == "tokens" else 1
            mean, variance = table.mean(axis, keepdim=True), table.var(axis, unbiased=False, keepdim=True)
            table = (table - mean) / (variance + 1e-5).sqrt()
        assert torch.allclose(decoder(student)[b], table, atol=1e-5)


def test_distance_to_the_teacher_counts_valid_tokens_only():
    decoded, teacher = torch.randn(B, J, E), torch.randn(B, J, E)
    mask = torch.arange(J) < torch.tensor([[5], [2], [3]])
    squares = [
        (float(decoded[b, j, e]) - float(teacher[b, j, e])) ** 2
        for b in range(B)
        for j in range(J)
        for e in range(E)
        if mask[b, j]
    ]
    assert math.isclose(float(distillation(decoded, teacher, mask)), sum(squares) / len(squares), abs_tol=1e-5)


def test_a_teacher_of_another_length_is_refused_with_both_lengths():
    with pytest.raises(ValueError, match=r"\(3, 5, 7\).*\(3, 4, 7\)"):
        distillation(torch.zeros(B, J, E), torch.zeros(B, 4, E))


@pytest.mark.parametrize("part", [lambda: TokenDecoder(K, J), lambda: GroundingHead(8, 5)])
def test_learned_heads_are_reached_by_the_gradient_and_can_be_saved(part):
    torch.manual_seed(1)
    made, other = part(), part()
    x = torch.randn(B, K, 8)
    (made.eval()(x) * torch.arange(1.0, 1 + made(x).shape[-1])).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in made.parameters())
    other.load_state_dict(made.state_dict())
    assert torch.equal(other.eval()(x), made(x))
