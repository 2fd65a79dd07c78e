"""The part every connector shares: samples without their padding, groups of tokens, and the prefix they make.

A connector takes `Seen` (and the question's `Words`, where it listens) and gives a `Prefix`. Those that gather tokens
work on one `Clip` at a time, which has no padding and no neighbours, so neither can matter. What is gathered into what
is a `Groups`; applying it is one pass over the tokens, for every connector the same.

Shapes: tokens [T, N, D] = rows [T * N, D]; embeddings [M, D]; span [M, 2] seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.errors import BadRecord
from sightline.nn.padding import cleared
from sightline.records import Prefix, Seen, Words


@dataclass(frozen=True)
class Clip:
    """One sample: tokens [T, N, D], seconds [T], cls [T, D]; question_vector [E] and question_tokens [L, D']."""

    tokens: Tensor
    seconds: Tensor
    grid: tuple[int, int] | None = None
    cls: Tensor | None = None
    question_vector: Tensor | None = None
    question_tokens: Tensor | None = None

    @property
    def rows(self) -> Tensor:
        return self.tokens.flatten(0, 1)

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, rows and columns."""
        if self.grid is None:
            raise BadRecord(
                f"this connector folds pictures and needs Seen.grid; there are {self.tokens.shape[1]} tokens a frame "
                "and no grid: set grid=(rows, columns)"
            )
        return len(self.tokens), *self.grid

    def pictures(self) -> Tensor:
        """The tokens in their grid, [T, h, w, D]."""
        return self.tokens.unflatten(1, self.size[1:])


def tokens_and_mask(seen: Seen) -> tuple[Tensor, Tensor]:
    """The tokens, zero on padding, and their mask; refused where there is nothing to hand on."""
    if seen.tokens is None:
        raise BadRecord(
            "a connector needs Seen.tokens [B, T, N, D]; this encoder gave vectors alone: choose one with tokens"
        )
    tokens = torch.as_tensor(seen.tokens)
    mask = torch.as_tensor(seen.mask, device=tokens.device).bool()
    if not bool(mask.any(dim=1).all()):
        empty = int((~mask.any(dim=1)).nonzero()[0])
        raise BadRecord(f"sample {empty} has no valid frame among {mask.shape[1]}: leave it out of the batch")
    return cleared(tokens, mask), mask


def clips(seen: Seen, words: Words | None = None) -> list[Clip]:
    tokens, mask = tokens_and_mask(seen)
    return [_clip(seen, words, tokens, mask, sample) for sample in range(len(mask))]


def _clip(seen: Seen, words: Words | None, tokens: Tensor, mask: Tensor, sample: int) -> Clip:
    frames = slice(None) if bool(mask[sample].all()) else mask[sample]  # a slice is a view, a mask a copy
    clip = Clip(
        tokens=tokens[sample][frames],
        seconds=torch.as_tensor(seen.seconds[sample], device=tokens.device)[frames],
        grid=seen.grid,
        cls=None if seen.cls is None else torch.as_tensor(seen.cls[sample], device=tokens.device)[frames],
    )
    if words is None:
        return clip
    asked, asked_mask = question(words)
    return replace(clip, question_vector=words.vector[sample], question_tokens=asked[sample][asked_mask[sample]])


def question(words: Words) -> tuple[Tensor, Tensor]:
    """The question as tokens [B, L, D'] with their mask [B, L]; one token, the vector, where there are none."""
    if words.tokens is None:
        tokens = words.vector[:, None]
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    mask = torch.ones(words.tokens.shape[:2], device=words.tokens.device) if words.mask is None else words.mask
    return words.tokens, mask.bool()


@dataclass(frozen=True)
class Groups:
    """Row `index[i]` goes into group `place[i]` with `weight[i]`; a row may go to several groups, or to none.

    Shapes: index, place [m] long, weight [m] (adding up to 1 within a group); groups 0 .. count - 1, none empty.
    """

    index: Tensor
    place: Tensor
    weight: Tensor
    count: int

    @classmethod
    def of(cls, place: Tensor, index: Tensor | None = None, weight: Tensor | None = None) -> Groups:
        """Weighted means: rows 0, 1, 2 … (or `index`) into `place`; without weights every row counts the same."""
        count = int(place.max()) + 1
        weight = torch.ones(len(place), device=place.device) if weight is None else weight
        total = weight.new_zeros(count).index_add(0, place, weight)
        index = torch.arange(len(place), device=place.device) if index is None else index
        return cls(index, place, weight / total[place], count)

    def at_most(self, count: int | None) -> Groups:
        """No more than `count` groups: neighbours in order are joined into runs of equal length, each an equal part."""
        if count is None or self.count <= count:
            return self
        run = torch.arange(self.count, device=self.place.device) * count // self.count
        parts = torch.bincount(run, minlength=count)
        place = run[self.place]
        return Groups(self.index, place, self.weight / parts[place], count)


Rule = Callable[[Clip, int | None], Groups]


def gathered(rows: Tensor, groups: Groups) -> Tensor:
    """The weighted sums of all groups in one pass over the rows; nothing of the rows' size is made.  [M, D]"""
    index, place, weight = groups.index, groups.place, groups.weight
    if bool((place[1:] < place[:-1]).any()):  # sorting costs as much as summing, and boxes come in order
        place, order = place.sort(stable=True)
        index, weight = index[order], weight[order]
    sizes = torch.bincount(place, minlength=groups.count)
    return F.embedding_bag(index, rows, sizes.cumsum(0) - sizes, mode="sum", per_sample_weights=weight.to(rows.dtype))


def spans(seconds: Tensor, groups: Groups, per_frame: int) -> Tensor:
    """From the first to the last second gathered into each group.  seconds [T] -> [M, 2]"""
    when = seconds[groups.index // per_frame]
    empty = seconds.new_zeros(groups.count)
    first = empty.scatter_reduce(0, groups.place, when, "amin", include_self=False)
    last = empty.scatter_reduce(0, groups.place, when, "amax", include_self=False)
    return torch.stack([first, last], dim=1)


def gathered_after(layers: nn.Module, rows: Tensor, groups: Groups, at_once: int = 8192) -> Tensor:
    """The weighted sums of what `layers` make of each row; a block of rows at a time, never of all rows."""

    def of_block(first: int) -> Tensor:
        here = (groups.index >= first) & (groups.index < first + at_once)
        some = Groups(groups.index[here] - first, groups.place[here], groups.weight[here], groups.count)
        return gathered(layers(rows[first : first + at_once]), some)

    return reduce(torch.add, (of_block(first) for first in range(0, len(rows), at_once)))


def handed_on(clip: Clip, groups: Groups, project: nn.Module, project_first: bool = False) -> tuple[Tensor, Tensor]:
    """A clip's groups as embeddings [M, W] with their spans; `project_first` projects every token before gathering.

    Weights add up to 1, so a last linear layer gives the same before the means as after: it is spared every token.
    """
    if project_first and isinstance(project, nn.Sequential):
        embeddings = project[-1](gathered_after(project[:-1], clip.rows, groups))
    else:
        embeddings = project(gathered(clip.rows, groups))
    return embeddings, spans(clip.seconds, groups, clip.tokens.shape[1])


def in_blocks(work: Callable[..., Tensor], *frames: Tensor, at_once: int = 32) -> Tensor:
    """`work` on a few frames at a time, so that what it makes on the way stays small.  frames [T, …] -> [T, …]"""
    return torch.cat([work(*some) for some in zip(*(part.split(at_once) for part in frames), strict=True)])


def stacked(pieces: list[tuple[Tensor, Tensor]]) -> Prefix:
    """(embeddings [m, W], span [m, 2]) of every sample as one batch; shorter ones are padded with zeros."""
    longest = max(len(embeddings) for embeddings, _ in pieces)
    lengths = torch.tensor([len(embeddings) for embeddings, _ in pieces], device=pieces[0][0].device)

    def padded(part: Tensor) -> Tensor:
        return F.pad(part, (0, 0, 0, longest - len(part)))

    return Prefix(
        embeddings=torch.stack([padded(embeddings) for embeddings, _ in pieces]),
        mask=torch.arange(longest, device=lengths.device) < lengths[:, None],
        span=torch.stack([padded(span) for _, span in pieces]),
    )


def over_everything(embeddings: Tensor, seen: Seen, mask: Tensor) -> Prefix:
    """A prefix whose every token has looked at all valid frames.  embeddings [B, M, W]"""
    seconds = torch.as_tensor(seen.seconds, device=mask.device)
    first = seconds.masked_fill(~mask, torch.inf).amin(dim=1)
    last = seconds.masked_fill(~mask, -torch.inf).amax(dim=1)
    span = torch.stack([first, last], dim=1)[:, None].expand(-1, embeddings.shape[1], -1)
    return Prefix(embeddings, torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device), span)


def numbered(owner: Tensor) -> Tensor:
    """Owners of any numbering as 0, 1, 2 … in the order of their first row.  [n] -> [n]"""
    row = torch.arange(len(owner), device=owner.device)
    first = torch.full((int(owner.max()) + 1,), len(owner), device=owner.device).scatter_reduce(0, owner, row, "amin")
    return torch.unique(first[owner], return_inverse=True)[1]


def shares(count: int, parts: int) -> list[int]:
    """`count` things dealt evenly to `parts`; where there are fewer things than parts, the last part has one."""
    return [(part + 1) * count // parts - part * count // parts for part in range(parts)]


def runs(clip: Clip, count: int | None) -> Groups:
    """Every token by itself; with a count, neighbours in order averaged."""
    rows = clip.rows
    return Groups.of(torch.arange(len(rows), device=rows.device)).at_most(count)


def shortened(tokens: Tensor, seconds: Tensor, count: int | None) -> tuple[Tensor, Tensor]:
    """Finished tokens [T, n, W] as embeddings [M, W] with their spans, neighbours averaged down to the count."""
    groups = runs(Clip(tokens, seconds), count)
    return gathered(tokens.flatten(0, 1), groups), spans(seconds, groups, tokens.shape[1])


class Gathering(nn.Module):
    """A rule says what is gathered into what, `project` takes it to the language model's width.

    `project_first` projects every token before it is gathered, as several released systems do: a multiple of the work.
    """

    def __init__(self, rule: Rule, project: nn.Module, tokens: int | None = None, project_first: bool = False) -> None:
        super().__init__()
        self.rule, self.project, self.tokens, self.project_first = rule, project, tokens, project_first

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        return stacked(
            [
                handed_on(clip, self.rule(clip, self.tokens), self.project, self.project_first)
                for clip in clips(seen, words)
            ]
        )
