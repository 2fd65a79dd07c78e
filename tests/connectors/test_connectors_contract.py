"""The questions every connector is asked, over the whole list."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="connectors need torch (the lab extra)")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from sightline.connectors import CONNECTORS  # noqa: E402
from sightline.errors import BadRecord  # noqa: E402
from sightline.records import Prefix, Seen, Words  # noqa: E402
from stirring import stirred  # noqa: E402

B, T, N, D, W, L = 2, 3, 5, 7, 11, 13
ALL = sorted(CONNECTORS)
# Learned queries are as many as asked, whatever there is to look at.
QUERIES = {"qformer", "video_qformer", "resampler"}
# Without a budget in the way these hand on every token there is.
ONE_BY_ONE = {
    "linear",
    "mlp",
    "adaptive_pool",
    "prompt_pool",
    "token_merging",
    "token_clustering",
    "attention_pruning",
    "temporal_merge",
    "static_windows",
}
TINY = {
    "qformer": {"inner": 8, "heads": 2},
    "video_qformer": {"inner": 8, "heads": 2, "per_frame": 3},
    "resampler": {"heads": 2, "head_width": 3},
    "pixel_shuffle": {"square": 2},
    "vocabulary": {"words": 17},
}


def built(name, tokens=None, width=D):
    torch.manual_seed(0)
    return stirred(CONNECTORS[name](width, W, tokens, **TINY.get(name, {})))


def seen(batch=B, frames=T, grid=(1, N), width=D, seed=0, cls=True):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randn(batch, frames, grid[0] * grid[1], width, generator=draw)
    seconds = torch.rand(batch, frames, generator=draw, dtype=torch.float64).cumsum(1) + 0.2
    return Seen(
        vectors=torch.nn.functional.normalize(tokens.mean(2), dim=-1),
        seconds=seconds,
        mask=torch.ones(batch, frames, dtype=torch.bool),
        tokens=tokens,
        cls=tokens.mean(2) if cls else None,
        grid=grid,
    )


def words(batch=B, width=D, seed=1):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randn(batch, L, width, generator=draw)
    mask = torch.arange(L) < torch.tensor([[L], [L - 4]])[:batch]
    return Words(vector=torch.nn.functional.normalize(tokens.mean(1), dim=-1), mask=mask, tokens=tokens)


def padded(what: Seen, frames: int, fill: float) -> Seen:
    def longer(part, value):
        more = torch.full((part.shape[0], frames, *part.shape[2:]), value, dtype=part.dtype)
        return torch.cat([part, more], dim=1)

    return Seen(
        vectors=longer(what.vectors, fill),
        seconds=longer(what.seconds, fill),
        mask=longer(what.mask, False),
        tokens=longer(what.tokens, fill),
        cls=None if what.cls is None else longer(what.cls, fill),
        grid=what.grid,
    )


def one(what: Seen, sample: int) -> Seen:
    cut = slice(sample, sample + 1)
    cls = None if what.cls is None else what.cls[cut]
    return Seen(what.vectors[cut], what.seconds[cut], what.mask[cut], what.tokens[cut], cls, what.grid)


def valid(prefix: Prefix, sample: int):
    return prefix.embeddings[sample][prefix.mask[sample]], prefix.span[sample][prefix.mask[sample]]


@pytest.mark.parametrize("name", ALL)
def test_a_prefix_has_the_language_models_width_and_a_span_for_each_token(name):
    prefix = built(name)(seen(), words())
    assert prefix.embeddings.shape[0] == B and prefix.embeddings.shape[2] == W
    assert prefix.span.shape[:2] == prefix.mask.shape and prefix.mask.any(1).all()
    assert prefix.embeddings.isfinite().all()


@pytest.mark.parametrize("asked", [1, 2, 3, 7, 14, 64])
@pytest.mark.parametrize("name", ALL)
def test_the_asked_number_of_tokens_comes_exactly_or_all_there_are(name, asked):
    what = seen(frames=5, grid=(3, 5))
    everything = int(built(name, 10_000 if name not in QUERIES else asked)(what).mask[0].sum())
    prefix = built(name, asked)(what)
    assert prefix.mask.sum(1).tolist() == [min(asked, everything)] * B
    assert prefix.mask.shape[1] == min(asked, everything)


@pytest.mark.parametrize("grid", [(7, 7), (14, 14), (16, 16), (5, 3), (1, 1), (1, 13), (2, 3)])
@pytest.mark.parametrize("name", ALL)
def test_any_grid_is_taken(name, grid):
    prefix = built(name, 6)(seen(frames=2, grid=grid), words())
    assert prefix.embeddings.isfinite().all()
    assert 1 <= int(prefix.mask[0].sum()) <= 6


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 9, 33])
@pytest.mark.parametrize("name", ALL)
def test_any_number_of_frames_is_taken_and_the_last_is_never_lost(name, frames):
    for asked in (None, 1, 4):
        what = seen(batch=1, frames=frames, grid=(2, 3))
        what.tokens.requires_grad_()
        prefix = built(name, asked)(what)
        embeddings, span = valid(prefix, 0)
        (embeddings * torch.arange(1, W + 1)).sum().backward()
        assert what.tokens.grad[0, -1].abs().sum() > 0, f"asked {asked}: the last frame changes nothing"
        assert float(span.max()) == float(what.seconds[0, -1])


@pytest.mark.parametrize("name", ALL)
def test_spans_lie_within_the_video_and_run_forwards(name):
    what = seen(frames=7, grid=(2, 3))
    for asked in (None, 1, 5, 11):
        for sample in range(B):
            _, span = valid(built(name, asked)(what), sample)
            assert (span[:, 0] <= span[:, 1]).all()
            assert set(span.flatten().tolist()) <= set(what.seconds[sample].tolist())


@pytest.mark.parametrize("name", sorted(set(ALL) - QUERIES))
def test_a_token_changes_only_where_its_span_says_it_was_made(name):
    what = seen(batch=1, frames=6, grid=(2, 3))
    what.tokens.requires_grad_()
    embeddings, span = valid(built(name, 9)(what), 0)
    for token, (start, end) in zip(embeddings, span.tolist(), strict=True):
        (grad,) = torch.autograd.grad(token.sum(), what.tokens, retain_graph=True)
        used = what.seconds[0][grad[0].abs().sum((1, 2)) > 0]
        assert float(used.min()) == start and float(used.max()) == end


@pytest.mark.parametrize("fill", [float("nan"), 1e30])
@pytest.mark.parametrize("name", ALL)
def test_what_lies_in_padded_frames_never_matters(name, fill):
    connector = built(name, 4)
    what = seen(frames=3, grid=(2, 3))
    quiet, loud = connector(padded(what, 2, 0.0), words()), connector(padded(what, 2, fill), words())
    assert torch.equal(quiet.embeddings, loud.embeddings)
    assert torch.equal(quiet.span, loud.span) and torch.equal(quiet.mask, loud.mask)
    bare = connector(what, words())
    torch.testing.assert_close(bare.embeddings, quiet.embeddings, atol=1e-5, rtol=1e-5)
    assert torch.equal(bare.span, quiet.span)


@pytest.mark.parametrize("name", ALL)
def test_batch_mates_do_not_matter(name):
    connector = built(name, 4)
    what = seen(frames=5, grid=(2, 3))
    other = replace(what, tokens=torch.cat([what.tokens[:1], -3 * what.tokens[1:]]))
    together, beside = connector(what, words()), connector(other, words())
    assert torch.equal(together.embeddings[0], beside.embeddings[0])
    assert not torch.equal(together.embeddings[1], beside.embeddings[1])
    asked = words()
    alone = connector(one(what, 0), Words(asked.vector[:1], mask=asked.mask[:1], tokens=asked.tokens[:1]))
    torch.testing.assert_close(alone.embeddings[0], together.embeddings[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_words_that_are_padding_do_not_matter(name):
    connector, asked = built(name, 4), words()
    noise = torch.where(asked.mask[..., None], asked.tokens, torch.full_like(asked.tokens, 1e20))
    prefix = connector(seen(), replace(asked, tokens=noise))
    assert torch.equal(prefix.embeddings, connector(seen(), asked).embeddings)


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_reaches_every_parameter(name):
    connector = built(name, 4)
    weight = torch.arange(1.0, W + 1)
    ((connector(seen(frames=4)).embeddings + connector(seen(frames=4), words()).embeddings) * weight).sum().backward()
    silent = [path for path, p in connector.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A key's bias moves all scores of a query alike, and softmax does not see that.
    assert [path for path in silent if not path.endswith("key.bias")] == []


@pytest.mark.parametrize("name", ALL)
def test_saved_and_loaded_it_says_the_same(name, tmp_path):
    from safetensors.torch import load_file, save_file

    connector = built(name, 4)
    save_file(connector.state_dict(), tmp_path / "connector.safetensors")
    torch.manual_seed(99)
    other = CONNECTORS[name](D, W, 4, **TINY.get(name, {})).eval()
    other.load_state_dict(load_file(tmp_path / "connector.safetensors"))
    assert torch.equal(other(seen(), words()).embeddings, connector(seen(), words()).embeddings)


@pytest.mark.parametrize("name", ALL)
def test_the_same_comes_twice_even_where_all_tokens_are_equal(name):
    what = replace(seen(frames=4, grid=(2, 3)), tokens=torch.ones(B, 4, 6, D))
    first, second = built(name, 5)(what, words()), built(name, 5)(what, words())
    assert torch.equal(first.embeddings, second.embeddings) and torch.equal(first.span, second.span)
    assert first.embeddings.isfinite().all()


@pytest.mark.parametrize("name", ALL)
def test_a_sample_without_a_valid_frame_is_refused_in_words(name):
    what = seen()
    what.mask[1] = False
    with pytest.raises(BadRecord, match="sample 1 has no valid frame among 3"):
        built(name)(what)


def test_an_encoder_without_tokens_is_refused_in_words():
    with pytest.raises(BadRecord, match="needs Seen.tokens"):
        built("mlp")(replace(seen(), tokens=None, grid=None))


@pytest.mark.parametrize("name", ALL)
def test_no_tokens_at_all_are_refused_in_words(name):
    with pytest.raises(ValueError, match="at least one token, not 0"):
        CONNECTORS[name](D, W, 0)


def test_a_folding_connector_asks_for_the_grid():
    with pytest.raises(BadRecord, match="5 tokens a frame and no grid"):
        built("pixel_shuffle")(replace(seen(), grid=None))


@settings(max_examples=60, deadline=None, database=None)
@given(
    name=st.sampled_from(ALL),
    frames=st.integers(1, 13),
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    asked=st.integers(1, 80),
    repeat=st.integers(1, 5),
    hole=st.integers(0, 12),
    seed=st.integers(0, 10_000),
)
def test_any_shape_of_video_keeps_the_contract(name, frames, grid, asked, repeat, hole, seed):
    what = seen(batch=1, frames=frames, grid=grid, seed=seed, cls=seed % 2 == 0)
    still = torch.arange(frames) // repeat * repeat
    tokens = what.tokens[:, still]  # stretches of a still picture: ties everywhere
    mask = what.mask.clone()
    if hole < frames - 1:
        mask[0, hole] = False
    what = replace(what, tokens=tokens, mask=mask, cls=None if what.cls is None else what.cls[:, still])
    connector = built(name, asked)
    prefix = connector(what, words(1) if seed % 3 else None)
    count = int(prefix.mask.sum())
    there_is = int(built(name, asked if name in QUERIES else 10_000)(what).mask.sum())
    assert count == min(asked, there_is)
    if name in ONE_BY_ONE:
        assert there_is == int(mask.sum()) * grid[0] * grid[1]
    seconds = what.seconds[0][mask[0]]
    _, span = valid(prefix, 0)
    assert set(span.flatten().tolist()) <= set(seconds.tolist())
    assert float(span.max()) == float(seconds[-1])
    assert torch.equal(prefix.embeddings, connector(what, words(1) if seed % 3 else None).embeddings)
