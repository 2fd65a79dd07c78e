"""A plot as one small SVG: lines with error bars, points, shaded stretches; readable on light and on dark pages.

It needs no package, no script and no font file, is text that can be compared from run to run, and brings its own paper.
Lines differ by colour and by dash, so colour is not needed to tell them apart.

Shapes: Line.x, Line.y, Line.error [n] -> SVG text
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sightline.errors import BadRecord
from sightline.exports.writing import one_line

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 66, 196, 44, 56  # the legend stands at the right
INKS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8a63d2", "#7f7f7f")
DASHES = ("", "7 3", "2 3", "9 3 2 3")
LOOK = """text{font:12px system-ui,sans-serif;fill:#1c1c1c}.paper{fill:#fff}.rule{stroke:#d9d9d9}.axis{stroke:#555}
.lit{fill:#e8b93166}.name{font-weight:600;font-size:14px}
@media(prefers-color-scheme:dark){text{fill:#ececec}.paper{fill:#17181a}.rule{stroke:#37393d}.axis{stroke:#a0a0a0}}"""


@dataclass(frozen=True)
class Line:
    """One series. `error` are the half lengths of its bars; `marked` says which points get a dot (default: all)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] = ()
    joined: bool = True
    marked: Sequence[bool] | None = None
    names: Sequence[str] = ()  # of the points, told by the pointer

    def __post_init__(self) -> None:
        told = (self.x, self.y, self.error or self.x, self.x if self.marked is None else self.marked)
        if len({len(values) for values in told}) != 1 or len(self.names) not in (0, len(self.x)):
            raise BadRecord(f"the parts of the line {self.name!r} differ in length: {[len(v) for v in told]}")


@dataclass(frozen=True)
class Plot:
    """`x_names` makes x places of names, 0, 1, …; `log` has x in equal factors; `lit` are stretches of x to shade."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log: bool = False
    x_names: Sequence[str] = ()
    lit: Sequence[tuple[float, float]] = ()

    def __post_init__(self) -> None:
        if not any(len(line.x) for line in self.lines):
            raise BadRecord(f"the plot {self.title!r} has no points")
        if self.log and min(x for line in self.lines for x in line.x) <= 0:
            raise BadRecord(f"the plot {self.title!r} has an x that is not above 0, which has no logarithm")


class Axis:
    """From values to places on the paper: [low, high] -> [start, end]."""

    def __init__(self, values: Sequence[float], start: float, end: float, log: bool = False, room: float = 0.05):
        self.log, self.start, self.end = log, start, end
        low, high = (self._on(value) for value in (min(values), max(values)))
        spare = (high - low) * room or 0.5
        self.low, self.high = low - spare, high + spare

    def _on(self, value: float) -> float:
        return math.log(value) if self.log else value

    def __call__(self, value: float) -> float:
        return round(self.start + (self._on(value) - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """About five round numbers; for logarithms powers of two (of 16 where there are many)."""
        if self.log:
            powers = range(math.ceil(self.low / math.log(2)), math.floor(self.high / math.log(2)) + 1)
            return [2.0**power for power in powers if len(powers) < 9 or power % 4 == 0]
        rough = (self.high - self.low) / 6
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * by for by in (1, 2, 5, 10) if size * by >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(step * k, 12) for k in range(first, last + 1)]


def svg(plot: Plot) -> str:
    """The whole file."""
    right, low = WIDTH - RIGHT, HEIGHT - BOTTOM
    xs = [x for line in plot.lines for x in line.x] + [x for span in plot.lit for x in span]
    x_axis = Axis(xs, LEFT, right, plot.log)
    y_axis = Axis([v for line in plot.lines for v in _reach(line)], low, TOP)
    parts = [
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 24, one_line(plot.title, 84), 'class="name"'),
    ]
    parts += [_lit(x_axis(start), x_axis(end)) for start, end in plot.lit]
    for value in y_axis.ticks():
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{y_axis(value)}" y2="{y_axis(value)}"/>')
        parts.append(_text(LEFT - 8, y_axis(value) + 4, f"{value:.6g}", 'text-anchor="end"'))
    places = [(float(k), name) for k, name in enumerate(plot.x_names)] or [
        (value, f"{value:.6g}") for value in x_axis.ticks()
    ]
    parts += [_text(x_axis(value), low + 18, name, 'text-anchor="middle"') for value, name in places]
    parts.append(f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{low}H{right}"/>')
    parts.append(_text((LEFT + right) / 2, HEIGHT - 14, plot.x, 'text-anchor="middle"'))
    parts.append(_text(0, 0, plot.y, f'text-anchor="middle" transform="translate(16 {(TOP + low) / 2}) rotate(-90)"'))
    for place, line in enumerate(plot.lines):
        parts += _drawn(line, place, x_axis, y_axis)
    told = escape(one_line(f"{plot.title}: {plot.y} against {plot.x}"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">'
    return "\n".join([head, f"<style>{LOOK}</style>", *parts, "</svg>"]) + "\n"


def _reach(line: Line) -> list[float]:
    bars = line.error or [0.0] * len(line.y)
    return [y + way * bar for y, bar in zip(line.y, bars, strict=True) for way in (-1, 1)]


def _drawn(line: Line, place: int, x_axis: Axis, y_axis: Axis) -> list[str]:
    """The line, its bars, its dots, and its entry in the legend."""
    ink, dash = INKS[place % len(INKS)], DASHES[place // len(INKS) % len(DASHES)] or DASHES[place % len(DASHES)]
    stroke = f'stroke="{ink}" stroke-width="2" stroke-dasharray="{dash}"'
    at = [(x_axis(x), y_axis(y)) for x, y in zip(line.x, line.y, strict=True)]
    parts = []
    if line.joined and len(at) > 1:
        parts.append(f'<polyline fill="none" {stroke} points="{" ".join(f"{x},{y}" for x, y in at)}"/>')
    for (x, _), y, bar in zip(at, line.y, line.error or (), strict=False):
        parts.append(f'<line stroke="{ink}" x1="{x}" x2="{x}" y1="{y_axis(y - bar)}" y2="{y_axis(y + bar)}"/>')
    for k, (x, y) in enumerate(at):
        if line.marked is None or line.marked[k]:
            told = f"<title>{escape(one_line(line.names[k]))}</title>" if line.names else ""
            parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{ink}">{told}</circle>')
    high, left = TOP + 8 + 18 * place, WIDTH - RIGHT + 16
    key = f'<line {stroke} x1="{left}" x2="{left + 22}" y1="{high}" y2="{high}"/>'
    dot = f'<circle cx="{left + 11}" cy="{high}" r="3.5" fill="{ink}"/>'
    return [*parts, dot if not line.joined else key, _text(left + 28, high + 4, one_line(line.name, 25))]


def _lit(start: float, end: float) -> str:
    return f'<rect class="lit" x="{start}" width="{round(end - start, 1)}" y="{TOP}" height="{HEIGHT - BOTTOM - TOP}"/>'


def _text(x: float, y: float, words: str, look: str = "") -> str:
    return f'<text x="{x}" y="{y}" {look}>{escape(one_line(words))}</text>'
