"""Compressing between the vision tower and the language model, on tiny models of the real classes."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_families import FAMILIES, IMAGE, VIDEO, batch, finished, prompt, tiny, video, words  # noqa: E402

from sightline.connectors.clips import Groups  # noqa: E402
from sightline.errors import BadModel, BadRecord, MissingExtra  # noqa: E402
from sightline.language.compressed import Matching, compressed  # noqa: E402
from sightline.language.families import core_of, family_of, language_of  # noqa: E402
from sightline.language.gathering import GUIDED, RULES  # noqa: E402
from sightline.language.shortened import apart  # noqa: E402
from sightline.language.standing import dealt  # noqa: E402

every_family = pytest.mark.parametrize("family", FAMILIES)
M_ROPE = ["qwen2_5_vl", "qwen3_vl"]
EVERYTHING = 10**6
FORBIDDEN = [IMAGE, VIDEO, 210]  # a prompt with a placeholder more could not be read again; 210 is the end

_models = {}


def model_of(family):
    """One model for all tests that leave it as it is."""
    if family not in _models:
        _models[family] = tiny(family)
    return _models[family]


@torch.no_grad()
def logits(model, given):
    return model(**given).logits


def in_pairs(clip, count):
    """Neighbouring cells, two and two: a rule simple enough to be written twice."""
    return Groups.of(torch.arange(clip.rows.shape[0]) // 2)


# --- nothing is changed where nothing is asked -------------------------------------------------


@every_family
def test_without_a_connector_logits_are_bit_equal(family):
    model, given = model_of(family), batch(family)
    with compressed(model, None) as what:
        assert torch.equal(logits(model, given), logits(model, batch(family)))
        inside = logits(model, given)
    assert torch.equal(inside, logits(model, given))
    assert what.kept == [] and what.calls == 0


@every_family
def test_keeping_every_token_gives_the_same_logits(family):
    model, given = model_of(family), batch(family)
    with compressed(model, "token_merging", EVERYTHING) as what:
        inside = logits(model, given)
    there = given["attention_mask"].bool()
    assert (inside - logits(model, given))[there].abs().max() <= 1e-5
    assert all(kept.before == kept.after > 0 for kept in what.kept)


@every_family
def test_a_rule_that_keeps_every_cell_apart_gives_the_same_logits(family):
    model, given = model_of(family), prompt(family)
    with compressed(model, lambda clip, count: Groups.of(torch.arange(len(clip.rows)))):
        inside = logits(model, given)
    assert (inside - logits(model, given)).abs().max() <= 1e-5


@every_family
def test_keeping_every_token_generates_the_same_words(family):
    model, given = model_of(family), batch(family)
    plain = model.generate(**given, max_new_tokens=5, do_sample=False)
    with compressed(model, "adaptive_pool", EVERYTHING):
        assert torch.equal(model.generate(**given, max_new_tokens=5, do_sample=False), plain)


@every_family
def test_a_saved_and_loaded_model_is_compressed_alike(family, tmp_path):
    model, given = model_of(family), prompt(family)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path, local_files_only=True).eval()
    with compressed(model, "token_merging", 13), compressed(again, "token_merging", 13):
        assert torch.equal(logits(model, given), logits(again, given))


# --- the budget holds ----------------------------------------------------------------------


@every_family
@pytest.mark.parametrize("connector", [GUIDED, *RULES])
def test_exactly_the_asked_number_of_tokens_is_handed_on(family, connector):
    model, given = model_of(family), prompt(family)
    for tokens in (1, 3, 13):
        with compressed(model, connector, tokens) as what:
            out = logits(model, given)
        (kept,) = what.kept
        assert kept.after == tokens == len(kept.members) == len(kept.span) == len(kept.columns)
        assert out.shape[1] == given["input_ids"].shape[1] - kept.before + tokens


@every_family
def test_each_prompt_of_a_batch_gets_the_whole_budget(family):
    with compressed(model_of(family), "token_merging", 13) as what:
        out = logits(model_of(family), batch(family))
    assert [kept.after for kept in what.kept] == [13, 13]
    texts = [row.sum() - kept.before for row, kept in zip(batch(family)["attention_mask"], what.kept, strict=True)]
    assert out.shape[1] == max(texts) + 13


@every_family
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_prompt_does_not_hear_its_neighbour_nor_its_padding(family, side):
    model = model_of(family)
    together = batch(family, side)
    with compressed(model, "adaptive_pool", 7) as what:
        both = logits(model, together)
        alone = []
        for row, seed in enumerate((1, 2)):
            ids = together["input_ids"][row][together["attention_mask"][row].bool()].tolist()
            alone.append(logits(model, finished(family, [ids], video(family, seed)[1]))[0])
    length = both.shape[1]
    for row, own in enumerate(alone):
        at = slice(length - len(own), length) if side == "left" else slice(0, len(own))
        assert (both[row, at] - own).abs().max() <= 1e-4
    assert len(what.kept) == 1


def test_the_budget_is_dealt_by_size_and_met_exactly():
    assert dealt(10, [10, 30, 60]) == [1, 3, 6]
    assert dealt(3, [1, 1, 1000]) == [1, 1, 1]
    assert dealt(100, [5, 6]) == [5, 6]
    assert dealt(None, [5, 6]) == [None, None]
    draw = np.random.default_rng(0)
    for _ in range(200):
        counts = draw.integers(1, 50, draw.integers(1, 7)).tolist()
        tokens = int(draw.integers(len(counts), sum(counts) + 1))
        shares = dealt(tokens, counts)
        assert sum(shares) == tokens and all(1 <= share for share in shares)


def test_fewer_tokens_than_pictures_are_refused():
    with pytest.raises(BadRecord, match="ask for at least 3"):
        dealt(2, [9, 9, 9])


def test_groups_that_begin_at_one_cell_get_places_of_their_own():
    assert apart(torch.tensor([0, 0, 0, 5]), 7).tolist() == [0, 1, 2, 5]
    assert apart(torch.tensor([4, 6, 6, 6]), 7).tolist() == [3, 4, 5, 6]


# --- what the language model is handed -----------------------------------------------------


@pytest.mark.parametrize("family", ["llava_onevision", "smolvlm", "internvl"])
@torch.no_grad()
def test_plain_positions_are_numbered_anew(family):
    """The slow way: features by hand, the prompt written out token by token, the language model called alone."""
    model, given = model_of(family), prompt(family)
    core = core_of(model)
    (shown,) = family_of(model.config).shown(core, dict(given))
    rows, cells = shown.rows, [cell for piece in shown.pieces for cell in piece.cells.tolist()]
    embed = core.get_input_embeddings()
    sequence, row = [], 0
    for token in given["input_ids"][0].tolist():
        if token != shown.token:
            sequence.append(embed(torch.tensor(token)))
        else:
            place = cells.index(row) if row in cells else -1
            if place < 0:
                sequence.append(rows[row])  # the line break: one in 65, kept
            elif place % 2 == 0:
                sequence.append((rows[cells[place]] + rows[cells[place + 1]]) / 2)
            row += 1
    plain = language_of(family_of(model.config), core)(inputs_embeds=torch.stack(sequence)[None])
    with compressed(model, in_pairs):
        inside = model(**given).logits
    assert (model.lm_head(plain.last_hidden_state) - inside).abs().max() <= 1e-5


@pytest.mark.parametrize("family", M_ROPE)
@torch.no_grad()
def test_m_rope_positions_stay_where_the_tokens_came_from(family):
    """The slow way: positions counted token by token from the definition of M-RoPE, pairs averaged."""
    model, given = model_of(family), prompt(family)
    core = core_of(model)
    (shown,) = family_of(model.config).shown(core, dict(given))
    times, high, wide = shown.pieces[0].size
    per_run = times * high * wide if family == "qwen2_5_vl" else high * wide
    embed = core.get_input_embeddings()
    text, cells, ahead = [], [], 0  # (position) of each word, (time, row, column) of each cell
    for token in given["input_ids"][0].tolist():
        if token != VIDEO:
            text.append((ahead, ahead, ahead))
            ahead += 1
            continue
        time, y, x = len(cells) // (high * wide), len(cells) // wide % high, len(cells) % wide
        after = int(time * 1.5 * 2) if family == "qwen2_5_vl" else 0
        cells.append((ahead + after, ahead + y, ahead + x))
        if len(cells) % per_run == 0:
            ahead += max(high, wide)
    sequence, positions, row = [], [], 0
    for token in given["input_ids"][0].tolist():
        if token != VIDEO:
            sequence.append(embed(torch.tensor(token)))
            positions.append(list(text.pop(0)))
            continue
        if row % 2 == 0:
            sequence.append((shown.rows[row] + shown.rows[row + 1]) / 2)
            positions.append([round((a + b) / 2) for a, b in zip(cells[row], cells[row + 1], strict=True)])
        row += 1
    handed = {}
    hook = core.language_model.register_forward_pre_hook(lambda m, a, k: handed.update(k), with_kwargs=True)
    with compressed(model, in_pairs):
        model(**given)
    hook.remove()
    assert handed["position_ids"][:, 0].T.tolist() == positions
    assert (handed["inputs_embeds"][0] - torch.stack(sequence)).abs().max() <= 1e-5


@every_family
@torch.no_grad()
def test_words_written_with_the_cache_are_those_written_without(family):
    """Every word again from the whole prompt plus the words so far: positions, mask and cache agree."""
    model, given = model_of(family), batch(family)
    with compressed(model, "token_merging", 13):
        written = model.generate(**given, max_new_tokens=4, do_sample=False, suppress_tokens=FORBIDDEN)
        length = given["input_ids"].shape[1]
        for step in range(4):
            more = dict(given, input_ids=written[:, : length + step])
            more["attention_mask"] = torch.cat([given["attention_mask"], torch.ones(2, step).long()], dim=1)
            if "mm_token_type_ids" in given:
                more["mm_token_type_ids"] = torch.cat([given["mm_token_type_ids"], torch.zeros(2, step).int()], dim=1)
            scores = model(**more).logits[:, -1]
            scores[:, FORBIDDEN] = -torch.inf
            assert torch.equal(scores.argmax(-1), written[:, length + step])


@every_family
@torch.no_grad()
def test_somebodys_own_loop_with_the_whole_mask_goes_on_rightly(family):
    model, given = model_of(family), prompt(family)
    with compressed(model, "token_merging", 13):
        first = model(**given, use_cache=True)
        next_word = torch.tensor([[77]])
        mask = torch.cat([given["attention_mask"], torch.ones(1, 1).long()], dim=1)
        own_mask = {} if family in M_ROPE else {"attention_mask": mask}  # with one, Qwen's own forward breaks as well
        step = model(input_ids=next_word, past_key_values=first.past_key_values, use_cache=True, **own_mask)
        more = dict(given, input_ids=torch.cat([given["input_ids"], next_word], dim=1), attention_mask=mask)
        if "mm_token_type_ids" in given:
            more["mm_token_type_ids"] = torch.cat([given["mm_token_type_ids"], torch.zeros(1, 1).int()], dim=1)
        whole = model(**more)
    assert (step.logits[:, -1] - whole.logits[:, -1]).abs().max() <= 1e-4


@every_family
def test_beams_give_the_whole_prompt_back(family):
    model, given = model_of(family), batch(family)
    with compressed(model, "token_merging", 13):
        out = model.generate(
            **given, max_new_tokens=3, num_beams=3, num_return_sequences=2, return_dict_in_generate=True
        )
    length = given["input_ids"].shape[1]
    assert torch.equal(out.sequences[:, :length], given["input_ids"].repeat_interleave(2, dim=0))
    assert length < out.sequences.shape[1] <= length + 3


def test_a_length_counts_the_prompt_as_it_was():
    model, given = model_of("internvl"), prompt("internvl")
    length = given["input_ids"].shape[1]
    with compressed(model, "token_merging", 5):
        out = model.generate(**given, max_length=length + 3, min_length=length + 3, do_sample=False)
    assert out.shape[1] == length + 3


@every_family
def test_labels_of_removed_places_are_removed(family):
    model, given = model_of(family), prompt(family)
    given["labels"] = given["input_ids"].masked_fill(given["input_ids"] >= IMAGE, -100)
    with compressed(model, "token_merging", 13) as what:
        out = model(**given)
    text = torch.isin(given["input_ids"], torch.tensor([IMAGE, VIDEO]), invert=True)[0]
    labels = torch.full((out.logits.shape[1],), -100)
    stay = torch.ones(len(labels), dtype=torch.bool)
    stay[what.kept[0].columns] = False
    labels[stay] = given["labels"][0][text]
    loss = torch.nn.functional.cross_entropy(out.logits[0, :-1], labels[1:])
    assert (out.loss - loss).abs() <= 1e-5


def test_gradients_reach_the_projector_through_the_gathering():
    model, given = tiny("internvl", seed=3), prompt("internvl")
    given["labels"] = given["input_ids"].masked_fill(given["input_ids"] == IMAGE, -100)
    with compressed(model, "adaptive_pool", 5):
        model(**given).loss.backward()
    assert model.model.multi_modal_projector.linear_2.weight.grad.abs().sum() > 0


# --- several pictures ------------------------------------------------------------------------


def pictures_and_a_video(family):
    """Two pictures and a video between words, in one Qwen prompt."""
    ids, given = video(family)
    pixels = torch.randn(2 * 16, 3 * 2 * 14 * 14, generator=torch.Generator().manual_seed(5))
    row = [*words(3, 1), *[IMAGE] * 4, *words(2, 2), *ids, *words(4, 3), *[IMAGE] * 4, *words(3, 4)]
    given |= {"pixel_values": pixels, "image_grid_thw": torch.tensor([[1, 4, 4], [1, 4, 4]])}
    return finished(family, [row], given)


@pytest.mark.parametrize("family", M_ROPE)
def test_pictures_and_a_video_in_one_prompt_share_the_budget(family):
    model, given = model_of(family), pictures_and_a_video(family)
    with compressed(model, "adaptive_pool", EVERYTHING):
        assert (logits(model, given) - logits(model, given)).abs().max() == 0
        same = logits(model, given)
    assert (same - logits(model, given)).abs().max() <= 1e-5
    with compressed(model, "adaptive_pool", 19) as what:
        logits(model, given)
    (kept,) = what.kept
    pieces = [int(members[0, 0]) for members in kept.members]
    assert pieces == sorted(pieces) and [pieces.count(piece) for piece in range(3)] == [2, 15, 2]


@pytest.mark.parametrize("size", [(50, 100), (100, 100), (170, 60), (56, 56)])
def test_a_picture_in_tiles_keeps_its_line_breaks_only_while_they_are_few(size):
    model = model_of("llava_onevision")
    core = model.model
    sizes = torch.tensor([size])
    from transformers.models.llava_onevision.modeling_llava_onevision import image_size_to_num_patches

    tiles = image_size_to_num_patches(size, core.config.image_grid_pinpoints, 56)
    given = {"pixel_values": torch.randn(1, tiles, 3, 56, 56), "image_sizes": sizes}
    with torch.no_grad():
        count = len(core.get_image_features(**given, return_dict=True).pooler_output[0])
    made = finished("llava_onevision", [[*words(3, 1), *[IMAGE] * count, *words(4, 2)]], given)
    with compressed(model, "adaptive_pool", EVERYTHING):
        same = logits(model, made)
    assert (same - logits(model, made)).abs().max() <= 1e-5
    with compressed(model, "adaptive_pool", 20) as what:
        logits(model, made)
    assert what.kept[0].after == 20 and what.kept[0].before == count
    with compressed(model, "adaptive_pool", count - 1) as what:
        logits(model, made)
    assert what.kept[0].after == count - 1


# --- what is told ----------------------------------------------------------------------------


@every_family
def test_the_seconds_and_places_of_kept_tokens_are_told(family):
    model, given = model_of(family), prompt(family)
    seconds = [0.2, 1.7, 2.9, 4.1]
    with compressed(model, "adaptive_pool", 13, seconds=seconds) as what:
        logits(model, given)
    (kept,) = what.kept
    assert set(np.unique(kept.span)) <= set(seconds)
    assert kept.span[:, 0].min() == 0.2 and kept.span[:, 1].max() == 4.1
    steps = 2 if family in M_ROPE else 4
    for members, span in zip(kept.members, kept.span, strict=True):
        frames = members[:, 1]
        if frames.min() < 0:
            continue
        together = 4 // steps
        assert span[0] == seconds[frames.min() * together]
        assert span[1] == seconds[frames.max() * together + together - 1]


@every_family
def test_every_cell_is_told_once_when_tokens_are_merged(family):
    model, given = model_of(family), prompt(family)
    with compressed(model, "token_merging", 13) as what:
        logits(model, given)
    (kept,) = what.kept
    cells = np.concatenate([members for members in kept.members if members[0, 1] >= 0])
    (shown,) = family_of(model.config).shown(core_of(model), dict(given))
    assert len(np.unique(cells, axis=0)) == len(cells) == sum(len(piece.cells) for piece in shown.pieces)


def test_without_seconds_a_step_of_time_is_as_long_as_the_model_was_told():
    model, given = model_of("qwen2_5_vl"), prompt("qwen2_5_vl")
    with compressed(model, "adaptive_pool", 4) as what:
        logits(model, given)
    assert set(what.kept[0].span.flatten().tolist()) == {0.0, 1.5}


def test_seconds_that_fit_no_frames_are_refused():
    with compressed(model_of("internvl"), "adaptive_pool", 4, seconds=[1.0, 2.0, 3.0]):
        with pytest.raises(BadRecord, match="3 seconds were given for a video of 4 frames"):
            logits(model_of("internvl"), prompt("internvl"))


# --- the question ----------------------------------------------------------------------------


def test_the_question_of_the_prompt_decides_what_is_kept():
    model = model_of("internvl")
    one, other = prompt("internvl"), prompt("internvl")
    other["input_ids"][0, -5:] = torch.tensor(words(5, 7))
    seen = []
    hook = core_of(model).language_model.register_forward_pre_hook(
        lambda m, a, k: seen.append(k["inputs_embeds"].clone()), with_kwargs=True
    )
    for given in (one, other):
        with compressed(model, "prompt_pool", 4) as what:
            logits(model, given)
    hook.remove()
    at = what.kept[0].columns
    assert (seen[0][0, at] - seen[1][0, at]).abs().max() > 1e-4


def test_a_vector_pulls_its_boxes_to_the_cells_it_names():
    model, given = model_of("internvl"), prompt("internvl")
    with torch.no_grad():
        rows = model.model.get_image_features(given["pixel_values"], return_dict=True).pooler_output.flatten(0, 1)
    seen = {}
    hook = model.model.language_model.register_forward_pre_hook(lambda m, a, k: seen.update(k), with_kwargs=True)
    with compressed(model, "prompt_pool", 4, words=rows[10], scale=1000.0) as what:
        logits(model, given)
    hook.remove()
    kept = seen["inputs_embeds"][0, what.kept[0].columns[1]]  # the second frame's box; it holds cell 10
    assert torch.nn.functional.cosine_similarity(kept, rows[10], dim=0) > 0.999


@pytest.mark.parametrize("family", ["llava_onevision", "smolvlm", "idefics3", "video_llava", "internvl"])
def test_a_matching_text_tower_is_compared_with_the_vision_tower(family):
    model, given = model_of(family), prompt(family)
    shapes = []

    def project(hidden):
        shapes.append(tuple(hidden.shape))
        return hidden[..., :5]

    vector = torch.randn(5, generator=torch.Generator().manual_seed(0))
    with compressed(model, "prompt_pool", 13, words=Matching(vector, project)) as what:
        guided = logits(model, given)
    with compressed(model, "adaptive_pool", 13):
        plain = logits(model, given)
    assert what.kept[0].after == 13 and shapes[0][0] == 4 and shapes[0][-1] == 24
    assert (guided - plain).abs().max() > 1e-4


def test_a_tower_without_one_grid_a_frame_is_not_matched():
    with compressed(model_of("qwen2_5_vl"), "prompt_pool", 13, words=Matching(torch.ones(5))):
        with pytest.raises(BadRecord, match="leave words out"):
            logits(model_of("qwen2_5_vl"), prompt("qwen2_5_vl"))


def test_words_of_another_width_are_refused():
    with compressed(model_of("internvl"), "prompt_pool", 13, words=torch.ones(7)):
        with pytest.raises(BadRecord, match=r"7 wide, the visual tokens 32"):
            logits(model_of("internvl"), prompt("internvl"))


# --- coming in and going out -----------------------------------------------------------------


def state(model):
    core = core_of(model)
    hooks = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()]
    return set(model.__dict__), str(getattr(core, "rope_deltas", None)), hooks


@every_family
def test_afterwards_the_model_is_as_before(family):
    model = tiny(family)
    plain = logits(model, prompt(family))  # transformers hooks into its towers at the first call
    before, weights = state(model), copy.deepcopy(model.state_dict())
    with compressed(model, "token_merging", 5):
        model.generate(**prompt(family), max_new_tokens=2)
    assert state(model) == before
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert torch.equal(logits(model, prompt(family)), plain)


@pytest.mark.parametrize("family", ["qwen3_vl", "internvl"])
def test_afterwards_the_model_is_as_before_also_when_something_broke(family):
    model = tiny(family)
    logits(model, prompt(family))
    before = state(model)

    def broken(clip, count):
        raise RuntimeError("a rule of somebody's own")

    with pytest.raises(RuntimeError, match="somebody"), compressed(model, broken, 5):
        model(**prompt(family))
    assert state(model) == before


def test_somebodys_own_forward_is_put_back():
    model = tiny("internvl")
    own = model.forward
    model.forward = lambda **given: own(**given)  # as accelerate does
    mine = model.forward
    with compressed(model, "token_merging", 5):
        assert model.forward is not mine
    assert model.forward is mine


def test_one_inside_another_is_refused():
    model = model_of("internvl")
    with compressed(model, "token_merging", 5):
        with pytest.raises(BadRecord, match="being compressed already"):
            with compressed(model, "adaptive_pool", 5):
                pass
        assert logits(model, prompt("internvl")).shape[1] == 29
    assert "forward" not in model.__dict__


def test_models_of_other_families_are_refused_with_the_names_of_ours():
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9
        )
    )
    with pytest.raises(BadModel, match="'llama' is not among .*qwen2_5_vl"), compressed(model):
        pass


def test_a_wrapped_model_is_refused_with_what_to_hand_over():
    model = model_of("internvl")

    class Wrapped:
        config, lm_head = model.config, model.lm_head

        def __init__(self):
            self.model = model

    model_without = Wrapped()
    with pytest.raises(BadModel, match="get_base_model"), compressed(model_without):
        pass


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("sightline.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"sightline\[lab\]"), compressed(model_of("internvl")):
        pass


def test_a_connector_that_must_be_trained_is_refused_with_those_that_need_not():
    with pytest.raises(BadRecord, match="'qformer' is not a connector .*token_merging"):
        with compressed(model_of("internvl"), "qformer", 5):
            pass


def test_pictures_that_the_prompt_has_no_places_for_are_refused():
    given = prompt("internvl")
    given["pixel_values"] = given["pixel_values"][:3]
    with compressed(model_of("internvl"), "token_merging", 5):
        with pytest.raises(BadRecord, match="places for 36 visual tokens, its pictures give 27"):
            logits(model_of("internvl"), given)


def test_a_prompt_without_pictures_passes_untouched():
    model, ids = model_of("internvl"), torch.tensor([words(9, 1)])
    plain = logits(model, {"input_ids": ids})
    with compressed(model, "token_merging", 5) as what:
        assert torch.equal(logits(model, {"input_ids": ids}), plain)
    assert what.calls == 0


def test_half_precision_is_gathered_in_full():
    model = tiny("internvl").to(torch.bfloat16)
    given = prompt("internvl")
    with compressed(model, "adaptive_pool", 5):
        out = logits(model, given)
    assert out.dtype == torch.bfloat16 and bool(out.isfinite().all())
