"""What a vision side hands to a language model: rows of features, and the pieces (pictures, videos) they belong to.

Shapes: rows [R, W]; a piece's cells [T * h * w] and loose [k] are numbers of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from sightline.errors import BadRecord

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Piece:
    """One picture or video: its cells as a grid of frames, rows and columns; `loose` rows stand beside the grid (line
    breaks, class tokens). `step`: seconds from a frame to the next, where the model was told."""

    size: Size
    cells: Tensor
    loose: Tensor
    step: float = 1.0

    @property
    def count(self) -> int:
        return len(self.cells) + len(self.loose)


@dataclass(frozen=True)
class Shown:
    """The features of one modality, row after row as their placeholders (the id `token`) stand in the prompt.

    `deeper` holds further features of the same rows, which some language models add to their first layers. With
    `joined`, neighbouring pieces of one prompt and one size are the frames of one clip.
    """

    token: int
    rows: Tensor
    pieces: list[Piece]
    deeper: list[Tensor] = field(default_factory=list)
    joined: bool = False

    def __post_init__(self) -> None:
        known = sum(piece.count for piece in self.pieces)
        if known != len(self.rows):
            raise BadRecord(f"the vision side gave {len(self.rows)} features, its pictures account for {known}")


def grids(sizes: list[Size], before: int = 0, after: int = 0, steps: list[float] | None = None) -> list[Piece]:
    """Pieces one after another; each frame begins with `before` loose rows, each piece ends with `after`."""
    pieces, start = [], 0
    for size, step in zip(sizes, steps or [1.0] * len(sizes), strict=True):
        frames, places = size[0], size[1] * size[2]
        row = start + torch.arange(frames * (before + places)).view(frames, before + places)
        start += row.numel() + after
        loose = torch.cat([row[:, :before].flatten(), torch.arange(start - after, start)])
        pieces.append(Piece(size, row[:, before:].flatten(), loose, step))
    return pieces


def asked(get: Callable[..., Any], given: dict[str, Any], names: tuple[str, ...]) -> Any:
    """What a model's own get_…_features gives, called as its forward would call it."""
    return get(**{name: given[name] for name in names if given.get(name) is not None}, return_dict=True)


def of_modality(given: dict[str, Any], modality: str) -> Any | None:
    """The vision side's output where it was computed before and handed in."""
    return (given.get("mm_encoder_outputs") or {}).get(modality)


def square(places: int, what: str) -> tuple[int, int]:
    side = round(places**0.5)
    if side * side != places:
        raise BadRecord(f"{what} gives {places} tokens a frame, which is no square; only square grids are known")
    return side, side


def plain_positions(core: Any, given: dict[str, Any], embeddings: Tensor) -> Tensor | None:
    """Models that number their tokens 0, 1, 2 …: what is left is numbered anew, as if less had been shown."""
    return None


def as_clip(shown: Shown) -> Shown:
    """Pictures that are the frames of one video as one piece."""
    if not shown.joined or not shown.pieces:
        return shown
    first, pieces = shown.pieces[0], shown.pieces
    cells, loose = torch.cat([piece.cells for piece in pieces]), torch.cat([piece.loose for piece in pieces])
    clip = replace(first, size=(len(pieces), *first.size[1:]), cells=cells, loose=loose)
    return replace(shown, pieces=[clip], joined=False)


def together(parts: list[Shown]) -> Shown:
    """What was seen clip by clip, as if it had been seen at once."""
    pieces, start = [], 0
    for part in parts:
        pieces += [replace(piece, cells=piece.cells + start, loose=piece.loose + start) for piece in part.pieces]
        start += len(part.rows)
    deeper = [torch.cat(layers) for layers in zip(*(part.deeper for part in parts), strict=True)]
    return replace(parts[0], rows=torch.cat([part.rows for part in parts]), pieces=pieces, deeper=deeper)
