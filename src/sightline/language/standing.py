"""Where the pictures and videos of a batch stand in its prompts: each piece's features beside their columns.

The placeholders of a modality in reading order, prompt after prompt, are the rows of its features in order. A piece
belongs to the prompt that has its places; places and features that do not agree are refused.
Shapes: ids and mask [B, L]; a piece's rows [cells, W] and columns [cells].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sightline.errors import BadRecord
from sightline.language.families.pieces import Piece, Shown, Size

Array = Any


@dataclass(frozen=True)
class Standing:
    """A piece where it stands in a prompt: the columns of its cells and of its loose tokens."""

    number: int  # in its prompt, from 0
    size: Size
    step: float
    rows: Tensor  # [cells, W]
    columns: Tensor  # [cells]
    loose_rows: Tensor
    loose_columns: Tensor
    deeper: list[tuple[Tensor, Tensor]]  # of cells, of loose tokens
    frame: int = 0  # its first frame among all that were shown, pictures before videos
    prompt: int = 0

    @property
    def count(self) -> int:
        return len(self.columns) + len(self.loose_columns)


def valid(given: dict[str, Any]) -> Tensor:
    """The mask [B, L] bool; all of it where none was given."""
    mask = given.get("attention_mask")
    if mask is None:
        return torch.ones_like(given["input_ids"], dtype=torch.bool)
    if mask.shape != given["input_ids"].shape:
        raise BadRecord(
            f"attention_mask {tuple(mask.shape)} and input_ids {tuple(given['input_ids'].shape)} disagree; "
            "compressing needs one number for each token"
        )
    return mask.bool()


def standing(ids: Tensor, mask: Tensor, shown: list[Shown]) -> list[list[Standing]]:
    """The pieces of each prompt in the order they stand in it."""
    prompts: list[list[Standing]] = [[] for _ in ids]
    frame = 0
    for each in shown:
        left = list(each.pieces)
        start = 0
        for row in range(len(ids)):
            places = ((ids[row] == each.token) & mask[row]).nonzero()[:, 0]
            here: list[Standing] = []
            while sum(piece.count for piece in here) < len(places) and left:
                piece = left.pop(0)
                offset = sum(done.count for done in here) - start
                if offset + start + piece.count > len(places):
                    raise _unfitting(row, len(places), offset + start + piece.count)
                here.append(_stand(each, piece, places, offset, frame))
                start, frame = start + piece.count, frame + piece.size[0]
            if sum(piece.count for piece in here) != len(places):
                raise _unfitting(row, len(places), sum(piece.count for piece in here))
            prompts[row] += _joined(here) if each.joined else here
        if left:
            raise BadRecord(
                f"the prompts have places for {len(each.pieces) - len(left)} of {len(each.pieces)} pictures"
            )
    ordered = [sorted(pieces, key=lambda piece: int(piece.columns[0])) for pieces in prompts]
    return [
        [replace(piece, number=number, prompt=row) for number, piece in enumerate(pieces)]
        for row, pieces in enumerate(ordered)
    ]


def _unfitting(row: int, places: int, features: int) -> BadRecord:
    return BadRecord(
        f"prompt {row} has places for {places} visual tokens, its pictures give {features}; "
        "hand over input_ids as the processor made them, before any shortening of your own"
    )


def _stand(shown: Shown, piece: Piece, places: Tensor, offset: int, frame: int) -> Standing:
    """`offset` leads from the number of a row to the number of its place in the prompt."""
    cells, loose = piece.cells.to(places.device), piece.loose.to(places.device)
    return Standing(
        number=0,
        size=piece.size,
        step=piece.step,
        rows=shown.rows[cells],
        columns=places[cells + offset],
        loose_rows=shown.rows[loose],
        loose_columns=places[loose + offset],
        deeper=[(layer[cells], layer[loose]) for layer in shown.deeper],
        frame=frame,
    )


def _joined(pieces: list[Standing]) -> list[Standing]:
    """Neighbours of one size as the frames of one clip."""
    clips: list[list[Standing]] = []
    for piece in pieces:
        if clips and clips[-1][0].size == piece.size:
            clips[-1].append(piece)
        else:
            clips.append([piece])
    return [_one(clip) for clip in clips]


def _one(clip: list[Standing]) -> Standing:
    frames = sum(piece.size[0] for piece in clip)
    return replace(
        clip[0],
        size=(frames, *clip[0].size[1:]),
        rows=torch.cat([piece.rows for piece in clip]),
        columns=torch.cat([piece.columns for piece in clip]),
        loose_rows=torch.cat([piece.loose_rows for piece in clip]),
        loose_columns=torch.cat([piece.loose_columns for piece in clip]),
    )


def dealt(tokens: int | None, counts: Sequence[int]) -> list[int | None]:
    """A budget in shares by size, each at least 1 and at most what is there; None: as many as the connector says."""
    if tokens is None:
        return [None] * len(counts)
    if tokens >= sum(counts):
        return list(counts)
    if tokens < len(counts):
        raise BadRecord(f"{tokens} tokens cannot show {len(counts)} pictures or videos; ask for at least {len(counts)}")
    exact = [tokens * count / sum(counts) for count in counts]
    share = [max(1, int(part)) for part in exact]
    while sum(share) != tokens:
        step = 1 if sum(share) < tokens else -1
        open_ = [i for i in range(len(share)) if step > 0 or share[i] > 1]
        most = max(open_, key=lambda i: (step * (exact[i] - share[i]), -i))
        share[most] += step
    return list(share)


def seconds_of(seconds: Sequence[Any] | None, prompts: list[list[Standing]]) -> list[list[Array]]:
    """The first and last second of each frame [T, 2] of each piece of each prompt."""
    pieces = [piece for prompt in prompts for piece in prompt]
    if seconds is not None and len(seconds) and not isinstance(seconds[0], (Sequence, np.ndarray)):
        seconds = [seconds]  # one clip
    if seconds is not None and len(seconds) != len(pieces):
        raise BadRecord(f"seconds were given for {len(seconds)} pictures or videos, the prompts show {len(pieces)}")
    told = iter([None] * len(pieces) if seconds is None else seconds)
    return [[_of_frames(piece, next(told)) for piece in prompt] for prompt in prompts]


def _of_frames(piece: Standing, seconds: Any) -> Array:
    """Where a model joins frames (two a step of time), a step spans the seconds of both."""
    frames = piece.size[0]
    if seconds is None:
        return np.repeat(np.arange(frames, dtype=np.float64)[:, None] * piece.step, 2, axis=1)
    when = np.asarray(seconds, dtype=np.float64)
    together = -(-len(when) // frames)
    if len(when) == 0 or -(-len(when) // together) != frames:
        raise BadRecord(f"{len(when)} seconds were given for a video of {frames} frames")
    steps = [when[i : i + together] for i in range(0, len(when), together)]
    return np.array([[step.min(), step.max()] for step in steps])
