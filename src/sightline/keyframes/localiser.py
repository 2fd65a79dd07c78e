"""SeViLA's localiser: a reader is asked of each frame alone whether it is enough to answer; the k surest frames stay.

Localiser and answerer teach each other: a frame is labelled "yes" where the answerer, shown that frame alone, is right.

From: SeViLA (arXiv 2305.06988); the question put to the reader is `QUESTION`.
Departures: the score is the probability of "yes", as in the paper; `score="logit"` is the raw logit that the public
code ranks by. Any reader serves: the big ones, or the small `FrameReader` here.
Shapes: seen.tokens [B, T, N, D], words.tokens [B, L, C] -> Choice with K = min(k, valid T).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.nn.choice import one_hot, top_k_in_time
from sightline.nn.padding import cleared
from sightline.nn.transformer import Transformer
from sightline.records import Choice, Seen, Words

QUESTION = (
    "Does the information within the frame provide the necessary details to accurately answer the given question?"
)
SCORES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "probability": lambda logits, yes: logits.softmax(dim=-1)[..., yes],
    "logit": lambda logits, yes: logits[..., yes],
}


class Localiser(nn.Module):
    """Asks `reader(tokens [n, N, D], words of n rows) -> next-word logits [n, V]` about every frame by itself.

    `at_once` frames go to the reader together. `extras["logits"]` [B, T, V] is what the cross-entropy to `frame_labels`
    is taken of.
    """

    def __init__(self, reader: nn.Module, k: int, *, yes: int, score: str = "probability", at_once: int = 64) -> None:
        super().__init__()
        if score not in SCORES:
            raise BadRecord(f"score is one of {tuple(SCORES)}, not {score!r}")
        self.reader, self.k, self.yes, self.rule, self.at_once = reader, k, yes, score, at_once

    def forward(self, seen: Seen, words: Words) -> Choice:
        if seen.tokens is None:
            raise BadRecord("the localiser reads frames by their tokens; encode with tokens [B, T, N, D]")
        batch, frames = seen.mask.shape
        tokens = cleared(seen.tokens, seen.mask).flatten(0, 1)
        owner = torch.arange(batch, device=tokens.device).repeat_interleave(frames)  # whose words go with each frame
        some = zip(tokens.split(self.at_once), owner.split(self.at_once), strict=True)
        logits = torch.cat([self.reader(part, _picked(words, whose)) for part, whose in some])
        logits = logits.unflatten(0, (batch, frames))
        scores = SCORES[self.rule](logits, self.yes).masked_fill(~seen.mask, -math.inf)
        index = top_k_in_time(scores, min(self.k, int(seen.mask.sum(dim=1).min())))
        return Choice(one_hot(index, frames, tokens.dtype), index, scores, {"logits": logits})


class FrameReader(nn.Module):
    """A small reader: the frame's tokens, then the words, through one transformer; the last word's state speaks."""

    def __init__(
        self, width: int, word_width: int, vocabulary: int, *, inner: int = 64, layers: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        self.from_frame = nn.Linear(width, inner)
        self.from_words = nn.Linear(word_width, inner)
        self.think = Transformer(inner, heads, layers)
        self.speak = nn.Linear(inner, vocabulary)

    def forward(self, tokens: Tensor, words: Words) -> Tensor:
        if words.tokens is None or words.mask is None:
            raise BadRecord("the frame reader reads word by word; give words with tokens [B, L, C] and mask [B, L]")
        x = torch.cat([self.from_frame(tokens), self.from_words(words.tokens)], dim=1)
        mask = torch.cat([words.mask.new_ones(tokens.shape[:2]), words.mask], dim=1)
        places = torch.arange(x.shape[1], device=x.device)
        last = torch.where(mask, places, -1).amax(dim=1)  # the last valid place, wherever padding lies
        return self.speak(self.think(x, mask)[torch.arange(len(x), device=x.device), last])


def frame_labels(answers: Tensor, answer: Tensor) -> Tensor:
    """Self-refinement: True where the answerer, shown one frame, picks the right option.

    Shapes: answers [B, T, O] logits from each frame alone, answer [B] -> [B, T] bool.
    """
    return answers.argmax(dim=-1) == answer[:, None]


def _picked(words: Words, rows: Tensor) -> Words:
    parts = (words.vector, words.ids, words.mask, words.tokens)
    return Words(*(None if part is None else part[rows] for part in parts))
