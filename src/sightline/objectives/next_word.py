"""Say the next word: what stands at l is guessed from everything before it.

From: every language model; LLaVA (2304.08485) asks for the answer's words only.
Departures: `asked` says which words count (there is no label of -100), so questions, visual tokens and padding are
simply False. The mean is over all asked words of the batch.
Shapes: logits [B, L, V], ids [B, L], asked bool [B, L]: True where a word is to be guessed -> scalar.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from sightline.objectives.terms import mean_of


def next_word(logits: Tensor, ids: Tensor, asked: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of the asked words; nobody can be asked for the first."""
    counted = asked[:, 1:]
    guesses, words = logits[:, :-1][counted], ids[:, 1:][counted]
    return mean_of(F.cross_entropy(guesses, words, reduction="none", label_smoothing=smoothing))


def log_probability(logits: Tensor, ids: Tensor, asked: Tensor) -> Tensor:
    """The log probability of the asked words of each sample, together: [B]"""
    words = ids[:, 1:].masked_fill(~asked[:, 1:], 0)
    logs = logits[:, :-1].log_softmax(dim=-1).gather(2, words[..., None]).squeeze(2)
    return logs.masked_fill(~asked[:, 1:], 0.0).sum(dim=1)
