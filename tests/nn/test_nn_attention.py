"""Attention and transformer blocks against loops and torch's own layers."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")
from torch import nn  # noqa: E402

from sightline.nn.attention import Attention, attention_block, causal, co_attention  # noqa: E402
from sightline.nn.transformer import Transformer, TransformerBlock  # noqa: E402

B, LQ, LK, C, HEADS, CK = 2, 3, 5, 6, 2, 7


def looped(attention, x, context, allowed):
    """softmax(q . k / sqrt(width of a head)) over the allowed keys, head by head."""
    query, key, value = attention.query(x), attention.key(context), attention.value(context)
    size = query.shape[-1] // attention.heads
    out = torch.zeros_like(query)
    for b in range(len(x)):
        for head in range(attention.heads):
            part = slice(head * size, (head + 1) * size)
            for q in range(x.shape[1]):
                keys = [k for k in range(context.shape[1]) if allowed[b][q][k]]
                scores = torch.stack([query[b, q, part] @ key[b, k, part] / math.sqrt(size) for k in keys]).softmax(0)
                out[b, q, part] = sum(s * value[b, k, part] for s, k in zip(scores, keys, strict=True))
    return attention.out(out)


@pytest.mark.formula("nn/attention")
def test_cross_attention_is_the_loop_with_every_form_of_mask():
    attention = Attention(C, HEADS, context_width=CK)
    x, context = torch.randn(B, LQ, C), torch.randn(B, LK, CK)
    keys = torch.tensor([[True] * LK, [True, True, False, True, False]])
    grid = torch.rand(B, LQ, LK) > 0.4
    grid[..., 0] = True
    for mask, allowed in (
        (None, torch.ones(B, LQ, LK)),
        (keys, keys[:, None].expand(B, LQ, LK)),
        (grid, grid),
        (grid[:, None], grid),
    ):
        torch.testing.assert_close(attention(x, context, mask), looped(attention, x, context, allowed))


def test_a_position_that_may_look_at_nothing_gives_exactly_zero():
    attention = Attention(C, HEADS)
    mask = torch.ones(B, LQ, LQ, dtype=torch.bool)
    mask[0, 1] = False
    out = attention(torch.randn(B, LQ, C), mask=mask)
    assert (out[0, 1] == 0).all() and (out[0, 0] != 0).any()
    out.sum().backward()
    assert all(p.grad.isfinite().all() for p in attention.parameters())


def test_a_causal_position_never_sees_later_ones():
    attention, x = Attention(C, HEADS), torch.randn(B, 5, C)
    changed = x.clone()
    changed[:, 3:] = 9.0
    mask = causal(5)
    assert torch.equal(attention(x, mask=mask)[:, :3], attention(changed, mask=mask)[:, :3])


def test_a_zero_gate_is_the_identity_to_the_bit_and_still_learns():
    block = attention_block(C, HEADS, context_width=CK, init="zero-gate")
    x, context = torch.randn(B, LQ, C), torch.randn(B, LK, CK)
    assert torch.equal(block(x, context), x)
    block(x, context).square().sum().backward()
    assert block.gate.grad.abs() > 0


@pytest.mark.formula("nn/attention-block")
@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("gate", [None, 0.7])
def test_a_block_adds_the_gated_loop_and_norms_before_or_after(order, gate):
    init = "fresh" if gate is None else "zero-gate"
    block = attention_block(C, HEADS, context_width=CK, order=order, init=init)
    if gate is not None:
        block.gate.data.fill_(gate)
    x, context, everywhere = torch.randn(B, LQ, C), torch.randn(B, LK, CK), torch.ones(B, LQ, LK)
    asks = block.norm(x) if order == "pre" else x
    summed = x + (1.0 if gate is None else math.tanh(gate)) * looped(block.inner, asks, context, everywhere)
    torch.testing.assert_close(block(x, context), summed if order == "pre" else block.norm(summed))


def test_a_copy_says_what_its_source_says_and_then_goes_its_own_way():
    source = Attention(C, HEADS)
    block = attention_block(C, HEADS, init="copy", source=source)
    x = torch.randn(B, LQ, C)
    assert torch.equal(block.inner(x), source(x))
    with torch.no_grad():
        block.inner.out.bias.add_(1.0)
    assert not torch.equal(block.inner(x), source(x))


def test_a_copy_needs_a_source():
    with pytest.raises(ValueError, match="pass source="):
        attention_block(C, HEADS, init="copy")


def test_heads_that_do_not_divide_are_refused_in_words():
    with pytest.raises(ValueError, match="7 channels do not divide into 2 heads"):
        Attention(7, 2)


@pytest.mark.formula("nn/co-attention")
def test_in_co_attention_each_stream_asks_the_other_as_it_was():
    left_block = attention_block(C, HEADS, context_width=4, order="post")
    right_block = attention_block(4, HEADS, context_width=C, order="post")
    left, right = torch.randn(B, LQ, C), torch.randn(B, LK, 4)
    new_left, new_right = co_attention(left_block, right_block, left, right)
    torch.testing.assert_close(new_left, left_block.norm(left + left_block.inner(left, right)))
    torch.testing.assert_close(new_right, right_block.norm(right + right_block.inner(right, left)))


@pytest.mark.formula("nn/transformer")
@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_block_is_torchs_encoder_layer(order):
    theirs = nn.TransformerEncoderLayer(
        C, HEADS, 11, dropout=0.0, activation="gelu", batch_first=True, norm_first=order == "pre"
    )
    ours = TransformerBlock(C, HEADS, hidden=11, order=order)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        weights, biases = theirs.self_attn.in_proj_weight.chunk(3), theirs.self_attn.in_proj_bias.chunk(3)
        for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            getattr(ours.attend.inner, name).weight.copy_(weight)
            getattr(ours.attend.inner, name).bias.copy_(bias)
    ours.attend.inner.out.load_state_dict(theirs.self_attn.out_proj.state_dict())
    ours.attend.norm.load_state_dict(theirs.norm1.state_dict())
    ours.think.inner[0].load_state_dict(theirs.linear1.state_dict())
    ours.think.inner[2].load_state_dict(theirs.linear2.state_dict())
    ours.think.norm.load_state_dict(theirs.norm2.state_dict())
    x, mask = torch.randn(B, 5, C), torch.arange(5) < torch.tensor([[5], [3]])
    expected = theirs(x, src_key_padding_mask=~mask)
    assert ((ours(x, mask) - expected) * mask[..., None]).abs().max() <= 1e-5


@pytest.mark.formula("nn/transformer")
@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_stack_is_its_blocks_and_a_last_norm_where_they_norm_before(order):
    stack, x = Transformer(C, HEADS, 2, order=order), torch.randn(B, 5, C)
    expected = stack.blocks[1](stack.blocks[0](x))
    if order == "pre":
        mean, spread = expected.mean(-1, keepdim=True), expected.var(-1, unbiased=False, keepdim=True)
        expected = (expected - mean) / (spread + 1e-5).sqrt()
    torch.testing.assert_close(stack(x), expected)


def test_a_block_with_a_context_looks_at_it_through_its_mask():
    block, x = TransformerBlock(C, HEADS, context_width=CK), torch.randn(B, LQ, C)
    context, mask = torch.randn(B, LK, CK), torch.tensor([[True] * LK, [True, True, False, False, False]])
    noise = context.clone()
    noise[1, 2:] = 100.0
    seen = block(x, context=context, context_mask=mask)
    assert torch.equal(seen, block(x, context=noise, context_mask=mask))
    assert not torch.equal(seen, block(x, context=noise))


@pytest.mark.parametrize("order", ["pre", "post"])
def test_the_gradient_reaches_every_parameter_of_a_stack(order):
    stack = Transformer(C, HEADS, 2, order=order)
    (stack(torch.randn(B, 5, C)) * torch.arange(C)).sum().backward()
    for path, parameter in stack.named_parameters():
        assert parameter.grad.abs().sum() > 0 or path.endswith("key.bias"), path
