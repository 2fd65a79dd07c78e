"""English endings cut off, so that dogs finds dog and running finds run.

From: M. F. Porter, "An algorithm for suffix stripping" (1980): steps 1 and 5 (plurals, -ed, -ing, final -y and -e).
Departures: steps 2 to 4 (relational -> relate) are left out, because they join words that a viewer tells apart;
from Porter's later English stemmer the rules for ties/dies, for y, and for two-letter words (using -> use);
a list of irregular plurals and of words that only look like plurals.

A stem is a key, not a word: fridge and fridges both give "fridg".
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 30  # longer "words" are identifiers or noise; they are kept as they are

_AS_THEY_ARE = frozenset("news lens evening during this his its was has bus gas yes always perhaps sky".split())
_IRREGULAR = dict(
    pair.split(":")
    for pair in """
    men:man women:woman children:child people:person persons:person feet:foot teeth:tooth mice:mouse geese:goose
    knives:knife wives:wife wolves:wolf shelves:shelf thieves:thief loaves:loaf halves:half calves:calf
    lenses:lens buses:bus gases:gas skies:sky skis:ski goes:go does:do dying:die lying:lie tying:tie
    """.split()
)

_VOWEL = re.compile(r"[aeiou]|(?<=[^aeiou])y")
_VOWELS_THEN_CONSONANTS = re.compile(r"(?:[aeiou]|(?<=[^aeiou])y)+[^aeiouy]+")
_SHORT_SYLLABLE = re.compile(r"[^aeiou][aeiouy][^aeiouwxy]$")  # Porter's *o: -hop, -mak


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The key of one lower-case word; words that are not plain English letters come back unchanged."""
    if not 2 < len(word) <= LONGEST or not (word.isascii() and word.isalpha()):
        return word
    word = _IRREGULAR.get(word, word)
    if word in _AS_THEY_ARE:
        return word
    return _without_e(_y_as_i(_without_ed_or_ing(_without_plural(word))))


def _without_plural(word: str) -> str:
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    if word.endswith(("ies", "ied")):
        return word[:-1] if len(word) == 4 else word[:-2]  # dies, tied -> die, tie; cities -> citi
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_ed_or_ing(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for ending in ("ed", "ing"):
        if word.endswith(ending):
            rest = word[: -len(ending)]
            return _mended(rest) if _VOWEL.search(rest) and len(rest) > 1 else word
    return word


def _mended(rest: str) -> str:
    """What -ed and -ing had swallowed: hopp(ing) -> hop, hop(ing) -> hope, us(ing) -> use."""
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "aeioulsz":
        return rest[:-1]
    if len(rest) == 2 and rest[0] in "aeiou" and rest[1] not in "aeiou":
        return rest + "e"
    return rest + "e" if _measure(rest) == 1 and _SHORT_SYLLABLE.search(rest) else rest


def _y_as_i(word: str) -> str:
    return word[:-1] + "i" if len(word) > 2 and word[-1] == "y" and word[-2] not in "aeiou" else word


def _without_e(word: str) -> str:
    if len(word) > 3 and word.endswith("e"):
        rest = word[:-1]
        syllables = _measure(rest)
        if syllables > 1 or (syllables == 1 and not _SHORT_SYLLABLE.search(rest)):
            return rest
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word


def _measure(stem: str) -> int:
    """Porter's m: how often vowels are followed by consonants."""
    return len(_VOWELS_THEN_CONSONANTS.findall(stem))
