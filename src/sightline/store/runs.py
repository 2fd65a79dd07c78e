"""Runs: neighbouring frames that look alike, told to a search by one int8 mean, so that it reads a fraction of them.

From: two-stage exact search (coarse codes first, then the rows as stored). Departures: groups are made along time, not
trained: a frame's neighbours in time are its neighbours in looks. Nothing depends on other videos, so rows can be added
for ever and quality never ages.

Shapes: vectors [n, E] -> means [G, E] int8, runs [G] of (count, scale, radius); the counts of a unit add up to n.
"""

from __future__ import annotations

import numpy as np

from sightline.store.columns import RUN, Block

ALIKE = 0.9  # the least cosine of a row to the mean of the run it joins
LONGEST = 16


def group(vectors: np.ndarray) -> list[int]:
    """The sizes of the runs, in order: a row joins the run before it while it looks like that run's mean."""
    sizes: list[int] = []
    total = np.zeros(vectors.shape[1], np.float32)
    for row in vectors:
        if sizes and sizes[-1] < LONGEST and float(row @ total) >= ALIKE * float(np.sqrt(total @ total)):
            sizes[-1] += 1
            total = total + row
        else:
            sizes.append(1)
            total = row
    return sizes


def block_of(seconds: np.ndarray, vectors: np.ndarray) -> Block:
    """The columns' bytes for one unit."""
    vectors = np.ascontiguousarray(vectors, "<f4")
    counts = np.array(group(vectors), np.int64)
    starts = np.cumsum(counts) - counts
    sums = np.add.reduceat(vectors, starts, axis=0) if len(counts) else np.zeros((0, vectors.shape[1]), np.float32)
    means = sums / np.maximum(counts, 1)[:, None]
    scale = np.abs(means).max(axis=1, initial=0.0) / 127
    codes = np.rint(means / np.where(scale > 0, scale, 1)[:, None]).astype(np.int8)
    told = codes * scale[:, None].astype(np.float32)  # the mean as a search will know it
    distance = np.linalg.norm(vectors - np.repeat(told, counts, axis=0), axis=1)
    runs = np.zeros(len(counts), RUN)
    runs["count"], runs["scale"] = counts, scale
    runs["radius"] = np.maximum.reduceat(distance, starts) if len(counts) else 0
    return Block(vectors, np.ascontiguousarray(seconds, "<f8"), codes, runs)
