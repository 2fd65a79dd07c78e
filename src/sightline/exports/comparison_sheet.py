"""One page that shows several ways to an answer side by side: what each looked at, what it says, where it points.

Above, the score of every known frame over the whole video, and under it a lane for each way: strokes are the frames it
looked at, the bar is what it cites. Below, a film strip for each. Like the contact sheet it holds everything it needs,
runs no script and asks the network for nothing; every text is data, and is escaped. Links and the table can be reached
with the keyboard.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePath
from typing import Any

from sightline.exports.comparison_style import CHINESE, ENGLISH, LOOK
from sightline.exports.sheet import bar, document, short, thinned
from sightline.exports.sheet_style import STYLE
from sightline.exports.writing import one_line

WIDE, HIGH = 960, 120  # the drawing's own units
LANE = 22
LEAST = 0.1  # what the top of a drawn curve stands for, at least


def page(compared: Any) -> str:
    """The whole page of a `sightline.compare.Comparison`."""
    words = CHINESE if compared.language == "zh" else ENGLISH
    title = escape(one_line(compared.question))
    ways = "".join(_way(number, one, compared, words) for number, one in enumerate(compared.tried, 1))
    body = f"""{_verdict(compared, words)}
{_timeline(compared, words)}
<h2>{words["looks"]}</h2>
{ways}{_refused(compared, words)}
<h2>{words["time"]}</h2>
{_table(compared, words)}"""
    return document(
        language=words["lang"],
        title=title,
        style=STYLE + LOOK,
        summary=_summary(compared, words),
        body=body,
        foot=words["foot"],
    )


def _summary(compared: Any, words: dict[str, str]) -> str:
    count = len(compared.tried) + len(compared.refused)
    parts = [
        escape(one_line(PurePath(compared.video).name)),
        words["one"] if count == 1 else words["ways"].format(count=count),
        words["frames"].format(count=compared.frames),
    ]
    if compared.budget:
        parts.append(words["tokens"].format(count=compared.budget))
    return " · ".join(parts)


def _name(way: Any) -> str:
    return escape(one_line(str(way)))


def _verdict(compared: Any, words: dict[str, str]) -> str:
    """The answer of most ways, and every answer with the ways that give it."""
    found = compared.agreement
    if not found.groups:
        return ""
    numbers = {one.way: number for number, one in enumerate(compared.tried, 1)}
    share = words["all"] if len(found.groups) == 1 else words["agree"].format(share=found.share)
    first = f"<strong>{escape(one_line(found.text))}</strong>" if found.text else ""
    several = found.groups if len(found.groups) > 1 else []
    groups = "".join(_group(group, numbers) for group in several)
    told = f'<p class="mark">{share if found.text else words["split"]}</p>{first}'
    listed = f'<ul class="groups">{groups}</ul>' if groups else ""
    return f'<section class="verdict">{told}{listed}</section>'


def _group(group: Any, numbers: dict[Any, int]) -> str:
    chips = "".join(f'<a href="#way-{numbers[way]}">{_name(way)}</a>' for way in group.ways)
    return f'<li><q>{escape(one_line(group.text))}</q><span class="chips">{chips}</span></li>'


# --- over the whole video --------------------------------------------------------------------------


def _timeline(compared: Any, words: dict[str, str]) -> str:
    """The curves, and a lane for each way, over one axis of seconds."""
    seconds = [s for one in compared.tried for span in one.spans for s in span]
    last = max([compared.extent[1], *(curve.seconds[-1] for curve in compared.curves if curve.seconds), *seconds])
    axis = (compared.extent[0], max(last, compared.extent[0] + 1e-3))
    stated = [f"<span><b>{escape(one_line(curve.statement))}</b></span>" for curve in compared.curves[:1]]
    stated += [f'<span class="dashed">┄ <b>{escape(one_line(c.statement))}</b></span>' for c in compared.curves[1:]]
    key = words["key"] + (f" · {words['truth']}" if compared.truth else "")
    lanes = "".join(_lane(number, one, compared, axis, words) for number, one in enumerate(compared.tried, 1))
    return f"""<h2>{words["video"]}</h2>
<section class="time">
<p class="stated">{"".join(stated)}</p>
<div class="lanes">
{_high(compared, axis, words)}{lanes}<div class="row"><span></span><p class="scale">{_scale(axis)}</p></div>
</div>
<p class="key">{key}</p>
</section>
"""


def _x(second: float, axis: tuple[float, float]) -> float:
    return min(max((second - axis[0]) / (axis[1] - axis[0]), 0.0), 1.0) * WIDE


def _stretch(kind: str, span: tuple[float, float], axis: tuple[float, float], top: int, high: int) -> str:
    left, right = _x(span[0], axis), _x(span[1], axis)
    return f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{max(right - left, 3):.1f}" height="{high}"/>'


def _high(compared: Any, axis: tuple[float, float], words: dict[str, str]) -> str:
    """The score of what was looked for, filled; of what an order word refers to, dashed."""
    if not any(len(curve.seconds) > 1 for curve in compared.curves):
        return ""
    top = max(LEAST, *(max(curve.scores, default=0.0) for curve in compared.curves))
    drawn = _stretch("true", compared.truth, axis, 0, HIGH) if compared.truth else ""
    for number, curve in enumerate(compared.curves):
        points = [(_x(second, axis), HIGH - 2 - score / top * (HIGH - 8)) for second, score in thinned(curve)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if number == 0:
            drawn += f'<polygon class="area" points="{points[0][0]:.1f},{HIGH} {line} {points[-1][0]:.1f},{HIGH}"/>'
        drawn += f'<polyline class="{"marked" if number else "line"}" points="{line}"/>'
    return f"""<div class="row"><span>{top:.2f}</span>
<svg class="high" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" aria-label="{words["curve"]}">
{drawn}
</svg></div>
"""


def _lane(number: int, one: Any, compared: Any, axis: tuple[float, float], words: dict[str, str]) -> str:
    truth = _stretch("true", compared.truth, axis, 0, LANE) if compared.truth else ""
    bars = "".join(_stretch("bars", span, axis, LANE - 6, 4) for span in one.spans)
    strokes = "".join(
        f'<line class="looked" x1="{x:.1f}" x2="{x:.1f}" y1="3" y2="{LANE - 8}"/>'
        for x in (_x(frame.second, axis) for frame in one.pictures)
    )
    about = words["lane"].format(count=len(one.pictures))
    return f"""<div class="row"><a href="#way-{number}">{_name(one.way)}</a>
<svg class="lane" viewBox="0 0 {WIDE} {LANE}" preserveAspectRatio="none" role="img" aria-label="{about}">
{truth}{bars}{strokes}
</svg></div>
"""


def _scale(axis: tuple[float, float]) -> str:
    marks = [axis[0] + (axis[1] - axis[0]) * k / 4 for k in range(5)]
    return "".join(f"<time>{_clock(second)}</time>" for second in marks)


def _clock(second: float) -> str:
    return str(short(round(second * 1000)))


# --- each way --------------------------------------------------------------------------------------


def _way(number: int, one: Any, compared: Any, words: dict[str, str]) -> str:
    lines = sum(frame.source != "picture" for frame in one.shown)
    cited = ", ".join(f"<b><time>{_clock(start)} – {_clock(end)}</time></b>" for start, end in one.spans[:4])
    facts = [f"{words['cited']} {cited}"] if cited else []
    if one.overlap is not None:
        facts.append(f"{words['overlap']} <b>{one.overlap:.2f}</b>")
        facts.append(f"{words['hit']} <b>{words['yes' if one.hit else 'no']}</b>")
    if lines:
        facts.append(words["words"].format(count=lines))
    silent = " silent" if one.answer.abstained else ""
    return f"""<article class="way" id="way-{number}">
<div class="head">
<div>
<h3>▸ {number} · {_name(one.way)}</h3>
<p class="says{silent}">{escape(one_line(one.text))}</p>
</div>
<p class="sure"><span>{words["sure"]}</span>{bar(one.answer.confidence)}<b>{one.answer.confidence:.2f}</b></p>
</div>
<ul class="facts">{"".join(f"<li>{fact}</li>" for fact in facts)}</ul>
{_strip(one, compared.pictures, words)}
</article>
"""


def _strip(one: Any, pictures: dict[float, bytes], words: dict[str, str]) -> str:
    if not one.pictures:
        return f'<p class="note">{words["none"]}</p>'
    return f'<ol class="strip">{"".join(_frame(frame, one.spans, pictures, words) for frame in one.pictures)}</ol>'


def _frame(
    frame: Any, spans: Sequence[tuple[float, float]], pictures: dict[float, bytes], words: dict[str, str]
) -> str:
    """A frame with its second; it is marked where it lies in what is cited. The link opens the video there."""
    second = _clock(frame.second)
    picture = pictures.get(frame.second)
    about = words["frame"].format(second=second)
    shown = (
        f'<img alt="{about}" src="data:image/jpeg;base64,{b64encode(picture).decode()}">'
        if picture
        else '<span class="blank" aria-hidden="true"></span>'
    )
    cited = any(start <= frame.second <= end for start, end in spans)
    link = escape(f"{Path(frame.video).absolute().as_uri()}#t={frame.second:.3f}")
    kind, mark = ("cited", words["cited"]) if cited else ("seen", str(frame.number))
    return (
        f'<li class="{kind}"><a class="film" href="{link}">{shown}'
        f'<span class="edge"><span class="frame">{mark}</span><time>{second}</time></span></a></li>\n'
    )


def _refused(compared: Any, words: dict[str, str]) -> str:
    return "".join(
        f'<article class="way"><h3>{_name(way)}</h3><p class="says silent">{words["refused"]}</p>'
        f'<p class="note">{escape(one_line(why))}</p></article>\n'
        for way, why in compared.refused
    )


def _table(compared: Any, words: dict[str, str]) -> str:
    """Milliseconds of each station; the wide table scrolls by itself, with the keyboard too."""
    stations = [step.station for step in compared.tried[0].answer.trace] if compared.tried else []
    heads = [words[name] for name in ("way", "answer", "sure", "looked", "token")]
    head = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in heads + stations)
    rows = "".join(_row(one, stations) for one in compared.tried)
    again = next((step.shape_out for step in compared.shared if step.station == "look again"), "0")
    note = escape(words["shared"].format(took=compared.shared_milliseconds, again=again.split()[0]))
    return f"""<div class="wide" role="region" tabindex="0" aria-label="{words["time"]}">
<table><thead><tr>{head}</tr></thead><tbody>
{rows}</tbody></table>
</div>
<p class="note">{note}</p>"""


def _row(one: Any, stations: Sequence[str]) -> str:
    took = {step.station: step.milliseconds for step in one.answer.trace}
    counted = one.tokens if one.tokens is not None else one.tokens_in
    cells = [
        _name(one.way),
        escape(one_line(one.text, 120)),
        f"{one.answer.confidence:.2f}",
        str(len(one.pictures)),
        "–" if counted is None else str(counted),
        *(f"{took.get(station, 0.0):.1f}" for station in stations),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"
