"""The small language model: GPT-2's arithmetic, a memory that changes nothing, options weighed, places stretched."""

from __future__ import annotations

from importlib import import_module

import pytest

torch = pytest.importorskip("torch", reason="the language model needs torch (the lab extra)")

from sightline.encoders.text import TextEncoder  # noqa: E402
from sightline.errors import BadRecord  # noqa: E402
from sightline.language.context_extension import StretchedPlaces, extended  # noqa: E402
from sightline.language.parts import LANGUAGE_PARTS  # noqa: E402
from sightline.language.tiny_lm import Memory, TinyLM, option_scores, option_verdicts  # noqa: E402
from sightline.records import Prefix  # noqa: E402
from stirring import stirred  # noqa: E402

B, L, M, V, W, HEADS, LAYERS, LONGEST = 2, 5, 3, 31, 14, 2, 2, 29


def model(longest=LONGEST):
    return stirred(TinyLM(V, W, HEADS, LAYERS, longest=longest))


def sentence(batch=B, length=L):
    return torch.randint(3, V, (batch, length)), torch.ones(batch, length, dtype=torch.bool)


def shown(batch=B, tokens=M, dtype=torch.float32):
    return Prefix(
        torch.randn(batch, tokens, W, dtype=dtype),
        torch.ones(batch, tokens, dtype=torch.bool),
        torch.zeros(batch, tokens, 2),
    )


def test_every_listed_part_is_there():
    for place in LANGUAGE_PARTS.values():
        module, name = place.split(":")
        assert callable(getattr(import_module(module), name))


def gpt2(lm):
    """The reference class with this model's weights."""
    transformers = pytest.importorskip(
        "transformers", reason="the reference class lives in transformers (the lab extra)"
    )
    config = transformers.GPT2Config(
        vocab_size=V, n_positions=LONGEST, n_embd=W, n_layer=LAYERS, n_head=HEADS, activation_function="gelu",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    theirs = transformers.GPT2LMHeadModel(config).eval()
    state = {"transformer.wte.weight": lm.words.weight, "transformer.wpe.weight": lm.positions.weight}
    state |= {f"transformer.ln_f.{part}": getattr(lm.norm, part) for part in ("weight", "bias")}
    state["lm_head.weight"] = lm.words.weight
    for number, layer in enumerate(lm.layers):
        at, attention, think = f"transformer.h.{number}", layer.attend.inner, layer.think.inner
        reads = (attention.query, attention.key, attention.value)
        state[f"{at}.attn.c_attn.weight"] = torch.cat([part.weight.T for part in reads], dim=1)
        state[f"{at}.attn.c_attn.bias"] = torch.cat([part.bias for part in reads])
        for name, part in (("attn.c_proj", attention.out), ("mlp.c_fc", think[0]), ("mlp.c_proj", think[2])):
            state |= {f"{at}.{name}.weight": part.weight.T, f"{at}.{name}.bias": part.bias}
        for name, part in (("ln_1", layer.attend.norm), ("ln_2", layer.think.norm)):
            state |= {f"{at}.{name}.weight": part.weight, f"{at}.{name}.bias": part.bias}
    theirs.load_state_dict({name: value.detach().clone() for name, value in state.items()})
    return theirs


@pytest.mark.formula("language/tiny_lm")
def test_the_tiny_lm_is_gpt2():
    lm = model()
    theirs = gpt2(lm)
    ids, mask = sentence()
    with torch.no_grad():
        assert (theirs(ids).logits - lm(ids, mask)).abs().max() <= 1e-5
        prefix = shown()
        seen = torch.cat([prefix.embeddings, lm.words(ids)], dim=1)
        assert (theirs(inputs_embeds=seen).logits[:, M:] - lm(ids, mask, prefix)).abs().max() <= 1e-5


@pytest.mark.parametrize("dtype,limit", [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("cuts", [(1, 2, 3, 4), (2,), (4,), (1, 3)])
def test_read_in_pieces_with_a_memory_it_says_what_it_says_of_the_whole(cuts, dtype, limit):
    lm, (ids, mask), prefix = model().to(dtype), sentence(), shown(dtype=dtype)
    prefix.mask[1, 2] = False
    mask[1, 3] = False
    whole = lm(ids, mask, prefix)
    memory, said = Memory(), []
    for start, end in zip((0, *cuts), (*cuts, L), strict=True):
        said.append(lm(ids[:, start:end], mask[:, start:end], prefix if start == 0 else None, memory))
    assert (torch.cat(said, dim=1) - whole)[mask].abs().max() <= limit


def test_without_pieces_a_memory_changes_not_a_bit():
    lm, (ids, mask), prefix = model(), sentence(), shown()
    assert torch.equal(lm(ids, mask, prefix), lm(ids, mask, prefix, Memory()))


def test_a_later_word_changes_no_earlier_prediction():
    lm, (ids, mask) = model(), sentence()
    other = ids.clone()
    other[:, 3:] = 3 + (other[:, 3:] + 1) % (V - 3)
    before, after = lm(ids, mask), lm(other, mask)
    assert (before[:, :3] - after[:, :3]).abs().max().item() == 0.0 and not torch.equal(before[:, 3], after[:, 3])


def test_what_is_shown_changes_every_prediction():
    lm, (ids, mask), prefix = model(), sentence(), shown()
    blank = Prefix(prefix.embeddings + 1, prefix.mask, prefix.span)
    assert ((lm(ids, mask, prefix) - lm(ids, mask, blank)).abs().amax(dim=2) > 0).all()


def test_padding_does_not_matter_wherever_it_stands():
    lm, (ids, mask), prefix = model(), sentence(), shown()
    said = lm(ids, mask, prefix)
    filled = Prefix(
        torch.cat([prefix.embeddings, torch.full((B, 2, W), float("nan"))], dim=1),
        torch.cat([prefix.mask, torch.zeros(B, 2, dtype=torch.bool)], dim=1),
        torch.zeros(B, M + 2, 2),
    )
    none = torch.zeros(B, 2, dtype=torch.bool)
    around = torch.cat([torch.full((B, 2), 4), ids, torch.full((B, 2), 9)], dim=1)
    padded = lm(around, torch.cat([none, mask, none], dim=1), filled)
    torch.testing.assert_close(padded[:, 2:-2], said, atol=1e-5, rtol=1e-5)
    loud = lm(
        torch.cat([torch.full((B, 2), 8), ids, torch.full((B, 2), 5)], dim=1),
        torch.cat([none, mask, none], dim=1),
        filled,
    )
    assert torch.equal(loud[:, 2:-2], padded[:, 2:-2])


def test_batch_mates_do_not_matter():
    lm, (ids, mask) = model(), sentence()
    other = torch.cat([ids[:1], ids[1:].flip(1)])
    assert torch.equal(lm(ids, mask)[0], lm(other, mask)[0])
    torch.testing.assert_close(lm(ids[1:], mask[1:])[0], lm(ids, mask)[1], atol=1e-5, rtol=1e-5)


def test_the_gradient_reaches_every_parameter():
    lm, (ids, mask) = model(longest=M + L + 3), sentence()
    said, verdicts = lm(ids, mask, shown()), option_verdicts(lm, (ids, mask), options(), shown())
    ((said * torch.randn(said.shape)).sum() + (verdicts * torch.randn(verdicts.shape)).sum()).backward()
    for path, parameter in lm.named_parameters():
        assert parameter.grad.abs().max() > 1e-6 or path.endswith("key.bias"), path


def test_saved_and_loaded_it_says_the_same(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="weights are kept by safetensors (the lab extra)")
    lm, (ids, mask) = model(), sentence()
    safetensors.save_file(lm.state_dict(), tmp_path / "weights.safetensors")
    again = TinyLM(V, W, HEADS, LAYERS, longest=LONGEST)
    again.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(ids, mask), lm(ids, mask))


def test_more_words_than_places_and_a_late_prefix_are_refused():
    lm, memory = model(), Memory()
    with pytest.raises(
        BadRecord, match=r"30 words with the visual ones, and this model has 29 places.*context_extension"
    ):
        lm(*sentence(length=27), shown())
    lm(*sentence(), memory=memory)
    with pytest.raises(BadRecord, match="a prefix stands before all words"):
        lm(*sentence(), shown(), memory)


# --- options ---------------------------------------------------------------------------------


def options(batch=B):
    """Three options of 1, 3 and 2 words."""
    mask = torch.tensor([[True, False, False], [True, True, True], [True, True, False]]).expand(batch, -1, -1)
    return torch.randint(3, V, (batch, 3, 3)), mask


@pytest.mark.parametrize("with_prefix", [False, True])
def test_an_options_score_is_the_sum_of_its_words_log_probabilities(with_prefix):
    lm, (ids, mask), (choice, chosen) = model().requires_grad_(False), sentence(), options()
    mask[1, 3:] = False
    prefix = shown() if with_prefix else None
    found = option_scores(lm, (ids, mask), (choice, chosen), prefix)
    per_word = option_scores(lm, (ids, mask), (choice, chosen), prefix, per_word=True)
    for b in range(B):
        prompt = ids[b][mask[b]].tolist()
        alone = (
            None
            if prefix is None
            else Prefix(prefix.embeddings[b : b + 1], prefix.mask[b : b + 1], prefix.span[b : b + 1])
        )
        for o in range(3):
            words = choice[b, o][chosen[b, o]].tolist()
            total = 0.0
            for number, word in enumerate(words):
                so_far = torch.tensor([prompt + words[:number]])
                logits = lm(so_far, torch.ones_like(so_far, dtype=torch.bool), alone)[0, -1].double()
                total += float(logits[word] - logits.exp().sum().log())
            assert float(found[b, o]) == pytest.approx(total, abs=1e-4)
            assert float(per_word[b, o]) == pytest.approx(total / len(words), abs=1e-4)


def test_the_likelihoods_of_all_one_word_options_add_up_to_one():
    lm, (ids, mask) = model(), sentence()
    every = torch.arange(V).expand(B, V)[..., None]
    total = option_scores(lm, (ids, mask), (every, torch.ones_like(every, dtype=torch.bool))).exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones(B), atol=1e-5, rtol=0)


@pytest.mark.parametrize("with_prefix", [False, True])
def test_a_verdict_is_the_mean_over_an_options_words_read_behind_the_prompt(with_prefix):
    lm, (ids, mask), (choice, chosen) = model().requires_grad_(False), sentence(), options()
    mask[1, 3:] = False
    prefix = shown() if with_prefix else None
    found = option_verdicts(lm, (ids, mask), (choice, chosen), prefix)
    for b in range(B):
        part = (
            None if prefix is None else Prefix(*(getattr(prefix, n)[b : b + 1] for n in ("embeddings", "mask", "span")))
        )
        for o in range(3):
            words = choice[b, o][chosen[b, o]].tolist()
            whole = torch.tensor([[*ids[b][mask[b]].tolist(), *words]])
            states = lm.read(whole, torch.ones_like(whole, dtype=torch.bool), part)[0, -len(words) :]
            said = [float(state @ lm.verdict.weight[0] + lm.verdict.bias) for state in states]
            assert float(found[b, o]) == pytest.approx(sum(said) / len(said), abs=1e-4)


def test_an_option_without_words_is_refused():
    choice, chosen = options()
    chosen = chosen.clone()
    chosen[1, 2] = False
    with pytest.raises(BadRecord, match="option 2 of question 1"):
        option_scores(model(), sentence(), (choice, chosen))


# --- longer texts ----------------------------------------------------------------------------


def towers():
    return [stirred(TextEncoder(V, W, HEADS, 1, 7, longest=23)), stirred(TinyLM(V, W, HEADS, 1, longest=23))]


@pytest.mark.parametrize("which", [0, 1])
def test_the_word_table_is_copied_and_only_places_differ(which):
    short = towers()[which]
    longer = extended(short, keep=20, factor=4)
    assert torch.equal(longer.words.weight, short.words.weight)
    assert longer.words.weight.data_ptr() != short.words.weight.data_ptr()
    ours, theirs = dict(longer.named_parameters()), dict(short.named_parameters())
    assert set(ours) - set(theirs) == {"positions.tail"} and set(theirs) - set(ours) == {"positions.weight"}
    assert all(torch.equal(ours[name], theirs[name]) for name in set(ours) & set(theirs))


@pytest.mark.parametrize("which", [0, 1])
def test_short_texts_are_read_as_before_and_long_ones_can_be(which):
    short = towers()[which]
    longer = extended(short)
    ids, mask = sentence(length=20)

    def said(tower, ids, mask):
        found = tower(ids, mask)
        return found if which else found.vector

    assert torch.equal(said(short, ids, mask), said(longer, ids, mask))
    long_ids, long_mask = sentence(length=32)
    assert said(longer, long_ids, long_mask).isfinite().all()
    with pytest.raises(BadRecord):
        said(short, long_ids, long_mask)


@pytest.mark.formula("language/context_extension")
def test_context_extension_is_the_rule_of_20_and_4_from_77_places_to_248():
    table = torch.randn(77, W, dtype=torch.float64)
    places = StretchedPlaces(table, 20, 4)
    assert places.num_embeddings == 248 and torch.equal(places.kept, table[:20])
    longer = places(torch.arange(248))
    for new in range(248):
        old = new if new < 20 else 20 + (new - 20) / 4
        left = min(int(old), 75)
        expected = table[left] + (old - left) * (table[left + 1] - table[left])  # beyond the end: the last step goes on
        assert (longer[new] - expected).abs().max() <= 1e-12


def test_kept_places_do_not_learn_and_new_ones_do():
    lm = extended(stirred(TinyLM(V, W, HEADS, 1, longest=23)))
    kept, tail = lm.positions.kept.clone(), lm.positions.tail.detach().clone()
    step = torch.optim.AdamW(lm.parameters(), lr=0.1, weight_decay=0.5)
    lm(*sentence(length=32)).square().mean().backward()
    step.step()
    assert torch.equal(lm.positions.kept, kept) and (lm.positions.tail[:12] != tail[:12]).all()


def test_an_extended_model_is_kept_whole_and_not_extended_twice(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="weights are kept by safetensors (the lab extra)")
    lm = extended(stirred(TinyLM(V, W, HEADS, 1, longest=23)))
    safetensors.save_file(lm.state_dict(), tmp_path / "weights.safetensors")
    again = extended(TinyLM(V, W, HEADS, 1, longest=23))
    again.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    ids, mask = sentence(length=31)
    assert torch.equal(again(ids, mask), lm(ids, mask))
    with pytest.raises(BadRecord, match="StretchedPlaces, not a table of places"):
        extended(lm)
