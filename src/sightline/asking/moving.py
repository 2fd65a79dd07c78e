"""How a thing moves, read from still pictures in the order of time.

An encoder that knows where things stand tells "a cat on the left" from "a cat on the right". So a thing has four curves
over the frames: how far it is there, how far right, how far up, how big. What happens to it is a change of the curves:
who comes in was not there before and is afterwards, what slides is further right or left, what jumps is higher up in
between. Every way of moving is a row of MOVES; how well a row fits the seconds around a frame is the logarithm of its
odds against nothing having happened there.

From: the matched filter, with white noise of a different size on each change. Departures: templates and noise are round
numbers, read off storybook's scripts once (split "test", other seeds than those that are measured).
Shapes: Watched: seconds [n], vectors [n, E] -> curves [n, 4] -> changes [n, 8] (four steps, four bumps) -> odds [n]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.asking.forms import bare_noun
from sightline.records import Shot

Array = Any
Scores = Callable[[Sequence[str], Array], Array]  # texts, vectors [n, E] -> [n, T], in units of how far they scatter
BESIDE = 3.0  # seconds before and after that are compared
WITHIN = 1.0  # seconds from a frame on, in between
NOISE = np.array([1.0, 1.0, 0.7, 0.25, 0.5, 0.5, 0.4, 0.15])  # of the changes, where nothing happens to the thing
MIRROR = np.array([1, -1, 1, 1, 1, -1, 1, 1])
LOOKS = {  # there; left, right; below, above; small, big
    "en": ("{}", "{} on the left", "{} on the right", "{} below", "{} above", "a small {bare}", "a big {bare}"),
    "zh": ("{}", "左边的{}", "右边的{}", "下面的{}", "上面的{}", "小{bare}", "大{bare}"),
}


@dataclass(frozen=True)
class Watched:
    """The known frames of a video. Shapes: seconds [n] ascending, vectors [n, E]"""

    seconds: Array
    vectors: Array
    shots: Sequence[Shot]

    @property
    def shot(self) -> Array:
        """The number of the shot each frame lies in."""
        return np.searchsorted([one.start for one in self.shots], self.seconds, side="right")

    @property
    def ends(self) -> Array:
        """Until when each frame's shot lasts."""
        final = max([float(self.seconds[-1]), *(one.end for one in self.shots[-1:])])
        return np.array([*(one.start for one in self.shots), final])[self.shot]


@dataclass(frozen=True)
class Move:
    """A way of moving: its words, where it leads, and what changes. What goes to a side may go to either."""

    words: dict[str, re.Pattern[str]]
    way: str  # "side", "up", "down", "stays"; "" where that is open
    change: Array  # [8], to the right

    @property
    def changes(self) -> list[Array]:
        return [self.change, self.change * MIRROR] if self.way == "side" else [self.change]


STILL = (0.0, 0.0, 0.0, 0.0)


def _move(way: str, english: str, chinese: str, step: Sequence[float], bump: Sequence[float] = STILL) -> Move:
    said = rf"\s*\b(?:(?:is|are|was|were) )?(?:{english})\b.*"
    words = {"en": re.compile(said, re.IGNORECASE), "zh": re.compile(f"(?:正在|在)?(?:{chinese}).*")}
    return Move(words, way, np.array([*step, *bump]))


_IN, _OUT = (
    "com(?:es?|ing) in|enter(?:s|ing)?|arriv(?:es?|ing)|appears?",
    "go(?:es|ing)? away|leav(?:es?|ing)|disappears?",
)
# there, right, up, big: from before to after; then in between, against both. The first row that is said wins.
MOVES = (
    _move("side", "carried|taken away|gets? a ride", "被.*?(?:带|拿|运)走|坐着.+?走|搭车", (0, 0.7, 1.5, 0)),
    _move("down", "f[ae]ll(?:s|ing)?|drop(?:s|ping)?", "从.{1,3}[掉落]|[掉落]", (2, 0, -0.5, 0), (0, 0, 0.5, 0)),
    _move("up", "fl(?:y|ies|ying)|tak(?:es?|ing) off|rises?", "起?飞(?![机船])|升", (-2, 0, 0.7, 0), (0, 0, 0.6, 0)),
    _move("", "hid(?:es?|ing)|takes? cover", "[躲藏]", (-1.5, 0, 0.5, 0.2)),
    _move("side", "slid(?:es?|ing)|glid(?:es?|ing)", "滑(?![板梯])", (0, 1.5, 0.3, 0)),
    _move("side", _IN, "进来|走进|进入|出现", (2, 0, -0.5, 0)),
    _move("side", _OUT, "走开|离开|消失", (-2, 0, 0.5, 0)),
    _move("stays", "grow(?:s|ing)?|gets? (?:bigger|larger)", "[变长]大", (0, 0, 0.5, 0.4)),
    _move("stays", "shrink(?:s|ing)?|gets? smaller", "变小|缩小", (0, 0, 0, -0.4)),
    _move("", "jump(?:s|ing)?|hop(?:s|ping)?", "[跳蹦]", STILL, (0, 0, 0.5, 0)),
    _move("stays", "spin(?:s|ning)?|turns? round|rotates?", "旋?转", STILL, (-0.6, 0, 0.2, 0)),
    _move("stays", "wobbl(?:es?|ing)|rocks|sway(?:s|ing)?", "[摇晃]", STILL, (-0.2, 0, 0, 0)),
)
WAYS = (  # as answers; the first that is said wins
    ("left", re.compile(r"\bleft(?:wards)?\b|左", re.IGNORECASE)),
    ("right", re.compile(r"\bright(?:wards)?\b|右", re.IGNORECASE)),
    ("stays", re.compile(r"\b(?:nowhere|stays?|place)\b|留|原地|没", re.IGNORECASE)),
    ("up", re.compile(r"\bup(?:wards?)?\b|上", re.IGNORECASE)),
    ("down", re.compile(r"\bdown(?:wards?)?\b|下", re.IGNORECASE)),
)
_GOES = re.compile(r"\s+(?:moves?|moving|goes|go|going|heads?|travels?)$|(?:移动|移|走|去|跑)$", re.IGNORECASE)


def move_of(statement: str, language: str) -> tuple[str, Move | None]:
    """Who moves, and how: "the red cat" of "the red cat jumps twice"; all of it and None where nobody moves."""
    for move in MOVES:
        found = move.words[language].search(statement)
        if found and found.start():
            return statement[: found.start()].strip(" ,，、"), move
    return _GOES.sub("", statement), None


def templates(way: str) -> list[Array]:
    """What changes where something goes that way; [] for words that name no way."""
    named = next((name for name, words in WAYS if words.search(way)), "")
    if named in ("left", "right"):
        k = ("right", "left").index(named)
        return [move.changes[k] for move in MOVES if move.way == "side"]
    return [move.change for move in MOVES if named and move.way == named]


def curves(thing: str, language: str, watched: Watched, scores: Scores) -> Array:
    """There, right, up and big, for each frame. Shapes: -> [n, 4]"""
    texts = [form.format(thing, bare=bare_noun(thing)) for form in LOOKS[language]]
    there, left, right, below, above, small, big = scores(texts, watched.vectors).T
    return np.stack([there, right - left, above - below, big - small], axis=1)


def changes(seen: Array, watched: Watched) -> Array:
    """From each frame: what is after less what was before, and what is between less their mean; 0 at a shot's ends.

    Shapes: seen [n, 4] -> [n, 8]
    """
    windows = ((-BESIDE, 0.0), (0.0, WITHIN), (WITHIN, WITHIN + BESIDE))
    before, between, after = (_means(seen, watched, start, end) for start, end in windows)
    found = np.concatenate([after - before, between - (before + after) / 2], axis=1)
    return np.where(np.isnan(found).any(axis=1, keepdims=True), 0.0, found)


def _means(seen: Array, watched: Watched, start: float, end: float) -> Array:
    """The mean over [start, end) seconds from each frame in its shot; NaN where the shot has none of them.

    A frame stands until the next one: pictures that look alike are stored once.
    """
    seconds, shot, ends = watched.seconds, watched.shot, watched.ends
    begins = seconds[np.searchsorted(shot, shot)]
    stands = np.minimum(np.append(seconds[1:], np.inf), ends) - seconds
    passed = np.cumsum(seen * stands[:, None], axis=0) - seen * stands[:, None]  # up to each frame

    def until(second: Array) -> Array:
        frame = np.searchsorted(seconds, second, side="right") - 1
        frame = np.clip(frame, np.searchsorted(shot, shot), np.searchsorted(shot, shot, side="right") - 1)
        return passed[frame] + seen[frame] * (second - seconds[frame])[:, None]

    first, last = np.clip(seconds + start, begins, ends), np.clip(seconds + end, begins, ends)
    length = (last - first)[:, None]
    return np.where(length > 1e-6, (until(last) - until(first)) / np.maximum(length, 1e-6), np.nan)


def fits(several: Sequence[Array], changed: Array) -> Array:
    """The log odds of the best of several changes against none, around each frame. Shapes: [8], [n, 8] -> [n]"""
    wanted = np.stack(several) / NOISE
    return ((changed / NOISE) @ wanted.T - (wanted**2).sum(axis=1) / 2).max(axis=1)
