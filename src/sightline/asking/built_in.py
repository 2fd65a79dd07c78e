"""The default reader, without torch and without a language model: words first where words answer, pictures otherwise,
and neither where neither is sure; the notes say which. Pictures are read by the trained judge where it learned such
questions, and compared with statements elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sightline.asking.comparing import ComparingReader
from sightline.asking.judging_reader import JudgingReader, pictured
from sightline.asking.question import IN_WORDS, understand
from sightline.asking.words import WordsReader
from sightline.language.reader import Turn, Wants
from sightline.records import Exhibit, Reading


class BuiltInReader:
    name = "built-in"

    def __init__(
        self,
        comparing: ComparingReader | None,
        words: WordsReader | None = None,
        judging: JudgingReader | None = None,
    ) -> None:
        """Without `comparing` (a library that holds no pictures) words alone answer."""
        self.comparing, self.words, self.judging = comparing, words or WordsReader(), judging
        looks = judging or comparing
        self.wants = looks.wants if looks else Wants(pictures=False)

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
            seen = self._seen(question, exhibits, options)
            reading = self._surer(said, seen, asked.kind)
        else:
            reading = said
        if told and not reading.abstained:
            told(reading.text)
        return reading

    def score(self, question: str, exhibits: Sequence[Exhibit], answer: str) -> float:
        """By whoever looked; what words answered is not scored."""
        looks = self.judging if self.judging is not None and pictured(exhibits) else self.comparing
        return looks.score(question, exhibits, answer) if looks else float("nan")

    def _seen(self, question: str, exhibits: Sequence[Exhibit], options: Sequence[str]) -> Reading:
        """By the judge, where it has pictures; by comparing otherwise."""
        assert self.comparing is not None
        if self.judging is not None and pictured(exhibits):
            return self.judging.answer(question, exhibits, options=options)
        return self.comparing.answer(question, exhibits, options=options)

    def _surer(self, said: Reading, seen: Reading, kind: str) -> Reading:
        """What pictures say; words' own guess where pictures are silent and the question is about words."""
        if not seen.abstained:
            return seen
        guess = said if (kind in IN_WORDS and said.text) or not seen.text else seen
        why = "; ".join(dict.fromkeys(str(one.notes["why"]) for one in (said, seen) if "why" in one.notes))
        return replace(
            guess, abstained=True, notes={**guess.notes, "why": why or "neither words nor pictures are sure"}
        )
