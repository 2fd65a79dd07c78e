"""One budget of visual tokens: few frames in detail, or many frames coarsely?

From: reading notes on ViLA, GCG (which choose) and PPLLaVA, PVC (which compress): two ways to spend the same tokens.
Departures: read by the reader without training (seen.py), so what is compared is what the tokens still tell.
Shapes: tokens [T, N, D] -> F frames of P tokens, F * P <= M
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sightline.exports.plot import Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, line, shown
from sightline.findings.seen import LOCAL, Case, Scale, answers, cases, counted, relevance, videos_of
from sightline.keyframes import CHOOSERS
from sightline.recipes.questions_seen import GRID
from sightline.recipes.starting_lm import LONG

Array = Any
QUESTION = "With 32 visual tokens: is it better to choose a few frames, or to compress all of them?"
DIAL = (
    "frames shown against tokens per frame at an equal product; the seconds that evidence lasts; local and whole looks"
)
TESTS = {
    "across": "choosing by the question against compressing, by length of the evidence and by what is asked",
    "H-P10": "space is cheap and time is dear: frames given up against places given up, both without a question",
}
UNTESTED = {"across, learned": "whether training evens this out: `sightline systems pllava similar pvc vila`"}
FRAMES, TOKENS = 32, 32
GRIDS: dict[int, tuple[int, int]] = {1: (4, 7), 4: (2, 4), 8: (2, 2), 16: (1, 2), 32: (1, 1)}  # frames: rows, columns
EVIDENCE = (1.0, 2.0, 8.0)
WAYS = ("chosen", "uniform")


def run(scale: Scale) -> Finding:
    worlds = {seconds: cases(scale, _dials(seconds), FRAMES) for seconds in EVIDENCE}
    right = {
        (seconds, way, frames): np.array([answers(case, spent(case, way, frames)) for case in asked])
        for seconds, asked in worlds.items()
        for way in WAYS
        for frames in GRIDS
    }
    tables = [_table(f"Right answers, evidence of {s:g} s", asked, right, s) for s, asked in worlds.items()]
    return Finding(
        "one-budget",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        *counted(*worlds.values()),
        tables,
        {"frames": _plot(worlds, right)},
        _claims(worlds, right),
    )


def _dials(seconds: float) -> Any:
    """Long evidence needs long scenes: as many as fit."""
    return replace(LONG, evidence=seconds, scenes=max(2, min(LONG.scenes, int(LONG.seconds // (2.5 * seconds)))))


def spent(case: Case, way: str, frames: int) -> Array:
    """The tokens of so many frames, each pooled to the same number of boxes. Shapes: -> [M, D]"""
    scores = relevance(case) if way == "chosen" else np.zeros(len(case.tokens))
    index = CHOOSERS["similarity" if way == "chosen" else "uniform"](scores, frames).index[0]
    return pooled(case.tokens[index], GRIDS[frames]).reshape(-1, case.tokens.shape[-1])


def pooled(tokens: Array, shape: tuple[int, int]) -> Array:
    """Means of boxes that share the grid out. Shapes: tokens [F, N, D] -> [F, rows * columns, D]"""
    grid = tokens.reshape(len(tokens), *GRID, tokens.shape[-1])
    rows = [part.mean(axis=1) for part in np.array_split(grid, shape[0], axis=1)]  # [F, 7, D] each
    boxes = [part.mean(axis=1) for row in rows for part in np.array_split(row, shape[1], axis=1)]
    return np.stack(boxes, axis=1)


def _claims(worlds: dict[float, list[Case]], right: dict[Any, Array]) -> list[Claim]:
    claims = []
    for seconds, asked in worlds.items():
        says = f"evidence of {seconds:g} s: 4 chosen frames of 8 tokens answer more than 32 frames of 1"
        claims.append(
            claimed("across", says, right[seconds, "chosen", 4], right[seconds, "uniform", 32], videos_of(asked))
        )
    local = {seconds: np.array([case.asked.kind in LOCAL for case in asked]) for seconds, asked in worlds.items()}
    for name, way in (("a thing", 1), ("the whole picture", 0)):
        more, less, videos = [], [], []
        for seconds, asked in worlds.items():
            kept = local[seconds] == way
            more += right[seconds, "chosen", 1][kept].tolist()
            less += right[seconds, "chosen", 8][kept].tolist()
            videos += [f"{seconds}/{case.video}" for case, own in zip(asked, kept, strict=True) if own]
        says = f"asked about {name}: 1 chosen frame in full answers more than 8 chosen frames of 4 tokens"
        claims.append(claimed("across", says, more, less, videos))
    middle = EVIDENCE[1]
    claims.append(
        claimed(
            "H-P10",
            f"evidence of {middle:g} s, no question: 16 frames of 2 tokens answer more than 4 frames of 8",
            right[middle, "uniform", 16],
            right[middle, "uniform", 4],
            videos_of(worlds[middle]),
        )
    )
    return claims


def _table(title: str, asked: Sequence[Case], right: dict[Any, Array], seconds: float) -> Table:
    rows = []
    local = np.array([case.asked.kind in LOCAL for case in asked])
    videos = np.array(videos_of(asked))
    for way in WAYS:
        for frames, (high, wide) in GRIDS.items():
            row = right[seconds, way, frames]
            cells = [shown(row[kept], videos[kept]) if kept.any() else "" for kept in (local | True, local, ~local)]
            rows.append([way, str(frames), str(high * wide), *cells])
    head = ["frames are", "frames", "tokens a frame", "all questions", "about a thing", "about the whole"]
    return Table(title, head, rows)


def _plot(worlds: dict[float, list[Case]], right: dict[Any, Array]) -> Plot:
    lines = [
        line(
            f"{way}, evidence {seconds:g} s", {frames: (right[seconds, way, frames], videos_of(a)) for frames in GRIDS}
        )
        for way in WAYS
        for seconds, a in worlds.items()
    ]
    return Plot(f"{TOKENS} tokens spent on F frames", "frames", "right answers", lines, log=True)
