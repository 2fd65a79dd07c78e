"""Contrastive objectives against loops and against the losses of transformers' CLIP and SigLIP."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")
F = torch.nn.functional

from sightline.nn.momentum import Queue
from sightline.objectives.contrastive import sigmoid_contrastive, spread, symmetric_contrastive
from sightline.objectives.queue_contrastive import queue_contrastive, soft_contrastive
from sightline.objectives.triple_contrastive import (
    Side,
    local_contrastive,
    pooled_patches,
    six_terms,
    triple_contrastive,
)

B, Q, E, P = 3, 5, 7, 2


def unit(vector):
    return [float(v) / math.sqrt(sum(float(w) ** 2 for w in vector)) for v in vector]


def cosine(left, right):
    return sum(a * b for a, b in zip(unit(left), unit(right), strict=True))


def surprise(scores, right):
    """- log of the softmax's share of one entry."""
    return math.log(sum(math.exp(s - scores[right]) for s in scores))


def shares(scores):
    total = sum(math.exp(s) for s in scores)
    return [math.exp(s) / total for s in scores]


@pytest.mark.formula("objectives/symmetric_contrastive")
def test_symmetric_contrast_is_the_loop_over_rows_and_columns():
    left, right = torch.randn(B, E), torch.randn(B, E)
    table = [[10 * cosine(a, b) for b in right] for a in left]
    there = [surprise(row, i) for i, row in enumerate(table)]
    back = [surprise([row[j] for row in table], j) for j in range(B)]
    expected = (sum(there) / B + sum(back) / B) / 2
    assert math.isclose(float(symmetric_contrastive(left, right, 10.0)), expected, abs_tol=1e-5)


def clip_towers(name):
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' own loss")
    text = dict(
        vocab_size=19,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=5,
        eos_token_id=18,
        pad_token_id=0,
        bos_token_id=1,
    )
    vision = dict(
        hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4
    )
    config = getattr(transformers, f"{name}Config")(text_config=text, vision_config=vision, projection_dim=8)
    model = getattr(transformers, f"{name}Model")(config).eval()
    ids = torch.randint(2, 18, (B, 5))
    ids[:, -1] = 18
    return model, model(input_ids=ids, pixel_values=torch.randn(B, 3, 8, 8), return_loss=True)


def test_symmetric_contrast_is_the_loss_of_clip():
    model, out = clip_towers("CLIP")
    ours = symmetric_contrastive(out.image_embeds, out.text_embeds, model.logit_scale.exp())
    assert torch.allclose(ours, out.loss, atol=1e-6)


def test_sigmoid_contrast_is_the_loss_of_siglip():
    model, out = clip_towers("Siglip")
    ours = sigmoid_contrastive(out.text_embeds, out.image_embeds, model.logit_scale.exp(), model.logit_bias)
    assert torch.allclose(ours, out.loss, atol=1e-5)


@pytest.mark.formula("objectives/sigmoid_contrastive")
def test_sigmoid_contrast_is_the_loop_over_pairs():
    left, right = torch.randn(B, E), torch.randn(B, E)
    positives = torch.eye(B).bool()
    positives[0, 2] = True
    total = 0.0
    for i in range(B):
        for j in range(B):
            z = 1 if positives[i, j] else -1
            total += math.log1p(math.exp(-z * (4 * cosine(left[i], right[j]) - 2)))
    ours = sigmoid_contrastive(left, right, 4.0, -2.0, positives)
    assert math.isclose(float(ours), total / B, abs_tol=1e-5)


def test_several_right_answers_share_the_target_and_smoothing_takes_from_them():
    """BLIP-2: 0.9 x positives / their number + 0.1 / n."""
    left, right = torch.randn(B, E), torch.randn(B, E)
    same = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]]).bool()
    expected = 0.0
    for rows, columns in ((left, right), (right, left)):
        for i in range(B):
            scores = [5 * cosine(rows[i], c) for c in columns]
            target = [0.9 * float(same[i, j]) / float(same[i].sum()) + 0.1 / B for j in range(B)]
            expected += sum(t * surprise(scores, j) for j, t in enumerate(target)) / (2 * B)
    ours = symmetric_contrastive(left, right, 5.0, same, smoothing=0.1)
    assert math.isclose(float(ours), expected, abs_tol=1e-5)


def test_of_several_vectors_a_picture_the_best_counts():
    left, right = torch.randn(B, 2, E), torch.randn(B, E)
    best = torch.tensor([[max(cosine(query, word) for query in picture) for word in right] for picture in left])
    target = torch.arange(B)
    expected = (F.cross_entropy(3 * best, target) + F.cross_entropy(3 * best.T, target)) / 2
    assert torch.allclose(symmetric_contrastive(left, right, 3.0), expected, atol=1e-6)


def test_a_row_without_right_answers_asks_for_nothing():
    assert torch.equal(spread(torch.zeros(1, B).bool()), torch.zeros(1, B))


# --- queues -----------------------------------------------------------------------------------


@pytest.mark.formula("objectives/queue_contrastive")
def test_queue_contrast_is_the_loop_with_the_own_key_first():
    query, key, queue = torch.randn(B, E), torch.randn(B, E), torch.randn(Q, E)
    rows = [[cosine(q, k) / 0.2, *(cosine(q, old) / 0.2 for old in queue)] for q, k in zip(query, key, strict=True)]
    expected = sum(surprise(row, 0) for row in rows) / B
    assert math.isclose(float(queue_contrastive(query, key, queue, 0.2)), expected, abs_tol=1e-5)


def test_an_empty_queue_leaves_nothing_to_tell_apart():
    assert queue_contrastive(torch.randn(B, E), torch.randn(B, E), Queue(Q, E).filled()) == 0


def looped_soft(asks, asks_twin, keys, alpha, temperature, right):
    total = 0.0
    for i in range(len(asks)):
        scores = [cosine(asks[i], key) / temperature for key in keys]
        says = shares([cosine(asks_twin[i], key) / temperature for key in keys])
        for j in range(len(keys)):
            total += (alpha * says[j] + (1 - alpha) * right[i][j]) * surprise(scores, j)
    return total / len(asks)


@pytest.mark.formula("objectives/soft_contrastive")
def test_soft_contrast_is_the_loop_in_both_directions():
    left, right, left_twin, right_twin = (torch.randn(B, E) for _ in range(4))
    left_queue, right_queue = torch.randn(Q, E), torch.randn(Q + 2, E)
    own = [[float(i == j) for j in range(B + Q + 2)] for i in range(B)]
    there = looped_soft(left, left_twin, [*right_twin, *right_queue], 0.4, 0.3, own)
    back = looped_soft(right, right_twin, [*left_twin, *left_queue], 0.4, 0.3, own)
    ours = soft_contrastive(left, right, left_twin, right_twin, left_queue, right_queue, 0.3, 0.4)
    assert math.isclose(float(ours), (there + back) / 2, abs_tol=1e-5)


def test_words_of_the_same_picture_are_right_answers_in_the_batch_and_in_the_queue():
    left, right, left_twin, right_twin = (torch.randn(B, E) for _ in range(4))
    left_queue, right_queue = torch.randn(Q, E), torch.randn(Q, E)
    owner, queue_owner = torch.tensor([4, 9, 4]), torch.tensor([9, 1, 4, 4, 2])
    everyone = [4, 9, 4, 9, 1, 4, 4, 2]
    answers = [[float(mine == other) for other in everyone] for mine in [4, 9, 4]]
    answers = [[a / sum(row) for a in row] for row in answers]
    there = looped_soft(left, left_twin, [*right_twin, *right_queue], 0.0, 0.3, answers)
    back = looped_soft(right, right_twin, [*left_twin, *left_queue], 0.0, 0.3, answers)
    ours = soft_contrastive(
        left, right, left_twin, right_twin, left_queue, right_queue, 0.3, 0.0, owner=owner, queue_owner=queue_owner
    )
    assert math.isclose(float(ours), (there + back) / 2, abs_tol=1e-5)


def test_without_queue_and_softness_the_soft_contrast_is_the_symmetric_one():
    left, right, none = torch.randn(B, E), torch.randn(B, E), torch.zeros(0, E)
    ours = soft_contrastive(left, right, left, right, none, none, 0.1, alpha=0.0)
    assert torch.allclose(ours, symmetric_contrastive(left, right, 10.0), atol=1e-6)


# --- three contrasts --------------------------------------------------------------------------


def looped_local(whole, parts, mask, temperature):
    total = 0.0
    for i in range(len(whole)):
        wrong = [
            cosine(whole[i], parts[j, p]) / temperature
            for j in range(len(whole))
            for p in range(parts.shape[1])
            if j != i and mask[j, p]
        ]
        own = [cosine(whole[i], parts[i, p]) / temperature for p in range(parts.shape[1]) if mask[i, p]]
        total += sum(surprise([right, *wrong], 0) for right in own) / len(own)
    return total / len(whole)


@pytest.mark.formula("objectives/local_contrastive")
def test_local_contrast_is_the_loop_over_own_parts_against_all_others():
    whole, parts = torch.randn(B, E), torch.randn(B, Q, E)
    mask = torch.arange(Q) < torch.tensor([[5], [2], [3]])
    expected = looped_local(whole, parts, mask, 0.3)
    assert math.isclose(float(local_contrastive(whole, parts, mask, 0.3)), expected, abs_tol=1e-5)


def side(parts):
    return Side(torch.randn(B, E), torch.randn(B, E), torch.randn(Q, E), torch.randn(B, parts, E))


@pytest.mark.formula("objectives/triple_contrastive")
def test_triple_contrast_is_the_mean_of_six_terms_that_are_their_loops():
    pictures, words = side(4), side(3)._replace(parts_mask=torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 1]]).bool())
    own = [[float(i == j) for j in range(B + Q)] for i in range(B)]
    picture_keys, words_keys = [*pictures.twin, *pictures.queue], [*words.twin, *words.queue]
    expected = {
        "picture_to_words": looped_soft(pictures.vectors, pictures.twin, words_keys, 0.4, 0.3, own),
        "words_to_picture": looped_soft(words.vectors, words.twin, picture_keys, 0.4, 0.3, own),
        "picture_to_picture": looped_soft(pictures.vectors, pictures.twin, picture_keys, 0.0, 0.3, own),
        "words_to_words": looped_soft(words.vectors, words.twin, words_keys, 0.0, 0.3, own),
        "picture_to_parts": looped_local(pictures.vectors, pictures.parts, torch.ones(B, 4).bool(), 0.3),
        "words_to_parts": looped_local(words.vectors, words.parts, words.parts_mask, 0.3),
    }
    ours = six_terms(pictures, words, 0.3, 0.4)
    assert list(ours) == list(expected)
    for name, value in expected.items():
        assert math.isclose(float(ours[name]), value, abs_tol=1e-5), name
    mean = sum(expected.values()) / 6
    assert math.isclose(float(triple_contrastive(pictures, words, 0.3, 0.4)), mean, abs_tol=1e-5)


def test_patches_pool_to_the_released_square_on_its_grid_and_to_the_same_square_on_any():
    patches = torch.randn(B, 256, E)
    released = F.avg_pool2d(patches.transpose(1, 2).reshape(B, E, 16, 16), 4, stride=4).flatten(2).transpose(1, 2)
    assert torch.allclose(pooled_patches(patches, (16, 16)), released, atol=1e-6)
    assert pooled_patches(torch.randn(B, 21, E), (3, 7)).shape == (B, 16, E)
