"""Masked words and regions, matching, next word and preference against loops and transformers' own losses."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")
F = torch.nn.functional

from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.objectives.masked_regions import blank_regions, box_overlap, masked_regions
from sightline.objectives.masked_words import cover_words, masked_words
from sightline.objectives.matching import hard_negatives, matching, matching_pairs
from sightline.objectives.next_word import log_probability, next_word
from sightline.objectives.preference import preference

B, L, V = 3, 5, 11


def logs(row):
    """log softmax of one row, by hand."""
    total = math.log(sum(math.exp(float(v)) for v in row))
    return [float(v) - total for v in row]


# --- matching ---------------------------------------------------------------------------------


@pytest.mark.formula("objectives/matching")
def test_matching_is_the_surprise_at_the_label_and_the_polarity_can_be_turned():
    logits, label = torch.randn(L, 2), torch.tensor([1, 0, 0, 1, 1])
    expected = -sum(logs(row)[int(y)] for row, y in zip(logits, label, strict=True)) / L
    assert math.isclose(float(matching(logits, label)), expected, abs_tol=1e-6)
    assert torch.allclose(matching(logits.flip(1), label, match=0), matching(logits, label))


@settings(max_examples=200, deadline=None)
@given(
    size=st.integers(1, 13),
    groups=st.integers(1, 5),
    seed=st.integers(0, 10_000),
    spread=st.sampled_from([0.0, 1.0, 1e4]),
)
def test_a_hard_negative_is_never_a_positive(size, groups, seed, spread):
    draw = torch.Generator().manual_seed(seed)
    owner = torch.randint(groups, (size,), generator=draw)
    scores = spread * torch.randn(size, size, generator=draw)
    positives = owner[:, None] == owner
    for matrix in (scores, scores + 100 * positives):  # however likely it looks
        column, there_is = hard_negatives(matrix, positives, draw)
        assert torch.equal(there_is, ~positives.all(dim=1))
        assert not positives[torch.arange(size), column][there_is].any()


def test_even_where_every_negative_is_ruled_out_no_positive_is_taken():
    scores = torch.full((B, B), -math.inf).fill_diagonal_(5.0)
    column, there_is = hard_negatives(scores)
    assert there_is.all() and not (column == torch.arange(B)).any()


def test_ten_thousand_draws_never_take_the_diagonal_and_follow_the_softmax():
    scores = torch.tensor([[3.0, 1.0, 0.0, -1.0]]).repeat(10_000, 1)
    positives = torch.zeros(10_000, 4).bool()
    positives[:, 0] = True
    column, there_is = hard_negatives(scores, positives, torch.Generator().manual_seed(1))
    assert there_is.all() and not (column == 0).any()
    drawn = torch.bincount(column, minlength=4)[1:] / 10_000
    assert torch.allclose(drawn, torch.tensor([1.0, 0.0, -1.0]).softmax(0), atol=0.02)


def test_pairs_are_the_true_ones_then_false_words_then_false_pictures():
    pairs = matching_pairs(torch.randn(B, B), generator=torch.Generator().manual_seed(0))
    assert pairs.label.tolist() == [1] * B + [0] * 2 * B
    assert pairs.left[: 2 * B].tolist() == [0, 1, 2, 0, 1, 2] and pairs.right[2 * B :].tolist() == [0, 1, 2]
    assert ((pairs.left == pairs.right) == pairs.label.bool()).all()


def test_pictures_draw_along_rows_and_words_along_columns():
    scores = torch.zeros(B, B)
    scores[[0, 1, 2], [1, 2, 0]] = 1e3  # picture 0 looks like words 1, and so on
    pairs = matching_pairs(scores)
    assert pairs.right[B : 2 * B].tolist() == [1, 2, 0] and pairs.left[2 * B :].tolist() == [2, 0, 1]


def test_a_batch_of_one_kind_brings_true_pairs_only():
    pairs = matching_pairs(torch.randn(B, B), torch.ones(B, B).bool())
    assert pairs.left.tolist() == pairs.right.tolist() == [0, 1, 2] and pairs.label.all()


# --- masked words -----------------------------------------------------------------------------


@pytest.mark.formula("objectives/masked_words")
def test_masked_words_are_the_loop_over_asked_words():
    logits, twin, ids = torch.randn(B, L, V), torch.randn(B, L, V), torch.randint(V, (B, L))
    asked = torch.rand(B, L) < 0.5
    hard, soft = [], []
    for b, position in asked.nonzero().tolist():
        mine, other = logs(logits[b, position]), logs(twin[b, position])
        hard.append(-mine[int(ids[b, position])])
        soft.append(-sum(math.exp(o) * m for o, m in zip(other, mine, strict=True)))
    assert math.isclose(float(masked_words(logits, ids, asked)), sum(hard) / len(hard), abs_tol=1e-5)
    mixed = sum(0.7 * h + 0.3 * s for h, s in zip(hard, soft, strict=True)) / len(hard)
    assert math.isclose(float(masked_words(logits, ids, asked, twin, 0.3)), mixed, abs_tol=1e-5)


def test_masked_words_are_the_loss_of_bert():
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' BERT")
    config = transformers.BertConfig(
        vocab_size=V, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12
    )
    model, ids = transformers.BertForMaskedLM(config).eval(), torch.randint(1, V, (B, L))
    asked = torch.arange(L) < 2
    out = model(ids, labels=ids.masked_fill(~asked, -100))
    assert torch.allclose(masked_words(out.logits, ids, asked.expand(B, -1)), out.loss, atol=1e-6)


def test_covering_takes_fifteen_percent_of_what_may_be_asked_and_covers_four_fifths_of_it():
    ids, mask = torch.randint(5, 1000, (100, 1000)), torch.ones(100, 1000).bool()
    mask[:, 900:] = False
    shown, asked = cover_words(ids, mask, 4, 1000, generator=torch.Generator().manual_seed(0))
    assert not asked[:, 900:].any() and torch.equal(shown[~asked], ids[~asked])
    assert abs(float(asked[:, :900].float().mean()) - 0.15) < 0.005
    assert abs(float((shown[asked] == 4).float().mean()) - 0.8) < 0.015
    assert abs(float((shown[asked] == ids[asked]).float().mean()) - 0.1) < 0.01


def test_the_same_seed_covers_the_same_words():
    ids, mask = torch.arange(30).reshape(3, 10), torch.ones(3, 10).bool()
    one, two = (cover_words(ids, mask, 4, 30, generator=torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])


# --- masked regions ---------------------------------------------------------------------------


@pytest.mark.formula("objectives/masked_regions")
def test_masked_regions_are_the_kl_of_asked_regions_and_the_one_of_torch():
    logits, seen, asked = torch.randn(B, L, V), torch.randn(B, L, V).softmax(-1), torch.rand(B, L) < 0.5
    seen[..., 0] = 0.0
    seen = seen / seen.sum(-1, keepdim=True)
    total = 0.0
    for b, s in asked.nonzero().tolist():
        mine = logs(logits[b, s])
        total += sum(float(p) * (math.log(float(p)) - m) for p, m in zip(seen[b, s], mine, strict=True) if p > 0)
    ours = masked_regions(logits, seen, asked)
    assert math.isclose(float(ours), total / int(asked.sum()), abs_tol=1e-5)
    reference = F.kl_div(logits[asked].log_softmax(-1), seen[asked], reduction="batchmean")
    assert torch.allclose(ours, reference, atol=1e-6)


def test_overlap_is_the_shared_area_over_the_joint_one():
    boxes = torch.tensor([[[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [1, 1, 1, 1]]])
    expected = torch.tensor([[1, 1 / 7, 0, 0], [1 / 7, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert torch.allclose(box_overlap(boxes)[0], expected)


def test_a_region_that_would_give_the_answer_away_is_blanked_too():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 3], [20, 20, 30, 30]]).expand(500, 4, 4)
    regions, mask = torch.ones(500, 4, 2), torch.ones(500, 4).bool()
    alone_shown, alone = blank_regions(regions, mask, generator=torch.Generator().manual_seed(0))
    shown, asked = blank_regions(regions, mask, boxes, generator=torch.Generator().manual_seed(0))
    assert alone.any() and (asked | ~alone).all()
    for row in range(500):
        for region in range(4):
            beside = any(alone[row, other] and {region, other} == {0, 1} for other in range(4))
            assert bool(asked[row, region]) == bool(alone[row, region] or beside)
            blank = bool((shown[row, region] == 0).all())
            assert blank == bool(alone_shown[row, region, 0] == 0 or beside)
    kept = alone & (alone_shown[..., 0] == 1)
    assert kept[:, 3].any() and (shown[:, 3][kept[:, 3]] == 1).all()  # far from all others: the tenth stays as it was


def test_nine_tenths_of_the_asked_regions_are_blanked_and_padding_never_is():
    regions, mask = torch.ones(200, 500, 1), torch.ones(200, 500).bool()
    mask[:, 400:] = False
    shown, asked = blank_regions(regions, mask, generator=torch.Generator().manual_seed(0))
    assert not asked[:, 400:].any()
    assert abs(float(asked[:, :400].float().mean()) - 0.15) < 0.005
    assert abs(float((shown[asked] == 0).float().mean()) - 0.9) < 0.01


# --- next word and preference -----------------------------------------------------------------


@pytest.mark.formula("objectives/next_word")
def test_next_word_is_the_loop_over_asked_words():
    logits, ids, asked = torch.randn(B, L, V), torch.randint(V, (B, L)), torch.rand(B, L) < 0.5
    asked[:, 0] = True  # nobody can be asked for the first
    places = [(b, word) for b, word in asked.nonzero().tolist() if word > 0]
    expected = -sum(logs(logits[b, word - 1])[int(ids[b, word])] for b, word in places) / len(places)
    assert math.isclose(float(next_word(logits, ids, asked)), expected, abs_tol=1e-5)


def test_next_word_is_the_loss_of_a_causal_language_model():
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' GPT-2")
    config = transformers.GPT2Config(vocab_size=V, n_embd=8, n_layer=1, n_head=2, n_positions=L)
    model, ids = transformers.GPT2LMHeadModel(config).eval(), torch.randint(V, (B, L))
    asked = torch.arange(L).expand(B, -1) >= 2
    out = model(ids, labels=ids.masked_fill(~asked, -100))
    assert torch.allclose(next_word(out.logits, ids, asked), out.loss, atol=1e-6)


def test_smoothing_takes_a_share_for_all_words():
    logits, ids, asked = torch.randn(1, 2, V), torch.tensor([[0, 3]]), torch.ones(1, 2).bool()
    row = logs(logits[0, 0])
    expected = -0.9 * row[3] - 0.1 * sum(row) / V
    assert math.isclose(float(next_word(logits, ids, asked, smoothing=0.1)), expected, abs_tol=1e-6)


def test_the_log_probability_of_an_answer_is_the_sum_over_its_words():
    logits, ids, asked = torch.randn(B, L, V), torch.randint(V, (B, L)), torch.rand(B, L) < 0.5
    expected = [sum(logs(logits[b, w - 1])[int(ids[b, w])] for w in range(1, L) if asked[b, w]) for b in range(B)]
    assert torch.allclose(log_probability(logits, ids, asked), torch.tensor(expected), atol=1e-5)


@pytest.mark.formula("objectives/preference")
def test_preference_is_minus_log_of_the_odds_by_hand():
    chosen, rejected, chosen_before, rejected_before = (torch.randn(B) for _ in range(4))
    expected = 0.0
    for i in range(B):
        rise = (chosen[i] - chosen_before[i]) - (rejected[i] - rejected_before[i])
        likely = 1 / (1 + math.exp(-0.1 * float(rise)))
        expected -= (0.8 * math.log(likely) + 0.2 * math.log(1 - likely)) / B
    ours = preference(chosen, rejected, chosen_before, rejected_before, smoothing=0.2)
    assert math.isclose(float(ours), expected, abs_tol=1e-6)


def test_a_model_that_has_not_moved_prefers_nothing():
    chosen, rejected = torch.randn(B), torch.randn(B)
    assert math.isclose(float(preference(chosen, rejected, chosen, rejected)), math.log(2), abs_tol=1e-6)
