"""What a chooser sees: ViLA's prompter with and without the question, with noise when reading, and made to cover.

From: reading notes on ViLA (arXiv 2312.08367) and its public code: the released prompter never sees the question, pools
over channels after a layer norm, and keeps its noise on when reading.
Departures: prompters are taught by the truth (prompters.py). Coverage is asked of the likeness to questions, untaught.
Shapes: tokens [T, N, D], question [E] -> K frames, one of each segment -> hit per question
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from sightline.exports.plot import Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, line, shown
from sightline.findings.prompters import DEAF, FRAMES, HEARS, NORMED, RELEASED, K, each, hit, scores_of, taught
from sightline.findings.seen import Case, Scale, cases, counted, learned_on, relevance, short, videos_of
from sightline.recipes.starting_lm import LONG

Array = Any
QUESTION = "What does a chooser have to see: the question, no noise when reading, every part of the video?"
DIAL = (
    "what the prompter is given; noise when reading; how cold the choice gets in learning; how far apart evidence lies"
)
TESTS = {
    "H-V1": "the question against none, and against the best that any chooser without it could do",
    "H-V2": "noise off when reading: more hits, and the same twice",
    "H-V3": "in part: the mean over channels of normed tokens against that of tokens as they are",
    "H-V6": "a temperature that falls to 0.01 while learning, against 0.4 as released",
    "H-V7": "one frame of each segment against the K most similar, where three things are asked for at once",
}
UNTESTED = {
    "H-V4": "a true teacher against the released one: the teacher acts through answers of a language model "
    "(`sightline systems vila vila-released`)",
    "H-V5": "where the teacher's decoder is normed: as H-V4, it acts through the teacher",
}
LOUD, READS = (0.0, 0.25, 0.5, 1.0), 5
COOLEST = (0.01, 0.4)
FIXED, MIDDLE = "best without a question", "middle of each segment"


def run(scale: Scale) -> Finding:
    asked, learned = (short(own, 0.5) for own in (cases(scale, LONG, FRAMES), learned_on(scale, LONG, FRAMES)))
    scores = {
        name: [scores_of(taught(name, learned, seed), name, asked) for seed in scale.seeds]
        for name in (HEARS, DEAF, RELEASED, NORMED)
    }
    hits = {name: np.array([hit(asked, each(own)) for own in rows]) for name, rows in scores.items()}
    hits |= {FIXED: best_fixed(asked), MIDDLE: hit(asked, each(_middles(len(asked))))}
    noisy = {loud: noisy_hits(scores[HEARS], asked, loud) for loud in LOUD}
    cold = {
        coolest: np.array(
            [hit(asked, each(scores_of(taught(HEARS, learned, seed, coolest), HEARS, asked))) for seed in scale.seeds]
        )
        for coolest in COOLEST
    }
    apart = {name: covered(asked, far) for name, far in (("near one another", False), ("far apart", True))}
    return Finding(
        "chooser-sees",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        *counted(asked),
        [
            _hits_table(f"Hit with {K} of {FRAMES} frames, by what the chooser sees", "sees", hits, asked),
            _noise_table(noisy, asked),
            _hits_table("Hit by how cold the temperature got while learning", "coldest", cold, asked),
            _apart_table(apart),
        ],
        {"noise": _noise_plot(noisy, asked)},
        _claims(hits, noisy, cold, apart, asked),
    )


def _middles(count: int) -> Array:
    """Scores that are highest in the middle of each segment. -> [count, T]"""
    length = FRAMES // K
    return np.tile(-np.abs(np.arange(FRAMES) % length - length // 2), (count, 1))


def noisy_hits(scores: Sequence[Array], asked: Sequence[Case], loud: float) -> Array:
    """Hits of several readings with Gumbel noise of this loudness on the scores (1: as released).

    Shapes: scores of each training [n, T] -> [reads, trainings, n]
    """
    dice = np.random.default_rng(0)
    return np.array(
        [[hit(asked, each(own + loud * dice.gumbel(size=own.shape))) for own in scores] for _ in range(READS)]
    )


def best_fixed(asked: Sequence[Case]) -> Array:
    """What a chooser that knows the truth but not the question hits: the best choice for all questions of a video."""
    every = np.array(list(product(*np.arange(FRAMES).reshape(K, -1))))  # one frame of each segment
    hits = np.zeros(len(asked), bool)
    for rows in _by_video(asked).values():
        lit = np.stack([asked[row].lit for row in rows])
        found: Array = lit[:, every].any(axis=2)  # [questions, choices]
        hits[rows] = found[:, found.sum(axis=0).argmax()]
    return hits


def _by_video(asked: Sequence[Case]) -> dict[str, list[int]]:
    by_video: dict[str, list[int]] = defaultdict(list)
    for number, case in enumerate(asked):
        by_video[case.video].append(number)
    return by_video


# --- three things at once -----------------------------------------------------------------------------------------


def covered(asked: Sequence[Case], far: bool) -> tuple[list[str], Array, Array, Array]:
    """Every question with two others of its video: which share of the three has a chosen frame?

    The two are those whose evidence is nearest in time to the question's, or farthest from it and from each other.
    -> videos, seconds from the first to the last, share by one frame of each segment, share by the K best
    """
    curves = [relevance(case) for case in asked]
    middle = [float(case.seconds[case.lit].mean()) for case in asked]
    videos, wide, by_each, by_best = [], [], [], []
    for rows in _by_video(asked).values():
        for three in filter(None, (_three(row, rows, middle, far) for row in rows)):
            curve = np.max([curves[row] for row in three], axis=0)
            lit = np.stack([asked[row].lit for row in three])
            videos.append(asked[three[0]].video)
            wide.append(max(middle[row] for row in three) - min(middle[row] for row in three))
            by_each.append(lit[:, each(curve[None])[0]].any(axis=1).mean())
            by_best.append(lit[:, np.argsort(-curve, kind="stable")[:K]].any(axis=1).mean())
    return videos, np.array(wide), np.array(by_each), np.array(by_best)


def _three(row: int, rows: Sequence[int], middle: Sequence[float], far: bool) -> tuple[int, int, int] | None:
    """This question with two others about something else; None where there are not two."""

    def apart(one: int, other: int) -> float:
        return abs(middle[one] - middle[other])

    def next_to(taken: tuple[int, ...]) -> int | None:
        rest = [other for other in rows if all(apart(other, own) > 0.5 for own in taken)]
        if not far:
            return min(rest, key=lambda other: apart(other, row), default=None)
        return max(rest, key=lambda other: min(apart(other, own) for own in taken), default=None)

    second = next_to((row,))
    third = None if second is None else next_to((row, second))
    return None if second is None or third is None else (row, second, third)


# --- what comes of it ---------------------------------------------------------------------------------------------


def _claims(hits: dict[str, Array], noisy: Any, cold: Any, apart: Any, asked: Sequence[Case]) -> list[Claim]:
    videos = videos_of(asked)

    def than(hypothesis: str, says: str, more: Array, less: Array) -> Claim:
        return claimed(hypothesis, says, more, less, videos)

    claims = [
        than("H-V1", "who hears the question hits more than who does not", hits[HEARS], hits[DEAF]),
        than("H-V1", "who hears it hits more than the best possible choice without it", hits[HEARS], hits[FIXED]),
        than("H-V2", "reading without noise hits more", hits[HEARS], noisy[LOUD[-1]].mean(axis=0)),
        than("H-V3", "channel means of tokens as they are hit more than of normed ones", hits[RELEASED], hits[NORMED]),
        than(
            "H-V6",
            f"learning that cools to {COOLEST[0]:g} hits more than to {COOLEST[-1]:g}",
            cold[COOLEST[0]],
            cold[COOLEST[-1]],
        ),
    ]
    (near, _, near_each, near_best), (far, _, far_each, far_best) = apart.values()
    claims.append(claimed("H-V7", "three things near one another: the K best cover more", near_best, near_each, near))
    claims.append(claimed("H-V7", "three things far apart: one of each segment covers more", far_each, far_best, far))
    return claims


def _hits_table(title: str, head: str, hits: dict[Any, Array], asked: Sequence[Case]) -> Table:
    return Table(title, [head, "hit"], [[str(name), shown(row, videos_of(asked))] for name, row in hits.items()])


def _noise_table(noisy: dict[float, Array], asked: Sequence[Case]) -> Table:
    rows = []
    for loud, reads in noisy.items():
        differ, spread = (reads != reads[0]).any(axis=0).mean(), reads.mean(axis=2).std(axis=0, ddof=1).mean()
        rows.append([f"{loud:g}", shown(reads.mean(axis=0), videos_of(asked)), f"{spread:.3f}", f"{differ:.3f}"])
    head = ["loudness", "hit", f"sd of the hit over {READS} readings", "share of questions whose hit changes"]
    return Table("Noise when reading, who hears the question (1: as released)", head, rows)


def _noise_plot(noisy: dict[float, Array], asked: Sequence[Case]) -> Plot:
    points = {loud: (reads.mean(axis=0), videos_of(asked)) for loud, reads in noisy.items()}
    return Plot("Noise on the scores when reading", "loudness (1: as released)", "hit", [line(HEARS, points)])


def _apart_table(apart: Any) -> Table:
    rows = [
        [name, shown(wide, videos), shown(by_each, videos), shown(by_best, videos)]
        for name, (videos, wide, by_each, by_best) in apart.items()
    ]
    head = ["the three are", "seconds from first to last", "one of each segment", f"the {K} best"]
    return Table(f"Share of three things asked for at once that is shown by {K} of {FRAMES} frames", head, rows)
