"""What is new in the choosing recipes, against slow second writings, and where their settings differ."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.recipes import gcg, gcg_paper, gcg_released, imbalanced, merged, sevila, vila  # noqa: E402
from sightline.recipes.system_run import built, recipe_named  # noqa: E402
from sightline.training.batches import Batches  # noqa: E402
from sightline.training.choosing import by_rule, highest, middles, relevance  # noqa: E402
from sightline.training.system import frames_of  # noqa: E402


@pytest.fixture
def batch(mini):
    start, learn, _ = mini
    return next(Batches(learn, start.tokenizer).forever(5, 1))


def test_relevance_is_the_best_cosine_of_place_or_picture_written_as_loops(batch):
    scores = relevance(batch.seen, batch.statement)
    for b in range(5):
        text = batch.statement[b] / batch.statement[b].norm()
        for t in range(batch.seen.mask.shape[1]):
            cosines = [float(token @ text / token.norm()) for token in batch.seen.tokens[b, t]]
            best = max(*cosines, float(batch.seen.vectors[b, t] @ text))
            assert float(scores[b, t]) == pytest.approx(best, abs=1e-4)


def test_the_study_scores_frames_as_the_systems_do(mini, batch):
    _, learn, _ = mini
    ours = relevance(batch.seen, batch.words.vector)
    for b, row in enumerate(batch.rows):
        theirs, _, lit = imbalanced._given(learn, row)
        assert np.allclose(theirs["question"], ours[b].numpy(), atol=2e-3)
        assert lit.tolist() == batch.evidence[b].tolist()


def test_middles_and_highest_choose_exactly_k_in_order(batch):
    scores = relevance(batch.seen, batch.words.vector)
    assert middles(batch.seen.mask, 3).index.tolist() == [[2, 6, 10]] * 5
    index = highest(scores, 3, batch.seen.mask).index
    for b in range(5):
        assert index[b].tolist() == sorted(np.argsort(-scores[b].numpy(), kind="stable")[:3].tolist())


def test_a_hard_choice_hands_on_the_frames_themselves(batch):
    choice = by_rule("uniform", torch.zeros(5, 12), 4, batch.seen.mask)
    few = frames_of(batch.seen, choice)
    assert torch.equal(few.tokens, batch.seen.tokens[:, choice.index[0]])
    assert torch.equal(few.seconds, batch.seen.seconds[:, choice.index[0]])


def test_best_segments_are_the_k_best_of_three_times_as_many():
    vectors = np.repeat(np.eye(6), 4, axis=0)  # six scenes of four frames
    scores = np.repeat([0.3, 0.9, 0.1, 0.8, 0.2, 0.7], 4) + np.tile([0, 0.01, 0, 0], 6)
    assert imbalanced.best_segments(scores, 2, vectors).tolist() == [5, 13]  # two scenes, where top-2 is one


@pytest.mark.parametrize(("recipe", "text"), [(gcg_paper, "statement"), (gcg_released, "answer_vector")])
def test_the_labels_of_paper_and_code_are_the_top_k_of_their_own_text(mini, batch, recipe, text):
    settings = getattr(recipe, "PAPER", None) or recipe.RELEASED
    found = gcg.labels(batch, settings, 3)
    for b in range(5):
        cosines = batch.seen.vectors[b] @ getattr(batch, text)[b]
        assert found[b].tolist() == sorted(np.argsort(-cosines.numpy(), kind="stable")[:3].tolist())


def test_gcgs_loss_is_the_weighted_sum_of_its_terms(mini, batch):
    start, _, _ = mini
    for name in ("gcg", "gcg-paper", "gcg-released"):
        recipe = recipe_named(name)
        model = built(recipe, start, 0, True)
        terms, weights = recipe.losses(model, batch), model.settings
        summed = terms["options"] + terms["words"]
        summed = summed + weights.regression * terms["regression"] + weights.contrast * terms["contrast"]
        assert terms["loss"].item() == pytest.approx(summed.item(), rel=1e-5)


def test_a_soft_merged_choice_is_a_mean_within_each_segment(batch):
    scores = relevance(batch.seen, batch.words.vector)
    soft = merged.softly_merged(batch, scores, 3)
    sums = soft.weight.sum(dim=2)
    assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5)
    assert int((soft.weight > 0).sum(dim=1).max()) == 1  # segments do not share frames
    sharp = merged.softly_merged(batch, scores, 3, temperature=1e-6)
    best = [scores.gather(1, index) for index in (sharp.weight.argmax(dim=2), soft.index)]
    assert torch.equal(*best)  # of equal frames either may be sent


def test_vilas_teacher_does_not_learn_and_its_temperature_falls(mini, batch):
    start, _, _ = mini
    model = built(vila, start, 0, True).train()
    vila.losses(model, batch)["loss"].backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    assert any(p.grad is not None and bool(p.grad.any()) for p in model.prompter.parameters())
    heat = []
    for _ in range(start.size.steps + 2):
        model.pick(batch)
        heat.append(model.prompter.temperature)
    assert heat == sorted(heat, reverse=True) and heat[-1] == pytest.approx(vila.COOLEST)


def test_sevilas_labels_are_the_answerers_own_answers(mini, batch):
    start, _, _ = mini
    model = built(sevila, start, 0, True).eval()
    torch.manual_seed(2)
    index, right = model.tried(batch)
    assert index.shape == right.shape == (5, sevila.TRIED)
    for b in range(5):
        for place, label in zip(index[b].tolist(), right[b].tolist(), strict=True):
            one = torch.zeros(5, 1, dtype=torch.long)
            one[b] = place
            from sightline.training.system import hard

            shown = model.connect(frames_of(batch.seen, hard(one, torch.zeros(5, 12))))
            assert (int(model.scores(batch, shown)[b].argmax()) == int(batch.answer[b])) == label
