"""Rare evidence: the answer is a glimpse in a long video of alike scenes; which rules still show it?

From: reading notes on GCG (arXiv 2401.10711): top-K labels all fall into the longest scene that matches; merging,
steepness, suppression, other label texts and larger K are the ideas against it.
Departures: similarities are real ones of the built-in towers. Soft targets are judged by what they hold, not by the
loss that learns from them.
Shapes: similarities [T] -> K frames -> hit per question
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sightline.exports.plot import Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, grown, line, shown
from sightline.findings.seen import Case, Scale, cases, counted, read, relevance, short, videos_of
from sightline.keyframes.merging import soft_targets
from sightline.recipes.imbalanced import MOST, Rule, rules
from sightline.recipes.starting_lm import IMBALANCED, SEEN_IN_EVENTS

Array = Any
QUESTION = "When the answer is two seconds of a minute among alike scenes, which rule still finds it?"
DIAL = "K frames of 64, the text that frames are compared with, the number of scenes, the softness of labels"
TESTS = {
    "H-G1": "top-K of the similarity finds less than evenly spread frames",
    "H-G2": "merging finds more than top-K; pictures are a better key for it than the similarity curve",
    "H-G3": "steepness finds more than top-K, and falls behind as scenes are added",
    "H-G4": "in part: what soft targets hold at each temperature; the variance of a loss is not measured",
    "H-G5": "the bare answer as label text finds more than the statement; and so does the best clause of it",
    "suppression": "a chosen frame that silences its neighbours finds more than top-K",
    "H-G6": "the K from which top-K finds what spread frames find",
}
UNTESTED = {
    "H-G7": "the order hinge acts while training (`sightline systems gcg gcg-released`)",
    "H-G8": "the width of Gaussians acts while training",
}
TOLD = ("uniform", "similarity", "merged-by-curve", "merged-by-features", "steepest", "suppressed-similarity")
FRAMES, KS, SCENES, K = 64, (2, 4, 6, 8, 16), (4, 8, 16), 4
TEMPERATURES = (0.02, 0.05, 0.1, 0.5)
RULES: dict[str, Rule] = {name: rules()[name] for name in (*TOLD, "mmr", "best-segments")}
CLAUSES = re.compile(r"\b(?:by|to|in|on|at|from|under|behind|and|is|over)\b")


def run(scale: Scale) -> Finding:
    asked = short(cases(scale, IMBALANCED, FRAMES, SEEN_IN_EVENTS), MOST)
    by_text = similarities(asked)
    hits = {
        (name, text, k): found(asked, by_text[text], rule, k)
        for name, rule in RULES.items()
        for text in by_text
        for k in (KS if text == "statement" else (K,))
    }
    busy = {scenes: _in_scenes(scale, scenes) for scenes in SCENES}
    table = Table(
        f"Hit with K = {K} by the text that frames are compared with",
        ["rule", *by_text],
        [[name, *(shown(hits[name, text, K], videos_of(asked)) for text in by_text)] for name in RULES],
    )
    return Finding(
        "rare-evidence",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        *counted(asked, *(own for scenes, (own, _) in busy.items() if scenes != IMBALANCED.scenes)),
        [table, _scenes_table(busy), _soft_table(asked, by_text["statement"])],
        {"hits": _plot(hits, asked)},
        _claims(hits, asked, busy),
        notes=[_reached(hits)],
    )


def similarities(asked: Sequence[Case]) -> dict[str, list[Array]]:
    """Each question's similarities [T] by text; "best clause" is the highest of the statement's parts."""
    parts = [[part.strip() for part in CLAUSES.split(_statement(case)) if part.strip()] for case in asked]
    texts = sorted({text for row in parts for text in row} | {_statement(case) for case in asked})
    vector = dict(zip(texts, read(texts), strict=True))
    return {
        "question": [relevance(case) for case in asked],
        "statement": [relevance(case, vector[_statement(case)]) for case in asked],
        "answer": [relevance(case, case.options[case.answer]) for case in asked],
        "best clause": [
            np.max([relevance(case, vector[part]) for part in row], axis=0)
            for case, row in zip(asked, parts, strict=True)
        ],
    }


def _statement(case: Case) -> str:
    return case.asked.statement or case.asked.right


def found(asked: Sequence[Case], scores: Sequence[Array], rule: Rule, k: int) -> Array:
    """Whether the rule's k frames hold one of the evidence. Shapes: -> [n] bool"""
    rows = zip(asked, scores, strict=True)
    return np.array([case.lit[rule(curve, k, case.vectors)].any() for case, curve in rows])


def _in_scenes(scale: Scale, scenes: int) -> tuple[list[Case], dict[str, Array]]:
    """Hits by the statement in videos of so many scenes."""
    asked = short(cases(scale, replace(IMBALANCED, scenes=scenes), FRAMES, SEEN_IN_EVENTS), MOST)
    scores = similarities(asked)["statement"]
    return asked, {name: found(asked, scores, rule, K) for name, rule in RULES.items()}


def _claims(hits: dict[Any, Array], asked: Sequence[Case], busy: dict[int, Any]) -> list[Claim]:
    videos = videos_of(asked)

    def than(hypothesis: str, says: str, more: tuple[str, str], less: tuple[str, str]) -> Claim:
        return claimed(hypothesis, says, hits[*more, K], hits[*less, K], videos)

    top, curve, pictures = (("similarity", "statement"), ("merged-by-curve", "statement"), "merged-by-features")
    steep = ("steepest", "statement")
    gaps = {
        scenes: (rows["merged-by-features"] - rows["steepest"] * 1.0, videos_of(own))
        for scenes, (own, rows) in busy.items()
    }
    return [
        than("H-G1", "top-K finds less than uniform", ("uniform", "statement"), top),
        than("H-G2", "merging by pictures finds more than top-K", (pictures, "statement"), top),
        than("H-G2", "pictures are a better key for merging than the curve", (pictures, "statement"), curve),
        than("H-G3", "steepness finds more than top-K", steep, top),
        grown(
            "H-G3",
            f"from {SCENES[0]} to {SCENES[-1]} scenes steepness falls behind merging",
            gaps[SCENES[-1]],
            gaps[SCENES[0]],
        ),
        than("H-G5", "top-K by the bare answer finds more than by the statement", ("similarity", "answer"), top),
        than("H-G5", "top-K by the best clause finds more than by the statement", ("similarity", "best clause"), top),
        than("suppression", "silencing neighbours finds more than top-K", ("suppressed-similarity", "statement"), top),
    ]


def _reached(hits: dict[Any, Array]) -> str:
    """H-G6: from which K on top-K is no worse than uniform."""
    reached = [k for k in KS if hits["similarity", "statement", k].mean() >= hits["uniform", "statement", k].mean()]
    if len(reached) == len(KS):
        return f"H-G6: top-K finds at least as much as uniform at every K asked ({', '.join(map(str, KS))})."
    return (
        f"H-G6: top-K finds at least as much as uniform at K = {', '.join(map(str, reached)) or 'none'} of those asked."
    )


def _plot(hits: dict[Any, Array], asked: Sequence[Case]) -> Plot:
    lines = [line(name, {k: (hits[name, "statement", k], videos_of(asked)) for k in KS}) for name in RULES]
    return Plot("Rare evidence found with K of 64 frames", "K frames", "hit by the statement", lines, log=True)


def _scenes_table(busy: dict[int, Any]) -> Table:
    rows = [[name, *(shown(hits[name], videos_of(asked)) for asked, hits in busy.values())] for name in TOLD]
    return Table(f"Hit with K = {K} by the number of scenes", ["rule", *(f"{scenes} scenes" for scenes in busy)], rows)


def _soft_table(asked: Sequence[Case], scores: Sequence[Array]) -> Table:
    """How soft the targets of merged segments are, and how much of the target that should lie on evidence does."""
    rows = []
    for temperature in TEMPERATURES:
        entropy, held = [], []
        for case, curve in zip(asked, scores, strict=True):
            weight = soft_targets(curve, K, temperature=temperature, vectors=case.vectors).weight[0]
            entropy.append(float(-(weight * np.log(np.maximum(weight, 1e-12))).sum(axis=1).mean()))
            held.append(float(weight[:, case.lit].sum(axis=1).max()))
        videos = videos_of(asked)
        rows.append([f"{temperature:g}", shown(entropy, videos), shown(held, videos)])
    head = ["temperature", "entropy of a target, nats", "most of a target on evidence"]
    return Table(f"Soft targets of {K} merged segments", head, rows)
