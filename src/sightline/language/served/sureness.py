"""How sure a served model is: from the probabilities of its own tokens where the server tells them.

From: the geometric mean of token probabilities (length-normalised likelihood, as 2302.09664 uses it); for options, the
probability of the chosen letter among the letters of all options.
Departures: only tokens inside the answer's own words count, not those of the form around them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sightline.language.served.connection import Piece


def within(pieces: Sequence[Piece], text: str, start: int, end: int) -> list[Piece]:
    """The tokens that touch the characters from start to end; counted in bytes, since tokens may split characters."""
    first, last = len(text[:start].encode()), len(text[:end].encode())
    inside, place = [], 0
    for piece in pieces:
        if place < last and place + piece.size > first:
            inside.append(piece)
        place += piece.size
    return inside


def likelihood(pieces: Sequence[Piece]) -> float | None:
    """The geometric mean of the tokens' probabilities."""
    if not pieces:
        return None
    return min(math.exp(sum(piece.logprob for piece in pieces) / len(pieces)), 1.0)


def option_shares(pieces: Sequence[Piece], letters: Sequence[str]) -> dict[str, float]:
    """The share of each letter at the place where one was chosen; empty where the server does not say.

    A letter that the server does not list counts as the least likely token it lists, which it cannot exceed.
    """
    for piece in pieces:
        if _bare(piece.text) not in letters:
            continue
        listed = (*piece.others, (piece.text, piece.logprob))
        least = min(logprob for _, logprob in listed)
        likely = {_bare(token): logprob for token, logprob in sorted(listed, key=lambda pair: pair[1])}
        if not piece.others:
            chosen = math.exp(piece.logprob)
            rest = (1 - chosen) / max(len(letters) - 1, 1)
            return {letter: chosen if letter == _bare(piece.text) else rest for letter in letters}
        chances = {letter: math.exp(likely.get(letter, least)) for letter in letters}
        total = sum(chances.values())
        return {letter: chance / total for letter, chance in chances.items()}
    return {}


def _bare(token: str) -> str:
    return token.strip(' "')
