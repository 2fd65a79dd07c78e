"""Lets a text tower or a language model read texts longer than it was trained for, and keeps the words it knows.

From: PPLLaVA (2411.02327) after Long-CLIP (2403.15378): the first 20 places stay, the others are stretched four times
(77 become 248); the kept places are frozen, the new ones learn.
Departures: the released code makes a new, random word table and never copies the old one; here everything but the
places is copied as it is.
Shapes: positions [L, C] -> [keep + (L - keep) * factor, C].
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.nn.positions import stretched


class StretchedPlaces(nn.Module):
    """A table of places whose first rows do not learn; it is called as the table it replaces."""

    def __init__(self, table: Tensor, keep: int, factor: int) -> None:
        super().__init__()
        longer = stretched(table.detach(), keep, factor)
        self.register_buffer("kept", longer[:keep].clone())
        self.tail = nn.Parameter(longer[keep:].clone())

    kept: Tensor

    @property
    def weight(self) -> Tensor:
        return torch.cat([self.kept, self.tail])

    @property
    def num_embeddings(self) -> int:
        return len(self.kept) + len(self.tail)

    def forward(self, places: Tensor) -> Tensor:
        return nn.functional.embedding(places, self.weight)


def extended(model: nn.Module, keep: int = 20, factor: int = 4) -> nn.Module:
    """A copy of the model with more places. `model.words` and `model.positions` are its two tables."""
    positions = getattr(model, "positions", None)
    if not isinstance(positions, nn.Embedding):
        raise BadRecord(
            f"{type(model).__name__}.positions is {type(positions).__name__}, not a table of places: extend a "
            "TextEncoder or a TinyLM, and each only once"
        )
    longer = copy.deepcopy(model)
    longer.positions = StretchedPlaces(positions.weight, keep, factor)
    return longer
