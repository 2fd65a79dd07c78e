"""Bytes of a text file become characters: byte order marks, UTF-8, then the likeliest of six older encodings.

From: the standards' own order of characters. GB 2312, Big5, JIS X 0208 and KS X 1001 put their commonest characters
into blocks of their own: text read in its right encoding falls there, in a wrong one among the rare characters.
Departures: languages are not modelled. A file with a handful of such characters can be mistaken; of equally likely
encodings the earlier in LEGACY wins. Other encodings (Greek, Arabic, Thai, ...) are not told apart: save them as UTF-8.
"""

from __future__ import annotations

import codecs
import re
from itertools import groupby

LEGACY = ("gb18030", "big5", "cp932", "cp949", "cp1252", "cp1251")
JUDGED = 20_000  # non-ASCII characters looked at; a level's share does not move after that
_MARKS = (  # the UTF-32 marks begin like the UTF-16 ones, so they come first
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FIRST_LEVEL = {  # first bytes of punctuation and of the commonest characters
    "gb18030": (range(0xA1, 0xA4), range(0xB0, 0xD8)),
    "big5": (range(0xA1, 0xC7),),
    "cp932": (range(0x81, 0x84), range(0x88, 0x98)),
    "cp949": (range(0xA1, 0xA4), range(0xB0, 0xC9)),
}
# They break ties: characters that make up a fifth of running Chinese, Japanese and Korean.
_COMMONEST = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會也你对對生能"
    "にのはをたがでてとしるい"
    "이다는을가에의은를고하지그나도로어있니아한"
)
_WESTERN = frozenset("àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜšžŠŽ¿¡«»“”‘’„…–—°ºª€£\u00a0")
_RUSSIAN = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяё")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def decoded(data: bytes) -> str:
    """The text of a file, without characters that nobody sees (controls, bidi overrides, zero-width); lines end in \\n.

    Nothing is refused: a byte that fits nowhere becomes U+FFFD.
    """
    return visible(_with_mark(data) or _as_utf8(data) or _as_legacy(data))


def visible(text: str) -> str:
    """The text as it is shown: without controls, bidi overrides and zero-width characters, which only hide things."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _with_mark(data: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[:1000]  # UTF-16 without a mark: in ASCII and Western text every other byte is zero
    for parity, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[parity::2].count(0) > len(head) / 5 > head[1 - parity :: 2].count(0) * 10:
            return data.decode(encoding, "replace")
    return None


def _as_utf8(data: bytes) -> str | None:
    """UTF-8, also where a few bytes are broken (a file cut in the middle of a character)."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken == 0:
        return text
    well_formed = sum(not c.isascii() for c in text) - broken
    return text if well_formed >= 20 * broken else None  # by chance 1 in 6 pairs of GB 2312 bytes is well-formed UTF-8


def _as_legacy(data: bytes) -> str:
    readings = [(encoding, text) for encoding in LEGACY if (text := _strictly(data, encoding)) is not None]
    if not readings:
        return data.decode("cp1252", "replace")
    return max(readings, key=lambda reading: _plausible(*reading))[1]  # the earlier of equals


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _plausible(encoding: str, text: str) -> float:
    """Between 0 and 2: the share of non-ASCII characters that are usual in this encoding, the commonest doubly."""
    strange = [c for c in text if not c.isascii()][:JUDGED]
    if not strange:
        return 0.0
    if encoding in _FIRST_LEVEL:
        return sum(_in_first_level(c, encoding) + (c in _COMMONEST) for c in strange) / len(strange)
    # Accented letters stand alone or in twos, Russian ones in words; other rows are another encoding's double bytes.
    rows = [list(row) for foreign, row in groupby(text[: 20 * JUDGED], lambda c: not c.isascii()) if foreign]
    if encoding == "cp1252":
        usual = sum(len(row) for row in rows if len(row) <= 2 and _WESTERN.issuperset(row))
    else:
        usual = sum(_RUSSIAN.issuperset(row[1:]) * len(row) for row in rows if len(row) > 1)
    return min(1.0, usual / len(strange))


def _in_first_level(character: str, encoding: str) -> bool:
    lead = character.encode(encoding)
    return len(lead) == 2 and any(lead[0] in leads for leads in _FIRST_LEVEL[encoding])
