"""Final Cut Pro XML 1.9: one project for each video, its moments as markers on the clip.

Every time is a whole number of frames written as a fraction of seconds, as Final Cut demands.

From: Apple's FCPXML 1.9 document type (resources, then library, event, project, sequence, spine, asset-clip, marker).
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from xml.sax.saxutils import quoteattr

from sightline.exports.given import Results
from sightline.exports.markers import Marker, markers
from sightline.exports.timecode import Rate, rate_of
from sightline.exports.writing import one_line
from sightline.records import Moment

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def files(results: Results, out: Path) -> dict[Path, str]:
    return {out: text_of(results)}


def text_of(results: Results) -> str:
    by_video: dict[str, list[Moment]] = {}
    for moment in results.every:
        by_video.setdefault(moment.video, []).append(moment)
    resources, projects = [], []
    for number, (video, moments) in enumerate(by_video.items(), 1):
        made = _video(number, video, moments, results)
        resources.append(made[0])
        projects.append(made[1])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.9">\n'
        f"  <resources>\n{''.join(resources)}  </resources>\n"
        f"  <library>\n    <event name={_attribute(results.query or 'Sightline')}>\n"
        f"{''.join(projects)}    </event>\n  </library>\n</fcpxml>\n"
    )


def _video(number: int, video: str, moments: list[Moment], results: Results) -> tuple[str, str]:
    """The resources of one video, and its project."""
    facts = results.facts.get(video, {})
    rate = rate_of(facts)
    stated = rate.frame(rate.first + float(facts.get("duration") or 0.0))
    placed = markers(moments, results.query, rate)
    length = max([stated, 1, *(marker.frame + marker.length for marker in placed)])
    name, drop = _attribute(PurePath(video).name), "DF" if rate.drop else "NDF"
    size = f'width="{int(facts.get("width") or 1920)}" height="{int(facts.get("height") or 1080)}"'
    frame = f"{rate.exact.denominator}/{rate.exact.numerator}s"
    whole = f'duration="{_time(length, rate)}"'
    source = _attribute(Path(video).absolute().as_uri(), 4000)
    resources = (
        f'    <format id="f{number}" frameDuration="{frame}" {size}/>\n'
        f'    <asset id="a{number}" name={name} start="0s" {whole} hasVideo="1" format="f{number}">\n'
        f'      <media-rep kind="original-media" src={source}/>\n    </asset>\n'
    )
    project = (
        f"      <project name={name}>\n"
        f'        <sequence format="f{number}" {whole} tcStart="0s" tcFormat="{drop}">\n          <spine>\n'
        f'            <asset-clip ref="a{number}" name={name} offset="0s" start="0s" {whole} tcFormat="{drop}">\n'
        f"{''.join(_marker(marker, rate) for marker in placed)}"
        "            </asset-clip>\n          </spine>\n        </sequence>\n      </project>\n"
    )
    return resources, project


def _marker(marker: Marker, rate: Rate) -> str:
    times = f'start="{_time(marker.frame, rate)}" duration="{_time(marker.length, rate)}"'
    return f"              <marker {times} value={_attribute(marker.name)} note={_attribute(marker.note)}/>\n"


def _time(frames: int, rate: Rate) -> str:
    seconds = frames / rate.exact
    return f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"


def _attribute(text: str, longest: int = 300) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", one_line(text, longest)))
