"""The default reader, without torch and without a language model: words first where words answer, pictures otherwise,
and neither where neither is sure; the notes say which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sightline.asking.comparing import ComparingReader
from sightline.asking.question import IN_WORDS, understand
from sightline.asking.words import WordsReader
from sightline.language.reader import Turn, Wants
from sightline.records import Exhibit, Reading


class BuiltInReader:
    name = "built-in"

    def __init__(self, comparing: ComparingReader | None, words: WordsReader | None = None) -> None:
        """Without `comparing` (a library that holds no pictures) words alone answer."""
        self.comparing, self.words = comparing, words or WordsReader()
        self.wants = comparing.wants if comparing else Wants(pictures=False)

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
        asked = understand(question, self.words.language)
        said = self.words.answer(question, exhibits, options=options)
        seen_only = asked.kind in ("present", "times", "gist") and self.comparing is not None
        if seen_only or (said.abstained and self.comparing is not None):
            seen = self.comparing.answer(question, exhibits, options=options)  # type: ignore[union-attr]
            reading = self._surer(said, seen, asked.kind)
        else:
            reading = said
        if told and not reading.abstained:
            told(reading.text)
        return reading

    def score(self, question: str, exhibits: Sequence[Exhibit], answer: str) -> float:
        """The comparing reader's score; what words answered is not scored."""
        return self.comparing.score(question, exhibits, answer) if self.comparing else float("nan")

    def _surer(self, said: Reading, seen: Reading, kind: str) -> Reading:
        """What pictures say; words' own guess where pictures are silent and the question is about words."""
        if not seen.abstained:
            return seen
        guess = said if (kind in IN_WORDS and said.text) or not seen.text else seen
        why = "; ".join(dict.fromkeys(str(one.notes["why"]) for one in (said, seen) if "why" in one.notes))
        return replace(
            guess, abstained=True, notes={**guess.notes, "why": why or "neither words nor pictures are sure"}
        )
