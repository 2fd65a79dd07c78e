"""What the systems learn at `tiny`, over seeds: better than chance and better than themselves without their idea.

Minutes long each: run by `make slow`. Runs are kept ($SIGHTLINE_CACHE), so a second time costs nothing.
"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.recipes.imbalanced import study  # noqa: E402
from sightline.recipes.starting_lm import size_named  # noqa: E402
from sightline.systems import as_table, evaluate_systems  # noqa: E402

pytestmark = pytest.mark.slow
SEEDS = (0, 1, 2)


def test_frames_similar_to_the_question_answer_more_than_uniform_ones(capsys):
    made = evaluate_systems(["similar"], "tiny", SEEDS)
    with capsys.disabled():
        print("\n" + as_table(made))
    whole, without = made.row("similar"), made.row("similar", whole=False)
    assert whole.figures["accuracy"]["mean"] > whole.chance + 0.1
    assert whole.figures["accuracy"]["mean"] > without.figures["accuracy"]["mean"] + 0.1
    assert whole.figures["hit"]["mean"] > without.figures["hit"]["mean"] + 0.3


def test_vilas_prompter_finds_what_uniform_frames_miss(capsys):
    made = evaluate_systems(["vila"], "tiny", SEEDS)
    with capsys.disabled():
        print("\n" + as_table(made))
    whole, without = made.row("vila"), made.row("vila", whole=False)
    assert whole.figures["accuracy"]["mean"] > max(whole.chance, without.figures["accuracy"]["mean"]) + 0.03
    assert whole.figures["hit"]["mean"] > without.figures["hit"]["mean"] + 0.15


def test_top_k_finds_short_events_that_merging_and_steepness_miss():
    """The toy of the notes says the opposite; with these towers an event's own frames are the most similar ones."""
    world = size_named("tiny").exam
    found = {row.rule: row for row in study(world, texts=("statement",), most=0.07)}
    best = found["similarity"]
    for rule in ("uniform", "merged-by-curve", "merged-by-features", "steepest", "best-segments"):
        assert best.hit > found[rule].hit + 3 * (best.error + found[rule].error), rule
    assert found["steepest"].hit > found["uniform"].hit
