"""Every finding runs from drawn video to verdict, and what it measures with is what it says."""

from argparse import Namespace
from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.findings import FINDINGS, chooser_sees, guided_pooling, one_budget, rare_evidence  # noqa: E402
from sightline.findings import repeated_stills as stills  # noqa: E402
from sightline.findings.seen import Case, answers, cases  # noqa: E402
from sightline.recipes.questions_seen import GRID  # noqa: E402
from sightline.recipes.starting_lm import LONG  # noqa: E402
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
    assert {claim.hypothesis for claim in found.claims} <= set(found.tests)
    assert not set(found.tests) & set(found.untested)
    assert all(np.isfinite(claim.difference) and np.isfinite(claim.error) for claim in found.claims)


def test_every_hypothesis_of_the_notes_is_tested_or_said_not_to_be():
    told = {name for module in MODULES.values() for name in (*module.TESTS, *module.UNTESTED)}
    noted = {f"H-{letter}{k}" for letter, most in (("G", 8), ("V", 7), ("P", 11), ("C", 6)) for k in range(1, most + 1)}
    assert noted <= told


def test_the_exam_of_systems_is_not_looked_at(mini):
    assert {case.asked.video.split("-")[0] for case in cases(mini, LONG, 4)} == {"val"}


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


def test_without_noise_every_reading_is_the_same_and_noise_changes_it(mini):
    asked = [made_up(frames=32, seed=seed, lit=np.arange(32) % 8 == 3) for seed in range(40)]
    prompter = chooser_sees.taught(chooser_sees.HEARS, asked, 0)
    quiet, loud = (chooser_sees.noisy_hits(prompter, asked, loud, 0) for loud in (0.0, 50.0))
    assert (quiet == quiet[0]).all() and (loud != loud[0]).any()


def test_normed_tokens_leave_channel_means_nothing_to_see():
    seen, _, _ = chooser_sees._batch(chooser_sees.NORMED, [made_up(frames=32)])
    assert float(seen.tokens.mean(dim=-1).abs().max()) < 1e-5


def test_the_best_clause_is_no_less_similar_than_any_of_its_parts(mini):
    asked = cases(mini, LONG, 4)[:5]
    scores = rare_evidence.similarities(asked)
    for case, best in zip(asked, scores["best clause"], strict=True):
        parts = [part for part in rare_evidence.CLAUSES.split(case.asked.statement) if part.strip()]
        for vector in rare_evidence.read([part.strip() for part in parts]):
            assert (best >= rare_evidence.relevance(case, vector) - 1e-5).all()


def test_plain_copies_are_all_the_same_and_time_makes_them_differ():
    rows = torch.randn(2, 1, 28, 8).expand(-1, 4, -1, -1)
    seconds = torch.arange(4.0).expand(2, -1)
    for name, (back, timed) in stills.VARIANTS.items():
        torch.manual_seed(0)
        model = stills._folder(8, back, timed)
        for parameter in model.parameters():  # AdaLN begins as a plain norm: let it begin as if it had learned
            torch.nn.init.normal_(parameter, std=0.3)
        made = model(rows, seconds).unflatten(1, (4, -1))
        assert torch.allclose(made, made[:, :1], atol=1e-4) is (not timed), name


def test_later_frames_never_change_what_earlier_ones_became():
    assert stills.later_frames_change(made_up(frames=8, width=8).tokens, 0) < stills.STILL


def test_the_linear_layer_in_closed_form_finds_a_linear_truth_on_new_rows():
    dice = np.random.default_rng(6)
    known, new, truth = dice.standard_normal((97, 5)), dice.standard_normal((11, 5)), dice.standard_normal((5, 3))
    made = stills.refitted(known, new, known @ truth + 2.0, ridge=1e-9)
    np.testing.assert_allclose(made, new @ truth + 2.0, atol=1e-4)


def test_the_share_that_is_told_is_one_for_all_and_zero_for_the_mean():
    true = np.random.default_rng(1).standard_normal((11, 3, 2))
    assert stills._share(true, true) == pytest.approx(np.ones(11))
    assert stills._share(np.broadcast_to(true.mean(axis=0), true.shape), true).mean() == pytest.approx(0.0)


def test_the_command_writes_a_page_with_its_pictures(mini, tmp_path, capsys):
    from sightline.cli.findings import run

    asked = Namespace(names=["one-budget"], size="mini", seeds=[0, 1], write=str(tmp_path / "page.md"), json=False)
    assert run(asked) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "## One budget" in text and "--seeds 0 1 --write" in text
    assert (tmp_path / "pictures" / "finding-one-budget-frames.svg").is_file()
