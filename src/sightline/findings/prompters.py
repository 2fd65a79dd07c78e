"""ViLA's prompters taught by the truth itself, for seconds: what is compared is what they can see.

From: ViLA (arXiv 2312.08367) and its public code (keyframes/prompter.py has both prompters).
Departures: no language model teaches. By default a segment's scores are pulled to its evidence; with `coolest` the
prompter learns, as published, through the frames that it chooses with noise, while the temperature falls from 1.
Who hears the question begins by likeness to it, as the recipe does.
Shapes: tokens [B, T, N, D], question [B, E], evidence [B, T] -> scores [n, T] -> one frame of each segment [n, K]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.findings.seen import Case

Array = Any
Tensor = Any
FRAMES, K, STEPS, BATCH, RATE = 32, 4, 100, 16, 1e-3
HEARS, DEAF, RELEASED, NORMED = "the question", "no question", "released: channel means", "released, normed tokens"


def batch_of(name: str, asked: Sequence[Case]) -> tuple[Any, Any, Tensor]:
    """Seen and Words as a prompter of this kind gets them, and the evidence [B, T]."""
    import torch

    from sightline.records import Seen, Words

    def stacked(arrays: list[Array]) -> Tensor:
        return torch.from_numpy(np.stack(arrays))

    tokens = stacked([case.tokens for case in asked])
    if name == NORMED:
        tokens = torch.nn.functional.layer_norm(tokens, tokens.shape[-1:])
    seen = Seen(
        stacked([case.vectors for case in asked]),
        stacked([case.seconds for case in asked]),
        torch.ones(tokens.shape[:2], dtype=torch.bool),
        tokens,
    )
    question = stacked([case.question for case in asked])
    return seen, Words(question if name == HEARS else torch.zeros_like(question)), stacked([case.lit for case in asked])


def _fresh(name: str, case: Case) -> Any:
    from sightline.keyframes.prompter import FramePrompter, ReleasedPrompter
    from sightline.recipes.vila import begin_alike

    places, width = case.tokens.shape[1:]
    if name in (RELEASED, NORMED):
        return ReleasedPrompter(places, FRAMES, K, noise_when_reading=False)
    prompter = FramePrompter(width, len(case.question), K)
    if name == HEARS:
        begin_alike(prompter, width)
    return prompter


def taught(name: str, asked: Sequence[Case], seed: int, coolest: float | None = None) -> Any:
    """A prompter that learned from the truth which frame of a segment is evidence, where one is."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        prompter = _fresh(name, asked[0])
        course = torch.optim.AdamW(prompter.parameters(), RATE)
        dice = np.random.default_rng(seed)
        for step in range(STEPS):
            seen, words, lit = batch_of(name, [asked[k] for k in dice.integers(len(asked), size=BATCH)])
            if coolest is not None:
                prompter.temperature = coolest ** (step / max(1, STEPS - 1))
            choice = prompter(seen, words)
            loss = _pulled(choice.scores, lit) if coolest is None else _missed(choice.weight, lit)
            course.zero_grad()
            loss.backward()
            course.step()
    return prompter.eval()


def _pulled(scores: Tensor, lit: Tensor) -> Tensor:
    """How unlikely evidence is, in the segments that have some. Shapes: [B, T] each"""
    import torch

    apart = scores.unflatten(1, (K, -1)).log_softmax(dim=-1)
    held = apart.masked_fill(~lit.unflatten(1, (K, -1)), -torch.inf).logsumexp(dim=-1)  # [B, K]
    return -held[held.isfinite()].mean()


def _missed(weight: Tensor, lit: Tensor) -> Tensor:
    """How many of the segments that have evidence chose another frame. Shapes: [B, K, T], [B, T]"""
    some = lit.unflatten(1, (K, -1)).any(dim=-1)  # [B, K]
    return 1.0 - (weight * lit[:, None]).sum(dim=-1)[some].mean()


def scores_of(prompter: Any, name: str, asked: Sequence[Case]) -> Array:
    import torch

    parts = []
    with torch.no_grad():
        for first in range(0, len(asked), 64):
            seen, words, _ = batch_of(name, asked[first : first + 64])
            parts.append(prompter(seen, words).scores.numpy())
    return np.concatenate(parts)


def each(scores: Array) -> Array:
    """The best frame of each segment. Shapes: [n, T] -> [n, K]"""
    return scores.reshape(len(scores), K, -1).argmax(axis=2) + np.arange(K) * (FRAMES // K)


def hit(asked: Sequence[Case], index: Array) -> Array:
    return np.array([case.lit[row].any() for case, row in zip(asked, index, strict=True)])
