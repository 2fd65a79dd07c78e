"""A start that has learned nothing and a batch of random numbers: enough for the formulas of systems."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from sightline.recipes import starting_lm
from sightline.records import Seen, Words
from sightline.training.batches import Batch

D, GRID, VOCABULARY = 24, (4, 7), 101


class NoTokenizer:
    def __len__(self):
        return VOCABULARY


def made_up_start(frames=12, tokens=12, choose=3):
    torch.manual_seed(0)
    tiny = starting_lm.SIZES["tiny"]
    size = replace(tiny, width=20, choose=choose, tokens=tokens, steps=4, learn=replace(tiny.learn, frames=frames))
    shape = {"seen_width": D, "shared_width": D, "grid": GRID}
    return starting_lm.blank_start(size, NoTokenizer(), shape)


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def made_up_batch(batch=5, frames=12, words=7):
    """Seconds 1.25 apart, evidence in frames 4 and 5; question 2 is two words shorter, question 3 has two options."""
    torch.manual_seed(1)
    vectors = unit(batch, frames, D)
    seen = Seen(
        vectors,
        torch.arange(frames).float().expand(batch, frames) * 1.25,
        torch.ones(batch, frames, dtype=torch.bool),
        unit(batch, frames, GRID[0] * GRID[1], D) + 0.5 * vectors[:, :, None],
        grid=GRID,
    )
    mask = torch.ones(batch, words, dtype=torch.bool)
    mask[2, -2:] = False
    option_mask = torch.ones(batch, 4, 3, dtype=torch.bool)
    option_mask[:, 1, 2] = False
    real = torch.ones(batch, 4, dtype=torch.bool)
    real[3, 2:] = False
    evidence = torch.zeros(batch, frames, dtype=torch.bool)
    evidence[:, 4:6] = True
    return Batch(
        seen,
        Words(unit(batch, D), torch.randint(3, VOCABULARY, (batch, words)), mask),
        (torch.randint(3, VOCABULARY, (batch, 4, 3)), option_mask),
        real,
        unit(batch, 4, D),
        torch.tensor([0, 1, 2, 1, 3])[:batch],
        unit(batch, D),
        evidence,
        tuple(range(batch)),
    )


def with_tokens(batch, tokens):
    return replace(batch, seen=replace(batch.seen, tokens=tokens))


def with_mask(batch, mask):
    return replace(batch, seen=replace(batch.seen, mask=mask))
