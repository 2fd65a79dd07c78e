"""Copies of a still folded to two narrow tokens each, by PVC's parts on or off, taught to lose as little as they can.

What is folded is told again by a linear layer. That layer is fitted in closed form at every step, so that only the
folding is left to learn, which takes seconds.

From: PVC (arXiv 2412.09613): a time embedding TE, causal attention along time at each place, AdaLN(x; x + TE), and
squares of 4 x 4 places folded into one token.
Departures: the tower's tokens are taken in their WIDTH main directions. Without AdaLN there is a plain layer norm of
x + TE in its place: time is added then, and nothing is scaled by it.
Shapes: stills [n, N, D] -> C copies [n, C, N, D] -> features [n, C * 2 * WIDE] -> told [n, N, D]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.recipes.questions_seen import GRID

Array = Any
Tensor = Any
WIDTH, WIDE, HEADS = 32, 4, 4  # main directions, numbers of a token
STEPS, BATCH, RATE, RIDGE = 100, 96, 5e-3, 0.01


@dataclass(frozen=True)
class Parts:
    """Which of PVC's parts are on, and the side of the squares that are folded."""

    time: bool = False
    looks_back: bool = False
    adaln: bool = False
    square: int = 4


@dataclass(frozen=True)
class Directions:
    """Where tokens differ most. Shapes: middle [D], axes [D, WIDTH]"""

    middle: Array
    axes: Array
    share: float  # of the tokens' variance

    @classmethod
    def of(cls, tokens: Array) -> Directions:
        rows = tokens.reshape(-1, tokens.shape[-1])
        middle = rows.mean(axis=0)
        spread, axes = np.linalg.eigh(np.cov(rows - middle, rowvar=False))
        return cls(middle, axes[:, -WIDTH:].astype(np.float32), float(spread[-WIDTH:].sum() / spread.sum()))

    def into(self, tokens: Array) -> Array:
        return (tokens - self.middle) @ self.axes

    def back(self, narrow: Array) -> Array:
        return narrow @ self.axes.T + self.middle


def folder(parts: Parts) -> Any:
    """tokens [B, C, N, WIDTH] -> features [B, C * tokens of a copy * WIDE]"""
    import torch
    from torch import nn

    from sightline.connectors.pixel_shuffle import filled_by_edges, folded
    from sightline.nn.adaln import AdaLN
    from sightline.nn.positions import SecondsEmbedding
    from sightline.nn.vit import Progressive

    class AddedNorm(nn.LayerNorm):
        def forward(self, x: Tensor, condition: Tensor) -> Tensor:
            return super().forward(condition)

    class Folder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            wide = parts.square**2 * WIDTH
            self.when, self.when_folded = SecondsEmbedding(WIDTH), SecondsEmbedding(wide, hidden=WIDTH)
            self.look_back = Progressive(WIDTH, HEADS) if parts.looks_back else None
            if self.look_back is not None and not parts.adaln:
                self.look_back.norm = AddedNorm(WIDTH)
            self.norm = AdaLN(wide, bottleneck=WIDTH) if parts.adaln else AddedNorm(wide)
            self.project = nn.Linear(wide, WIDE)

        def forward(self, tokens: Tensor) -> Tensor:
            seconds = torch.arange(float(tokens.shape[1])) * parts.time
            if self.look_back is not None:
                when, mask = self.when(seconds).expand(len(tokens), -1, -1), tokens.new_ones(tokens.shape[:2]).bool()
                tokens = self.look_back(tokens, (when, mask))
            pictures = filled_by_edges(tokens.flatten(0, 1).unflatten(1, GRID), parts.square)
            x = folded(pictures, parts.square).unflatten(0, tokens.shape[:2])  # [B, C, M, wide]
            made: Tensor = self.project(self.norm(x, x + self.when_folded(seconds)[:, None])).flatten(1)
            return made

    return Folder()


def taught(parts: Parts, copies: int, stills: Array, seed: int) -> Callable[[Array], Tensor]:
    """A folder that learned on these stills, as a function. Shapes: [n, N, WIDTH] -> [n, F]

    Without time all copies become the same, whatever is learned, so one is enough to learn on.
    """
    import torch

    rows, shown = torch.from_numpy(stills), copies if parts.time else 1
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = folder(parts)

        def features(some: Tensor) -> Tensor:
            return model(some[:, None].expand(-1, shown, -1, -1))

        def lost(some: Array) -> Tensor:
            wanted = rows[some].flatten(1)
            known = features(rows[some])
            return (Linear(known, wanted)(known) - wanted).square().mean()

        learn(model, lost, len(rows), seed, BATCH, STEPS, RATE)

    def made(some: Array) -> Tensor:
        with torch.no_grad():
            return torch.cat([features(part) for part in torch.from_numpy(some).split(256)]).repeat(1, copies // shown)

    return made


class Linear:
    """The linear layer that tells `wanted` from `known` best, in closed form. Shapes: [n, F], [n, P]"""

    def __init__(self, known: Tensor, wanted: Tensor) -> None:
        import torch

        self.mean, self.spread, self.middle = known.mean(dim=0), known.std(dim=0) + 1e-6, wanted.mean(dim=0)
        rows = (known - self.mean) / self.spread
        square = rows.T @ rows / len(rows) + RIDGE * torch.eye(rows.shape[1], dtype=rows.dtype)
        self.weight = torch.linalg.solve(square, rows.T @ (wanted - self.middle) / len(rows))

    def __call__(self, known: Tensor) -> Tensor:
        """Shapes: [m, F] -> [m, P]"""
        return self.middle + (known - self.mean) / self.spread @ self.weight


def learn(
    model: Any, lost: Callable[[Array], Tensor], count: int, seed: int, batch: int, steps: int, highest: float
) -> None:
    """Steps down `lost`, which is given the rows that a step learns on."""
    import torch

    dice = np.random.default_rng(seed)
    course = torch.optim.AdamW(model.parameters(), highest, weight_decay=0.0)
    rate = torch.optim.lr_scheduler.OneCycleLR(course, highest, total_steps=steps)
    for _ in range(steps):
        course.zero_grad()
        lost(dice.integers(count, size=batch)).backward()
        course.step()
        rate.step()


def share_told(made: Array, true: Array) -> Array:
    """1 - squared error / variance, for each row: 1 is all, 0 is the mean. Shapes: [n, ...] -> [n]"""
    axes = tuple(range(1, true.ndim))
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=axes).mean()
    return 1.0 - ((made - true) ** 2).sum(axis=axes) / spread
