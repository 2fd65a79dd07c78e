"""Batches of kept questions: a pure function of seed and step, so a run that goes on sees what it would have seen.

Every epoch is another order of all questions. With several processes each takes its own part of the same batch.
Shapes: seen.tokens [B, T, N, D], words.vector [B, E], words.ids [B, L], options ids [B, O, A], evidence [B, T]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.records import Seen, Words
from sightline.training.kept import Kept, evidence

Tensor = Any


@dataclass(frozen=True)
class Batch:
    """Questions about videos, as a system takes them. Options that a question does not have are False in `real`."""

    seen: Seen
    words: Words  # the question: ids and mask begin with <start>; vector is of the shared space
    options: tuple[Tensor, Tensor]  # ids and mask [B, O, A]; each ends with <end>; not-real ones repeat the first
    real: Tensor  # [B, O] bool
    option_vectors: Tensor  # [B, O, E]
    answer: Tensor  # [B]
    statement: Tensor  # [B, E], the answer as a sentence
    evidence: Tensor  # [B, T] bool, the frames that the answer rests on
    rows: tuple[int, ...]  # places in Kept.questions

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def answer_vector(self) -> Tensor:
        """[B, E] of the right option's text."""
        import torch

        return self.option_vectors[torch.arange(len(self)), self.answer]

    @property
    def wrong(self) -> Tensor:
        """[B, O] bool: the real options that are not the answer."""
        import torch

        return self.real & (torch.arange(self.real.shape[1]) != self.answer[:, None])


class Batches:
    """The questions of a kept set, ready to be taken in batches."""

    def __init__(self, kept: Kept, tokenizer: Any, languages: Sequence[str] | None = None) -> None:
        self.kept, self.tokenizer = kept, tokenizer
        self.numbers = [k for k, q in enumerate(kept.questions) if languages is None or q.language in languages]
        self._ids: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def forever(self, size: int, seed: int, start: int = 0, part: tuple[int, int] = (0, 1)) -> Iterator[Batch]:
        """Batches of `size` from step `start` on, without end; `part` (rank, of) takes one process's share of each."""
        step = start
        while True:
            rows = [self._at(seed, step * size + k) for k in range(size)]
            yield self.batch(rows[part[0] :: part[1]])
            step += 1

    def in_order(self, size: int) -> Iterator[Batch]:
        """Every question once."""
        for first in range(0, len(self.numbers), size):
            yield self.batch(self.numbers[first : first + size])

    def _at(self, seed: int, number: int) -> int:
        epoch, place = divmod(number, len(self.numbers))
        return self.numbers[_order(seed, epoch, len(self.numbers))[place]]

    def batch(self, rows: Sequence[int]) -> Batch:
        """The questions at these places of `kept.questions`."""
        import torch

        from sightline.language.tokenizer import END, START, padded

        kept, asked = self.kept, [self.kept.questions[row] for row in rows]
        films = [kept.films[q.video] for q in asked]
        most = max(len(q.options) for q in asked)
        options = [[*q.options, *[q.options[0]] * (most - len(q.options))] for q in asked]
        ids, mask = padded([[START, *self.ids(q.question)] for q in asked])
        flat = padded([[*self.ids(option), END] for row in options for option in row])

        def taken(array: Any) -> Tensor:
            return torch.from_numpy(np.stack([array[film] for film in films]))

        def vectors(texts: Sequence[str]) -> Tensor:
            return torch.from_numpy(np.stack([kept.vector(text) for text in texts]))

        seconds, valid = taken(kept.seconds), taken(kept.mask)
        lit = [evidence(kept.seconds[f], kept.mask[f], q.seconds) for f, q in zip(films, asked, strict=True)]
        return Batch(
            Seen(taken(kept.vectors).float(), seconds, valid, taken(kept.tokens).float(), grid=kept.grid),
            Words(vectors([q.question for q in asked]), ids, mask),
            (flat[0].unflatten(0, (-1, most)), flat[1].unflatten(0, (-1, most))),
            torch.tensor([[k < len(q.options) for k in range(most)] for q in asked]),
            torch.stack([vectors(row) for row in options]),
            torch.tensor([q.answer for q in asked]),
            vectors([q.statement or q.right for q in asked]),
            torch.from_numpy(np.stack(lit)),
            tuple(rows),
        )

    def ids(self, text: str) -> list[int]:
        if text not in self._ids:
            self._ids[text] = self.tokenizer.ids(text)
        return self._ids[text]


_LAST_ORDER: dict[tuple[int, int, int], Any] = {}


def _order(seed: int, epoch: int, count: int) -> Any:
    key = (seed, epoch, count)
    if key not in _LAST_ORDER:
        if len(_LAST_ORDER) > 8:
            _LAST_ORDER.clear()
        _LAST_ORDER[key] = np.random.default_rng([seed, epoch]).permutation(count)
    return _LAST_ORDER[key]
