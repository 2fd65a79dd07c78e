"""What is new in each system that connects: gates, masks, captions, tables, written a second time by hand."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from made_up_batch import made_up_batch, made_up_start, with_mask, with_tokens  # noqa: E402

from sightline.language.tiny_lm import option_verdicts  # noqa: E402
from sightline.recipes import (  # noqa: E402
    blip2_stage1,
    blip2_stage2,
    flamingo,
    instructblip,
    llama_adapter,
    ovis,
    valley,
    valley_v2,
    valley_v3,
    video_chatgpt,
    video_llava,
)
from sightline.records import Prefix  # noqa: E402
from sightline.training import policy  # noqa: E402


def blind_scores(model, batch):
    """What the language model says when it sees nothing."""
    scores = option_verdicts(model.lm, (batch.words.ids, batch.words.mask), batch.options)
    return scores.masked_fill(~batch.real, -torch.inf)


def opened(model, value=0.7):
    """A model whose gates have learned to open."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gate") or name.startswith("gates."):
                parameter.fill_(value)
    return model.eval()


@pytest.mark.parametrize("recipe", [flamingo, llama_adapter])
def test_shut_gates_leave_the_language_model_as_it_was(recipe):
    batch, model = made_up_batch(), recipe.build(made_up_start()).eval()
    assert torch.equal(model(batch)[0], blind_scores(model, batch))


@pytest.mark.parametrize("recipe", [flamingo, llama_adapter])
def test_opened_gates_let_the_video_change_the_answer(recipe):
    batch, model = made_up_batch(), opened(recipe.build(made_up_start()))
    other = with_tokens(batch, batch.seen.tokens.flip(0))
    assert not torch.allclose(model(batch)[0][batch.real], blind_scores(model, batch)[batch.real])
    assert not torch.allclose(model(batch)[0][batch.real], model(other)[0][batch.real])


@pytest.mark.parametrize("recipe", [flamingo, llama_adapter])
def test_nothing_of_a_video_stays_in_the_language_model(recipe):
    batch, model = made_up_batch(), opened(recipe.build(made_up_start()))
    before = blind_scores(model, batch)
    model(batch)
    assert torch.equal(blind_scores(model, batch), before)


def looked_by(model, batch, media, begins):
    """What the first gated block was given, at the text and at the options: (words, media, allowed) each."""
    given = []
    handle = model.gated[0].register_forward_hook(lambda _part, inputs, _made: given.append(inputs))
    model.scores_of_text(batch, (batch.words.ids, batch.words.mask), media, begins)
    handle.remove()
    return given


def test_flamingo_words_see_only_the_latest_video_before_them():
    batch, model = made_up_batch(), opened(flamingo.build(made_up_start()))
    shown = model.see(batch).prefix
    begins = torch.zeros_like(batch.words.mask)
    begins[:, 1] = begins[:, 4] = True
    (_, _, allowed), _ = looked_by(model, batch, [shown, shown], begins)  # [B, 7, 24]
    assert not bool(allowed[:, 0].any())
    assert bool(allowed[:, 1:4, :12].all()) and not bool(allowed[:, 1:4, 12:].any())
    assert bool(allowed[:, 4:, 12:].all()) and not bool(allowed[:, 4:, :12].any())


def test_flamingo_options_go_on_seeing_what_the_text_saw_last():
    batch, model = made_up_batch(), opened(flamingo.build(made_up_start()))
    shown = model.see(batch).prefix
    changed = Prefix(torch.randn_like(shown.embeddings), shown.mask, shown.span)
    begins = torch.zeros_like(batch.words.mask)
    begins[:, 0] = begins[:, 1] = True  # the first video is over after one word
    _, (words, media, allowed) = looked_by(model, batch, [changed, shown], begins)
    assert len(words) == 20 and not bool(allowed[:, :, :12].any()) and bool(allowed[:, :, 12:].all())
    assert torch.equal(media[4:8], torch.cat([changed.embeddings, shown.embeddings], dim=1)[1].expand(4, -1, -1))


def test_llama_adapter_has_two_softmaxes_side_by_side():
    batch, model = made_up_batch(), opened(llama_adapter.build(made_up_start()), value=0.4)
    caught = {}
    inner = model.lm.layers[1].attend.inner

    def catch(_part, given, made):
        caught.setdefault("first", (given[0], made))  # the text is read before the options

    handle = inner.register_forward_hook(catch)
    model(batch)
    handle.remove()
    words, made = caught["first"]
    heard = model.see(batch).prefix.embeddings
    prompts = model.lm.layers[1].attend.norm(model.prompts[1] + heard)[2]
    plain = causal_by_hand(inner, words[2], batch.words.mask[2])
    beside = attention_by_hand(inner, words[2], prompts)
    by_hand = plain + torch.tanh(torch.tensor(0.4)) * beside @ inner.out.weight.T
    assert torch.allclose(made[2][batch.words.mask[2]], by_hand[batch.words.mask[2]], atol=1e-5)


def attention_by_hand(inner, words, context, sees=None):
    """Head by head, before the last layer. [L, W]"""
    heads = []
    for q, k, v in zip(
        inner.query(words).chunk(4, dim=-1),
        inner.key(context).chunk(4, dim=-1),
        inner.value(context).chunk(4, dim=-1),
        strict=True,
    ):
        likeness = q @ k.T / q.shape[-1] ** 0.5
        likeness = likeness if sees is None else likeness.masked_fill(~sees, -torch.inf)
        heads.append(likeness.softmax(dim=-1) @ v)
    return torch.cat(heads, dim=-1)


def causal_by_hand(inner, words, valid):
    length = len(words)
    sees = torch.ones(length, length, dtype=torch.bool).tril() & (valid | torch.eye(length, dtype=torch.bool))
    return inner.out(attention_by_hand(inner, words, words, sees))


def test_a_query_that_hears_the_question_begins_by_finding_it():
    start, batch = made_up_start(), made_up_batch()
    tokens = batch.seen.tokens.clone()
    tokens[:, 6, 17] = 1.5 * batch.words.vector  # the thing that was asked for, at one place of frame 6
    batch = with_tokens(batch, tokens)
    hearing = instructblip.build(start).eval()
    deaf = instructblip.build(start, idea=False).eval()

    def toward(model, heard):
        said = model.queries(batch.seen, batch.words.vector if heard else None)[:, 6, 0]
        plain = tokens[:, 6].mean(dim=1)
        return F.cosine_similarity(said, tokens[:, 6, 17]).mean() - F.cosine_similarity(plain, tokens[:, 6, 17]).mean()

    assert toward(hearing, True).item() > 0.2 + toward(deaf, False).item()


def test_blip2_captions_are_the_question_with_its_answer_without_a_gap():
    batch = made_up_batch()
    said = blip2_stage1.right_ones(batch)
    for row in range(5):
        own, right = batch.words.mask[row], batch.answer[row]
        expected = torch.cat([batch.words.ids[row][own], batch.options[0][row, right][batch.options[1][row, right]]])
        assert torch.equal(said.ids[row][said.mask[row]], expected)
        assert not bool((~said.mask[row][: len(expected)]).any())


def test_blip2_texts_do_not_hear_the_picture_in_contrast_and_queries_no_text_in_generation():
    batch, model = made_up_batch(), blip2_stage1.build(made_up_start()).eval()
    said = blip2_stage1.right_ones(batch)
    one, other = (model.norm_seen(batch.seen.tokens[:, frame]) for frame in (2, 9))
    text = model.text(said)
    assert torch.allclose(
        model.qformer(one, None, text, said.mask, "itc")[1], model.qformer(other, None, text, said.mask, "itc")[1]
    )
    assert torch.allclose(model.qformer(one)[0], model.qformer(one, None, text, said.mask, "itg")[0], atol=1e-5)


def test_blip2_generation_begins_without_the_vector_that_holds_the_answer():
    batch, model = made_up_batch(), blip2_stage1.build(made_up_start()).eval()
    said = blip2_stage1.right_ones(batch)
    other = said._replace(vector=said.vector.roll(1, dims=0))
    assert torch.equal(model.text(said, marked=True), model.text(other, marked=True))
    assert not torch.equal(model.text(said), model.text(other))


def test_blip2_answers_by_the_likest_frame():
    batch, model = made_up_batch(), blip2_stage1.build(made_up_start()).eval()
    scores, _ = model(batch)
    said = blip2_stage1.captions(batch)
    meant = F.normalize(model.meant(said), dim=-1)[2 * 4 + 1]  # question 2, option 1
    likest = max(
        float(F.normalize(model.share_seen(query), dim=-1) @ meant)
        for frame in batch.seen.tokens[2]
        for query in model.queries(frame[None])[0]
    )
    assert float(scores[2, 1].detach()) == pytest.approx(likest / 0.07, abs=1e-3)


def test_blip2_keeps_the_language_model_frozen_in_both_stages():
    batch, model = made_up_batch(), blip2_stage2.build(made_up_start())
    for _, _, rules, losses in blip2_stage2.STAGES:
        policy.applied(model, rules)
        losses(model, batch)["loss"].backward()
        assert all(parameter.grad is None for parameter in model.lm.parameters())


def test_video_llava_turns_stills_alone_and_only_in_its_ablation():
    batch = made_up_batch()
    mask = batch.seen.mask.clone()
    mask[1:3] = False
    mask[1:3, 4] = True
    seen = with_mask(batch, mask).seen
    apart, together = (video_llava.build(made_up_start(), idea=idea) for idea in (False, True))
    assert torch.equal(together.encoded(seen).tokens, seen.tokens)
    turned = apart.encoded(seen).tokens
    changed = (turned != seen.tokens).flatten(1).any(dim=1)
    assert changed.tolist() == [False, True, True, False, False]
    assert torch.allclose(turned[1].norm(dim=-1), seen.tokens[1].norm(dim=-1), atol=1e-5)


def test_video_llava_takes_the_middles_of_equal_segments_of_valid_frames():
    mask = torch.ones(3, 12, dtype=torch.bool)
    mask[1, 6:] = False
    mask[2, :] = torch.arange(12) == 7
    found = [row.nonzero()[:, 0].tolist() for row in video_llava.spread(mask, 3)]
    assert found == [[2, 6, 10], [1, 3, 5], [7]]


def test_video_chatgpt_shows_places_over_time_then_frames_over_space():
    start = made_up_start(frames=5, tokens=33)
    batch = made_up_batch(frames=5)
    shown = video_chatgpt.build(start).eval().see(batch).prefix.embeddings
    tokens = batch.seen.tokens
    both = torch.cat([tokens.mean(dim=1), tokens.mean(dim=2)], dim=1)
    assert torch.allclose(shown, start.project(both), atol=1e-5)


@pytest.mark.parametrize("recipe", [valley_v2, valley_v3])
def test_valley_begins_as_its_first_way(recipe):
    start, batch = made_up_start(), made_up_batch()
    first, own = (module.build(start).eval().see(batch).prefix for module in (valley, recipe))
    assert torch.allclose(first.embeddings, own.embeddings, atol=0.005)


def test_valley_shows_places_over_all_time_then_single_frames():
    start, batch = made_up_start(frames=6, tokens=34), made_up_batch(frames=6)
    shown = valley.build(start).eval().see(batch).prefix
    runs = [batch.seen.tokens[2, :, k * 28 // 17 : -(-(k + 1) * 28 // 17)].mean(dim=(0, 1)) for k in range(17)]
    assert torch.allclose(shown.embeddings[2, :17], start.project(torch.stack(runs)), atol=1e-5)
    assert torch.allclose(shown.embeddings[2, 17:], start.project(batch.seen.vectors[2]), atol=1e-5)
    assert shown.span[2, 0].tolist() == [0.0, 6.25] and shown.span[2, 18].tolist() == [1.25, 1.25]


def test_ovis_begins_by_saying_words_of_the_language_model():
    start, batch = made_up_start(tokens=16), made_up_batch()
    with torch.no_grad():
        start.lm.words.weight.copy_(torch.randn(101, 20))
    model = ovis.build(start).eval()
    picture = batch.seen.tokens[2, 5].unflatten(0, (4, 7))[None]
    said = model.connect.words_of(picture)[0]  # [8, 101]
    assert torch.allclose(said.sum(dim=1), torch.ones(8), atol=1e-5)
    square = picture[0, :2, :2].flatten(0, 1).sum(dim=0)
    likeness = torch.stack([(start.project.weight @ square) @ word for word in start.lm.words.weight])
    assert int(said[0].argmax()) == int(likeness.argmax())


def test_ovis_shows_mixtures_of_rows_of_its_table():
    start, batch = made_up_start(tokens=16), made_up_batch()
    model = ovis.build(start).eval()
    chosen = model.see(batch)
    frames = batch.seen.tokens[2, chosen.choice.index[2]].unflatten(1, (4, 7))
    by_hand = model.connect.words_of(frames).flatten(0, 1) @ model.connect.table
    assert torch.allclose(chosen.prefix.embeddings[2], by_hand, atol=1e-5)


def test_a_video_is_heard_again_by_what_was_seen_of_it(mini):
    from sightline.data.storybook.script import random_script
    from sightline.recipes.sounds_heard import heard, sound_of
    from sightline.training.batches import Batches

    start, _, exam = mini
    worlds = (start.size.learn, start.size.exam)
    seen = Batches(exam, start.tokenizer).batch([0, len(exam.questions) - 1]).seen
    world = start.size.exam
    last = random_script(world.seed * 1_000_003 + world.videos - 1, world.dials, world.split)
    sound = sound_of(seen, worlds)
    assert torch.allclose(sound.tokens[1, :, 0], torch.from_numpy(heard(last)[0]), atol=1e-5)
    assert float((sound.tokens[0] - sound.tokens[1]).abs().mean()) > 0.01
    unknown = replace(seen, vectors=seen.vectors + 1.0)
    assert not bool(sound_of(unknown, worlds).tokens.any())


def test_a_piece_of_sound_says_which_bands_were_loud():
    from sightline.data.storybook.script import random_script
    from sightline.data.storybook.sound import RATE, samples
    from sightline.encoders.audio import log_mel
    from sightline.recipes.sounds_heard import BANDS, heard

    script = random_script(5)
    bands, seconds = heard(script)
    begin = round((float(seconds[3]) - 1.0) * (RATE // 3))
    piece = log_mel(samples(script)[::3][begin : begin + 2 * (RATE // 3)], RATE // 3, BANDS)
    assert bands.shape == (8, 2 * BANDS) and float(seconds[0]) == pytest.approx(1.0, abs=1e-3)
    assert float(abs(bands[3, :BANDS] - piece.mean(axis=1)).max()) < 0.05
    assert float(abs(bands[3, BANDS:] - piece.max(axis=1)).max()) < 0.2


def test_a_question_with_fewer_options_has_no_likelihood_for_the_others():
    batch = made_up_batch()
    for recipe in (blip2_stage1, flamingo, llama_adapter):
        scores, _ = recipe.build(made_up_start()).eval()(replace(batch))
        assert torch.isinf(scores[3, 2:]).all() and torch.isfinite(scores[3, :2]).all()
