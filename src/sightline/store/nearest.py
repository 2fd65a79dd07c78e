"""The rows nearest to a vector: exact arithmetic over a memory map, led by the runs.

One pass over the int8 means of all runs tells where to look; the rows of the best runs are then scored in float32, as
they were stored. Where few rows are asked about, they are all scored.

Departures: no index is trained; nothing is approximate but the choice of runs, and `exact=True` leaves that out too.
Shapes: vector [E] -> rows [k] int64, scores [k] float32, best first, equal scores in the order of rows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sightline.errors import BadQuery, LibraryDamaged
from sightline.store.columns import REPAIR, Block
from sightline.store.runs import LONGEST

EXACT_ROWS = 20_000  # as many rows are scored one by one in the time that scanning the runs of a large library takes
LEAST_RUNS = 200
LEAST_ROWS = 2_000  # candidates scored in float32, whatever k is
PIECE = 32_768  # rows scored at a time: their vectors stay within a few tens of megabytes
MOST_THREADS = 8
WORTH_THREADS = 1 << 27  # bytes; one core is done with fewer before a second, if it is busy, has begun

Found = tuple[np.ndarray, np.ndarray]


class Rows:
    """The rows a view may return: which content holds which, and which are nearest.

    `units` [U, 6] of (first_row, rows, first_run, runs, content, number), ascending by row; rows of no unit are dead.
    """

    def __init__(self, block: Block, units: np.ndarray) -> None:
        self.block, self.units = block, units
        self.first, self.count, self.first_run, self.runs, self.content, self.number = units.T
        self._placed: _Runs | None = None

    def content_of(self, rows: np.ndarray) -> np.ndarray:
        """The content of each row, -1 for dead ones."""
        rows = np.asarray(rows, np.int64)
        at = self._unit_of(rows)
        return np.where(at >= 0, np.append(self.content, -1)[at], -1)

    def _unit_of(self, rows: np.ndarray) -> np.ndarray:
        at = np.searchsorted(self.first, rows, side="right") - 1
        end = np.append(self.first + self.count, 0)  # the last entry answers for -1: rows before any unit
        return np.where(rows < end[at], at, -1)

    def rows_of(self, content: int) -> np.ndarray:
        """A content's rows in the order of time."""
        own = np.flatnonzero(self.content == content)
        return self._rows_of_units(own[np.argsort(self.number[own], kind="stable")])

    def _rows_of_units(self, chosen: np.ndarray) -> np.ndarray:
        return spread(self.first[chosen], self.count[chosen])

    def nearest(
        self,
        vector: np.ndarray,
        k: int,
        contents: Collection[int] | None = None,
        rows: np.ndarray | None = None,
        exact: bool = False,
    ) -> Found:
        """The k best of the living rows, or of those of `contents` and in `rows` (a mask, or row numbers)."""
        vector = self._sound(vector)
        if k <= 0 or not vector.any():  # a zero vector says nothing that can be seen
            return np.empty(0, np.int64), np.empty(0, np.float32)
        chosen = np.ones(len(self.first), bool)
        if contents is not None:
            chosen = np.isin(self.content, np.fromiter(contents, np.int64, len(contents)))
        mask = None if rows is None else _as_mask(rows, len(self.block.vectors))
        among = int(self.count[chosen].sum())
        asked = among if mask is None else int(np.count_nonzero(mask))
        if exact or min(among, asked) <= EXACT_ROWS:
            candidates = self._all_of(chosen, mask, by_mask=asked < among)
        else:
            candidates = self._of_best_runs(vector, k, chosen, mask)
        return self._best(vector, k, candidates)

    def _sound(self, vector: np.ndarray) -> np.ndarray:
        vector = np.ascontiguousarray(vector, np.float32)
        width = self.block.vectors.shape[1]
        if vector.shape != (width,) or not np.isfinite(vector).all():
            raise BadQuery(f"this library holds vectors of {width} finite numbers; the query has shape {vector.shape}")
        return vector

    def _all_of(self, chosen: np.ndarray, mask: np.ndarray | None, by_mask: bool) -> np.ndarray:
        """Every row that passes both filters, starting from the narrower one."""
        if mask is None:
            return self._rows_of_units(np.flatnonzero(chosen))
        if by_mask:
            rows = np.flatnonzero(mask)
            at = self._unit_of(rows)
            return rows[(at >= 0) & chosen[at]]
        rows = self._rows_of_units(np.flatnonzero(chosen))
        return rows[mask[rows]]

    # --- the runs --------------------------------------------------------------------------------

    def _of_best_runs(self, vector: np.ndarray, k: int, chosen: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        """Rows of the runs that promise most: more of them until there are candidates enough."""
        runs = self._runs_placed()
        eligible = runs.unit >= 0
        if not chosen.all():
            eligible &= chosen[runs.unit]
        if mask is not None:
            eligible &= _any_in(mask, runs.first, runs.count)
        of = np.flatnonzero(eligible)
        promise = self._promises(vector, of)
        number = max(LEAST_RUNS, 2 * k)
        while True:
            best = of[np.sort(largest(promise, number))]
            rows = spread(runs.first[best], runs.count[best])
            rows = rows if mask is None else rows[mask[rows]]
            if len(rows) >= max(LEAST_ROWS, 4 * k) or number >= len(of):
                return rows
            number *= 2

    def _promises(self, vector: np.ndarray, of: np.ndarray) -> np.ndarray:
        """The promise of some runs. Reading all means in one go is faster than picking out a quarter of them."""
        runs, means = self._runs_placed(), self.block.means
        if 4 * len(of) < len(means):
            return promises(vector, means[of], runs.scale[of], runs.radius[of])
        promise = promises(vector, means, runs.scale, runs.radius)
        return promise if len(of) == len(means) else promise[of]

    def _runs_placed(self) -> _Runs:
        if self._placed is None:
            self._placed = self._place_runs()
        return self._placed

    def _place_runs(self) -> _Runs:
        """Where each run's rows lie: runs tell only how many they are, so that compaction may move units."""
        runs = self.block.runs
        count = runs["count"].astype(np.int64)
        before = np.concatenate([[0], np.cumsum(count)])
        in_unit = before[self.first_run + self.runs] - before[self.first_run]
        if (count < 1).any() or (in_unit != self.count).any():
            raise LibraryDamaged(f"the runs of {int((in_unit != self.count).sum())} pieces do not add up; {REPAIR}")
        own = spread(self.first_run, self.runs)
        unit = np.full(len(count), -1, np.int32)
        unit[own] = np.repeat(np.arange(len(self.first), dtype=np.int32), self.runs)
        first = before[:-1].copy()
        first[own] += np.repeat(self.first - before[self.first_run], self.runs)
        return _Runs(first, count, unit, runs["scale"].astype(np.float32), runs["radius"].astype(np.float32))

    # --- scores ----------------------------------------------------------------------------------

    def _best(self, vector: np.ndarray, k: int, rows: np.ndarray) -> Found:
        """The k best of these rows, scored as they are stored."""
        scores = self._scores(vector, rows)
        if len(rows) > k:
            near = np.flatnonzero(scores >= scores[largest(scores, k)].min())  # more than k where scores are equal
            rows, scores = rows[near], scores[near]
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    def _scores(self, vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Long stretches of rows are read where they lie, scattered rows are gathered a piece at a time."""
        scores = np.empty(len(rows), np.float32)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        if 16 * len(breaks) < len(rows):
            for at, end in pairwise([0, *breaks.tolist(), len(rows)]):
                scores[at:end] = products(vector, self.block.vectors[rows[at] : rows[end - 1] + 1])
        else:
            for at in range(0, len(rows), PIECE):
                scores[at : at + PIECE] = products(vector, self.block.vectors[rows[at : at + PIECE]])
        return scores


@dataclass(frozen=True)
class _Runs:
    """first [G] and count [G] in rows, unit [G] (-1: dead), scale [G], radius [G]."""

    first: np.ndarray
    count: np.ndarray
    unit: np.ndarray
    scale: np.ndarray
    radius: np.ndarray


def promises(vector: np.ndarray, means: np.ndarray, scale: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """What the best member of each run may score: its mean's int8 product, and a share of its radius.

    Of 16 members that lie around their mean at random, the one that lies furthest towards the query lies about
    sqrt(2 ln 16 / E) of the radius towards it.
    """
    step = float(np.abs(vector).max()) / 127
    promise = products(np.rint(vector / step).astype(np.int8), means)
    promise *= scale
    promise *= np.float32(step)
    share = math.sqrt(2 * math.log(LONGEST) / len(vector))
    promise += radius * np.float32(share * np.linalg.norm(vector))
    return promise


def products(vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The product of each row with the vector, float32; a row's product does not depend on the rows beside it."""
    import simsimd

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(cores, MOST_THREADS) if rows.nbytes > WORTH_THREADS else 1
    return np.asarray(simsimd.cdist(vector[None], np.asarray(rows), "dot", out_dtype="float32", threads=threads))[0]


def _as_mask(rows: np.ndarray | Sequence[int], length: int) -> np.ndarray:
    rows = np.asarray(rows if len(rows) else np.empty(0, np.int64))
    if rows.dtype == bool:
        if rows.shape != (length,):
            raise BadQuery(f"a mask over this view has {length} entries, not {rows.shape}")
        return rows
    mask = np.zeros(length, bool)
    mask[rows] = True
    return mask


def _any_in(mask: np.ndarray, first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Whether a stretch of the mask holds a True."""
    before = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
    return before[first + count] > before[first]


def spread(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The numbers first[i], first[i] + 1, … (count[i] of them) of all stretches, one after the other."""
    ends = np.cumsum(count)
    return np.repeat(first - (ends - count), count) + np.arange(ends[-1] if len(ends) else 0)


def largest(values: np.ndarray, n: int) -> np.ndarray:
    """Where the n largest values are, in no order.

    The n-th largest of the maxima of blocks bounds them from below, so that only what reaches it is sorted out.
    """
    blocks = len(values) // 64
    if n >= len(values):
        return np.arange(len(values))
    if blocks > 4 * n:
        maxima = values[: blocks * 64].reshape(blocks, 64).max(axis=1)
        bound = np.partition(maxima, blocks - n)[blocks - n]
        at = np.flatnonzero(values >= bound)
        return at[np.argpartition(values[at], len(at) - n)[len(at) - n :]]
    return np.argpartition(values, len(values) - n)[len(values) - n :]
