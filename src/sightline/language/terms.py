"""Text of any language becomes terms: what the full-text table stores and what a query looks for.

- Words between spaces: folded (see `folding`), English endings cut off (see `stems`): "Dogs" and "dog" are one term.
- Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese): every character, then every pair of
  neighbours. 冰箱 in a query is the pair, so it is found only where the two stand together.
- Numbers stay words: "4K" -> 4k, "1,000" -> 1000, "3.5" -> 3point5; "C++" -> cplusplus, "C#" -> csharp.

A term is letters, digits and private-use characters only: SQLite's unicode61 tokenizer (remove_diacritics 0) reads
" ".join(terms(text)) back as exactly these tokens, and no term can carry FTS5 syntax.

From: the bigram index for unsegmented scripts (Nie, Gao, Zhang & Zhou 2000, "On the use of words and n-grams for
Chinese information retrieval"). Departures: single characters are kept beside the pairs, for words of one character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice, pairwise

from sightline.language.folding import PRIVATE, fold
from sightline.language.stems import stem
from sightline.language.stops import ENGLISH, content_of

LONGEST_TERM = 64  # characters; longer words are data (base64, hashes): their beginning is enough to find them
MOST_QUERY_TERMS = 64  # a query of more is a pasted page; SQLite's cost grows with every term

_SIGN = f"[{chr(PRIVATE)}-\U0010fffd]"  # where `fold` put the signs that belong to a letter's spelling
_UNSPACED = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3031-\u3035\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_CHARACTER = re.compile(f"(?=[^\\W_]){_UNSPACED}{_SIGN}*")
_PIECE = re.compile(f"((?:(?=[^\\W_]){_UNSPACED}{_SIGN}*)+)|((?:(?!{_UNSPACED})[^\\W_]|{_SIGN})+)")
_HAS_SIGN = re.compile(_SIGN)
_QUOTED = re.compile(r'"([^"]*)"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»|「([^「」]*)」|『([^『』]*)』|＂([^＂]*)＂')
_PUNCTUATED = re.compile(r"[’'.,+#]")
_SPELLINGS = (
    (re.compile("[’‘ʼ]"), "'"),
    (re.compile(r"(?<!\w)(?:[cdjlmnst]|qu)'(?=\w)"), " "),  # l'eau -> eau
    (re.compile(r"(?<=\w)'s(?!\w)"), ""),  # the dog's -> the dog
    (re.compile(r"(?<=\w)'(?=\w)"), ""),  # don't -> dont
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<![\d.])(\d+)\.(?=\d+(?![\d.]))"), r"\1point"),
    (re.compile(r"(?<=[a-z])\+\+(?!\+)"), "plusplus "),
    (re.compile(r"(?<![^\W_])([a-gj])#(?!\w)"), r"\1sharp "),
)


def terms(text: str) -> list[str]:
    """The index terms of a text, in reading order; a run without spaces gives its characters, then its pairs."""
    found: list[str] = []
    for run, word in _PIECE.findall(_spelled(text)):
        if word:
            found.append(_key(word))
        else:
            characters = _characters(run)
            found += characters
            found += [left + right for left, right in pairwise(characters)]
    return found


def query_terms(text: str) -> list[str]:
    """The distinct terms a query looks for, in order; words of grammar are left out unless there is nothing else."""
    return _distinct(chain.from_iterable(_content(text) or _rows(text)))[:MOST_QUERY_TERMS]


def phrases(text: str) -> list[list[str]]:
    """What stands in quotation marks, each as terms that must follow one another.

    A quotation of several scripts ("GPU加速") gives one list per script, because words and pairs are stored apart.
    """
    quotations = ("".join(quotation.groups(default="")) for quotation in _QUOTED.finditer(text))
    return [row for quotation in quotations for row in _rows(quotation)]


def fts_query(text: str) -> str:
    """An FTS5 MATCH expression for a query; '""' (matches nothing) where the text has no terms.

    Quotations must be found; of the other terms any will do, and rows with more of them, or with the neighbouring pairs
    of a longer Chinese word in a row, rank higher. Every term is quoted and holds no quotation mark: none breaks out.
    """
    required = [_phrase(row[:MOST_QUERY_TERMS]) for row in phrases(text)[:MOST_QUERY_TERMS]]
    rest = _QUOTED.sub(" ", text)
    alternatives = _alternatives(_content(rest) or ([] if required else _rows(rest)))
    if not required:
        return " OR ".join(alternatives) or '""'
    must = " AND ".join(required)
    return f"{must} AND ({' OR '.join([required[0], *alternatives])})" if alternatives else must


def _alternatives(rows: list[list[str]]) -> list[str]:
    """Every term of the rows, then, for rows of pairs, every two pairs that follow one another."""
    single = _distinct(chain.from_iterable(rows))[:MOST_QUERY_TERMS]
    pairs = (two for row in rows if len(row[0]) > 1 and _is_unspaced(row[0]) for two in pairwise(row))
    return [_phrase([term]) for term in single] + _distinct(map(_phrase, islice(pairs, MOST_QUERY_TERMS)))


def _phrase(row: Iterable[str]) -> str:
    return '"' + " ".join(row) + '"'


def _rows(text: str) -> list[list[str]]:
    """The text as rows of terms that follow one another in the table: words in a row, or the pairs of one run."""
    rows: list[list[str]] = []
    words: list[str] = []
    for run, word in _PIECE.findall(_spelled(text)):
        if word:
            words.append(_key(word))
            continue
        rows += [words, _pairs(run)] if words else [_pairs(run)]
        words = []
    return [*rows, words] if words else rows


def _content(text: str) -> list[list[str]]:
    """What a query is about, as rows: each word, and the pairs of each stretch between Chinese function words."""
    rows: list[list[str]] = []
    for run, word in _PIECE.findall(_spelled(text)):
        if word:
            rows += [] if word in ENGLISH else [[_key(word)]]
        else:
            rows += [_pairs(stretch) for stretch in content_of(run)]
    return [row for row in rows if row]


def _key(word: str) -> str:
    return stem(word[:LONGEST_TERM])


def _pairs(run: str) -> list[str]:
    characters = _characters(run)
    return [left + right for left, right in pairwise(characters)] or characters


def _characters(run: str) -> list[str]:
    return _CHARACTER.findall(run) if _HAS_SIGN.search(run) else list(run)


def _is_unspaced(term: str) -> bool:
    return _CHARACTER.match(term) is not None


def _spelled(text: str) -> str:
    """Folded text in which numbers and names with punctuation are words."""
    folded = fold(text)
    if _PUNCTUATED.search(folded):
        for pattern, spelling in _SPELLINGS:
            folded = pattern.sub(spelling, folded)
    return folded


def _distinct(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))
