"""Finds the colours, lightness and places that a text speaks of, in English and Chinese; every other word is silent.

A place belongs to a colour: "blue top, green bottom" pairs them in order; where the counts differ, all places of the
text narrow each colour ("a red thing at the top left"). A place without a colour says nothing this encoder can see.
Chinese is read by the longest word first, because no spaces part its words; a bare 上 or 下 is a place only beside a
colour. The price of looking at words alone: "the red car turns right" is taken as red on the right.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

CELLS = frozenset(range(9))  # 0 1 2 is the top row from the left


@dataclass(frozen=True)
class Mention:
    """A colour name ("red") or "lightness" with its sign, and the cells it is said of (all nine: anywhere)."""

    name: str
    sign: int = 1
    cells: frozenset[int] = CELLS


COLOURS = {
    "black": "black 黑色 黑",
    "white": "white 白色 白",
    "grey": "grey gray silver 灰色 灰 银色",
    "red": "red crimson scarlet 红色 红 赤色",
    "orange": "orange 橙色 橘色 橙 橘红",
    "yellow": "yellow golden 黄色 黄 金色",
    "green": "green 绿色 绿 翠绿",
    "blue": "blue navy azure 蓝色 蓝 天蓝 藏青",
    "purple": "purple violet 紫色 紫",
    "pink": "pink 粉色 粉红 粉红色 桃红",
    "brown": "brown tan beige 棕色 棕 褐色 褐 咖啡色",
}
LIGHT = {-1: "dark darkness dim 暗 黑暗 昏暗 阴暗", 1: "bright brightness 亮 明亮 光亮"}
PLACES = {
    "012": "top above upper 上面 上方 上边 上部 顶部",
    "678": "bottom below lower 下面 下方 下边 下部 底部",
    "036": "left 左 左边 左侧 左面 左方",
    "258": "right 右 右边 右侧 右面 右方",
    "0": "左上 左上角",
    "2": "右上 右上角",
    "6": "左下 左下角",
    "8": "右下 右下角",
    "4": "centre center middle 中间 中央 中心 正中",
}
# Everyday words that only look like a colour, a lightness or a place.
SILENT = (
    "白天 明白 空白 黄昏 黄瓜 黄油 红包 网红 黑客 蓝牙 绿化 月亮 漂亮 天亮 亮相 早上 晚上 马上 一下 "
    "all_right right_now right_away"
)
TRADITIONAL = str.maketrans("紅黃綠藍銀邊側頂間陰", "红黄绿蓝银边侧顶间阴")


def _words() -> dict[str, tuple[str, str]]:
    """Every known word -> (kind, meaning)."""
    known = {word: ("colour", name) for name, words in COLOURS.items() for word in words.split()}
    known |= {word: ("light", str(sign)) for sign, words in LIGHT.items() for word in words.split()}
    known |= {word: ("place", cells) for cells, words in PLACES.items() for word in words.split()}
    return known | {word.replace("_", " "): ("silent", "") for word in SILENT.split()}


_WORDS = _words()


def _pattern() -> re.Pattern[str]:
    """The longest known word wins; Latin words stand alone; bare 上 and 下 need a colour behind or 在 before them."""
    longest = sorted(_WORDS, key=len, reverse=True)
    chinese = "|".join(word for word in longest if not word.isascii())
    latin = "|".join(word for word in longest if word.isascii())
    colour = (
        "[" + "".join(sorted({w[0] for w, (kind, _) in _WORDS.items() if kind == "colour" and not w.isascii()})) + "]"
    )
    return re.compile(
        rf"(?P<word>\b(?:{latin})\b|{chinese})|(?P<bare>[上下])(?={colour})|在(?P<end>[上下])(?![\u4e00-\u9fff])"
    )


_PATTERN = _pattern()


def mentions(text: str) -> list[Mention]:
    """What a text says of colour and light, in its order."""
    plain = unicodedata.normalize("NFKC", text).lower().translate(TRADITIONAL)
    said: list[tuple[str, int]] = []
    places: list[frozenset[int]] = []
    place_end = -9
    for found in _PATTERN.finditer(plain):
        kind, meaning = _meaning(found)
        if kind == "place":
            cells = frozenset(int(cell) for cell in meaning)
            if found.start() - place_end <= 1 and places[-1] & cells:
                places[-1] &= cells  # "top left", 左上: two words, one place
            else:
                places.append(cells)
            place_end = found.end()
        elif kind != "silent":
            said.append((meaning, 1) if kind == "colour" else ("lightness", int(meaning)))
    return [Mention(name, sign, cells) for (name, sign), cells in zip(said, _share(places, len(said)), strict=True)]


def _meaning(found: re.Match[str]) -> tuple[str, str]:
    if found["word"]:
        return _WORDS[found["word"]]
    return "place", "012" if (found["bare"] or found["end"]) == "上" else "678"


def _share(places: list[frozenset[int]], count: int) -> list[frozenset[int]]:
    """One set of cells per colour: in order where the counts agree, else all places narrow every colour."""
    if len(places) == count:
        return places
    narrowed = CELLS
    for cells in places:
        narrowed = narrowed & cells or narrowed
    return [narrowed] * count
