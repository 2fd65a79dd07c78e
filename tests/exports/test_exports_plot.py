"""Plots: every point is where its numbers say, texts stay texts, the file is well formed on any data."""

import xml.etree.ElementTree as ElementTree

import pytest

from sightline.errors import BadRecord
from sightline.exports.plot import Axis, Line, Plot, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plot):
    return ElementTree.fromstring(svg(plot))


def test_points_stand_in_proportion_to_their_numbers():
    root = drawn(Plot("a", "x", "y", [Line("one", [0, 1, 3], [0.0, 0.5, 1.0])]))
    at = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter(SVG + "circle")][:3]
    (x0, y0), (x1, y1), (x3, y3) = at
    assert (x1 - x0) / (x3 - x0) == pytest.approx(1 / 3, abs=0.005)
    assert (y0 - y1) / (y0 - y3) == pytest.approx(1 / 2, abs=0.005)
    assert y3 < y0  # more is higher


def test_error_bars_reach_as_far_as_they_say_and_stay_on_the_paper():
    root = drawn(Plot("a", "x", "y", [Line("one", [0, 1], [0.0, 1.0], [0.5, 2.0])]))
    bars = [line for line in root.iter(SVG + "line") if line.get("x1") == line.get("x2")]
    short, long = (float(bar.get("y1")) - float(bar.get("y2")) for bar in bars)
    assert long / short == pytest.approx(4, rel=0.02)
    assert all(0 < float(bar.get("y2")) and float(bar.get("y1")) < 400 for bar in bars)


def test_equal_factors_are_equal_steps_on_a_logarithmic_axis():
    axis = Axis([1, 64], 0, 600, log=True)
    assert axis(2) - axis(1) == pytest.approx(axis(64) - axis(32), abs=0.2)
    assert axis.ticks() == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.1234, 0.1239], [-3e7, 2e9], [5.0, 5.0], [0.0, 0.0]])
def test_ticks_are_few_round_and_within(values):
    axis = Axis(values, 0, 100)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 7
    assert all(-0.5 <= axis(tick) <= 100.5 for tick in ticks)
    steps = [after - before for before, after in zip(ticks, ticks[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-6)
    assert any(f"{steps[0]:.0e}".startswith(digit) for digit in "125")


def test_a_true_stretch_is_shaded_from_its_start_to_its_end():
    plot = Plot("a", "x", "y", [Line("one", [0, 10], [0, 1])], lit=[(2, 4)])
    lit = next(part for part in drawn(plot).iter(SVG + "rect") if part.get("class") == "lit")
    axis = Axis([0, 10, 2, 4], 66, 720 - 196)
    assert float(lit.get("x")) == axis(2)
    assert float(lit.get("x")) + float(lit.get("width")) == pytest.approx(axis(4), abs=0.11)


def test_hostile_names_are_text_and_nothing_else():
    bad = '</text><script>alert(1)</script>&"\x00\u202e'
    root = drawn(Plot(bad, bad, bad, [Line(bad, [0], [0], names=[bad])], x_names=[bad]))
    assert {part.tag.removeprefix(SVG) for part in root.iter()} <= {
        "svg", "style", "rect", "text", "line", "path", "circle", "title", "polyline",
    }  # fmt: skip
    assert any("<script>" in (part.text or "") for part in root.iter(SVG + "text"))


def test_only_marked_points_have_dots():
    line = Line("one", [0, 1, 2, 3], [0, 1, 2, 3], marked=[False, True, False, True])
    assert len(list(drawn(Plot("a", "x", "y", [line])).iter(SVG + "circle"))) == 2


def test_the_page_decides_between_light_and_dark():
    assert "prefers-color-scheme:dark" in svg(Plot("a", "x", "y", [Line("one", [0], [0])]))


def test_parts_that_disagree_are_refused():
    with pytest.raises(BadRecord, match="differ in length"):
        Line("one", [0, 1], [0])
    with pytest.raises(BadRecord, match="no points"):
        Plot("a", "x", "y", [])
    with pytest.raises(BadRecord, match="not above 0"):
        Plot("a", "x", "y", [Line("one", [0, 1], [0, 1])], log=True)
