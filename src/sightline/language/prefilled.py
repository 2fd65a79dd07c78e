"""The language side of a model with what it has read: the next prompt pays only for where it differs from the last one.

Two prompts share as much of the keys and values as their embeddings, positions and deeper features are equal, token by
token. So a connector that listens to the question makes its pictures anew, and any other lets them stand.
Departures: one prompt at a time, greedy; models with a sliding window begin anew each time.
Shapes: embeddings [L, W], positions [3, L] or none (then 0, 1, 2 …), logits [L, V].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sightline.language.between import deeper_for
from sightline.language.families import Family, core_of, language_of
from sightline.language.shortened import Shortened

Mark = tuple[Tensor | None, int, int]  # what comes next, its position, how many keys and values there are


@dataclass(frozen=True)
class Written:
    """Words a model wrote: their ids and the log-probability of each."""

    ids: list[int]
    logprobs: list[float]


class Prefilled:
    """One model, and the last prompt it has read."""

    def __init__(self, model: Any, family: Family) -> None:
        self.model, self.core = model, core_of(model)
        self.language = language_of(family, self.core)
        self.prompt: Shortened | None = None
        self.cache: Any = None
        self.reused = 0  # tokens of the last prompt that were there already
        self.ahead = 0  # the position of the next word
        self.last: Tensor | None = None  # log-probabilities of the next word, [V]

    @torch.inference_mode()
    def read(self, prompt: Shortened) -> None:
        """Reads a prompt of one row; what it shares with the last one is not read again."""
        length = prompt.columns.shape[1]
        shared = 0 if self.prompt is None or self._slides() else min(common(self.prompt, prompt), length - 1)
        if shared:
            self._forget(self.cache.get_seq_length() - shared)
        else:
            self.cache = None
        embeddings = prompt.embeddings[:, shared:]
        positions = None if prompt.positions is None else prompt.positions[:, :, shared:]
        self.last = self._run(embeddings, positions, shared, deeper_for(prompt, embeddings, shared))[-1]
        self.ahead = length if positions is None else int(positions[:, 0, -1].max()) + 1
        self.prompt, self.reused = prompt, shared

    @torch.inference_mode()
    def likelihood(self, ids: Sequence[int]) -> float:
        """The log-probability of words to come next; they are forgotten again."""
        last, ahead = self.last, self.ahead
        assert last is not None and ids
        total = float(last[ids[0]])
        if len(ids) > 1:
            following = self.go_on(ids[:-1])
            total += float(following.gather(1, torch.tensor(ids[1:], device=following.device)[:, None]).sum())
            self._forget(len(ids) - 1)
        self.last, self.ahead = last, ahead
        return total

    def mark(self) -> Mark:
        """Where the model is now; `back_to` forgets what was written since."""
        return self.last, self.ahead, self.cache.get_seq_length()

    def back_to(self, mark: Mark) -> None:
        self.last, self.ahead, length = mark
        self._forget(self.cache.get_seq_length() - length)

    @torch.inference_mode()
    def go_on(self, ids: Sequence[int]) -> Tensor:
        """Takes words as written; the log-probabilities of the word after each.  [n] -> [n, V]"""
        at = torch.arange(self.ahead, self.ahead + len(ids), device=self.last.device)  # type: ignore[union-attr]
        positions = None
        if self.prompt is not None and self.prompt.positions is not None:
            positions = at.expand(3, 1, -1)
        embeddings = self.core.get_input_embeddings()(torch.tensor([list(ids)], device=at.device))
        following = self._run(embeddings, positions, self.ahead)
        self.last, self.ahead = following[-1], self.ahead + len(ids)
        return following

    def write(self, most: int, ends: Callable[[list[int]], bool], stops: set[int]) -> Iterator[Written]:
        """Writes on, the likeliest word each time, and gives what is written after each word.

        It ends after `most` words, before a stop, and once `ends` says so of what is written.
        """
        ids: list[int] = []
        logprobs: list[float] = []
        while len(ids) < most:
            assert self.last is not None
            word = int(self.last.argmax())
            if word in stops:
                return
            ids.append(word)
            logprobs.append(float(self.last[word]))
            self.go_on([word])
            yield Written(list(ids), list(logprobs))
            if ends(ids):
                return

    def _run(
        self, embeddings: Tensor, positions: Tensor | None, start: int, more: dict[str, Any] | None = None
    ) -> Tensor:
        if positions is None:
            positions = torch.arange(start, start + embeddings.shape[1], device=embeddings.device)[None]
        given = {"inputs_embeds": embeddings, "position_ids": positions, "past_key_values": self.cache, **(more or {})}
        known, self.prompt = self.prompt, None  # whatever breaks here leaves keys and values of no use
        made = self.language(**given, use_cache=True)
        self.prompt, self.cache = known, made.past_key_values
        hidden = made.last_hidden_state[0]
        if more is not None:
            hidden = hidden[-1:]  # of a prompt only the end matters
        return self.model.lm_head(hidden).float().log_softmax(-1)

    def _forget(self, count: int) -> None:
        """Takes the last words out of the keys and values."""
        if count:
            self.cache.crop(-count)

    def _slides(self) -> bool:
        return any(getattr(self.cache, "is_sliding", None) or [])


def _positions(prompt: Shortened) -> Tensor:
    """[3, L]; a prompt of words alone is numbered alike by every kind of model."""
    if prompt.positions is not None:
        return prompt.positions[:, 0]
    return torch.arange(prompt.columns.shape[1], device=prompt.columns.device).expand(3, -1)


def common(one: Shortened, other: Shortened) -> int:
    """How many tokens two prompts of one row share from the beginning."""
    length = min(one.columns.shape[1], other.columns.shape[1])
    same = torch.ones(length, dtype=torch.bool, device=one.columns.device)
    for mine, its in zip((one.embeddings, *one.deeper), (other.embeddings, *other.deeper), strict=False):
        same &= (mine[0, :length] == its[0, :length]).all(-1)
    same &= one.visual[0, :length] == other.visual[0, :length]
    same &= (_positions(one)[:, :length] == _positions(other)[:, :length]).all(0)
    return int(same.long().cumprod(0).sum())
