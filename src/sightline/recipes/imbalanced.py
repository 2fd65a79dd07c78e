"""Where the answer is short and the rest is alike: which rules still find it? What reading notes hold against GCG.

The world "imbalanced" (starting_lm.SIZES) asks about events of 2 seconds in videos of 64, among eight scenes with
things of the same kinds and colours; K = 4 of T = 64 frames. A rule gets the similarities of all frames with a text:
the question (what a chooser has when reading), or the statement or the bare answer (what a label maker has).

From: reading notes on GCG (arXiv 2401.10711): top-K labels all fall into the longest scene that matches.
Departures: the similarities are real ones of the built-in towers, not drawn numbers.
Shapes: scores [B, T] -> index [B, K] -> hit, IoP, IoU per question
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.errors import require
from sightline.recipes.questions_seen import World, seen_world
from sightline.recipes.starting_lm import size_named
from sightline.training.examine import grounded
from sightline.training.kept import Kept, evidence

Array = Any
Rule = Callable[[Array, int, Array], Array]  # scores [T], k, vectors [T, E] -> index [k]
TEXTS = ("question", "statement", "answer")
MOST = 0.05  # the answer's share of the video
SEGMENTS = 3  # times K: how many segments a video is cut into before the K best are taken


@dataclass(frozen=True)
class Found:
    """One rule with one text: means over the questions, and the standard error of `hit`."""

    rule: str
    text: str
    k: int
    hit: float
    error: float
    iop: float
    iou: float
    questions: int


def best_segments(scores: Array, k: int, vectors: Array, *, segments: int = SEGMENTS) -> Array:
    """Merged by pictures into `segments` x k segments; the best frames of the k best segments, in time order."""
    from sightline.keyframes import CHOOSERS

    merged = CHOOSERS["merged-by-features"](scores, min(segments * k, len(scores)), vectors=vectors).index[0]
    best = merged[np.argsort(-scores[merged], kind="stable")[:k]]
    return np.sort(best)


def rules() -> dict[str, Rule]:
    """The training-free rules by name: those of keyframes, and one between merging and top-k."""
    from sightline.keyframes import CHOOSERS

    def rule(name: str) -> Rule:
        return lambda scores, k, vectors: CHOOSERS[name](scores, k, vectors=vectors).index[0]

    names = (
        "uniform",
        "similarity",
        "suppressed-similarity",
        "merged-by-curve",
        "merged-by-features",
        "steepest",
        "mmr",
    )
    return {name: rule(name) for name in names} | {"best-segments": best_segments}


Given = tuple[dict[str, Array], Array, Array]  # a question's similarities by text [T], its video's vectors, evidence


def study(
    world: World | None = None,
    k: int = 4,
    texts: Sequence[str] = TEXTS,
    most: float = MOST,
    told: Callable[[str], None] | None = None,
) -> list[Found]:
    """Every rule with every text, on the world's questions whose evidence is at most this share of the frames."""
    given = given_by(world or size_named("imbalanced").exam, most, told)
    return [found_by(given, name, rule, k, text) for text in texts for name, rule in rules().items()]


def given_by(world: World, most: float = MOST, told: Callable[[str], None] | None = None) -> list[Given]:
    """What a rule is given for each question whose evidence is at most this share of the frames."""
    require("drawing what systems see", "lab", "torch", "safetensors")
    kept = seen_world(world, told=told)
    given = (_given(kept, number) for number in range(len(kept.questions)))
    return [each for each in given if each[2].mean() <= most]


def found_by(given: Sequence[Given], name: str, rule: Rule, k: int, text: str) -> Found:
    """What one rule finds with k frames."""
    index = np.stack([rule(scores[text], k, vectors) for scores, vectors, _ in given])
    lit = np.stack([lit for _, _, lit in given])
    rows = grounded(index, lit, np.ones_like(lit))
    rows = rows[~np.isnan(rows[:, 0])]
    hit, iop, iou = rows.mean(axis=0)
    error = float(np.sqrt(hit * (1 - hit) / len(rows)))
    return Found(name, text, k, float(hit), error, float(iop), float(iou), len(rows))


def _given(kept: Kept, number: int) -> Given:
    """A question's similarities by text, its video's vectors, and its evidence."""
    asked = kept.questions[number]
    film = kept.films[asked.video]
    tokens, vectors = (np.asarray(array[film], np.float32) for array in (kept.tokens, kept.vectors))
    said = {"question": asked.question, "statement": asked.statement or asked.right, "answer": asked.right}
    scores = {text: _relevance(tokens, vectors, kept.vector(words)) for text, words in said.items()}
    return scores, vectors, evidence(kept.seconds[film], kept.mask[film], asked.seconds)


def _relevance(tokens: Array, vectors: Array, text: Array) -> Array:
    """As training/choosing.py has it. Shapes: tokens [T, N, D], vectors [T, D], text [D] -> [T]"""
    unit = text / max(float(np.linalg.norm(text)), 1e-12)
    lengths = np.linalg.norm(tokens, axis=2)
    return np.maximum(((tokens @ unit) / np.maximum(lengths, 1e-12)).max(axis=1), vectors @ unit)


def as_table(found: Sequence[Found]) -> str:
    """Markdown: rules down, texts across."""
    texts = list(dict.fromkeys(row.text for row in found))
    lines = [f"| rule | {' | '.join(f'hit by {text}' for text in texts)} | IoP by {texts[0]} |"]
    lines.append(f"|{'---|' * (len(texts) + 2)}")
    for name in dict.fromkeys(row.rule for row in found):
        rows = {row.text: row for row in found if row.rule == name}
        hits = " | ".join(f"{rows[text].hit:.3f} ± {rows[text].error:.3f}" for text in texts)
        lines.append(f"| {name} | {hits} | {rows[texts[0]].iop:.3f} |")
    return "\n".join(lines)
