"""What is new in the choosing recipes, against slow second writings, and where their settings differ."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.data.storybook.dials import Dials  # noqa: E402
from sightline.keyframes import CHOOSERS  # noqa: E402
from sightline.keyframes.merging import soft_targets  # noqa: E402
from sightline.recipes import gcg, gcg_paper, gcg_released, imbalanced, merged, sevila, starting_lm, vila  # noqa: E402
from sightline.recipes.questions_seen import World  # noqa: E402
from sightline.recipes.system_run import built, recipe_named  # noqa: E402
from sightline.training.batches import Batches  # noqa: E402
from sightline.training.choosing import TOGETHER, best_place, by_rule, highest, middles, relevance  # noqa: E402
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
        given = imbalanced._given(learn, row)
        assert np.allclose(given.scores["question"], ours[b].numpy(), atol=2e-3)
        assert given.lit.tolist() == batch.evidence[b].tolist()


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


def test_the_best_place_of_a_frame_is_what_its_relevance_measures(batch):
    scores, place = relevance(batch.seen, batch.statement), best_place(batch.seen, batch.statement)
    for b in range(5):
        text = batch.statement[b] / batch.statement[b].norm()
        for t in range(batch.seen.mask.shape[1]):
            shown = [*batch.seen.tokens[b, t], batch.seen.vectors[b, t]]
            assert float(place[b, t] @ text) == pytest.approx(float(scores[b, t]), abs=1e-4)
            assert max(float(one @ place[b, t] / one.norm()) for one in shown) == pytest.approx(1.0, abs=1e-4)


def test_gcg_begins_by_pointing_at_the_mean_time_of_what_is_like_the_question(mini, batch):
    start, _, _ = mini
    model = built(gcg, start, 0, True).eval()
    centres = model.pick(batch).extras["centres"]
    alike = relevance(batch.seen, batch.words.vector)
    for b in range(5):
        weight = np.exp(gcg.SHARP * alike[b].double().numpy())
        expected = float((weight / weight.sum()) @ (np.arange(12) / 11))
        assert np.allclose(centres[b].detach().numpy(), expected, atol=1e-3)


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


@pytest.fixture
def padded():
    """Scores, vectors and mask of 13 videos of 23 frames, 7 to 23 of them valid; some frames are copies of others."""
    rng = np.random.default_rng(5)
    scores, vectors = rng.random((13, 23)), rng.standard_normal((13, 23, 11))
    for row in range(0, 13, 2):  # every other video stands still for stretches
        same = np.sort(rng.integers(0, 23, 23))
        scores[row], vectors[row] = scores[row, same], vectors[row, same]
    valid = rng.permuted(np.arange(23) < np.linspace(7, 23, 13, dtype=int)[:, None], axis=1)
    return (torch.from_numpy(array) for array in (scores.astype(np.float32), vectors.astype(np.float32), valid))


@pytest.mark.parametrize("k", [1, 2, 4, 7])
@pytest.mark.parametrize("rule", sorted(TOGETHER))
def test_a_rule_for_a_whole_batch_chooses_what_it_chooses_for_each_video(padded, rule, k):
    scores, vectors, mask = padded
    together = by_rule(rule, scores, k, mask, vectors).index
    for b in range(len(mask)):
        one = CHOOSERS[rule](scores[b].numpy(), k, mask=mask[b].numpy(), vectors=vectors[b].numpy())
        assert together[b].tolist() == one.index[0].tolist(), (rule, k, b)


def test_merging_softly_is_what_soft_targets_are_for_each_video(batch):
    scores = relevance(batch.seen, batch.words.vector)
    soft = merged.softly_merged(batch, scores, 4)
    for b in range(5):
        one = soft_targets(scores[b].numpy(), 4, temperature=merged.TEMPERATURE, vectors=batch.seen.vectors[b].numpy())
        assert np.allclose(soft.weight[b].numpy(), one.weight[0], atol=1e-5)
        assert soft.index[b].tolist() == one.index[0].tolist()


@pytest.mark.parametrize(
    ("name", "rule"), [("similar", "similarity"), ("merged", "merged-by-features"), ("steepest", "steepest")]
)
def test_a_system_that_is_a_rule_chooses_as_the_rule_does(mini, batch, name, rule):
    start, _, _ = mini
    chosen = built(recipe_named(name), start, 0, True).eval().pick(batch).index
    scores = relevance(batch.seen, batch.words.vector)
    for b in range(5):
        one = CHOOSERS[rule](scores[b].numpy(), start.choose, vectors=batch.seen.vectors[b].numpy())
        assert chosen[b].tolist() == one.index[0].tolist()


def test_a_rule_that_no_system_learns_with_is_asked_video_by_video(padded):
    scores, vectors, mask = padded
    index = by_rule("dpp", scores, 3, mask, vectors).index
    assert index[4].tolist() == CHOOSERS["dpp"](scores[4], 3, mask=mask[4], vectors=vectors[4]).index[0].tolist()


def made_up_finds():
    """Four rules that read the question of 3 videos, 2 questions each."""
    asked = ["a", "a", "b", "b", "c", "c"]
    hits = {"dpp": [1, 1, 1, 1, 1, 0], "uniform": [0, 0, 0, 0, 0, 1], "similarity": [1, 1, 1, 1, 1, 1]}
    return [
        imbalanced.Found(
            rule, "question", 4, float(np.mean(row)), 0.1, 0.2, 0.1, 6, 3, [bool(hit) for hit in row], asked
        )
        for rule, row in hits.items()
    ]


def test_an_error_counts_videos_and_not_their_questions():
    values, videos = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0]), ["a", "a", "b", "b", "c", "c"]
    mean, error = imbalanced.mean_and_error(values, videos)
    by_video = [1.0, 0.0, 1.0]  # equal numbers of questions: the textbook error of the three means
    assert mean == pytest.approx(2 / 3) and error == pytest.approx(np.std(by_video, ddof=1) / np.sqrt(3))


def test_the_default_is_compared_with_every_other_way_question_by_question():
    system = imbalanced.Learned("gcg-released", 4, {"mean": 0.5, "sd": 0.2}, {"mean": 0.3, "sd": 0.0})
    told = imbalanced.leads(made_up_finds(), [system])
    assert set(told) == {"uniform", "similarity", "gcg-released (trained)"}
    assert told["uniform"].by == pytest.approx(4 / 6) and told["similarity"].by == pytest.approx(-1 / 6)
    trained = told["gcg-released (trained)"]
    assert trained.by == pytest.approx(5 / 6 - 0.5)
    assert trained.error == pytest.approx(np.sqrt(0.1**2 + 0.25 / 3 + 0.04 / 4))
    assert trained.clear == 0 and imbalanced.Lead(0.4, 0.1).clear == 1 and imbalanced.Lead(-0.4, 0.1).clear == -1


def test_the_page_of_short_answers_holds_rules_and_trained_systems(mini, monkeypatch, tmp_path, capsys):
    from sightline.cli.main import main

    start, _, _ = mini
    dials = Dials(seconds=22.0, scenes=3, things=(2, 3), evidence=1.0)
    worlds = [World(2, 22, each=4, split=split, kinds=("what",), dials=dials) for split in ("train", "test")]
    size = replace(start.size, learn=worlds[0], exam=worlds[1], steps=2, start_from="mini")
    monkeypatch.setitem(starting_lm.SIZES, "imbalanced", size)
    page = tmp_path / "imbalanced.md"
    assert main(["systems", "gcg", "--imbalanced", "--seeds", "0", "--write", str(page)]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text()
    assert f"`sightline systems gcg --imbalanced --seeds 0 --write {page}`" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any(row.startswith("| **dpp**, the default |") for row in rows)
    assert any(row.startswith("| gcg (trained) |") for row in rows) and "uniform-linear" not in text
    assert main(["systems", "--imbalanced", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["rule"] for row in told["rules"]} == set(imbalanced.rules()) and told["learned"] == []
