"""The questions every fuser is asked, over the whole list."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch", reason="fusion needs torch (the lab extra)")

from sightline.fusion import FUSIONS
from stirring import stirred  # noqa: E402

B, L, S, W, D = 2, 3, 5, 8, 7

MIDDLE = {
    "cross_attention": {"heads": 2, "reading": 1, "looking": 2},
    "co_attention": {"heads": 1, "layers": 2},
    "gated": {"heads": 2, "layers": 2},
    "single_stream": {"heads": 2, "layers": 2},
    "layer_prompts": {"heads": 2, "layers": 2, "prompts": 3, "listening": 1},
}
EARLY, LATE, SCORES = {"prefix"}, {"outer_product"}, {"blend", "product", "cascade"}
SAYS_WHAT_IT_SAW = {"co_attention": D, "single_stream": W}
middle = pytest.mark.parametrize("name", sorted(MIDDLE))


def built(name, seed=0):
    torch.manual_seed(seed)
    return stirred(FUSIONS[name](W, D, **MIDDLE[name]))


def given_tokens(batch=B, words=L, seen=S, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(batch, words, W, generator=draw), torch.randn(batch, seen, D, generator=draw)


def test_every_fuser_is_asked():
    assert set(MIDDLE) | EARLY | LATE | SCORES == set(FUSIONS)


@middle
def test_there_are_as_many_words_after_as_before(name):
    words, seen = given_tokens()
    fused = built(name)(words, seen)
    assert fused.words.shape == (B, L, W)
    assert (fused.seen is None) == (name not in SAYS_WHAT_IT_SAW)
    if fused.seen is not None:
        assert fused.seen.shape == (B, S, SAYS_WHAT_IT_SAW[name])


@middle
def test_the_gradient_reaches_every_parameter_and_both_inputs(name):
    fuser, (words, seen) = built(name), given_tokens()
    fused = fuser(words.requires_grad_(), seen.requires_grad_())
    worth = sum((part * torch.arange(1.0, 1 + part.shape[-1])).sin().sum() for part in fused if part is not None)
    worth.backward()
    for path, parameter in fuser.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.abs().sum() > 0 or path.endswith("key.bias"), path  # a softmax does not see a key's bias
    assert (words.grad.abs().sum(2) > 0).all() and (seen.grad.abs().sum(2) > 0).all()


@middle
def test_what_was_seen_changes_the_words(name):
    fuser, (words, seen) = built(name), given_tokens()
    assert not torch.allclose(fuser(words, seen).words, fuser(words, seen + 1).words, atol=1e-4)


@pytest.mark.parametrize("garbage", [1e6, float("nan")])
@middle
def test_padding_does_not_matter_whatever_lies_there(name, garbage):
    fuser, (words, seen) = built(name), given_tokens()
    longer = torch.cat([words, torch.full((B, 2, W), garbage)], 1), torch.cat([seen, torch.full((B, 3, D), garbage)], 1)
    masks = torch.arange(L + 2).expand(B, -1) < L, torch.arange(S + 3).expand(B, -1) < S
    plain, padded = fuser(words, seen), fuser(*longer, *masks)
    assert torch.allclose(plain.words, padded.words[:, :L], atol=1e-5)
    if plain.seen is not None:
        assert torch.allclose(plain.seen, padded.seen[:, :S], atol=1e-5)
    other = fuser(*(torch.where(x.isnan() | (x == garbage), 7.0, x) for x in longer), *masks)
    assert torch.equal(padded.words[:, :L], other.words[:, :L])


@middle
def test_padding_before_the_words_does_not_matter_either(name):
    fuser, (words, seen) = built(name), given_tokens()
    longer = torch.cat([torch.full((B, 2, W), 7.0), words], 1)
    mask = torch.arange(L + 2).expand(B, -1) >= 2
    assert torch.allclose(fuser(words, seen).words, fuser(longer, seen, mask).words[:, 2:], atol=1e-5)


@middle
def test_neighbours_in_the_batch_do_not_matter(name):
    fuser, (words, seen) = built(name), given_tokens()
    mask = torch.tensor([[True] * S, [True] * 2 + [False] * 3])
    together = fuser(words, seen, None, mask).words
    for sample in range(B):
        alone = fuser(words[sample : sample + 1], seen[sample : sample + 1], None, mask[sample : sample + 1]).words
        assert torch.allclose(together[sample], alone[0], atol=1e-5)
    changed_words, changed_seen = words.clone(), seen.clone()
    changed_words[1], changed_seen[1] = 9.0, -9.0
    assert torch.equal(fuser(changed_words, changed_seen, None, mask).words[0], together[0])


@middle
def test_saved_and_loaded_it_says_the_same_and_the_same_comes_twice(name, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="weights are kept as safetensors (the lab extra)")
    fuser, tokens = built(name), given_tokens()
    safetensors.save_file(fuser.state_dict(), tmp_path / "fuser.safetensors")
    other = built(name, seed=5)
    assert not torch.equal(other(*tokens).words, fuser(*tokens).words)
    other.load_state_dict(safetensors.load_file(tmp_path / "fuser.safetensors"))
    assert torch.equal(other(*tokens).words, fuser(*tokens).words)
    assert torch.equal(fuser(*tokens).words, fuser(*tokens).words)


@pytest.mark.parametrize("factor", [0.0, 1e4])
@middle
def test_extreme_inputs_give_finite_words_and_gradients(name, factor):
    fuser, (words, seen) = built(name), given_tokens()
    words, seen = (factor * words).requires_grad_(), (factor * seen).requires_grad_()
    out = fuser(words, seen).words
    out.square().mean().backward()
    assert out.isfinite().all() and words.grad.isfinite().all() and seen.grad.isfinite().all()


@middle
def test_a_sample_with_nothing_to_see_is_finite_and_trains(name):
    fuser, (words, seen) = built(name), given_tokens()
    mask = torch.tensor([[True] * S, [False] * S])
    said = [part for part in fuser(words, seen, None, mask) if part is not None]
    sum(part.square().sum() for part in said).backward()
    assert all(part.isfinite().all() for part in said)
    assert all(p.grad.isfinite().all() for p in fuser.parameters())


@middle
def test_in_bfloat16_the_words_stay_near_and_the_gradient_finite(name):
    fuser, tokens = built(name), given_tokens()
    with torch.autocast("cpu", torch.bfloat16):
        out = fuser(*tokens).words
    out.float().square().sum().backward()
    assert torch.allclose(out.float(), fuser(*tokens).words, atol=0.2)
    assert all(p.grad is None or p.grad.isfinite().all() for p in fuser.parameters())


@middle
def test_any_number_of_words_and_tokens_is_taken(name):
    fuser = built(name)
    for batch, words, seen in itertools.product([1, 3], [1, 2, 7], [1, 2, 11]):
        out = fuser(*given_tokens(batch, words, seen)).words
        assert out.shape == (batch, words, W) and out.isfinite().all()
