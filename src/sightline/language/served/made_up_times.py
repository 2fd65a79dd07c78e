"""Takes times out of a model's answer: a model does not know them, and exhibits carry the true ones.

Cut are phrases that point at a place in a video: "at 12.4 s", "(00:12)", "from 3 to 5 seconds", "在第12秒". Kept is
what stands in the evidence or the question (a speaker may say "five minutes", a sign may show 10:15), a plain clock
time that lies in none of the videos, and lengths ("for 3 seconds"). Numbers in brackets that name no exhibit are cut
likewise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sightline.language.fence import visible

LONGEST = 120  # characters: no phrase that is cut is longer

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_SECONDS = r"\d{1,6}(?:\.\d{1,6})? ?(?:seconds?|secs?|s|秒钟?)(?![A-Za-z])"
_MINUTES = rf"\d{{1,4}} ?(?:minutes?|mins?|m|分钟?)(?![A-Za-z])(?:,? ?(?:and )?{_SECONDS})?"
_SECOND_NTH = r"(?:the )?(?:second|sec) \d{1,6}(?:\.\d{1,6})?|(?:the )?\d{1,6}(?:st|nd|rd|th) second"
_ONE = rf"(?:{_CLOCK}|{_MINUTES}|{_SECONDS}|{_SECOND_NTH})"
_MANY = rf"(?:(?:\d{{1,6}}(?:\.\d{{1,6}})?|{_ONE}) ?(?:-|–|—|~|to|and|until|至|到) ?)?第?{_ONE}"
_NEAR = r"(?:about |around |approximately |roughly |exactly |time |timestamp |the |second )?"
_AT = r"(?:at|around|from|between|by|near|about|until|till|since|after|before|during|timestamps?|time|t ?=|@)"
_TIMES = re.compile(
    rf",? ?\b{_AT} {_NEAR}{_MANY}(?: (?:into|in|of) the (?:video|clip|film|recording))?"
    rf"| ?[(\[（【] ?(?:{_AT} )?{_NEAR}{_MANY} ?[)\]）】]"
    rf"|[，,]? ?(?:大约|约|大概)?[在于从]?(?:视频)?(?:的)?(?:大约|约)?第? ?{_MANY}(?:的时候|左右|时|处|之间|开始)"
    rf"|[在于从](?:视频)?(?:的)?(?:大约|约)?第? ?{_MANY}",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\s*{_NEAR}{_MANY}\s*[.。]?\s*", re.IGNORECASE)
_SINGLE = re.compile(_ONE, re.IGNORECASE)
_MAY_GROW = re.compile(  # the end of a growing text as far back as it is made of what such phrases are made of
    r"(?:\b(?:at|around|from|between|by|near|about|until|till|since|after|before|during|timestamps?|time|t|approximately"
    r"|roughly|exactly|the|seconds?|secs?|s|minutes?|mins?|m|to|and|into|in|of|video|clip|film|recording)\b"
    r"|\d+(?:st|nd|rd|th|s|m)?|[\s.,:;()\[\]（）【】\-–—~@=，]|[在于从视频的大约概第秒钟分时处左右候之间开始至到])*[A-Za-z]*\Z",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r" ?\[(\d{1,6}(?: ?[,;] ?\d{1,6}){0,8})\]")


@dataclass
class Cleaner:
    """Cleans answers about these exhibits. `cut` lists what was taken out.

    known: words in which a time is evidence; spans: seconds of the exhibits; numbers: of the exhibits shown.
    """

    known: str
    spans: Sequence[tuple[float, float]]
    numbers: Sequence[int]
    cut: list[str] = field(default_factory=list)

    def __call__(self, words: str) -> str:
        self.cut, words = [], visible(words)
        if _BARE.fullmatch(words) and self._is_made_up(words):
            self.cut.append(words.strip())
            return ""
        words = _BRACKETS.sub(self._known_numbers, words)
        words = _TIMES.sub(self._without, words)
        return re.sub(r"  +", " ", words).lstrip(" ,，")

    def _without(self, found: re.Match[str]) -> str:
        if not self._is_made_up(found.group()):
            return found.group()
        self.cut.append(found.group().strip(" ,，"))
        return ""

    def _is_made_up(self, phrase: str) -> bool:
        times = _SINGLE.findall(phrase)
        if any(_squeezed(time) in _squeezed(self.known) for time in times):
            return False
        clocks = [time for time in times if re.fullmatch(_CLOCK, time)]
        points = re.search(r"[(\[（【]|\b00?:", phrase) is not None  # how a place in a video is written, not a clock
        return points or len(clocks) < len(times) or any(self._lies_in_a_video(time) for time in clocks)

    def _lies_in_a_video(self, clock: str) -> bool:
        seconds = 0.0
        for part in clock.replace(",", ".").split(":"):
            seconds = 60 * seconds + float(part)
        return any(seconds <= end + 1 for _, end in self.spans)

    def _known_numbers(self, found: re.Match[str]) -> str:
        asked = [int(number) for number in re.split(r" ?[,;] ?", found.group(1))]
        kept = [str(number) for number in asked if number in self.numbers]
        if len(kept) == len(asked):
            return found.group()
        self.cut.append(found.group().strip())
        return f"{found.group()[: found.group().index('[')]}[{', '.join(kept)}]" if kept else ""


@dataclass
class Telling:
    """Tells a growing text piece by piece, cleaned, and never a word that a later one could take back."""

    told: Callable[[str], None]
    clean: Cleaner
    said: str = ""

    def grow(self, words: str) -> None:
        """The text so far; an end that may become a phrase to be cut waits, and so does half a word."""
        start = max(len(words) - LONGEST, 0)
        waits = _MAY_GROW.search(words, start)
        self._tell(self.clean(words[: waits.start()] if waits else words).rstrip())

    def finish(self, words: str) -> None:
        """The text as it is in the end."""
        self._tell(words)

    def _tell(self, text: str) -> None:
        if len(text) > len(self.said) and text.startswith(self.said):
            self.told(text[len(self.said) :])
            self.said = text


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
