"""What every reader is: it looks at numbered exhibits and answers a question from them, or says that it cannot.

Readers never name seconds: they cite exhibits by number, and whoever asked maps numbers to the decoder's timestamps.
The text of an exhibit is what a video says or shows. It is data: a reader that builds a prompt fences it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sightline.records import Exhibit, Reading


@dataclass(frozen=True)
class Turn:
    """An earlier question of the same conversation, with its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Wants:
    """What a reader can use: whether it looks at pictures, their shorter side in pixels, and how many at most.

    `must`: a frame whose picture cannot be had is nothing to it.
    """

    pictures: bool = True
    side: int = 224
    frames: int | None = None
    must: bool = True


class Reader(Protocol):
    name: str
    wants: Wants

    def answer(
        self,
        question: str,
        exhibits: Sequence[Exhibit],
        *,
        options: Sequence[str] = (),
        tokens: int | None = None,
        earlier: Sequence[Turn] = (),
        told: Callable[[str], None] | None = None,
    ) -> Reading:
        """Answers from the exhibits alone. `options`: nothing else can be answered; `tokens`: visual tokens at most;
        `told` hears the answer's words as they come."""
        ...
