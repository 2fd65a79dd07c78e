"""Questions about a script, multiple choice and open, of sixteen kinds, each with the seconds its answer rests on.

Wrong options are drawn from the same distribution as right ones (the same thing's other possible colours, the other
events of the same video, the other lines that could have been said there), so that who sees nothing stays near chance:
`blind.py` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from sightline.data.storybook.desk import OPTIONS, Desk, Question
from sightline.data.storybook.looks import LOOKS
from sightline.data.storybook.moves import MOVES, WHOLE
from sightline.data.storybook.script import Script
from sightline.errors import BadQuery

_MAKERS = LOOKS | MOVES | WHOLE
KINDS = tuple(_MAKERS)
__all__ = ["KINDS", "OPTIONS", "Question", "questions"]


def questions(
    script: Script,
    count: int = 8,
    kinds: Sequence[str] | None = None,
    seed: int = 0,
    *,
    paraphrased: bool | None = None,
) -> list[Question]:
    """Up to `count` different questions; the dials `generic` and `motion` say how often which family is asked.

    `paraphrased`: the same questions in other words (without a word about it, those of the challenge split are).
    """
    for kind in kinds or ():
        if kind not in KINDS:
            raise BadQuery(f"no question kind {kind!r}; there are {', '.join(KINDS)}")
    desk = Desk(script, Random(f"questions {script.seed} {script.split} {seed}"), paraphrased)
    found: dict[tuple[str, str], Question] = {}
    for _ in range(count * 40):
        if len(found) == count:
            break
        kind = desk.dice.choice(tuple(kinds)) if kinds else _pick(desk)
        tries = (_MAKERS[kind](desk) for _ in range(6))  # rare kinds need luck with the event they pick
        question = next((made for made in tries if made is not None), None)
        if question is not None:
            found.setdefault((question.kind, question.question.en), question)
    return [replace(question, number=k) for k, question in enumerate(found.values())]


def _pick(desk: Desk) -> str:
    dials, dice = desk.script.dials, desk.dice
    if dice.random() < dials.generic:
        return dice.choice(list(WHOLE))
    return dice.choice(list(MOVES if dice.random() < dials.motion else LOOKS))
