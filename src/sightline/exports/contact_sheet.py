"""A contact sheet: one page that shows what was found, as a photographer's print shows a roll of film.

It holds everything it needs (pictures as data URLs, curves as drawings), runs no script, asks the network for nothing;
its content policy allows data pictures and this one style sheet, named by its hash. Every text is data, and is escaped.
Light and dark follow the reader's system; it is made for a phone's width first; Chinese queries get Chinese labels.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePath

from sightline.exports.given import Curve, Results
from sightline.exports.sheet import bar, document, short, thinned
from sightline.exports.sheet_style import STYLE
from sightline.exports.srt import milliseconds
from sightline.exports.writing import one_line
from sightline.records import Moment

WIDE, HIGH = 480, 48  # the drawing's own units

ENGLISH = {
    "lang": "en",
    "untitled": "Looks like the picture",
    "moments": "{total} moments",
    "one": "1 moment",
    "videos": "in {videos} videos",
    "page": "page {page} of {pages}",
    "confidence": "confidence",
    "picture": "picture",
    "speech": "speech",
    "screen": "on screen",
    "also": "the same picture also at",
    "curve": "Score over the whole video; the moment is marked",
    "none": "No match",
    "nearest": "The nearest thing seen",
    "foot": "Times are the video's own. A confidence is the chance that this is no accident, measured on this library.",
}
CHINESE = {
    "lang": "zh",
    "untitled": "与图片相似",
    "moments": "{total} 个片段",
    "one": "1 个片段",
    "videos": "来自 {videos} 个视频",
    "page": "第 {page} 页，共 {pages} 页",
    "confidence": "置信度",
    "picture": "画面",
    "speech": "语音",
    "screen": "屏幕文字",
    "also": "同样的画面还出现在",
    "curve": "整段视频的得分；已标出此片段",
    "none": "没有找到",
    "nearest": "最接近的画面",
    "foot": "时间取自视频本身。置信度表示这并非偶然的把握，由本资料库自行测定。",
}


def files(results: Results, out: Path) -> dict[Path, str]:
    return {out: page(results)}


def page(results: Results) -> str:
    words = CHINESE if any("\u3400" <= c <= "\u9fff" for c in results.query) else ENGLISH
    title = escape(one_line(results.query) or words["untitled"])
    return document(
        language=words["lang"],
        title=title,
        style=STYLE,
        summary=_summary(results, words),
        body=_body(results, words),
        foot=words["foot"],
    )


def _summary(results: Results, words: dict[str, str]) -> str:
    if not results.moments:
        return escape(one_line(results.reason))
    videos = len({moment.video for moment in results.moments})
    parts = [words["one"] if results.total == 1 else words["moments"].format(total=results.total)]
    if results.pages > 1:
        parts.append(words["page"].format(page=results.page, pages=results.pages))
    elif videos > 1:
        parts.append(words["videos"].format(videos=videos))
    return " · ".join(parts)


def _body(results: Results, words: dict[str, str]) -> str:
    count = len(results.moments)
    if not count:
        near = _card(None, results.nearest, b"", None, [], words) if results.nearest else ""
        heading = f'<h2>{words["nearest"]}</h2>\n<ol class="sheet">\n{near}</ol>' if near else ""
        return f'<p class="none">{words["none"]}</p>\n{heading}'
    pictures = results.thumbnails or [b""] * count
    curves: Sequence[Curve | None] = results.curves or [None] * count
    others = results.occurrences or [[]] * count
    cards = (
        _card(number, moment, picture, curve, repeats, words)
        for number, (moment, picture, curve, repeats) in enumerate(
            zip(results.moments, pictures, curves, others, strict=True), 1
        )
    )
    return f'<ol class="sheet">\n{"".join(cards)}</ol>'


def _card(
    number: int | None,
    moment: Moment,
    picture: bytes,
    curve: Curve | None,
    repeats: Sequence[Moment],
    words: dict[str, str],
) -> str:
    """One frame of the film with what is known of it."""
    name = escape(one_line(PurePath(moment.video).name))
    text = f"<blockquote>{escape(one_line(moment.text, 240))}</blockquote>\n" if moment.text else ""
    return f"""<li class="card">
<a class="film" href="{_link(moment)}" title="{escape(one_line(moment.video))}">
{_picture(picture, name)}
<span class="edge"><span class="frame">{f"▸ {number}" if number else ""}</span><time>{_span(moment)}</time></span>
</a>
<h3>{name}</h3>
<p class="sure"><span>{words["confidence"]}</span>{bar(moment.confidence)}<b>{moment.confidence:.2f}</b></p>
<ul class="sources">{_sources(moment, words)}</ul>
{text}{_drawing(curve, moment, words)}{_also(repeats, words)}</li>
"""


def _picture(jpeg: bytes, name: str) -> str:
    if not jpeg:
        return '<span class="blank" aria-hidden="true"></span>'
    return f'<img alt="{name}" src="data:image/jpeg;base64,{b64encode(jpeg).decode()}">'


def _link(moment: Moment) -> str:
    """The video at its second; a reader that knows media fragments plays just the moment."""
    start, end = milliseconds(moment)
    return escape(f"{Path(moment.video).absolute().as_uri()}#t={start / 1000:.3f},{end / 1000:.3f}")


def _span(moment: Moment) -> str:
    start, end = milliseconds(moment)
    return f"{short(start)} – {short(end)}"


def _sources(moment: Moment, words: dict[str, str]) -> str:
    return "".join(
        f'<li class="{escape(name)}">{escape(words.get(name, name))} <b>{score:.2f}</b></li>'
        for name, score in sorted(moment.sources.items())
    )


def _also(repeats: Sequence[Moment], words: dict[str, str]) -> str:
    if not repeats:
        return ""
    times = ", ".join(f"<time>{short(milliseconds(one)[0])}</time>" for one in repeats[:12])
    return f'<p class="also">{words["also"]} {times}{" …" if len(repeats) > 12 else ""}</p>\n'


# --- the curve -------------------------------------------------------------------------------------


def _drawing(curve: Curve | None, moment: Moment, words: dict[str, str]) -> str:
    """The video's score as a line over its length, with the moment marked."""
    if curve is None or len(curve.seconds) < 2 or not curve.seconds[-1] > curve.seconds[0]:
        return ""
    first, last = curve.seconds[0], max(curve.seconds[-1], moment.end)
    low, high = min(curve.scores), max(curve.scores)
    points = [
        ((second - first) / (last - first) * WIDE, HIGH - 3 - (score - low) / ((high - low) or 1.0) * (HIGH - 6))
        for second, score in thinned(curve)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    left, right = ((second - first) / (last - first) * WIDE for second in (moment.start, moment.end))
    return f"""<figure>
<svg class="curve" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" aria-label="{words["curve"]}">
<rect class="span" x="{max(left, 0):.1f}" y="0" width="{max(right - left, 4):.1f}" height="{HIGH}"/>
<rect class="tick" x="{max(left, 0):.1f}" y="{HIGH - 3}" width="{max(right - left, 4):.1f}" height="3"/>
<polygon class="area" points="0,{HIGH} {line} {points[-1][0]:.1f},{HIGH}"/>
<polyline class="line" points="{line}"/>
</svg>
<figcaption><time>{short(round(first * 1000))}</time><time>{short(round(last * 1000))}</time></figcaption>
</figure>
"""
