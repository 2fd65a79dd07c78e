"""More frames than tokens: a frame in so many keeps a token, alone or after a look back; or those that bring news.

From: PVC (arXiv 2412.09613): with more frames at equal tokens, causal attention along time tells later tokens what
earlier frames showed. Tokens only where the picture changed are an idea of reading notes on it.
Departures: a frame is its one vector here, in its main directions (folded_stills.py); a token of it is NARROW numbers,
from which a linear layer tells all frames of its stretch.
Shapes: vectors [V, T, D] -> KEPT tokens of a video [V, KEPT, NARROW] -> told [V, T, D]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.findings.folded_stills import HEADS, WIDTH, Directions, Linear, learn

Array = Any
Tensor = Any
KEPT, NARROW = 16, 16  # tokens of a video, numbers of a token
STEPS, BATCH, RATE = 300, 24, 1e-2


def told_of_all(films: Array, asked: Array, seconds: Array, looks: bool, seed: int) -> Array:
    """All frames as the tokens tell them: the last frame of each stretch keeps one, which a layer learned to make.

    Shapes: films [V, T, D], asked [A, T, D], seconds [T] -> [A, T, D]
    """
    import torch

    directions = Directions.of(films)
    known, new = (torch.from_numpy(directions.into(rows)) for rows in (films, asked))
    every = known.shape[1] // KEPT
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        token = _token(torch.tensor(seconds), every, looks)

        def lost(some: Array) -> Tensor:
            made, wanted = token(known[some]), _stretches(known[some])
            return (Linear(made, wanted)(made) - wanted).square().mean()

        learn(token, lost, len(known), seed, BATCH, STEPS, RATE)
        with torch.no_grad():
            told = Linear(token(known), _stretches(known))(token(new)).reshape(new.shape).numpy()
    return directions.back(told)


def _stretches(films: Tensor) -> Tensor:
    """The frames of each stretch side by side. Shapes: [B, T, WIDTH] -> [B * KEPT, T / KEPT * WIDTH]"""
    return films.reshape(len(films) * KEPT, -1)


def _token(seconds: Tensor, every: int, looks: bool) -> Any:
    """[B, T, WIDTH] -> [B * KEPT, NARROW]"""
    import torch
    from torch import nn

    from sightline.nn.positions import SecondsEmbedding
    from sightline.nn.vit import Progressive

    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.when, self.look_back = SecondsEmbedding(WIDTH), Progressive(WIDTH, HEADS) if looks else None
            self.narrow = nn.Linear(WIDTH, NARROW)

        def forward(self, films: Tensor) -> Tensor:
            if self.look_back is not None:
                when = self.when(seconds - seconds[0]).expand(len(films), -1, -1)
                along = (when, torch.ones(films.shape[:2], dtype=torch.bool))
                films = self.look_back(films[:, :, None], along)[:, :, 0]
            made: Tensor = self.narrow(films[:, every - 1 :: every]).flatten(0, 1)
            return made

    return Token()


def evenly(count: int, frames: int) -> Array:
    """The middles of so many equal stretches."""
    return (np.arange(count) * 2 + 1) * frames // (2 * count)


def news(vectors: Array, residual: float) -> Array:
    """Frames that differ by more than this from the last one that got a token; the first gets one. -> indices"""
    kept = [0]
    for frame in range(1, len(vectors)):
        if np.linalg.norm(vectors[frame] - vectors[kept[-1]]) > residual:
            kept.append(frame)
    return np.array(kept)


def residual_for(count: int, films: Array) -> float:
    """The residual at which films get so many tokens each, on average. Shapes: films [V, T, D]"""
    low, high = 0.0, 2.0 * float(np.linalg.norm(films, axis=-1).max())
    for _ in range(12):
        middle = (low + high) / 2
        many = np.mean([len(news(film, middle)) for film in films]) > count
        low, high = (middle, high) if many else (low, middle)
    return high
