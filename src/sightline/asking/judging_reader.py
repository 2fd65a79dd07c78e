"""Answers by a small network that was trained to judge options by pictures (judging.py); storybook is all it knows.

It takes part where the library was seen by the tower it learned with, and the question is of a kind it learned. Where
"not in these videos" is as likely as the best option, it abstains. What it answers rests on the frames that say so
alone.

Shapes: exhibits with pixels [3, H, W] -> Reading
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sightline.asking.candidates import candidates
from sightline.asking.comparing import SURE, moment_of, nothing, yes_no
from sightline.asking.judging import GRAPH, HOME, Judged, Judging
from sightline.asking.question import Asked, understand
from sightline.language.reader import Turn, Wants
from sightline.records import Exhibit, Reading

Array = Any
KINDS = frozenset({"thing", "colour", "where", "which", "present", "yes", "whom"})  # that it learned, without an order
FRAMES, SIDE = 8, 64
OPTIONS = 96  # at once; a table of candidates is shorter


class JudgingReader:
    """`trust`: how far the encoder knows a statement's words and a video's world, 0 to 1."""

    name = "judging"
    wants = Wants(side=SIDE, frames=FRAMES, must=False)

    def __init__(
        self,
        judging: Judging,
        trust: Callable[[str, str], float] | None = None,
        language: str | None = None,
        encoder: Any = None,
    ) -> None:
        self.judging, self.language, self.encoder = judging, language, encoder
        self.trust = trust or (lambda statement, video: 1.0)

    def reads(self, asked: Asked, options: Sequence[str]) -> bool:
        if asked.kind == "where" and not options:  # of all places there are, one that any frame shows would do
            return False
        return asked.kind in KINDS and not asked.order and len(self._choices(asked, options)) in range(2, OPTIONS + 1)

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
        asked = understand(question, self.language)
        shown = pictured(exhibits)
        if not shown or not self.reads(asked, options):
            return nothing("no picture was chosen" if not shown else "this kind of question was not learned")
        choices = self._choices(asked, options)
        judged = self._judged(question, shown, choices)
        reading = self._reading(asked, shown, choices, judged)
        if told and not reading.abstained:
            told(reading.text)
        return reading

    def score(self, question: str, exhibits: Sequence[Exhibit], answer: str) -> float:
        """How much likelier an answer is than that nothing of it is there. For ablation."""
        shown = pictured(exhibits)
        if not shown:
            return float("-inf")
        chances = self._judged(question, shown, [answer]).chances
        return float(np.log(chances[0] + 1e-9) - np.log(chances[1] + 1e-9))

    def _choices(self, asked: Asked, options: Sequence[str]) -> list[str]:
        if asked.kind in ("present", "yes"):
            return list(options) or list(yes_no((), asked.language))
        return list(options) or list(candidates(asked.kind, asked.language, self.encoder))

    def _judged(self, question: str, shown: Sequence[Exhibit], choices: Sequence[str]) -> Judged:
        pixels = np.stack([np.asarray(one.pixels) for one in shown])
        return self.judging.judge(question, choices, pixels, [one.second for one in shown])

    def _reading(self, asked: Asked, shown: Sequence[Exhibit], choices: Sequence[str], judged: Judged) -> Reading:
        best = int(judged.chances[:-1].argmax())
        sure = float(judged.chances[best]) * min(
            self.trust(self._stated(asked, choices[best]), one.video) for one in shown
        )
        chances = {choice: round(float(c), 3) for choice, c in zip(choices, judged.chances, strict=False)}
        notes: dict[str, Any] = {"by": "pictures", "judged": chances, "not here": round(float(judged.chances[-1]), 3)}
        denied = asked.kind in ("present", "yes") and choices[best] == yes_no(choices, asked.language)[1]
        cited = [] if denied else moment_of(shown[int(judged.alone[:, best].argmax())], shown)
        return Reading(choices[best], cited, sure, sure < SURE, notes)

    def _stated(self, asked: Asked, choice: str) -> str:
        return asked.look_for if asked.kind in ("present", "yes") else asked.filled(choice)


def judge_for(
    encoder: Any, trust: Callable[[str, str], float] | None = None, language: str | None = None
) -> JudgingReader | None:
    """The judge that came with the package, where it learned with this encoder's tower."""
    if not (HOME / GRAPH).is_file() or Judging.tower_of(HOME) != encoder.card.fingerprint:
        return None
    return JudgingReader(Judging.opened(HOME), trust, language, encoder)


def pictured(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Frames with their pictures, in the order of time; of several shapes of picture those of the most frequent one."""
    shown = [one for one in exhibits if one.source == "picture" and one.pixels is not None]
    if not shown:
        return []
    shapes = [np.asarray(one.pixels).shape for one in shown]
    usual = max(shapes, key=shapes.count)
    return [one for one, shape in zip(shown, shapes, strict=True) if shape == usual][:FRAMES]
