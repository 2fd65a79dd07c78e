"""Makes a prompt with pictures shorter: visual tokens are gathered into fewer, and the prompt loses their places.

Positions: models that number their tokens 0, 1, 2 … number what is left anew, as if less had been shown. Models with
positions in time, rows and columns (M-RoPE) keep them: a gathered token stands at the weighted mean of the places it
came from, rounded, and all text stays where it stood in the whole prompt.
Tokens beside the grid (line breaks, class tokens) are kept while they take at most an eighth of the budget, or while
the cells alone would not fill it.
Shapes: B prompts, L their length, L' the shorter one; ids [B, L], embeddings [B, L', W], positions [3, B, L'].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sightline.errors import BadRecord
from sightline.language.families import Family
from sightline.language.families.pieces import Shown
from sightline.language.standing import Standing, dealt, seconds_of, standing, valid

BESIDE = 8  # one in so many tokens of a budget may stand beside the grid

Array = Any
Gather = Callable[[Standing, Any, int | None], Any]  # (where it stands, its clip, how many) -> Groups


@dataclass(frozen=True)
class Kept:
    """What is left of one prompt's visual tokens. `span` [M, 2] seconds; `members` one array [k, 4] a token: the piece,
    frame, row and column of each cell it was gathered from (row and column -1: beside the grid); `columns` [M]: where
    the tokens stand in the shorter prompt."""

    before: int
    after: int
    span: Array
    members: list[Array]
    columns: Array


@dataclass(frozen=True)
class Shortened:
    """The shorter prompts. `columns` [B, L']: where each token stood before, -1 where the row is padded."""

    columns: Tensor
    embeddings: Tensor
    deeper: list[Tensor]  # each [B, L', W], zero for text
    visual: Tensor  # [B, L'] bool
    positions: Tensor | None
    deltas: Tensor | None  # what a text position is ahead of its column, [B, 1]
    kept: list[Kept]

    def take(self, values: Tensor, fill: int | float) -> Tensor:
        """Values [..., B, L] of the whole prompts at the columns that are left; `fill` where the row is padded."""
        columns = self.columns.expand(*values.shape[:-1], -1)
        return values.gather(-1, columns.clamp(min=0)).masked_fill(columns < 0, fill)

    @property
    def mask(self) -> Tensor:
        return (self.columns >= 0).long()


def shorten(
    core: Any,
    family: Family,
    given: dict[str, Any],
    gather: Gather,
    tokens: int | None,
    *,
    shown: list[Shown] | None = None,
    seconds: Sequence[Any] | None = None,
    left: bool = False,
) -> Shortened:
    """`tokens` for each prompt, shared out to its pieces by their size; `left`: pad at the left where nothing says."""
    ids, mask = given["input_ids"], valid(given)
    shown = family.shown(core, given) if shown is None else shown
    embeddings = core.get_input_embeddings()(ids)
    positions = family.positions(core, given, embeddings)
    draft = _Draft(mask.clone(), embeddings, positions, [torch.zeros_like(embeddings) for _ in _deeper(shown)])
    prompts = standing(ids, mask, shown)
    told = seconds_of(seconds, prompts)
    tallies = [draft.shorten(row, pieces, gather, tokens, told[row]) for row, pieces in enumerate(prompts)]
    columns = _columns(draft.keep, mask, left or bool((~mask[:, 0]).any()))
    visual = torch.zeros_like(mask)
    for shown_ in shown:
        visual |= ids == shown_.token
    deltas = None if positions is None else core.rope_deltas + (mask.sum(1) - draft.keep.sum(1))[:, None]
    short = Shortened(columns, embeddings, draft.deeper, visual & mask, draft.positions, deltas, [])
    return _cut(short, tallies)


def _deeper(shown: list[Shown]) -> list[Tensor]:
    return max((each.deeper for each in shown), key=len, default=[])


# --- gathering -------------------------------------------------------------------------------


@dataclass
class _Draft:
    """The prompts while they are being shortened, still at their whole length."""

    keep: Tensor
    embeddings: Tensor
    positions: Tensor | None
    deeper: list[Tensor]

    def shorten(
        self, row: int, pieces: list[Standing], gather: Gather, tokens: int | None, seconds: list[Array]
    ) -> tuple[int, list[tuple[int, Array, Array]]]:
        """How many visual tokens there were, and (column, members, span) of each that is left."""
        counts = [piece.count for piece in pieces]
        left: list[tuple[int, Array, Array]] = []
        for piece, count, when in zip(pieces, dealt(tokens, counts), seconds, strict=True):
            left += self._piece(row, piece, gather, count, when)
        return sum(counts), sorted(left, key=lambda token: token[0])

    def _piece(
        self, row: int, piece: Standing, gather: Gather, count: int | None, when: Array
    ) -> list[tuple[int, Array, Array]]:
        groups, loose = _gathered(piece, gather, count, when)
        if groups is None:  # everything is kept, untouched
            self._write(row, piece.columns, piece.rows, [cells for cells, _ in piece.deeper])
            members, at = [np.array([cell]) for cell in range(len(piece.columns))], piece.columns
        else:
            members, at = self._groups(row, piece, groups)
        if not loose:
            self.keep[row, piece.loose_columns] = False
        else:
            self._write(row, piece.loose_columns, piece.loose_rows, [beside for _, beside in piece.deeper])
        left = [(int(c), _places(piece, m), _span(piece, m, when)) for c, m in zip(at.tolist(), members, strict=True)]
        whole = np.array([when.min(), when.max()])
        beside = np.array([[piece.number, -1, -1, -1]])
        return left + [(int(c), beside, whole) for c in piece.loose_columns.tolist() if loose]

    def _groups(self, row: int, piece: Standing, groups: Any) -> tuple[list[Array], Tensor]:
        """Gathers the cells and puts each group where its first member stood."""
        gathered = import_module("sightline.connectors.clips").gathered
        cells, count = len(piece.columns), groups.count
        first = torch.full((count,), cells, device=groups.index.device).scatter_reduce(
            0, groups.place, groups.index, "amin"
        )
        order = first.argsort(stable=True)
        at = piece.columns[apart(first[order], cells)]
        self.keep[row, piece.columns] = False
        self.keep[row, at] = True
        precise = [layer.float() for layer in (piece.rows, *(cells_ for cells_, _ in piece.deeper))]
        values = [gathered(layer, groups)[order] for layer in precise]
        if self.positions is not None:
            where = self.positions[:, row, piece.columns].double().T[groups.index] * groups.weight.double()[:, None]
            mean = where.new_zeros(count, 3).index_add(0, groups.place, where)
            self.positions[:, row, at] = mean[order].round().long().T.to(self.positions.dtype)
        self._write(row, at, values[0], values[1:])
        by_place = groups.place.argsort(stable=True)
        sizes = torch.bincount(groups.place, minlength=count)
        members = groups.index[by_place].split(sizes.tolist())
        return [members[group].cpu().numpy() for group in order.tolist()], at

    def _write(self, row: int, columns: Tensor, values: Tensor, deeper: list[Tensor]) -> None:
        self.embeddings[row, columns] = values.to(self.embeddings)
        for layer, more in zip(self.deeper, deeper, strict=True):
            layer[row, columns] = more.to(layer)


def _gathered(piece: Standing, gather: Gather, count: int | None, when: Array) -> tuple[Any | None, bool]:
    """The groups (None: all cells as they are), and whether the tokens beside the grid are kept."""
    beside, places = len(piece.loose_columns), len(piece.columns)
    if count is not None and count >= piece.count:
        return None, True
    fits = count is not None and beside < count and (beside * BESIDE <= count or count > places)
    cells = None if count is None else min(count - beside * fits, places)
    frames, high, wide = piece.size
    clip = import_module("sightline.connectors.clips").Clip(
        tokens=piece.rows.detach().float().unflatten(0, (frames, high * wide)),
        seconds=torch.as_tensor(when[:, 0], device=piece.rows.device),
        grid=(high, wide),
    )
    groups = gather(piece, clip, cells)
    if cells is not None and groups.count != cells:
        raise BadRecord(f"the connector was asked for {cells} tokens and gave {groups.count}")
    return groups, fits or (count is None and beside * BESIDE <= groups.count)


def apart(first: Tensor, cells: int) -> Tensor:
    """Ascending cells, moved on where two are the same, so that each group has a place of its own."""
    order = torch.arange(len(first), device=first.device)
    moved = (first - order).cummax(0).values + order
    return torch.minimum(moved, cells - len(first) + order)


def _places(piece: Standing, members: Array) -> Array:
    high, wide = piece.size[1:]
    frame, place = members // (high * wide), members % (high * wide)
    return np.stack([np.full_like(members, piece.number), frame, place // wide, place % wide], axis=1)


def _span(piece: Standing, members: Array, when: Array) -> Array:
    frames = members // (piece.size[1] * piece.size[2])
    return np.array([when[frames, 0].min(), when[frames, 1].max()])


# --- cutting ---------------------------------------------------------------------------------


def _columns(keep: Tensor, mask: Tensor, left: bool) -> Tensor:
    """The columns that are left, padded with -1 to one length; padding that all prompts share is kept."""
    spare = mask.shape[1] - int(mask.sum(1).max())
    length = int(keep.sum(1).max()) + spare
    columns = torch.full((len(keep), length), -1, device=keep.device)
    for row, kept in enumerate(keep):
        stay = kept.nonzero()[:, 0]
        columns[row, length - len(stay) if left else 0 :][: len(stay)] = stay
    return columns


def _cut(short: Shortened, tallies: list[tuple[int, list[tuple[int, Array, Array]]]]) -> Shortened:
    """Everything at the columns that are left."""
    at = short.columns.clamp(min=0)
    rows = torch.arange(len(at), device=at.device)[:, None]
    there = (short.columns >= 0)[..., None]
    kept = [_kept(before, left, short.columns[row]) for row, (before, left) in enumerate(tallies)]
    return Shortened(
        short.columns,
        short.embeddings[rows, at] * there,
        [layer[rows, at] * there for layer in short.deeper],
        short.visual[rows, at] & there[..., 0],
        None if short.positions is None else short.take(short.positions, 0),
        short.deltas,
        kept,
    )


def _kept(before: int, left: list[tuple[int, Array, Array]], columns: Tensor) -> Kept:
    new = {old: column for column, old in enumerate(columns.tolist())}
    span = np.array([span for _, _, span in left]).reshape(-1, 2)
    return Kept(
        before, len(left), span, [members for _, members, _ in left], np.array([new[old] for old, _, _ in left])
    )
