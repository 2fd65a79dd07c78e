"""A form of question: a pattern, and how its groups make the statement to look for and the frame of the answer.

In `looks` and `frame` a group stands as {T}, {T|bare} without its article; [ ] is the slot where the answer goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SLOT = "\ue000"  # private: a question never holds it (question.plain)


@dataclass(frozen=True)
class Form:
    kind: str
    pattern: re.Pattern[str]
    look_for: str = ""
    frame: str = "[ ]"
    order: str = ""

    def looks(self, said: dict[str, str]) -> str:
        return _put(self.look_for, said).strip()

    def frames(self, said: dict[str, str]) -> str:
        return " ".join(_put(self.frame.replace("[ ]", SLOT), said).split())


def form(kind: str, pattern: str, look_for: str = "", frame: str = "[ ]", order: str = "") -> Form:
    return Form(kind, re.compile(pattern, re.IGNORECASE), look_for, frame, order)


def _put(template: str, said: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        words = said.get(found[1], "")
        return bare_noun(words) if found[2] else words

    return re.sub(r"\{(\w+)(\|bare)?\}", value, template)


def bare_noun(words: str) -> str:
    """Without the article or pointing word before it: "the red cat" -> "red cat"; 那个猫 -> 猫."""
    return re.sub(
        r"^(?:(?:an?|the|this|that|these|those|any|some)\s+|[这那一][只个头条辆列艘架枚棵朵盆片颗根座顶把盏本份面位名张]|那|这)",
        "",
        words,
        flags=re.IGNORECASE,
    )
