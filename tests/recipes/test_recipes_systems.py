"""Every system that is listed runs: it learns a few steps, keeps to its budget, is the same twice, and opens again."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.errors import BadModel, BadQuery  # noqa: E402
from sightline.recipes.questions_seen import seen_world  # noqa: E402
from sightline.recipes.system_run import (  # noqa: E402
    built,
    from_pretrained,
    recipe_named,
    run_system,
    stages_of,
    systems,
)
from sightline.training.batches import Batches  # noqa: E402
from sightline.training.examine import examine  # noqa: E402

EVERY = sorted(systems())


def test_every_system_says_what_it_is():
    for name, told in systems().items():
        assert {"name", "paper", "family", "idea", "without"} <= set(told), name
        assert told["family"] in ("choose", "compress", "connect"), name


@pytest.mark.parametrize("idea", [True, False], ids=["whole", "without its idea"])
@pytest.mark.parametrize("name", EVERY)
def test_a_system_shows_no_more_than_its_budget_and_the_same_twice(mini, name, idea):
    start, _, exam = mini
    model = built(recipe_named(name), start, 0, idea).eval()
    batch = next(Batches(exam, start.tokenizer).in_order(7))
    torch.manual_seed(5)
    with torch.no_grad():
        (once, shown), (again, _) = model(batch), model(batch)
    assert once.shape == batch.real.shape
    assert bool(torch.isfinite(once[batch.real]).all())
    if shown.prefix is not None:
        assert shown.prefix.mask.shape[1] <= start.tokens
    if shown.choice is not None:
        assert bool((shown.choice.index.diff(dim=1) > 0).all())
    if name != "vila-released":  # noise when reading is what was released
        assert torch.equal(once, again)


@pytest.mark.parametrize("idea", [True, False], ids=["whole", "without its idea"])
@pytest.mark.parametrize("name", EVERY)
def test_a_system_learns_examines_and_opens_again(mini, name, idea, tmp_path):
    start, _, exam = mini
    figures = run_system(name, tmp_path, "mini", 0, idea=idea, ask="exam")
    assert figures["flops"] > 0 and figures["peak_bytes"] > 0
    assert 0 <= figures["accuracy"] <= 1 and figures["tokens"] <= start.tokens
    opened, read = from_pretrained(tmp_path)
    batch = next(Batches(exam, read.tokenizer).in_order(4))
    assert opened(batch)[0].shape == batch.real.shape
    if name != "vila-released":
        assert examine(opened, Batches(exam, read.tokenizer)).accuracy == pytest.approx(figures["accuracy"], abs=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_the_loss_is_one_sum_of_named_terms(mini, name):
    start, learn, _ = mini
    recipe = recipe_named(name)
    model = built(recipe, start, 0, True)
    batch = next(Batches(learn, start.tokenizer).forever(5, 0))
    for stage in stages_of(recipe, model, start.size, True):
        terms = stage.losses(model.train(), batch)
        assert "loss" in terms and len(terms) > 1
        assert all(value.ndim == 0 and bool(torch.isfinite(value)) for value in terms.values())


def test_settings_are_chosen_on_other_videos_than_the_exams(mini, tmp_path):
    start, learn, exam = mini
    assert run_system("similar", tmp_path, "mini")["asked"] == "val"
    val = seen_world(start.size.val)
    assert not set(val.films) & (set(exam.films) | set(learn.films))
    assert val.frames == exam.frames


def test_a_system_that_is_not_there_is_named_with_those_that_are(mini, tmp_path):
    with pytest.raises(BadQuery, match="uniform-linear"):
        run_system("gcgg", tmp_path, "mini")


def test_weights_that_do_not_fit_are_listed(mini, tmp_path):
    import json

    run_system("similar", tmp_path, "mini", 0)
    facts = json.loads((tmp_path / "system.json").read_text())
    (tmp_path / "system.json").write_text(json.dumps(facts | {"recipe": "vila"}))
    with pytest.raises(BadModel, match="prompter"):
        from_pretrained(tmp_path)
