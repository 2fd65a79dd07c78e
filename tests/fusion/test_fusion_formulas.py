"""Fusers against loops, against torch's own layers and against transformers and peft with copied weights."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch", reason="fusion needs torch (the lab extra)")
F = torch.nn.functional
from torch import nn

from sightline.errors import BadRecord
from sightline.fusion.co_attention import CoAttention, PairJudge
from sightline.fusion.cross_attention import CrossAttention
from sightline.fusion.fused import Fused
from sightline.fusion.gated import Gated, GatedBlock, gates, latest_medium
from sightline.fusion.layer_prompts import LayerPrompts, PromptedAttention
from sightline.fusion.outer_product import OuterProduct, outer_product
from sightline.fusion.prefix import splice
from sightline.fusion.single_stream import REGION, TAG, WORD, SingleStream
from sightline.nn.attention import Attention, causal
from sightline.nn.transformer import Transformer

B, L, S, W, D, HEADS = 2, 3, 5, 8, 7, 2


def references():
    return pytest.importorskip("transformers", reason="the reference is transformers' own class")


def copy_attention(theirs, ours):
    """A BERT attention (query, key, value, then dense and norm) takes the weights of ours."""
    block = theirs.self
    for name in ("query", "key", "value"):
        getattr(block, name).load_state_dict(getattr(ours.inner, name).state_dict())
    theirs.output.dense.load_state_dict(ours.inner.out.state_dict())
    theirs.output.LayerNorm.load_state_dict(ours.norm.state_dict())


def copy_thinking(theirs, ours):
    theirs.intermediate.dense.load_state_dict(ours.inner[0].state_dict())
    theirs.output.dense.load_state_dict(ours.inner[2].state_dict())
    theirs.output.LayerNorm.load_state_dict(ours.norm.state_dict())


def as_bias(mask):
    """True/False over keys as the 0/-inf that transformers adds: [B, K] -> [B, 1, 1, K]"""
    return torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)[:, None, None]


def sizes(**more):
    return dict(
        hidden_size=W,
        num_attention_heads=HEADS,
        intermediate_size=4 * W,
        vocab_size=11,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-12,
        hidden_act="gelu",
        **more,
    )


def some_masks():
    return torch.arange(L) < torch.tensor([[3], [2]]), torch.arange(S) < torch.tensor([[2], [5]])


# --- prefix -----------------------------------------------------------------------------------


def looped_splice(words, prefix, words_mask, prefix_mask, at):
    rows = []
    for b in range(len(words)):
        row = [prefix[b, m] for m in range(prefix.shape[1]) if prefix_mask[b, m] and at[b][m] == -1]
        for word in range(words.shape[1]):
            marked = [m for m in range(prefix.shape[1]) if at[b][m] == word and prefix_mask[b, m]]
            row += [prefix[b, m] for m in marked]
            row += [words[b, word]] if words_mask[b, word] and not marked else []
        rows.append(torch.stack(row))
    return rows


@pytest.mark.formula("fusion/prefix")
@pytest.mark.parametrize("at", [None, 1, [[0], [2]], [[0, 0, 2, 2, 2], [-1, 1, 1, 1, 2]]])
def test_splicing_is_the_loop_over_marks(at):
    words, prefix = torch.randn(B, L, W), torch.randn(B, S, W)
    words_mask, prefix_mask = some_masks()
    place = [[-1] * S] * B if at is None else [[1] * S] * B if at == 1 else [(row * S)[:S] for row in at]
    given = at if at is None or at == 1 else torch.tensor([row[0] for row in at] if len(at[0]) == 1 else at)
    out = splice(words, prefix, words_mask, prefix_mask, given)
    for b, row in enumerate(looped_splice(words, prefix, words_mask, prefix_mask, place)):
        assert out.mask[b].sum() == len(row) and out.mask[b, : len(row)].all()
        assert torch.equal(out.embeddings[b, : len(row)], row) and not out.embeddings[b, len(row) :].any()
    assert out.mask.any(0).all()  # no longer than the longest row


def test_ids_and_questions_move_with_their_words():
    words, prefix, ids = torch.randn(1, 4, W), torch.randn(1, 2, W), torch.tensor([[11, 12, 13, 14]])
    out = splice(words, prefix, at=1)
    assert out.carried(ids, 0).tolist() == [[11, 0, 0, 13, 14]]
    assert out.carried(torch.tensor([[True, True, False, True]]), False).tolist() == [[True, False, False, False, True]]
    assert out.is_word.tolist() == [[True, False, False, True, True]]


def test_what_is_too_long_loses_its_end():
    words, prefix = torch.randn(B, L, W), torch.randn(B, S, W)
    whole, cut = splice(words, prefix), splice(words, prefix, longest=6)
    assert torch.equal(cut.embeddings, whole.embeddings[:, :6]) and cut.carried(torch.ones(B, L), 0).sum() == B


def test_padding_in_words_or_prefix_never_reaches_the_row():
    words, prefix = torch.full((1, L, W), math.nan), torch.full((1, S, W), math.nan)
    words[0, 0], prefix[0, 0] = 1.0, 2.0
    out = splice(words, prefix, torch.arange(L)[None] < 1, torch.arange(S)[None] < 1)
    assert out.embeddings[0, :, 0].tolist() == [2.0, 1.0]


def test_a_sample_without_a_picture_keeps_all_its_words():
    words, prefix = torch.randn(B, L, W), torch.randn(B, S, W)
    out = splice(words, prefix, prefix_mask=torch.tensor([[True] * S, [False] * S]), at=torch.tensor([1, 99]))
    assert torch.equal(out.embeddings[1, :L], words[1]) and out.mask.sum(1).tolist() == [L - 1 + S, L]


def test_the_gradient_reaches_words_and_prefix_but_not_the_mark():
    words, prefix = torch.randn(B, L, W, requires_grad=True), torch.randn(B, S, W, requires_grad=True)
    splice(words, prefix, at=1).embeddings.sum().backward()
    assert (prefix.grad == 1).all() and (words.grad[:, [0, 2]] == 1).all() and not words.grad[:, 1].any()


def test_a_mark_outside_the_text_is_refused_with_both_numbers():
    with pytest.raises(BadRecord, match=r"3 \.\. 3.*3 words.*-1 \.\. 2"):
        splice(torch.randn(B, L, W), torch.randn(B, S, W), at=3)


def test_a_prefix_of_another_width_is_refused():
    with pytest.raises(BadRecord, match="same batch and width"):
        splice(torch.randn(B, L, W), torch.randn(B, S, D))


def test_the_splice_is_the_one_of_llava():
    transformers = references()
    tiny = dict(hidden_size=W, intermediate_size=12, num_hidden_layers=1, num_attention_heads=HEADS)
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**tiny, image_size=8, patch_size=4),
        text_config=transformers.LlamaConfig(**tiny, num_key_value_heads=HEADS, vocab_size=19),
        image_token_index=18,
        vision_feature_layer=-1,
    )
    model, pixels = transformers.LlavaForConditionalGeneration(config).eval(), torch.randn(B, 3, 8, 8)
    pictures = torch.stack(list(model.get_image_features(pixels, return_dict=True).pooler_output))  # [B, 4, W]
    ids = torch.tensor([[3, 18, 7, 9], [18, 4, 5, 6]])
    at = (ids == 18).int().argmax(1)
    spread = torch.stack([torch.cat([r[:a], torch.full((4,), 18), r[a + 1 :]]) for r, a in zip(ids, at, strict=True)])
    theirs = model(input_ids=spread, pixel_values=pixels, attention_mask=torch.ones_like(spread)).logits
    out = splice(model.get_input_embeddings()(ids.masked_fill(ids == 18, 0)), pictures, at=at)
    ours = model(inputs_embeds=out.embeddings, attention_mask=out.mask.long()).logits
    assert (ours - theirs).abs().max() <= 1e-5


# --- cross-attention --------------------------------------------------------------------------


@pytest.mark.formula("fusion/cross_attention")
def test_looking_layers_are_the_decoder_layers_of_bert_without_its_causal_mask():
    transformers = references()
    from transformers.models.bert.modeling_bert import BertLayer

    fuser = CrossAttention(W, W, heads=HEADS, looking=2)
    config = transformers.BertConfig(**sizes(), is_decoder=True, add_cross_attention=True)
    config._attn_implementation = "eager"
    words, seen = torch.randn(B, L, W), torch.randn(B, S, W)
    words_mask, seen_mask = some_masks()
    expected = words.masked_fill(~words_mask[..., None], 0)
    for layer in fuser.layers:
        theirs = BertLayer(config, layer_idx=0).eval()
        copy_attention(theirs.attention, layer.attend)
        copy_attention(theirs.crossattention, layer.look)
        copy_thinking(theirs, layer.think)
        out = theirs(expected, as_bias(words_mask), seen, as_bias(seen_mask))
        expected = out if isinstance(out, torch.Tensor) else out[0]
    ours = fuser(words, seen, words_mask, seen_mask).words
    assert (ours - expected).abs().max() <= 1e-5


def test_reading_first_and_fusing_then_is_the_same_as_at_once():
    fuser = CrossAttention(W, D, heads=HEADS, reading=2, looking=1)
    words, seen = torch.randn(B, L, W), torch.randn(B, S, D)
    assert torch.equal(fuser.fuse(fuser.read(words), seen).words, fuser(words, seen).words)


def test_reading_layers_do_not_see():
    fuser = CrossAttention(W, D, heads=HEADS, reading=2, looking=1)
    assert [layer.look is None for layer in fuser.layers] == [True, True, False]


def test_looking_begins_as_a_copy_of_reading_where_asked():
    layer = CrossAttention(W, W, heads=HEADS, looking=1, init="copy").layers[0]
    pairs = list(zip(layer.look.inner.parameters(), layer.attend.inner.parameters(), strict=True))
    assert all(torch.equal(a, b) and a is not b for a, b in pairs)
    with pytest.raises(ValueError, match="same width.*8 and 7"):
        CrossAttention(W, D, heads=HEADS, init="copy")


def test_a_zero_gate_lets_nothing_in_at_the_start_and_still_learns():
    fuser = CrossAttention(W, D, heads=HEADS, looking=1, init="zero-gate")
    words, one, two = torch.randn(B, L, W), torch.randn(B, S, D), torch.randn(B, S, D)
    assert torch.equal(fuser(words, one).words, fuser(words, two).words)
    fuser(words, one).words.sin().sum().backward()
    assert fuser.layers[0].look.gate.grad.abs() > 0


# --- co-attention -----------------------------------------------------------------------------


def torch_attention(ours, width, context_width, heads):
    """torch's own attention with the weights of ours."""
    theirs = nn.MultiheadAttention(width, heads, kdim=context_width, vdim=context_width, batch_first=True)
    with torch.no_grad():
        if theirs.in_proj_weight is None:
            theirs.q_proj_weight.copy_(ours.query.weight)
            theirs.k_proj_weight.copy_(ours.key.weight)
            theirs.v_proj_weight.copy_(ours.value.weight)
        else:
            theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    return theirs


def asked(block, x, context, mask, heads):
    """Post-norm attention written with torch's own attention."""
    reference = torch_attention(block.inner, x.shape[-1], context.shape[-1], heads)
    mixed = reference(x, context, context, key_padding_mask=~mask)[0]
    return F.layer_norm(x + mixed, x.shape[-1:], block.norm.weight, block.norm.bias, block.norm.eps)


def thought(block, x):
    first, _, second = block.inner
    return F.layer_norm(
        x + F.linear(F.gelu(F.linear(x, first.weight, first.bias)), second.weight, second.bias),
        x.shape[-1:],
        block.norm.weight,
        block.norm.bias,
        block.norm.eps,
    )


@pytest.mark.formula("fusion/co_attention")
def test_co_attention_is_both_exchanges_from_the_states_before_then_each_stream_alone():
    width, fuser = 6, CoAttention(W, 6, heads=HEADS, layers=2)
    words, seen = torch.randn(B, L, W), torch.randn(B, S, width)
    words_mask, seen_mask = some_masks()
    left, right = words.masked_fill(~words_mask[..., None], 0), seen.masked_fill(~seen_mask[..., None], 0)
    for layer in fuser.layers:
        left, right = (
            thought(layer.words_think, asked(layer.words_ask, left, right, seen_mask, HEADS)),
            thought(layer.seen_think, asked(layer.seen_ask, right, left, words_mask, HEADS)),
        )
        left = thought(layer.words_alone.think, asked(layer.words_alone.attend, left, left, words_mask, HEADS))
        right = thought(layer.seen_alone.think, asked(layer.seen_alone.attend, right, right, seen_mask, HEADS))
    ours = fuser(words, seen, words_mask, seen_mask)
    assert (ours.words - left).abs().max() <= 1e-5 and (ours.seen - right).abs().max() <= 1e-5


def test_a_pair_is_the_product_of_the_first_tokens():
    judge, words, seen = PairJudge(W, D, 11), torch.randn(B, L, W), torch.randn(B, S, D)
    one = (words[:, 0] @ judge.words.weight.T + judge.words.bias).clamp(min=0)
    two = (seen[:, 0] @ judge.seen.weight.T + judge.seen.bias).clamp(min=0)
    expected = (one * two) @ judge.answer.weight.T + judge.answer.bias
    assert torch.allclose(judge(Fused(words, seen)), expected, atol=1e-6)
    with pytest.raises(ValueError, match="both streams"):
        judge(Fused(words))


# --- gated ------------------------------------------------------------------------------------


def opened(module):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("gate"):
                parameter.normal_()
    return module


def looped_gated(block, words, seen, mask):
    """Word by word and head by head; a word that may look at nothing gets zero."""
    look, think = block.look, block.think
    normed = F.layer_norm(words, words.shape[-1:], look.norm.weight, look.norm.bias)
    query, key, value = look.inner.query(normed), look.inner.key(seen), look.inner.value(seen)
    size, mixed = query.shape[-1] // look.inner.heads, torch.zeros_like(query)
    for b, word, head in itertools.product(range(B), range(words.shape[1]), range(look.inner.heads)):
        part = slice(head * size, (head + 1) * size)
        allowed = mask[b, word].nonzero()[:, 0].tolist()
        if allowed:
            scores = torch.stack([query[b, word, part] @ key[b, s, part] / math.sqrt(size) for s in allowed])
            mixed[b, word, part] = sum(w * value[b, s, part] for w, s in zip(scores.softmax(0), allowed, strict=True))
    words = words + math.tanh(look.gate) * (mixed @ look.inner.out.weight.T)
    normed = F.layer_norm(words, words.shape[-1:], think.norm.weight, think.norm.bias)
    first, _, second = think.inner
    return words + math.tanh(think.gate) * (F.gelu(normed @ first.weight.T) @ second.weight.T)


def media():
    begins = torch.tensor([[False, True, False, True], [True, False, False, False]])
    owner = torch.tensor([[0, 0, 1, 1, -1], [0, 0, 0, 1, 1]])
    return begins, owner, latest_medium(begins, owner)


def test_a_word_sees_only_the_latest_medium_before_it():
    begins, owner, mask = media()
    for b, word, token in itertools.product(range(B), range(4), range(S)):
        count = sum(bool(begins[b, earlier]) for earlier in range(word + 1))
        assert bool(mask[b, word, token]) == (count > 0 and int(owner[b, token]) == count - 1)


@torch.no_grad()
def test_a_gated_block_is_the_loop_over_words_and_heads():
    block, words, seen = opened(GatedBlock(W, D, 2, 3)), torch.randn(B, 4, W), torch.randn(B, S, D)
    mask = media()[2]
    assert (block(words, seen, mask) - looped_gated(block, words, seen, mask)).abs().max() <= 1e-5


@pytest.mark.formula("fusion/gated")
@torch.no_grad()
def test_a_gated_block_is_the_one_of_idefics_with_its_norms_and_thinking_replaced():
    """Idefics norms by root mean square and thinks with SwiGLU; attention, media mask, gates and order are compared."""
    transformers = references()
    from transformers.models.idefics.modeling_idefics import IdeficsGatedCrossAttentionLayer

    config = transformers.IdeficsConfig(
        hidden_size=W,
        num_attention_heads=HEADS,
        intermediate_size=12,
        alpha_type="float",
        alpha_initializer="zeros",
        dropout=0.0,
        qk_layer_norms=False,
        vision_config={"embed_dim": D},
    )
    config._attn_implementation = "eager"
    ours = opened(GatedBlock(W, D, HEADS, W // HEADS))
    theirs = IdeficsGatedCrossAttentionLayer(config, layer_idx=0).eval()
    theirs.input_layernorm, theirs.post_attention_layernorm, theirs.mlp = (
        ours.look.norm,
        ours.think.norm,
        ours.think.inner,
    )
    for name, part in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("o_proj", "out")):
        getattr(theirs.cross_attn, name).load_state_dict(getattr(ours.look.inner, part).state_dict())
    theirs.alpha_cross_attn.copy_(ours.look.gate)
    theirs.alpha_dense.copy_(ours.think.gate)
    words, seen, mask = torch.randn(B, 4, W), torch.randn(B, S, D), media()[2]
    bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)[:, None]
    out = theirs(
        words,
        image_hidden_states=seen,
        image_attention_mask=bias,
        cross_attention_gate=mask.any(-1).float(),
    )
    expected = out if isinstance(out, torch.Tensor) else out[0]
    assert (ours(words, seen, mask) - expected).abs().max() <= 1e-5


def test_at_the_start_the_language_model_is_untouched_to_the_bit_and_its_gates_learn():
    stack = Transformer(W, HEADS, 3)
    fuser = Gated(W, D, heads=HEADS, every=2, stack=stack)
    words, seen = torch.randn(B, L, W), torch.randn(B, S, D)
    assert torch.equal(fuser(words, seen).words, stack(words, causal(L)))
    assert list(fuser.gated) == ["1"] and all(not gate.any() for gate in gates(fuser).values())
    fuser(words, seen).words.sin().sum().backward()
    assert fuser.gated["1"].look.gate.grad.abs() > 0 and fuser.gated["1"].think.gate.grad.abs() > 0


@pytest.mark.parametrize("every", [0, 3])
def test_looking_before_no_layer_at_all_is_refused(every):
    with pytest.raises(ValueError, match=f"every {every}th of 2 layers"):
        Gated(W, D, heads=HEADS, layers=2, every=every)


@pytest.mark.formula("fusion/gated")
@torch.no_grad()
def test_gated_is_the_loop_of_gated_blocks_before_every_second_layer():
    fuser, words, seen = opened(Gated(W, D, heads=HEADS, layers=4, every=2)), torch.randn(B, 4, W), torch.randn(B, S, D)
    mask, x = media()[2], words
    for number, block in enumerate(fuser.stack.blocks):
        if number in (1, 3):
            x = looped_gated(fuser.gated[str(number)], x, seen, mask)
        x = block(x, causal(4))
    assert (fuser(words, seen, None, mask).words - fuser.stack.norm(x)).abs().max() <= 1e-5


def test_words_before_any_medium_do_not_change_with_it_and_later_words_never_reach_back():
    fuser, words, seen = opened(Gated(W, D, heads=HEADS)), torch.randn(B, 4, W), torch.randn(B, S, D)
    mask = media()[2]
    plain, changed = fuser(words, seen, None, mask).words, fuser(words, seen + 1, None, mask).words
    assert torch.equal(plain[0, 0], changed[0, 0]) and not torch.equal(plain[0, 1], changed[0, 1])
    later = words.clone()
    later[:, 3] = 5.0
    assert torch.equal(fuser(later, seen, None, mask).words[:, :3], plain[:, :3])


# --- single stream ----------------------------------------------------------------------------


@pytest.mark.formula("fusion/single_stream")
def test_a_single_stream_is_berts_layers_over_words_tags_and_regions():
    transformers = references()
    from transformers.models.bert.modeling_bert import BertLayer

    config = transformers.BertConfig(**sizes(num_hidden_layers=2))
    config._attn_implementation = "eager"
    fuser = SingleStream(W, D, heads=HEADS, layers=2)
    words, tags, seen = torch.randn(B, L, W), torch.randn(B, 2, W), torch.randn(B, S, D)
    words_mask, seen_mask = some_masks()
    tags_mask = torch.tensor([[True, False], [True, True]])
    row = torch.cat(
        [
            words.masked_fill(~words_mask[..., None], 0) + fuser.kind[WORD],
            tags.masked_fill(~tags_mask[..., None], 0) + fuser.kind[TAG],
            seen.masked_fill(~seen_mask[..., None], 0) @ fuser.region.weight.T + fuser.region.bias + fuser.kind[REGION],
        ],
        dim=1,
    )
    x, mask = F.layer_norm(row, (W,), eps=1e-12), torch.cat([words_mask, tags_mask, seen_mask], 1)
    for block in fuser.blocks:
        theirs = BertLayer(config, layer_idx=0).eval()
        copy_attention(theirs.attention, block.attend)
        copy_thinking(theirs, block.think)
        out = theirs(x, as_bias(mask))
        x = out if isinstance(out, torch.Tensor) else out[0]
    ours = fuser(words, seen, words_mask, seen_mask, tags, tags_mask)
    assert (ours.words - x[:, :L]).abs().max() <= 1e-5 and (ours.seen - x[:, L + 2 :]).abs().max() <= 1e-5


def test_tags_are_heard_by_the_words_and_padded_tags_are_not():
    fuser, words, seen = SingleStream(W, D, heads=HEADS), torch.randn(B, L, W), torch.randn(B, S, D)
    tags, mask = torch.randn(B, 2, W), torch.tensor([[True, False]] * B)
    plain = fuser(words, seen, tags=tags, tags_mask=mask).words
    padding, said = tags.clone(), tags.clone()
    padding[:, 1], said[:, 0] = math.nan, 3.0
    assert torch.equal(fuser(words, seen, tags=padding, tags_mask=mask).words, plain)
    assert not torch.allclose(fuser(words, seen, tags=said, tags_mask=mask).words, plain, atol=1e-4)


# --- layer prompts ----------------------------------------------------------------------------


@pytest.mark.formula("fusion/layer_prompts")
@torch.no_grad()
def test_prompted_attention_is_two_softmaxes_head_by_head():
    attention = Attention(W, HEADS)
    prompted = opened(PromptedAttention(attention))
    x, prompts, mask = torch.randn(B, L, W), torch.randn(B, 3, W), causal(L)
    size, mixed = W // HEADS, torch.zeros(B, L, W)
    for b, word, head in itertools.product(range(B), range(L), range(HEADS)):
        part = slice(head * size, (head + 1) * size)
        ask = attention.query(x)[b, word, part]
        for tokens, share in ((x[b, : word + 1], 1.0), (prompts[b], math.tanh(prompted.gate[head]))):
            keys, values = attention.key(tokens)[:, part], attention.value(tokens)[:, part]
            mixed[b, word, part] += share * ((keys @ ask / math.sqrt(size)).softmax(0) @ values)
    assert (prompted(x, prompts, mask) - attention.out(mixed)).abs().max() <= 1e-5


@torch.no_grad()
def test_prompted_attention_is_the_adaption_prompt_of_peft_without_rotation():
    references()
    layer = pytest.importorskip("peft.tuners.adaption_prompt.layer", reason="the reference is peft's adaption prompt")
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaAttention

    config = LlamaConfig(hidden_size=W, num_attention_heads=HEADS, num_key_value_heads=HEADS, intermediate_size=12)
    config._attn_implementation = "eager"
    llama, ours = LlamaAttention(config, layer_idx=0).eval(), PromptedAttention(Attention(W, HEADS, bias=False))
    for name, part in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("o_proj", "out")):
        getattr(llama, name).load_state_dict(getattr(ours.attention, part).state_dict())
    theirs = layer.AdaptedAttention("llama", 3, llama)
    ours.gate.fill_(0.7)
    theirs.adaption_gate.fill_(math.tanh(0.7))
    x, size = torch.randn(B, L, W), W // HEADS
    bias = torch.zeros(1, 1, L, L).masked_fill(~causal(L)[None], torch.finfo(torch.float32).min)
    still = torch.ones(B, L, size), torch.zeros(B, L, size)  # cosines and sines of no rotation
    expected = theirs(hidden_states=x, attention_mask=bias, position_embeddings=still)[0]
    prompts = theirs.adaption_prompt.expand(B, -1, -1)
    assert (ours(x, prompts, causal(L)) - expected).abs().max() <= 1e-5


def test_with_closed_gates_the_language_model_is_untouched_to_the_bit():
    stack, words = Transformer(W, HEADS, 3), torch.randn(B, L, W)
    before = stack(words, causal(L))
    fuser = LayerPrompts(W, D, heads=HEADS, prompted=2, prompts=3, stack=stack)
    assert torch.equal(fuser(words, torch.randn(B, S, D)).words, before)
    assert isinstance(stack.blocks[0].attend.inner, Attention)  # the lowest layer has no prompts


@pytest.mark.formula("fusion/layer_prompts")
def test_each_prompted_layer_hears_its_own_prompts_and_what_was_seen_added():
    fuser = opened(LayerPrompts(W, D, heads=HEADS, layers=2, prompts=3))
    words, seen = torch.randn(B, L, W), torch.randn(B, S, D)
    heard, x = fuser.listen(seen, None), words
    for number, block in enumerate(fuser.stack.blocks):
        x = x + block.attend.inner(block.attend.norm(x), fuser.prompts[number] + heard, causal(L))
        x = x + block.think.inner(block.think.norm(x))
    assert torch.allclose(fuser(words, seen).words, fuser.stack.norm(x), atol=1e-6)


def test_the_listener_is_the_queries_of_a_transformer_over_queries_and_tokens():
    listener = LayerPrompts(W, D, heads=HEADS, prompts=3, inner=6).listen
    seen, mask = torch.randn(B, S, D), some_masks()[1]
    for b in range(B):
        valid = seen[b : b + 1, mask[b]]
        row = torch.cat([listener.queries[None], listener.read(valid)], dim=1)
        expected = listener.say(listener.mix(row)[:, :3])
        assert torch.allclose(listener(seen, mask)[b], expected[0], atol=1e-5)


def test_what_is_learned_is_everything_but_the_language_model():
    fuser = LayerPrompts(W, D, heads=HEADS, layers=2, prompts=3)
    frozen = {id(p) for n, p in fuser.stack.named_parameters() if not n.endswith("gate")}
    learned = {id(p) for p in fuser.learned()}
    assert not frozen & learned and frozen | learned == {id(p) for p in fuser.parameters()}


@pytest.mark.parametrize("prompted", [0, 3])
def test_prompts_in_more_layers_than_there_are_is_refused(prompted):
    with pytest.raises(ValueError, match=f"upper {prompted} layers of 2"):
        LayerPrompts(W, D, heads=HEADS, layers=2, prompted=prompted)


# --- outer product ----------------------------------------------------------------------------


@pytest.mark.formula("fusion/outer_product")
def test_the_product_is_the_loop_over_one_feature_of_each():
    vectors = [torch.randn(B, d) for d in (2, 3, 5)]
    product = outer_product(vectors)
    assert product.shape == (B, 3 * 4 * 6)
    for b in range(B):
        rows = [[*vector[b].tolist(), 1.0] for vector in vectors]
        expected = [x * y * z for x in rows[0] for y in rows[1] for z in rows[2]]
        assert torch.allclose(product[b], torch.tensor(expected), atol=1e-6)


def test_a_missing_modality_leaves_exactly_the_lower_products():
    text, picture = torch.randn(B, 2), torch.randn(B, 3)
    product = outer_product([text, torch.zeros(B, 3)]).reshape(B, 3, 4)
    assert not product[:, :, :3].any()
    assert torch.equal(product[:, :, 3], torch.cat([text, torch.ones(B, 1)], 1))
    fuser = OuterProduct((2, 3), 5).eval()
    present = torch.tensor([[True, False]] * B)
    assert torch.equal(fuser(text, picture, present=present), fuser(text, picture + 9, present=present))


@pytest.mark.formula("fusion/outer_product")
def test_the_outer_product_decides_by_three_layers_and_is_reached_by_the_gradient():
    fuser, vectors = OuterProduct((7, 5), 3, inner=2, hidden=11), [torch.randn(B, 7), torch.randn(B, 5)]
    narrow = [v @ layer.weight.T + layer.bias for v, layer in zip(vectors, fuser.narrow, strict=True)]
    first, _, second, _, last = fuser.decide
    expected = last(second(first(outer_product(narrow)).clamp(min=0)).clamp(min=0))
    out = fuser(*vectors)
    assert torch.allclose(out, expected, atol=1e-6)
    out.sin().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in fuser.parameters())
    other = OuterProduct((7, 5), 3, inner=2, hidden=11)
    other.load_state_dict(fuser.state_dict())
    assert torch.equal(other(*vectors), out)
    assert torch.allclose(fuser(*(v[:1] for v in vectors)), out[:1], atol=1e-6)


def test_a_product_that_is_too_large_is_refused_with_the_width_that_fits():
    with pytest.raises(ValueError, match=r"140481 entries, more than 32768; pass inner=31 or less"):
        OuterProduct((128, 32, 32), 1)
    OuterProduct((128, 32, 32), 1, inner=31, hidden=2)


def test_a_wrong_number_of_modalities_is_refused():
    with pytest.raises(ValueError, match="built for 2 modalities, given 1"):
        OuterProduct((2, 3), 5)(torch.randn(B, 2))
