"""One training step of GCG is the dense and looped form of the benchmark: the same losses, the same gradients."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks lie beside the tests
from benches.row12_gcg_step import asked_about, plain_losses, sparing_losses, step, undecided_losses

from sightline.recipes import gcg, starting_lm
from sightline.recipes.gcg_released import RELEASED
from sightline.training.choosing import Choosing

B, T, N, D, DRAWS, VOCABULARY = 3, 11, 19, 7, 13, 23
SHARED = 16  # a quarter of it is dealt to four heads


def made(budget, dtype=torch.float32, gradient="diagonal", places=4):
    """A model that points at several places, and questions about made-up features."""
    torch.manual_seed(0)
    tiny = starting_lm.SIZES["tiny"]
    size = replace(tiny, width=20, choose=places, tokens=budget, learn=replace(tiny.learn, frames=T))
    shape = {"seen_width": D, "shared_width": SHARED, "grid": [1, N]}
    start = starting_lm.blank_start(size, range(VOCABULARY), shape)
    model = gcg.GCG(start, replace(RELEASED, draws=DRAWS, gradient=gradient), picks=True).train()
    return model, asked_about(torch.randn(B, T, N, D).to(dtype), SHARED, VOCABULARY)


def assert_same(ours, other):
    assert ours[0] == pytest.approx(other[0], abs=1e-5)
    assert ours[1].keys() == other[1].keys() and len(ours[1]) > 60
    for name, gradient in ours[1].items():
        assert torch.allclose(gradient, other[1][name], atol=1e-5), name


@pytest.mark.parametrize("plain", [plain_losses, sparing_losses])
@pytest.mark.parametrize("budget", [13, 8])  # runs that cross from frame to frame, and runs that do not
def test_the_step_is_the_dense_and_looped_one_with_noise_and_dropout_fixed(plain, budget):
    model, batch = made(budget)
    assert_same(step(gcg.losses, model, batch), step(plain, model, batch))


def test_features_kept_as_halves_give_the_step_of_the_same_numbers_in_full():
    model, batch = made(8, dtype=torch.float16)
    full = replace(batch, seen=replace(batch.seen, tokens=batch.seen.tokens.float()))
    assert_same(step(gcg.losses, model, batch), step(plain_losses, model, full))


@pytest.mark.parametrize("gradient", ["true", "diagonal"])
def test_frames_that_were_never_drawn_have_no_gradient_to_give(gradient):
    model, batch = made(8, gradient=gradient)
    model.chooser.point[1].bias.data = torch.tensor([0.1, 0.3, 0.7, 0.9]).logit()  # apart, as after learning
    torch.manual_seed(1)
    assert not model.pick(batch).weight.any(dim=1).all()
    assert_same(step(gcg.losses, model, batch), step(undecided_losses, model, batch))


def test_padding_is_not_even_read():
    model, batch = made(8)
    batch.seen.mask[1, 7:] = False
    clean = step(gcg.losses, model, batch)
    batch.seen.tokens[1, 7:] = torch.nan
    assert_same(step(gcg.losses, model, batch), clean)


@pytest.mark.parametrize("budget", [3, 4, 13, 20, 76, 101])  # fewer tokens than places … more than there are
def test_frames_averaged_first_make_the_prefix_of_frames_weighted_first(budget):
    model, batch = made(budget)
    torch.manual_seed(1)
    ours = model.see(batch).prefix
    torch.manual_seed(1)
    theirs = Choosing.see(model, batch).prefix
    assert torch.allclose(ours.embeddings, theirs.embeddings, atol=1e-6)
    assert torch.equal(ours.span, theirs.span) and torch.equal(ours.mask, theirs.mask)


def test_a_chosen_frame_while_reading_is_itself_and_the_same_each_time():
    model, batch = made(8)
    model.eval()
    first, theirs = model.see(batch).prefix, Choosing.see(model, batch).prefix
    assert torch.equal(first.embeddings, model.see(batch).prefix.embeddings)
    assert torch.allclose(first.embeddings, theirs.embeddings, atol=1e-6)
