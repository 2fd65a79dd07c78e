"""Lines become sentences: a subtitle is cut where the screen ends, an answer where the sentence does.

Lines of one track that follow each other without a pause are joined until one of them ends a sentence. A line that
begins with a name and a colon, or a dash, says who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.language.terms import terms
from sightline.records import Exhibit

PAUSE = 2.0  # seconds of silence that a sentence does not reach over
MOST_LINES = 6  # in one sentence: unpunctuated captions never end one
_ENDS = re.compile(r"[.!?。！？…]['\"”’」』)]*\s*$")
_SPEAKER = re.compile(
    r"^\s*(?:[-–—>]+\s*)?(?:([^\W\d_](?:[^\W\d_]|[ .'’-]){0,30}|[\u4e00-\u9fff]{1,8})\s*[:：]\s*)?(?P<said>.*)$",
    re.DOTALL,
)


@dataclass(frozen=True)
class Sentence:
    text: str
    speaker: str
    exhibits: tuple[Exhibit, ...]

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.exhibits]

    @property
    def terms(self) -> list[str]:
        return terms(self.text)

    @property
    def score(self) -> float:
        return max(one.score for one in self.exhibits)

    @property
    def asks(self) -> bool:
        return self.text.rstrip("'\"”’」』) ").endswith(("?", "？"))


def sentences(exhibits: Sequence[Exhibit]) -> list[Sentence]:
    """In the order of video and time; what is read off the screen stands alone."""
    lines = [one for one in exhibits if one.source != "picture"]
    joined: list[list[Exhibit]] = []
    for line in sorted(lines, key=lambda one: (one.source, one.video, one.start, one.number)):
        if joined and _goes_on(joined[-1], line):
            joined[-1].append(line)
        else:
            joined.append([line])
    return [_sentence(several) for several in joined]


def _goes_on(before: list[Exhibit], line: Exhibit) -> bool:
    last = before[-1]
    if line.source != "speech" or last.source != "speech" or line.video != last.video or len(before) >= MOST_LINES:
        return False
    return line.start - last.end <= PAUSE and not _ENDS.search(last.text) and not spoken_by(line.text)[0]


def spoken_by(text: str) -> tuple[str, str]:
    """Who speaks ("" where the line does not say) and what is said."""
    found = _SPEAKER.match(text)
    return ((found[1] or "").strip(), found["said"].strip()) if found else ("", text)


def _sentence(lines: Sequence[Exhibit]) -> Sentence:
    speaker, first = spoken_by(lines[0].text)
    chinese = re.search(r"[\u3400-\u9fff]", first)
    return Sentence(("" if chinese else " ").join([first, *(line.text for line in lines[1:])]), speaker, tuple(lines))
