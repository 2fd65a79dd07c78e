"""Parts a text into words of a closed vocabulary, English and Chinese, and says how much of it is known.

Latin words stand between spaces; an unknown one is tried without its hyphen, its plural or its -ing. Chinese has no
spaces; it is parted so that the least is left over. Traditional letters and full-width forms are read as plain ones.
Words are content (they name something to see) or grammar (they join); only content counts in what is known.
Shapes: texts -> ids [n, LONGEST] int64, mask [n, LONGEST] bool, known [n] float32 in 0..1
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

Array = Any

PAD, UNKNOWN, FIRST = 0, 1, 2
LONGEST = 40  # words; what follows is not read
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_PIECES = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:[-'’][^\W_{HAN}]+)*")
_SIMPLE = str.maketrans(
    "紅黃綠藍銀邊側頂間陰貓魚鳥龜馬車輛機飛氣樹葉雲蘋溫帳鐘燈書鑰傘禮鈴風箏蝸鴨蟲鵝豬蘿蔔圓點條紋裡廚臺樓灘遠轉搖變長縮後從進來開離個隻頭張兩雙獅鯨轎艦熱節籃龍壺鬧鎖鳶貝義動霧顆過帶載見這畫圖處電烏蟻麗寶園湯鮮倉團當號東眾樂嗎聽讓說誰沒為與門問島國綿",
    "红黄绿蓝银边侧顶间阴猫鱼鸟龟马车辆机飞气树叶云苹温帐钟灯书钥伞礼铃风筝蜗鸭虫鹅猪萝卜圆点条纹里厨台楼滩远转摇变长缩后从进来开离个只头张两双狮鲸轿舰热节篮龙壶闹锁鸢贝义动雾颗过带载见这画图处电乌蚁丽宝园汤鲜仓团当号东众乐吗听让说谁没为与门问岛国绵",
)


@dataclass(frozen=True)
class Lexicon:
    """The words that are known, in the order of their ids, and which of them name something."""

    words: tuple[str, ...]
    content: frozenset[str]

    @cached_property
    def ids(self) -> dict[str, int]:
        return {word: FIRST + k for k, word in enumerate(self.words)}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.words), default=1)

    def __len__(self) -> int:
        """How many ids there are, padding and the unknown word among them."""
        return FIRST + len(self.words)

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(stored["words"]), frozenset(stored["content"]))

    def write(self, path: Path) -> None:
        content = [word for word in self.words if word in self.content]
        text = json.dumps({"words": list(self.words), "content": content}, ensure_ascii=False, indent=0)
        path.write_text(text + "\n", encoding="utf-8")

    def split(self, text: str) -> list[str | None]:
        """The known words of a text in order; None for each that is unknown."""
        plain = unicodedata.normalize("NFKC", text).lower().translate(_SIMPLE)
        return [word for piece in _PIECES.findall(plain) for word in self._words_of(piece)]

    def numbers(self, texts: Sequence[str]) -> tuple[Array, Array, Array]:
        """Ids, mask, and of each text the known share of its content words (0 where it names nothing)."""
        ids = np.full((len(texts), LONGEST), PAD, dtype=np.int64)
        known = np.zeros(len(texts), dtype=np.float32)
        for row, text in enumerate(texts):
            words = self.split(text)[:LONGEST]
            ids[row, : len(words)] = [self.ids[word] if word else UNKNOWN for word in words]
            named, strange = sum(word in self.content for word in words if word), words.count(None)
            known[row] = named / (named + strange) if named else 0.0
        return ids, ids != PAD, known

    def _words_of(self, piece: str) -> Iterator[str | None]:
        if "\u3400" <= piece[0] <= "\u9fff":
            return self._chinese(piece)
        return iter([self._latin(piece)]) if "-" not in piece or self._latin(piece) else map(self._latin, _parts(piece))

    def _latin(self, word: str) -> str | None:
        return next((form for form in _forms(word) if form in self.ids), None)

    def _chinese(self, piece: str) -> Iterator[str | None]:
        """The parting that leaves the fewest letters over and, of those, has the fewest words: 小+猫头鹰.

        Letters left over side by side count as one unknown word for every two.
        """
        best: list[tuple[int, int, int]] = [(0, 0, 0)]  # letters left over, words, where the last one begins
        for end in range(1, len(piece) + 1):
            left, words, _ = best[end - 1]
            choices = [(left + 1, words + 1, end - 1)]
            for start in range(max(0, end - self._longest), end):
                if piece[start:end] in self.ids:
                    choices.append((best[start][0], best[start][1] + 1, start))
            best.append(min(choices))
        words_back: list[str | None] = []
        end, strange = len(piece), 0
        while end:
            start = best[end][2]
            word = piece[start:end] if piece[start:end] in self.ids else None
            strange = 0 if word else strange + 1
            if word or strange % 2:
                words_back.append(word)
            end = start
        return reversed(words_back)


def _parts(word: str) -> Iterable[str]:
    return [part for part in word.split("-") if part]


def _forms(word: str) -> Iterator[str]:
    """The word, and what it may be a form of: cats, boxes, berries, jumping, hopped, the cat's."""
    yield word
    yield re.sub(r"['’]s$", "", word)
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y"), ("ing", "s"), ("ing", "es"), ("ed", "s"), ("", "s")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: len(word) - len(ending)] + instead
            yield stem
            if ending in ("ing", "ed") and len(stem) > 4 and stem[-2] == stem[-3]:
                yield stem[:-2] + stem[-1]  # hopping -> hops
