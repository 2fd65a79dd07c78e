"""What is new in each system that compresses: its weights, its copies, its stages, written a second time by hand."""

import pytest

torch = pytest.importorskip("torch")

from made_up_batch import D, made_up_batch, made_up_start, with_mask, with_tokens  # noqa: E402

from sightline.recipes import (  # noqa: E402
    llama_vid,
    ppllava,
    ppllava_dpo,
    ppllava_long,
    ppllava_mixed,
    ppllava_released,
    pvc,
)
from sightline.training import policy  # noqa: E402


def cosine(left, right):
    return float(left @ right / (left.norm() * right.norm()))


def apart(shown, reference):
    """How far each token is from that of another system. [B, M]"""
    return (shown.prefix.embeddings - reference.prefix.embeddings).detach().norm(dim=2)


def test_ppllava_weighs_what_is_in_a_box_by_its_likeness_with_the_question():
    start, batch = made_up_start(), made_up_batch()
    shown = ppllava.build(start).eval().see(batch)
    assert shown.prefix.mask.shape == (5, 8)  # 12 tokens hold one stretch of time of 2 x 4 squares
    pictures, asked = batch.seen.tokens[2].unflatten(1, (4, 7)), batch.words.vector[2]
    box = pictures[:, 2:4, 1:3].flatten(0, 2)  # the sixth: lower row of squares, second column
    weights = torch.tensor([16.0 * cosine(token - token.mean(), asked) for token in box]).exp()
    by_hand = sum(weight * token for weight, token in zip(weights / weights.sum(), box, strict=True))
    assert torch.allclose(shown.prefix.embeddings[2, 5], start.project(by_hand), atol=1e-4)


def test_ppllava_has_as_many_stretches_of_time_as_the_budget_leaves():
    for tokens, stretches in ((7, 1), (8, 1), (32, 4), (64, 8)):
        assert ppllava.boxes_of(made_up_start(frames=32, tokens=tokens)) == (stretches, 2, 4)


def test_as_released_most_boxes_are_plain_means_and_the_local_softmax_weighs_all():
    start, batch = made_up_start(), made_up_batch()
    plain = ppllava.build(start, idea=False).eval().see(batch)
    released = apart(ppllava_released.build(start).eval().see(batch), plain)
    local = apart(ppllava.build(start).eval().see(batch), plain)
    assert float(released.median()) < 0.2 * float(local.median())


def test_the_answer_guides_as_released_in_training_and_never_when_reading():
    batch = made_up_batch()
    released, local = ppllava_released.build(made_up_start()), ppllava.build(made_up_start())
    both = torch.nn.functional.normalize(batch.words.vector + batch.answer_vector, dim=-1)
    assert torch.equal(released.train().guide(batch), both)
    assert torch.equal(released.eval().guide(batch), batch.words.vector)
    assert torch.equal(local.train().guide(batch), batch.words.vector)


def test_mixed_batches_hold_stills_several_pictures_and_videos_each_with_evidence():
    batch = made_up_batch(batch=5)
    counts = set()
    for seed in range(8):
        torch.manual_seed(seed)
        mixed = ppllava_mixed.interleaved(batch, several=3)
        counts |= set(mixed.seen.mask.sum(dim=1).tolist())
        assert bool((mixed.seen.mask & batch.evidence).any(dim=1).all())
    assert counts == {1, 3, 12}


def test_a_still_fills_one_stretch_of_boxes():
    start, batch = made_up_start(tokens=24), made_up_batch()
    still = torch.zeros_like(batch.seen.mask)
    still[:, 4] = True
    assert ppllava.build(start).eval().see(with_mask(batch, still)).prefix.mask.sum(dim=1).tolist() == [8] * 5


def test_dpo_begins_at_ln_2_and_moves_the_language_model_alone():
    start, batch = made_up_start(), made_up_batch()
    model = ppllava_dpo.build(start)
    policy.applied(model, ppllava_dpo.PREFER)
    terms = ppllava_dpo.losses(model, batch)
    assert float(terms["preference"].detach()) == pytest.approx(0.6931, abs=1e-4)
    terms["loss"].backward()
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and bool(p.grad.any())}
    assert moved == {"lm"}


def test_dpo_measures_from_where_its_stage_began():
    start, batch = made_up_start(), made_up_batch()
    model = ppllava_dpo.build(start)
    with torch.no_grad():
        torch.nn.init.normal_(model.lm.words.weight)  # the first stage has learned something
    ppllava_dpo.losses(model, batch)
    before = model.before.words.weight.clone()
    with torch.no_grad():
        torch.nn.init.normal_(model.lm.words.weight)
    assert float(ppllava_dpo.losses(model, batch)["preference"].detach()) != pytest.approx(0.6931, abs=1e-4)
    assert torch.equal(model.before.words.weight, before)


def test_a_long_prompt_is_the_question_and_then_every_real_option():
    batch = made_up_batch()
    words = ppllava_long.options_in_prompt(batch).words
    for row in range(5):
        own = [batch.words.ids[row][batch.words.mask[row]]]
        ids, mask = (part[row] for part in batch.options)
        options = [ids[k][mask[k]] for k in range(4) if bool(batch.real[row, k])]
        assert torch.equal(words.ids[row][words.mask[row]], torch.cat(own + options))


def test_the_stretched_table_keeps_the_words_and_its_first_places():
    start = made_up_start()
    model = ppllava_long.build(start)
    assert torch.equal(model.lm.words.weight, start.lm.words.weight)
    assert torch.equal(model.lm.positions.weight[:20], start.lm.positions.weight[:20])
    learns = {name for name, p in model.lm.named_parameters() if p.requires_grad and "positions" in name}
    assert learns == {"positions.tail"}


def opened_pvc(start):
    """PVC after its look back has learned to say something."""
    model = pvc.build(start).eval()
    with torch.no_grad():
        model.look_back.layer_scale.fill_(0.5)
    return model


def test_pvc_later_frames_never_change_earlier_tokens():
    model, batch = opened_pvc(made_up_start(frames=12, tokens=12)), made_up_batch()
    tokens = batch.seen.tokens.clone()
    tokens[:, 10:] = torch.randn(5, 2, 28, D)
    before, after = model.see(batch).prefix, model.see(with_tokens(batch, tokens)).prefix
    early = before.span[0, :, 1] < 12.5
    assert 0 < int(early.sum()) < 12
    assert torch.equal(before.embeddings[:, early], after.embeddings[:, early])
    assert not torch.allclose(before.embeddings[:, ~early], after.embeddings[:, ~early])


def stills_of(batch):
    mask = torch.zeros_like(batch.seen.mask)
    mask[:, 5] = True
    return with_mask(batch, mask)


def test_pvc_shows_a_still_as_four_copies_a_second_apart():
    batch = made_up_batch()
    seen = pvc.standardised(stills_of(batch).seen, every=2)
    assert seen.mask.sum(dim=1).tolist() == [4] * 5
    assert torch.allclose(seen.seconds[0, :4], 6.25 + torch.arange(4.0))
    for copy in range(4):
        assert torch.equal(seen.tokens[:, copy], batch.seen.tokens[:, 5])


def test_pvc_copies_say_new_things_only_with_its_idea():
    start, batch = made_up_start(tokens=28), stills_of(made_up_batch())
    for idea, differ in ((True, True), (False, False)):
        model = opened_pvc(start) if idea else pvc.build(start, idea=False).eval()
        if idea:
            torch.nn.init.normal_(model.look_back.norm.scale[-1].weight, std=0.1)  # the scale hears the time
        said = model.see(batch).prefix
        first, last = said.embeddings[:, :2], said.embeddings[:, 6:8]
        assert said.mask.sum(dim=1).tolist() == [8] * 5
        assert torch.allclose(first, last, atol=1e-5) is not differ


def test_pvc_begins_as_the_starts_layer_on_the_mean_of_a_square():
    start = made_up_start()
    rows = torch.randn(3, 16, D)
    folded = pvc.mean_of_squares(start.project)(rows.flatten(1) * D**0.5)
    assert torch.allclose(folded, start.project(rows.mean(dim=1)), atol=1e-5)


def test_pvc_stages_have_their_shares_of_stills():
    assert [stage[3].keywords["stills"] for stage in pvc.STAGES] == [0.5, 0.75]


def test_llama_vid_context_is_the_mean_over_words_of_what_each_looks_at():
    start, batch = made_up_start(frames=5, tokens=10), made_up_batch(frames=5)
    model = llama_vid.build(start).eval()
    connect, frame = model.connect, batch.seen.tokens[2, 3]
    found = []
    for word, valid in zip(model.lm.words(batch.words.ids[2]), batch.words.mask[2], strict=True):
        if valid:
            looks = torch.stack([connect.key(token) @ connect.ask(word) for token in frame]) / D**0.5
            found.append(sum(weight * token for weight, token in zip(looks.softmax(dim=0), frame, strict=True)))
    context = start.project(sum(found) / len(found))
    shown = model.see(batch).prefix.embeddings[2]
    assert torch.allclose(shown[6], context, atol=1e-4)
    assert torch.allclose(shown[7], start.project(frame.mean(dim=0)), atol=1e-5)


def test_words_read_back_are_those_that_the_start_reads():
    from sightline.recipes.first_looks import read_words

    start = made_up_start()
    word = torch.randn(20)
    assert torch.allclose(read_words(start)(word), start.project.weight.T @ word, atol=1e-6)
