"""Every finding runs from drawn video to verdict, and what it measures with is what it says."""

from argparse import Namespace
from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.findings import (  # noqa: E402
    FINDINGS,
    chooser_sees,
    folded_stills,
    guided_pooling,
    longer_videos,
    one_budget,
    prompters,
    rare_evidence,
    repeated_stills,
)
from sightline.findings.seen import Case, Scale, answers, cases, videos_of  # noqa: E402
from sightline.recipes.questions_seen import GRID  # noqa: E402
from sightline.recipes.starting_lm import LONG, SIZES  # noqa: E402
from sightline.training.asked import Asked  # noqa: E402

MODULES = {name: import_module(f"sightline.findings.{file}") for name, file in FINDINGS.items()}


def made_up(frames=8, width=6, options=3, seed=0, **parts):
    """A case of random features."""
    dice = np.random.default_rng(seed)

    def rows(*shape):
        return dice.standard_normal((*shape, width)).astype(np.float32)

    asked = Asked("video", "what?", tuple("abc"[:options]), 1, ((0.0, 1.0),))
    lit = np.arange(frames) == 3
    own = {"asked": asked, "video": "v", "tokens": rows(frames, 28), "vectors": rows(frames), "lit": lit}
    own |= {"seconds": np.arange(frames, dtype=np.float32), "question": rows(), "options": rows(options)}
    return Case(**(own | parts))


LEARNS = ("chooser-sees", "repeated-stills")  # for seconds: run by `make slow`


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LEARNS)) for name in FINDINGS])
def test_a_finding_runs_and_claims_only_what_it_says_it_tests(mini, name):
    found = MODULES[name].run(mini)
    assert found.name == name and found.videos >= 4 and found.tables and found.plots
    assert found.questions >= 2 * mini.questions and all(claim.questions > 0 for claim in found.claims)
    assert {claim.hypothesis for claim in found.claims} <= set(found.tests)
    assert not set(found.tests) & set(found.untested)
    assert all(np.isfinite(claim.difference) and np.isfinite(claim.error) for claim in found.claims)


def test_every_hypothesis_of_the_notes_is_tested_or_said_not_to_be():
    told = {name for module in MODULES.values() for name in (*module.TESTS, *module.UNTESTED)}
    noted = {f"H-{letter}{k}" for letter, most in (("G", 8), ("V", 7), ("P", 11), ("C", 6)) for k in range(1, most + 1)}
    assert noted <= told


def test_the_exam_of_systems_is_not_looked_at(mini):
    asked = cases(mini, LONG, 4)
    exam = {f"{own.split}-{own.seed * 1_000_003 + k:06d}" for own in [SIZES["small"].exam] for k in range(own.videos)}
    assert {case.asked.video.split("-")[0] for case in asked} == {"val"} and Scale("small").split == "challenge"
    assert not exam & {f"challenge-{(100 + seed) * 1_000_003 + k:06d}" for seed in range(10) for k in range(1000)}


def test_three_seeds_of_the_small_size_ask_a_thousand_questions():
    assert 3 * Scale("small").questions >= 1000


def test_every_seed_asks_at_least_as_many_questions_as_the_scale_says_of_those_that_fit(mini):
    asked = cases(mini, LONG, 4, fit=lambda own: own.kind == "where")
    assert {case.asked.kind for case in asked} == {"where"}
    for seed in mini.seeds:
        own = [case for case in asked if case.video.startswith(f"{seed}/")]
        assert mini.questions <= len(own) < mini.questions + 16
    assert len(set(videos_of(asked))) > 2


def test_the_reader_answers_with_the_option_that_a_token_holds_beside_the_question():
    case = made_up()
    both = case.question / np.linalg.norm(case.question) + case.options[1] / np.linalg.norm(case.options[1])
    wrong = case.question / np.linalg.norm(case.question) + case.options[2] / np.linalg.norm(case.options[2])
    assert answers(case, np.stack([both, -both])) and not answers(case, np.stack([wrong, -both]))
    assert not answers(case, np.zeros((3, 6)))  # a tie is no answer


def test_pooled_tokens_are_means_of_boxes_counted_one_by_one():
    tokens = np.random.default_rng(2).standard_normal((3, 28, 5)).astype(np.float32)
    made = one_budget.pooled(tokens, (2, 2)).reshape(3, 2, 2, 5)
    grid = tokens.reshape(3, *GRID, 5)
    for r, rows in enumerate(((0, 1), (2, 3))):
        for c, columns in enumerate(((0, 1, 2, 3), (4, 5, 6))):
            slow = np.mean([grid[:, i, j] for i in rows for j in columns], axis=0)
            np.testing.assert_allclose(made[:, r, c], slow, rtol=1e-5)


@pytest.mark.parametrize("way", one_budget.WAYS)
def test_every_way_of_spending_keeps_to_the_budget(way):
    for frames in one_budget.GRIDS:
        spent = one_budget.spent(made_up(frames=32), way, frames)
        assert 0 < len(spent) <= one_budget.TOKENS and np.isfinite(spent).all()


def test_weights_of_every_pooling_add_up_to_one_in_each_box():
    case = made_up(frames=9)
    _, box, count = guided_pooling._boxes(case)
    ways = [guided_pooling.equal(case), guided_pooling.salience(case), guided_pooling.gated(case, 0.3)]
    ways += [guided_pooling.guided(case, **how) for how in guided_pooling.WEIGHTINGS.values()]
    for weight in ways:
        np.testing.assert_allclose(np.bincount(box.numpy(), weights=weight, minlength=count), 1.0, rtol=1e-5)
    assert np.allclose(guided_pooling.pooled(case, ways[0]).mean(axis=0), _mean_of_boxes(case), atol=1e-5)


def _mean_of_boxes(case):
    row, box, count = (part if isinstance(part, int) else part.numpy() for part in guided_pooling._boxes(case))
    flat = case.tokens.reshape(-1, 6)
    return np.mean([flat[row[box == k]].mean(axis=0) for k in range(count)], axis=0)


def test_a_flat_map_is_flat_and_a_sharp_one_is_not():
    same = made_up(tokens=np.ones((8, 28, 6), np.float32))
    assert guided_pooling.flatness(same, "question") == pytest.approx(1.0, abs=1e-4)
    assert guided_pooling.flatness(made_up(), "question") < 0.8


def test_the_best_choice_without_a_question_is_the_best_of_all_choices(monkeypatch):
    monkeypatch.setattr(chooser_sees, "FRAMES", 6)
    monkeypatch.setattr(chooser_sees, "K", 2)
    dice = np.random.default_rng(4)
    asked = [made_up(frames=6, lit=dice.random(6) < 0.3) for _ in range(5)]
    every = [(a, b) for a in range(3) for b in range(3, 6)]
    most = max(sum(bool(case.lit[[a, b]].any()) for case in asked) for a, b in every)
    assert chooser_sees.best_fixed(asked).sum() == most


def test_without_noise_every_reading_is_the_same_and_noise_changes_it():
    asked = [made_up(frames=32, seed=seed, lit=np.arange(32) % 8 == 3) for seed in range(40)]
    scores = [np.random.default_rng(2).random((40, 32))]
    quiet, loud = (chooser_sees.noisy_hits(scores, asked, loud) for loud in (0.0, 50.0))
    assert (quiet == quiet[0]).all() and (loud != loud[0]).any()


def test_the_middle_of_each_segment_is_chosen_where_nothing_else_is_known():
    assert prompters.each(chooser_sees._middles(1)).tolist() == [[4, 12, 20, 28]]


def lit_at(*frames):
    return np.isin(np.arange(32), frames)


def test_three_things_are_the_nearest_or_the_ones_farthest_from_one_another():
    asked = [made_up(frames=32, lit=lit_at(at)) for at in (0, 2, 5, 17, 31)]
    wide = {far: chooser_sees.covered(asked, far)[1].tolist() for far in (False, True)}
    assert wide[False] == [5.0, 5.0, 5.0, 26.0, 26.0]
    assert wide[True] == [31.0, 29.0, 26.0, 31.0, 31.0]


def test_what_is_covered_is_what_the_chosen_frames_show():
    asked = [made_up(frames=32, seed=k, lit=lit_at(at)) for k, at in enumerate((3, 11, 19))]
    for case, at in zip(asked, (3, 11, 19), strict=True):
        case.tokens[at] = case.question  # the frame that is like the question is the one that answers it
    _, _, by_each, by_best = chooser_sees.covered(asked, True)
    assert by_each.tolist() == [1.0] * 3 and by_best.tolist() == [1.0] * 3


@pytest.mark.parametrize("coolest", [None, 0.01])
def test_a_prompter_that_is_taught_hits_more_than_one_that_is_not(monkeypatch, coolest):
    """What is asked for stands in one frame of each segment, on one axis of many."""
    dice = np.random.default_rng(9)
    asked = []
    for seed in range(48):
        lit = np.zeros(32, bool)
        lit[np.arange(4) * 8 + dice.integers(8, size=4)] = True
        case = made_up(frames=32, seed=seed, lit=lit)
        case.tokens[lit, :, 0] += 3.0
        asked.append(case)

    def hits(steps):
        monkeypatch.setattr(prompters, "STEPS", steps)
        made = prompters.taught(prompters.DEAF, asked, 0, coolest)
        index = prompters.each(prompters.scores_of(made, prompters.DEAF, asked))
        return np.mean([case.lit[row].mean() for case, row in zip(asked, index, strict=True)])

    assert hits(60) > hits(0) + 0.2


def test_normed_tokens_leave_channel_means_nothing_to_see():
    seen, _, _ = prompters.batch_of(prompters.NORMED, [made_up(frames=32)])
    assert float(seen.tokens.mean(dim=-1).abs().max()) < 1e-5


def test_the_best_clause_is_no_less_similar_than_any_of_its_parts(mini):
    asked = cases(mini, LONG, 4)[:5]
    scores = rare_evidence.similarities(asked)
    for case, best in zip(asked, scores["best clause"], strict=True):
        parts = [part for part in rare_evidence.CLAUSES.split(case.asked.statement) if part.strip()]
        for vector in rare_evidence.read([part.strip() for part in parts]):
            assert (best >= rare_evidence.relevance(case, vector) - 1e-5).all()


def test_without_time_all_copies_are_the_same_and_time_makes_them_differ(monkeypatch):
    monkeypatch.setattr(folded_stills, "WIDTH", 8)
    rows = torch.randn(2, 1, 28, 8).expand(-1, 4, -1, -1)
    for name, parts in repeated_stills.VARIANTS.items():
        torch.manual_seed(0)
        model = folded_stills.folder(parts)
        for parameter in model.parameters():  # AdaLN begins as a plain norm: let it begin as if it had learned
            torch.nn.init.normal_(parameter, std=0.3)
        made = model(rows).unflatten(1, (4, -1))
        assert torch.allclose(made, made[:, :1], atol=1e-4) is (not parts.time), name


def test_one_view_in_small_squares_is_as_many_tokens_as_four_copies_in_large_ones():
    rows = np.random.default_rng(8).standard_normal((5, 28, folded_stills.WIDTH)).astype(np.float32)
    one = folded_stills.folder(folded_stills.Parts(square=2))(torch.from_numpy(rows)[:, None])
    four = folded_stills.folder(folded_stills.Parts())(torch.from_numpy(rows)[:, None].expand(-1, 4, -1, -1))
    assert one.shape == four.shape == (5, 4 * 2 * folded_stills.WIDE)


def test_later_copies_never_change_what_earlier_ones_became():
    asked = [made_up(width=folded_stills.WIDTH + 3, seed=seed) for seed in range(16)]
    found = repeated_stills.stream(repeated_stills.Stills.of(asked, asked), asked, 0)
    assert 0 <= found.difference < repeated_stills.STILL and found.outcome == "holds"


def test_the_linear_layer_in_closed_form_finds_a_linear_truth_on_new_rows(monkeypatch):
    monkeypatch.setattr(folded_stills, "RIDGE", 1e-9)
    known, new, truth = (torch.randn(*shape, dtype=torch.float64) for shape in ((97, 5), (11, 5), (5, 3)))
    made = folded_stills.Linear(known, known @ truth + 2.0)(new)
    np.testing.assert_allclose(made, new @ truth + 2.0, atol=1e-4)


def test_the_share_that_is_told_is_one_for_all_and_zero_for_the_mean():
    true = np.random.default_rng(1).standard_normal((11, 3, 2))
    assert folded_stills.share_told(true, true) == pytest.approx(np.ones(11))
    mean = np.broadcast_to(true.mean(axis=0), true.shape)
    assert folded_stills.share_told(mean, true).mean() == pytest.approx(0.0)


def test_tokens_that_differ_in_few_directions_come_back_from_them():
    dice = np.random.default_rng(3)
    rows = dice.standard_normal((7, 28, 5)) @ dice.standard_normal((5, 41)) + 3.0
    found = folded_stills.Directions.of(rows)
    np.testing.assert_allclose(found.back(found.into(rows)), rows, atol=1e-3)
    assert found.share == pytest.approx(1.0)


def test_a_frame_is_news_when_it_differs_from_the_last_that_was():
    film = np.array([[0.0], [0.4], [0.8], [1.2], [1.3], [5.0]])
    assert longer_videos.news(film, 0.7).tolist() == [0, 2, 5]


def test_the_residual_gives_films_so_many_tokens_on_average():
    films = np.cumsum(np.random.default_rng(5).standard_normal((7, 53, 3)), axis=1)
    residual = longer_videos.residual_for(11, films)
    assert np.mean([len(longer_videos.news(film, residual)) for film in films]) == pytest.approx(11, abs=0.6)


def test_tokens_of_even_steps_stand_in_the_middles_of_equal_stretches():
    assert longer_videos.evenly(4, 32).tolist() == [4, 12, 20, 28]


def test_frames_that_are_all_alike_are_told_whole(monkeypatch):
    monkeypatch.setattr(longer_videos, "STEPS", 2)
    dice = np.random.default_rng(4)
    rows = dice.standard_normal((19, 1, 13)) @ dice.standard_normal((13, 41))
    films = np.repeat(rows, 32, axis=1).astype(np.float32)
    made = longer_videos.told_of_all(films, films, np.arange(32, dtype=np.float32), False, 0)
    assert folded_stills.share_told(made, films).mean() > 0.95  # 13 directions pass through 16 numbers


def test_a_look_for_what_follows_is_told_apart_from_what_is_named():
    spans = ((3.0, 4.0), (5.0, 6.0))
    asked = Asked("video", "what follows?", ("a", "b"), 0, spans)
    cases_, length = [], guided_pooling.MIDDLE
    for at in (3, 5, 7):
        case = made_up(frames=length, asked=asked)
        case.tokens[at] = case.question
        cases_.append(case)
    found = guided_pooling.led(cases_)
    assert found[guided_pooling.NAMED].tolist() == [True, False, False]
    assert found[guided_pooling.FOLLOWS].tolist() == [False, True, False]


def test_the_command_writes_a_page_with_its_pictures(mini, tmp_path, capsys):
    from sightline.cli.findings import run

    asked = Namespace(names=["one-budget"], size="mini", seeds=[0, 1], write=str(tmp_path / "page.md"), json=False)
    assert run(asked) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "## One budget" in text and "--seeds 0 1 --write" in text
    assert (tmp_path / "pictures" / "finding-one-budget-frames.svg").is_file()
