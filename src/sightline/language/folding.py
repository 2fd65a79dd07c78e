"""One spelling for what a reader takes to be the same text: width, case, accents, traditional Chinese.

From: Unicode NFKC and case folding (through `unicodedata`); OpenCC's character table for Chinese (simplified.txt).
Departures: Chinese is mapped character by character, so words that regions call differently (軟體, 软件) stay apart;
Japanese forms that are neither (気, 図) stay as they are.

What happens to signs that sit on letters:
- accents on Latin and Greek letters, Arabic and Hebrew vowel points: dropped (people leave them out when they type);
- signs that are part of the spelling (Devanagari, Thai, ...): kept, but moved to a private-use character, because
  SQLite's unicode61 tokenizer takes private-use characters as letters and would split a word at a sign.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from importlib.resources import files

PRIVATE = 0xF0000  # a sign at code point c is kept as c + PRIVATE: planes 0 and 1 land in the private planes 15 and 16
_ACCENTED = (range(0xC0, 0x250), range(0x370, 0x400), range(0x1E00, 0x2000))  # Latin and Greek letters
_LETTERS_WITHOUT_PARTS = {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}
_DROPPED_SIGNS = (
    range(0x300, 0x370),  # loose accents
    range(0x591, 0x5C8),  # Hebrew points
    range(0x610, 0x61B),  # Arabic marks
    range(0x64B, 0x660),
    range(0x670, 0x671),
    range(0x6D6, 0x6EE),
    range(0xFE00, 0xFE10),  # variation selectors
)
_SPLIT_BY_SQLITE = (*range(0x19B0, 0x19CA), 0x1CF2, 0x1CF3)  # letters today, signs in the Unicode of SQLite's tables
_TATWEEL = 0x640  # stretches an Arabic word, means nothing


def fold(text: str) -> str:
    """The text as it is compared: NFKC, lower case, without accents and invisible characters, simplified Chinese."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict(_signs_and_invisibles())
    for letters in _ACCENTED:
        for code in letters:
            parts = unicodedata.normalize("NFKD", chr(code).casefold())
            bare = "".join(_LETTERS_WITHOUT_PARTS.get(c, c) for c in parts if not unicodedata.combining(c))
            if bare and bare != chr(code):
                table[code] = bare
    table[ord("ё")] = "е"
    table |= {ord(traditional): simplified for traditional, simplified in simplified_forms().items()}
    return table


def _signs_and_invisibles() -> dict[int, str | None]:
    table: dict[int, str | None] = {_TATWEEL: None}
    for code in range(0x20000):
        category = unicodedata.category(chr(code))
        if category in ("Mn", "Mc"):
            table[code] = chr(code + PRIVATE)
        elif category == "Cf":
            table[code] = None
    table |= {code: chr(code + PRIVATE) for code in _SPLIT_BY_SQLITE}
    table |= {code: None for signs in _DROPPED_SIGNS for code in signs}
    return table


@lru_cache(maxsize=1)
def simplified_forms() -> dict[str, str]:
    """Traditional character -> simplified character, about 4,100 of them."""
    text = files("sightline.language").joinpath("simplified.txt").read_text(encoding="utf-8")
    rows = (row for row in text.splitlines() if not row.startswith("#"))
    return {pair[0]: pair[1] for row in rows for pair in row.split()}
