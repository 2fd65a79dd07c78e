"""Writes on: the likeliest word each time, or one drawn by chance from a seed, until a stop is met.

From: nucleus sampling (1904.09751) for `nucleus`.
Departures: each row draws from its own generator, so what it says depends on no neighbour.
Shapes: ids and mask [B, L], prefix [B, M, W] -> B lists of ids, without their stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sightline.errors import BadRecord
from sightline.language.tiny_lm import Memory, TinyLM, last_valid
from sightline.records import Prefix


@torch.no_grad()
def generate(
    model: TinyLM,
    ids: Tensor,
    mask: Tensor,
    prefix: Prefix | None = None,
    *,
    most: int = 64,
    stops: Sequence[Sequence[int]] = (),
    temperature: float = 0.0,
    nucleus: float = 1.0,
    seed: int = 0,
) -> list[list[int]]:
    """At most `most` new words. Temperature 0 is greedy; a stop is one word or several in a row."""
    if temperature < 0 or not 0 < nucleus <= 1 or not all(stops):
        raise BadRecord(
            f"temperature {temperature} must not be below 0, nucleus {nucleus} lies in (0, 1], no stop is empty"
        )
    draws = [torch.Generator(ids.device).manual_seed(seed) for _ in range(len(ids))]
    written: list[list[int]] = [[] for _ in range(len(ids))]
    writing = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    memory = Memory()
    logits = model(ids, mask, prefix, memory)[torch.arange(len(ids), device=ids.device), last_valid(mask)]
    for step in range(most):
        words = next_words(logits, draws, temperature, nucleus)
        for row in writing.nonzero()[:, 0].tolist():
            writing[row] = _goes_on(written[row], int(words[row]), stops)
        if step == most - 1 or not bool(writing.any()):
            break
        logits = model(words[:, None], writing[:, None], memory=memory)[:, 0]
    return written


def _goes_on(written: list[int], word: int, stops: Sequence[Sequence[int]]) -> bool:
    """Writes a word; where a stop is complete, takes it off again and says no."""
    written.append(word)
    stop = ended_by(written, stops)
    if stop:
        del written[-stop:]
    return stop == 0


def next_words(logits: Tensor, draws: Sequence[torch.Generator], temperature: float, nucleus: float = 1.0) -> Tensor:
    """One word for each row.  [B, V] -> [B]"""
    if temperature == 0:
        return logits.argmax(dim=-1)
    chances = in_nucleus((logits / temperature).softmax(dim=-1), nucleus)
    return torch.cat([row.multinomial(1, generator=draw) for row, draw in zip(chances, draws, strict=True)])


def in_nucleus(chances: Tensor, nucleus: float) -> Tensor:
    """Only the likeliest words that together reach `nucleus` keep their chance; the first always does."""
    ordered, index = chances.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    return chances.masked_fill((before >= nucleus).gather(-1, index.argsort(dim=-1)), 0.0)


def ended_by(written: Sequence[int], stops: Sequence[Sequence[int]]) -> int:
    """The length of the longest stop the text ends with; 0 if with none."""
    return max((len(stop) for stop in stops if list(written[-len(stop) :]) == list(stop)), default=0)
