"""What becomes of frames over time: differences, shared centres, poolings; each against a second writing."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learned encoders need torch (the lab extra)")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from sightline.encoders.difference import DifferenceBlock, interleaved  # noqa: E402
from sightline.encoders.frame_pooling import (  # noqa: E402
    POOLINGS,
    KMeans,
    LearnedWeights,
    Mamba,
    Mean,
    OneFrame,
    QuestionWeights,
    TemporalTransformer,
    far_apart,
    scores,
)
from sightline.encoders.shared_centres import SharedCentres  # noqa: E402
from sightline.errors import BadRecord  # noqa: E402
from sightline.nn.positions import sinusoid  # noqa: E402
from stirring import stirred  # noqa: E402

B, T, D, HEADS = 2, 5, 14, 2
MIXING = {"temporal_transformer", "mamba"}  # they make something else even of equal frames
EVERY = {name: part(D).eval().requires_grad_(False) for name, part in POOLINGS.items()}


def frames(batch=B, count=T):
    seconds = torch.rand(batch, count).cumsum(dim=1)
    return torch.randn(batch, count, D), seconds, torch.ones(batch, count, dtype=torch.bool)


# --- differences -----------------------------------------------------------------------------


def test_frames_and_changes_stand_in_turn():
    v, d = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[10.0, 20.0]])
    assert interleaved(v, d).tolist() == [[1.0, 10.0, 2.0, 20.0, 3.0]]
    assert interleaved(v[:, :1], d[:, :0]).tolist() == [[1.0]]


def by_torch(block):
    """A torch encoder layer with this block's weights, as the second writing of it (quick-GELU, pre-norm)."""
    attention, think = block.attend.inner, block.think.inner
    layer = torch.nn.TransformerEncoderLayer(
        D, HEADS, 4 * D, 0.0, activation=lambda x: x * torch.sigmoid(1.702 * x), batch_first=True, norm_first=True
    )
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        layer.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        layer.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        for mine, yours in (
            (layer.self_attn.out_proj, attention.out), (layer.norm1, block.attend.norm),
            (layer.norm2, block.think.norm), (layer.linear1, think[0]), (layer.linear2, think[2]),
        ):  # fmt: skip
            mine.load_state_dict(yours.state_dict())
    return layer.eval()


@pytest.mark.formula("encoders/difference")
def test_the_difference_block_is_its_formula():
    block, (x, seconds, mask) = stirred(DifferenceBlock(D, HEADS, layers=2)), frames(batch=1)
    said, clip = block(x, seconds, mask)
    place = [block.when(seconds[0, t] - seconds[0, 0]) for t in range(T)]
    changes = torch.stack([x[0, t + 1] - x[0, t] + place[t + 1] for t in range(T - 1)])[None]
    changes = 2 * torch.sigmoid(block.compare.norm(by_torch(block.compare.blocks[0])(changes))) - 1
    assert changes.abs().max() <= 1
    row = []
    for t in range(T):
        row.append(x[0, t] + place[t] + block.kind.weight[1])
        if t < T - 1:
            row.append(changes[0, t] + place[t] + block.kind.weight[0])
    through = torch.stack(row)[None]
    for layer in block.blocks:
        through = by_torch(layer)(through)
    kept = torch.stack([through[0, 2 * t] + x[0, t] for t in range(T)])
    kept = kept / kept.norm(dim=1, keepdim=True)
    torch.testing.assert_close(said[0], kept, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(clip[0], kept.mean(0) / kept.mean(0).norm(), atol=1e-5, rtol=1e-5)


def test_the_change_to_padding_is_no_change():
    block, (x, seconds, mask) = stirred(DifferenceBlock(D, HEADS, layers=1)), frames()
    mask[:, 3:] = False
    loud = x.clone()
    loud[:, 3:] = 1e6
    assert torch.equal(block(x, seconds, mask)[1], block(loud, seconds, mask)[1])
    short = block(x[:, :3], seconds[:, :3], mask[:, :3])
    torch.testing.assert_close(short[1], block(x, seconds, mask)[1], atol=1e-5, rtol=1e-5)


def test_a_single_frame_has_no_change_and_still_a_vector():
    said, clip = stirred(DifferenceBlock(D, HEADS, layers=1))(*frames(count=1))
    torch.testing.assert_close(said[:, 0], clip, atol=1e-6, rtol=0)


def test_order_matters_to_the_difference_block():
    block, (x, seconds, mask) = stirred(DifferenceBlock(D, HEADS, layers=1)), frames()
    assert (block(x, seconds, mask)[1] - block(x.flip(1), seconds, mask)[1]).abs().max() > 1e-4


# --- shared centres --------------------------------------------------------------------------


@pytest.mark.formula("encoders/shared_centres")
def test_shared_centres_are_their_formula():
    block, (x, _, mask) = stirred(SharedCentres(D, centres=3)).requires_grad_(False), frames()
    mask[1, 2] = False
    for b in range(B):
        total = np.zeros(D)
        for k in range(3):
            leaning = np.zeros(D)
            for s in range(T):
                if not mask[b, s]:
                    continue
                logits = np.array([float(x[b, s] @ block.assign[j]) for j in range(3)])
                share = np.exp(logits - logits.max())
                share /= share.sum()
                leaning += share[k] * (x[b, s] - block.centres[k]).detach().double().numpy()
            total += leaning / np.linalg.norm(leaning)
        expected = total / 3 / np.linalg.norm(total / 3)
        assert np.abs(block(x, mask)[b].detach().numpy() - expected).max() <= 1e-5


def test_shared_centres_know_no_order_and_no_padding():
    block, (x, _, mask) = stirred(SharedCentres(D)), frames()
    order = torch.randperm(T)
    torch.testing.assert_close(block(x, mask), block(x[:, order], mask), atol=1e-6, rtol=1e-5)
    more = torch.cat([x, torch.full((B, 2, D), float("nan"))], dim=1)
    wide = torch.cat([mask, torch.zeros(B, 2, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(block(x, mask), block(more, wide), atol=1e-6, rtol=1e-5)


# --- poolings --------------------------------------------------------------------------------


def test_the_list_has_the_seven_ways():
    assert set(POOLINGS) == {
        "one_frame", "mean", "k_means", "learned_weights", "question_weights", "temporal_transformer", "mamba",
    }  # fmt: skip


@given(st.lists(st.booleans(), min_size=1, max_size=13).filter(any), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_frames_that_are_not_valid_might_as_well_not_be_there(valid, seed):
    torch.manual_seed(seed)
    mask, x, question = torch.tensor([valid]), torch.randn(1, len(valid), D), torch.randn(1, D)
    seconds = torch.rand(1, len(valid)).cumsum(dim=1)
    for pooling in EVERY.values():
        whole = pooling(x.masked_fill(~mask[..., None], float("nan")), mask, seconds, question)
        only = pooling(x[mask][None], mask[mask][None], seconds[mask][None], question)
        torch.testing.assert_close(whole, only, atol=1e-5, rtol=1e-5)


@given(st.integers(1, 13), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_clip_of_equal_frames_is_pooled_to_that_frame(count, seed):
    torch.manual_seed(seed)
    frame = torch.randn(1, 1, D)
    for name in sorted(set(EVERY) - MIXING):
        mask = torch.ones(1, count, dtype=torch.bool)
        pooled = EVERY[name](frame.expand(1, count, D), mask, question=torch.randn(1, D))
        torch.testing.assert_close(pooled, frame.expand(1, pooled.shape[1], D), atol=1e-5, rtol=1e-5)


@pytest.mark.formula("encoders/one_frame")
@pytest.mark.parametrize("share,expected", [(0.0, 1), (0.5, 2), (1.0, 4)])
def test_one_frame_is_the_first_the_middle_or_the_last_valid_one(share, expected):
    x, _, _ = frames(batch=1)
    mask = torch.tensor([[False, True, True, False, True]])
    assert torch.equal(OneFrame(D, share)(x, mask)[0, 0], x[0, expected])


@pytest.mark.formula("encoders/mean")
def test_the_mean_is_over_valid_frames_only():
    x, _, mask = frames()
    mask[0, 1:3] = False
    for row, valid in enumerate(([0, 3, 4], range(T))):
        expected = sum(x[row, t] for t in valid) / len(valid)
        torch.testing.assert_close(Mean(D)(x, mask)[row, 0], expected)


def slow_k_means(points, k, rounds):
    centres = [points[0]]
    for _ in range(k - 1):
        far = [min(((p - c) ** 2).sum() for c in centres) for p in points]
        centres.append(points[int(np.argmax(far))])
    centres = np.array(centres)
    for _ in range(rounds):
        home = [int(np.argmin([((p - c) ** 2).sum() for c in centres])) for p in points]
        for j in range(k):
            mine = [p for p, h in zip(points, home, strict=True) if h == j]
            if mine:
                centres[j] = np.mean(mine, axis=0)
    return centres


@pytest.mark.formula("encoders/k_means")
@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_k_means_is_lloyds_from_points_far_apart(k):
    x = torch.randn(B, 13, D, dtype=torch.float64)
    mask = torch.ones(B, 13, dtype=torch.bool)
    mask[1, 9:] = False
    pooled = KMeans(D, k, rounds=6)(x, mask)
    for row, valid in enumerate((13, 9)):
        assert np.abs(pooled[row].numpy() - slow_k_means(x[row, :valid].numpy(), k, 6)).max() <= 1e-9


# Frames, centres and seed of clips where a group loses all its members but one on the way.
SHRINKING = [(5, 2, 18), (11, 3, 221), (11, 4, 3), (11, 4, 54)]


def test_k_means_is_lloyds_where_groups_shrink():
    for count, k, seed in SHRINKING:
        x = torch.rand(1, count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        pooled = KMeans(2, k)(x, torch.ones(1, count, dtype=torch.bool))[0]
        assert np.abs(pooled.numpy() - slow_k_means(x[0].numpy(), k, 10)).max() <= 1e-9


def test_groups_that_are_plain_to_see_are_found():
    truth = 10 * torch.eye(3, D)
    x = (truth.repeat(4, 1) + 0.01 * torch.randn(12, D))[None]
    pooled = KMeans(D, 3)(x, torch.ones(1, 12, dtype=torch.bool))[0]
    assert sorted(pooled.argmax(dim=1).tolist()) == [0, 1, 2]
    assert torch.cdist(pooled, truth).amin(dim=1).max() < 0.1


def test_with_fewer_frames_than_centres_every_frame_is_a_centre():
    x, _, mask = frames(batch=1, count=2)
    pooled = KMeans(D, 5)(x, mask)[0]
    assert pooled.shape == (5, D) and torch.cdist(x[0], pooled).amin(dim=1).max() <= 1e-5


def test_the_farthest_points_are_chosen_among_valid_ones():
    x = torch.tensor([[[0.0], [1.0], [9.0], [100.0]]])
    mask = torch.tensor([[True, True, True, False]])
    assert far_apart(x, mask, 2)[0, :, 0].tolist() == [0.0, 9.0]


def test_the_best_centre_counts_not_the_worst():
    pooled = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[-1.0, 0.0], [1.0, 1.0]]])
    questions = torch.tensor([[3.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    half = 0.5**0.5
    torch.testing.assert_close(scores(pooled, questions), torch.tensor([[1.0, 1.0, 0.0], [half, half, 1.0]]))


@pytest.mark.formula("encoders/learned_weights")
def test_learned_weights_at_zero_are_the_mean_and_otherwise_their_formula():
    pooling, (x, _, mask) = stirred(LearnedWeights(D)).requires_grad_(False), frames()
    mask[1, 3:] = False
    for row, valid in enumerate((5, 3)):
        logits = [float(x[row, t] @ pooling.score.weight[0]) for t in range(valid)]
        share = np.exp(logits) / np.exp(logits).sum()
        expected = sum(share[t] * x[row, t].numpy() for t in range(valid))
        assert np.abs(pooling(x, mask)[row, 0].detach().numpy() - expected).max() <= 1e-5
    torch.nn.init.zeros_(pooling.score.weight)
    torch.testing.assert_close(pooling(x, mask), Mean(D)(x, mask))


def test_one_weight_a_frame_over_patches_is_valleys_second_form():
    patches = torch.randn(B, T, 3, D)
    pooling, mask = stirred(LearnedWeights(3 * D)), torch.ones(B, T, dtype=torch.bool)
    pooled = pooling(patches.flatten(2), mask).unflatten(2, (3, D))[:, 0]
    share = torch.softmax(torch.nn.functional.linear(patches.reshape(B, T, -1), pooling.score.weight)[..., 0], dim=1)
    torch.testing.assert_close(pooled, torch.einsum("bt,btnd->bnd", share, patches), atol=1e-5, rtol=1e-5)


@pytest.mark.formula("encoders/question_weights")
def test_question_weights_are_cosines_over_the_temperature():
    pooling, (x, _, mask) = QuestionWeights(D, temperature=0.2).requires_grad_(False), frames(batch=1)
    question = torch.randn(1, D)
    cosines = [float(x[0, t] @ question[0] / x[0, t].norm() / question[0].norm()) for t in range(T)]
    share = np.exp(np.array(cosines) / 0.2)
    expected = sum(share[t] / share.sum() * x[0, t].numpy() for t in range(T))
    assert np.abs(pooling(x, mask, question=question)[0, 0].detach().numpy() - expected).max() <= 1e-5
    with pytest.raises(BadRecord, match="pass question"):
        pooling(x, mask)


@pytest.mark.formula("encoders/temporal_transformer")
def test_the_temporal_transformer_is_the_mean_and_the_reference_layers_last_valid_step():
    pooling, (x, seconds, mask) = stirred(TemporalTransformer(D, HEADS, hidden=23)), frames()
    mask[1, 3:] = False
    attention, think = pooling.block.attend.inner, pooling.block.think.inner
    layer = torch.nn.TransformerEncoderLayer(D, HEADS, 23, 0.0, batch_first=True).eval()
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        layer.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        layer.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        for mine, yours in (
            (layer.self_attn.out_proj, attention.out), (layer.norm1, pooling.block.attend.norm),
            (layer.norm2, pooling.block.think.norm), (layer.linear1, think[0]), (layer.linear2, think[2]),
        ):  # fmt: skip
            mine.load_state_dict(yours.state_dict())
    for row, valid in enumerate((5, 3)):
        alone = x[row : row + 1, :valid]
        since = seconds[row, :valid] - seconds[row, 0]
        expected = alone.mean(dim=1) + layer(alone + sinusoid(since, D))[:, -1]
        torch.testing.assert_close(pooling(x, mask, seconds)[row], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.formula("encoders/mamba")
def test_mamba_is_the_mean_of_frames_read_from_both_ends():
    pooling, (x, _, mask) = stirred(Mamba(D, state=4)), frames()
    mask[1, 3:] = False
    block = pooling.block
    for row, valid in enumerate((5, 3)):
        alone = x[row : row + 1, :valid]
        normed = alone / (alone.square().mean(dim=2, keepdim=True) + 1e-5).sqrt() * block.norm.weight
        backwards = block.backwards(normed[:, list(range(valid))[::-1]])
        read = alone + block.forwards(normed) + backwards[:, list(range(valid))[::-1]]
        torch.testing.assert_close(pooling(x, mask)[row, 0], read[0].sum(dim=0) / valid, atol=1e-5, rtol=1e-5)


def test_mamba_hears_the_order():
    pooling, (x, _, mask) = stirred(Mamba(D, state=4)), frames(batch=1)
    assert (pooling(x, mask) - pooling(x.flip(1), mask)).abs().max() > 1e-4
