"""Positions by seconds, stretched tables, and the conditioned norm."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")

from sightline.nn.adaln import AdaLN  # noqa: E402
from sightline.nn.positions import (  # noqa: E402
    SecondsEmbedding,
    elapsed,
    interpolated,
    interpolated_grid,
    sinusoid,
    stretched,
)


@pytest.mark.parametrize("width", [1, 2, 7, 8])
def test_the_sinusoid_is_its_formula_at_any_width(width):
    half = (width + 1) // 2
    for second in (0.0, 0.2, 3.5, 600.0):
        angles = [second / 10_000 ** (i / half) for i in range(half)]
        expected = ([math.cos(a) for a in angles] + [math.sin(a) for a in angles])[:width]
        torch.testing.assert_close(sinusoid(torch.tensor(second), width), torch.tensor(expected), atol=1e-4, rtol=0)


def test_elapsed_seconds_begin_at_the_first_valid_frame_and_ignore_padding():
    seconds = torch.tensor([[5.0, 6.5, math.nan], [math.nan, 0.2, 0.7]])
    mask = torch.tensor([[True, True, False], [False, True, True]])
    torch.testing.assert_close(elapsed(seconds, mask), torch.tensor([[0.0, 1.5, 0.0], [0.0, 0.0, 0.5]]))


@pytest.mark.formula("nn/seconds-embedding")
def test_the_embedding_of_seconds_is_two_layers_over_the_sinusoid():
    embed = SecondsEmbedding(7, hidden=5, codes=6, scale=10.0)
    first, _, second = embed.mlp
    for moment in (0.0, 0.3, 17.0):
        angles = [10.0 * moment / 10_000 ** (i / 3) for i in range(3)]
        codes = torch.tensor([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
        inner = first.weight @ codes + first.bias
        expected = second.weight @ (inner * torch.sigmoid(inner)) + second.bias
        torch.testing.assert_close(embed(torch.tensor(moment)), expected, atol=1e-5, rtol=1e-5)


def test_equal_seconds_are_one_embedding_and_different_ones_are_not():
    when = SecondsEmbedding(7)(torch.tensor([0.0, 1.0, 0.0]))
    assert torch.equal(when[0], when[2]) and not torch.equal(when[0], when[1])


def test_a_table_read_at_twice_the_length_passes_through_its_rows():
    table = torch.randn(5, 3)
    longer = interpolated(table, 9)
    torch.testing.assert_close(longer[::2], table)
    torch.testing.assert_close(longer[1], (table[0] + table[1]) / 2)
    assert interpolated(table, 5) is table


def cubic(distance):
    """Keys' kernel with a = -0.75: how much a sample counts at this distance."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


@pytest.mark.formula("nn/interpolated-grid")
def test_a_grid_of_positions_is_read_bicubically():
    high, wide, table = 3, 4, torch.randn(12, 2, dtype=torch.float64)
    longer = interpolated_grid(table, (high, wide), (5, 7)).view(5, 7, 2)
    for row in range(5):
        for column in range(7):
            y, x = (row + 0.5) * high / 5 - 0.5, (column + 0.5) * wide / 7 - 0.5
            expected = torch.zeros(2, dtype=torch.float64)
            for r in range(math.floor(y) - 1, math.floor(y) + 3):
                for c in range(math.floor(x) - 1, math.floor(x) + 3):  # outside, the border goes on
                    place = min(max(r, 0), high - 1) * wide + min(max(c, 0), wide - 1)
                    expected += cubic(y - r) * cubic(x - c) * table[place]
            torch.testing.assert_close(longer[row, column], expected)


def test_a_grid_of_positions_keeps_rows_and_columns_apart():
    table = torch.stack([torch.arange(4.0).repeat_interleave(6), torch.arange(6.0).repeat(4)], dim=1)
    wider = interpolated_grid(table, (4, 6), (4, 12)).view(4, 12, 2)
    torch.testing.assert_close(wider[..., 0], torch.arange(4.0)[:, None].expand(4, 12))
    assert (wider[0, 1:, 1] > wider[0, :-1, 1]).all()
    assert interpolated_grid(table, (4, 6), (4, 6)) is table


@pytest.mark.formula("nn/stretched-positions")
def test_the_stretched_table_keeps_twenty_rows_and_quarters_the_rest():
    table = torch.randn(77, 3, dtype=torch.float64)
    longer = stretched(table)
    assert longer.shape == (248, 3)
    for i in range(248):
        place = i if i < 20 else 20 + (i - 20) / 4
        left = min(int(place), 75)  # the last three go on in the direction of the last step
        expected = table[left] + (place - left) * (table[left + 1] - table[left])
        torch.testing.assert_close(longer[i], expected)


def test_a_stretch_that_keeps_everything_is_refused_in_words():
    with pytest.raises(ValueError, match="keep between 0 and 3, not 5"):
        stretched(torch.randn(5, 2), keep=5)


@pytest.mark.formula("nn/adaln")
def test_adaln_begins_as_a_layer_norm_and_is_its_formula_afterwards():
    norm, x, z = AdaLN(5, 3, bottleneck=4), torch.randn(2, 5), torch.randn(2, 3)
    torch.testing.assert_close(norm(x, z), torch.nn.functional.layer_norm(x, (5,)))
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn_like(parameter))
    for row in range(2):
        plain = (x[row] - x[row].mean()) / (x[row].var(unbiased=False) + 1e-5).sqrt()
        torch.testing.assert_close(norm(x, z)[row], norm.scale(z[row]) * plain + norm.shift(z[row]))
