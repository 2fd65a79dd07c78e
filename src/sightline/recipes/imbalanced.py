"""Where the answer is short and the rest is alike: which ways of choosing still find it?

The size "imbalanced" (starting_lm.SIZES) asks about events of 2 seconds in videos of 64, among eight scenes with things
of the same kinds and colours; K = 4 of T = 64 frames. A rule gets the similarities of all frames with a text: the
question (what a chooser has when reading), or the statement or the bare answer (what a label maker has). Systems that
learned to choose take the same questions; the page holds them beside the rules, and each beside the default of `ask`.

Command: sightline systems --imbalanced --write docs/imbalanced.md
From: reading notes on GCG (arXiv 2401.10711): top-K labels all fall into the longest scene that matches.
Departures: the similarities are real ones of the built-in towers, not drawn numbers.
Shapes: scores [B, T] -> index [B, K] -> hit, IoP, IoU per question
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sightline.asking.evidence import CHOOSER as DEFAULT
from sightline.errors import BadQuery, require
from sightline.recipes.questions_seen import World, seen_world
from sightline.recipes.starting_lm import size_named
from sightline.training.examine import grounded
from sightline.training.kept import Kept, evidence

Array = Any
Rule = Callable[[Array, int, Array], Array]  # scores [T], k, vectors [T, E] -> index [k]
TEXTS = ("question", "statement", "answer")
MOST = 0.05  # the answer's share of the video
SEGMENTS = 3  # times K: how many segments a video is cut into before the K best are taken
RULES = (
    *("uniform", "similarity", "suppressed-similarity", "merged-by-curve", "merged-by-features", "steepest", "mmr"),
    *("dpp", "inverse-cdf", "adaptive-split"),
)
LEARNED = ("gcg", "gcg-paper", "gcg-released", "vila", "vila-released")  # `similar`, `merged`, `steepest` are rules
CLEAR = 3.0  # standard errors


@dataclass(frozen=True)
class Given:
    """What a rule is given for a question (similarities by text [T], vectors [T, E]), and what it should find [T]."""

    video: str
    scores: dict[str, Array]
    vectors: Array
    lit: Array


@dataclass(frozen=True)
class Found:
    """One rule with one text: means over the questions, and the standard error of `hit` with whole videos as units."""

    rule: str
    text: str
    k: int
    hit: float
    error: float
    iop: float
    iou: float
    questions: int
    videos: int
    hits: list[bool] = field(default_factory=list, repr=False)
    asked: list[str] = field(default_factory=list, repr=False)  # the video of each question

    def told(self) -> dict[str, Any]:
        """The figures without the single questions."""
        return {name: value for name, value in asdict(self).items() if name not in ("hits", "asked")}


@dataclass(frozen=True)
class Learned:
    """One trained system: `mean` and `sd` over seeds, as systems.py has them."""

    name: str
    seeds: int
    hit: Mapping[str, float]
    accuracy: Mapping[str, float]


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

    return {name: rule(name) for name in RULES} | {"best-segments": best_segments}


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
    every = (_given(kept, number) for number in range(len(kept.questions)))
    short = [given for given in every if given.lit.mean() <= most]
    if not short:
        raise BadQuery(f"no question's answer takes {most:.0%} of {world.frames} frames or less; ask for more frames")
    return short


def found_by(given: Sequence[Given], name: str, rule: Rule, k: int, text: str) -> Found:
    """What one rule finds with k frames."""
    index = np.stack([rule(each.scores[text], k, each.vectors) for each in given])
    lit = np.stack([each.lit for each in given])
    rows = grounded(index, lit, np.ones_like(lit))
    told = ~np.isnan(rows[:, 0])
    rows, asked = rows[told], [each.video for each, fine in zip(given, told, strict=True) if fine]
    hit, iop, iou = (float(mean) for mean in rows.mean(axis=0))
    error = mean_and_error(rows[:, 0], asked)[1]
    hits = [bool(value) for value in rows[:, 0]]
    return Found(name, text, k, hit, error, iop, iou, len(rows), len(set(asked)), hits, asked)


def mean_and_error(values: Array, videos: Sequence[str]) -> tuple[float, float]:
    """The mean, and its standard error where questions about one video are not independent. Shapes: [n], [n]"""
    mean = float(values.mean())
    _, unit = np.unique(videos, return_inverse=True)
    count = int(unit.max()) + 1
    together = np.bincount(unit, weights=values - mean)
    return mean, float(np.sqrt((together**2).sum() * count / max(count - 1, 1)) / len(values))


def _given(kept: Kept, number: int) -> Given:
    asked = kept.questions[number]
    film = kept.films[asked.video]
    tokens, vectors = (np.asarray(array[film], np.float32) for array in (kept.tokens, kept.vectors))
    said = {"question": asked.question, "statement": asked.statement or asked.right, "answer": asked.right}
    scores = {text: _relevance(tokens, vectors, kept.vector(words)) for text, words in said.items()}
    return Given(asked.video, scores, vectors, evidence(kept.seconds[film], kept.mask[film], asked.seconds))


def _relevance(tokens: Array, vectors: Array, text: Array) -> Array:
    """As training/choosing.py has it. Shapes: tokens [T, N, D], vectors [T, D], text [D] -> [T]"""
    unit = text / max(float(np.linalg.norm(text)), 1e-12)
    lengths = np.linalg.norm(tokens, axis=2)
    return np.maximum(((tokens @ unit) / np.maximum(lengths, 1e-12)).max(axis=1), vectors @ unit)


# --- what is told -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lead:
    """How much more often the default finds the answer than another way does."""

    by: float
    error: float

    @property
    def clear(self) -> int:
        """1 where the default is clearly ahead, -1 where it is clearly behind, 0 where one cannot tell."""
        return int(np.sign(self.by)) if abs(self.by) > CLEAR * self.error else 0

    def __str__(self) -> str:
        return f"{self.by:+.3f} ± {self.error:.3f}"


def leads(found: Sequence[Found], learned: Sequence[Learned]) -> dict[str, Lead]:
    """The default's lead over every other way that reads the question, by name.

    Over rules: question by question. Over systems, of which the runs keep means alone, the errors add up, and theirs
    is the most that it can be: as if the questions about a video were all found or all missed together.
    """
    read = {row.rule: row for row in found if row.text == TEXTS[0]}
    default = read.pop(DEFAULT)
    told = {}
    for row in read.values():
        told[row.rule] = Lead(*mean_and_error(np.subtract(default.hits, row.hits, dtype=float), row.asked))
    for system in learned:
        hit, sd = system.hit["mean"], system.hit["sd"]
        error = np.sqrt(default.error**2 + hit * (1 - hit) / default.videos + sd**2 / system.seeds)
        told[f"{system.name} (trained)"] = Lead(default.hit - hit, float(error))
    return told


def page(found: Sequence[Found], learned: Sequence[Learned], command: str, missing: Sequence[str] = ()) -> str:
    """Markdown: what a rule or a system finds when it reads the question, then what labels can be made of.

    `missing` names systems of which no run is kept.
    """
    default = next(row for row in found if row.rule == DEFAULT and row.text == TEXTS[0])
    size = size_named("imbalanced")
    dials = size.exam.dials
    parts = [
        "# Where the answer is short and the rest is alike",
        f"Written by `{command}`; every figure is computed from what is kept of the runs, none is typed.",
        f"{default.questions} questions about {default.videos} drawn videos that nobody learned from. A video has "
        f"{dials.seconds:g} seconds and {dials.scenes} scenes whose things share kind or colour with a chance of "
        f"{dials.similarity:g}; the answer is an event of {dials.evidence:g} seconds, at most {MOST:.0%} of the video. "
        f"{default.k} of {size.exam.frames} frames may be chosen; a hit is a question where one of them shows the "
        "event. Errors of rules are standard errors with whole videos as units; a trained system has the standard "
        f"deviation over its seeds, each of {size.steps} steps (with stages, shares of that) on {size.learn.videos} "
        "other videos.",
        _verdict(default, leads(found, learned)),
        "## With the question",
        _read_table(found, learned),
        "The systems `similar`, `merged` and `steepest` choose as `similarity`, `merged-by-features` and `steepest` "
        "do, whatever they learn." + "".join(f" Not trained yet: `{name}`." for name in missing),
        "## What labels can be made of",
        "A label maker knows the answer. The same rules, where frames are compared with the answer as a sentence (the "
        "statement), or with the bare answer:",
        as_table(found),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(default: Found, told: dict[str, Lead]) -> str:
    """Whom the default leads clearly, and who leads it."""

    def names(sign: int) -> str:
        return ", ".join(f"`{name}` ({lead})" for name, lead in told.items() if lead.clear == sign) or "none"

    return (
        f"The default of `sightline ask`, `{DEFAULT}`, finds the answer for {default.hit:.3f} ± {default.error:.3f} of "
        f"the questions. By more than {CLEAR:g} standard errors\n\n- it finds more than {names(1)};\n"
        f"- it finds less than {names(-1)};\n- one cannot tell: {names(0)}."
    )


def _read_table(found: Sequence[Found], learned: Sequence[Learned]) -> str:
    told = leads(found, learned)
    lines = ["| way | hit | the default's lead | IoP | accuracy of the trained system |", "|---|---|---|---|---|"]
    for row in sorted((row for row in found if row.text == TEXTS[0]), key=lambda row: -row.hit):
        name = f"**{row.rule}**, the default" if row.rule == DEFAULT else row.rule
        lines.append(f"| {name} | {row.hit:.3f} ± {row.error:.3f} | {told.get(row.rule, '')} | {row.iop:.3f} | |")
    for system in sorted(learned, key=lambda system: -system.hit["mean"]):
        name = f"{system.name} (trained)"
        hit, accuracy = ("{mean:.3f} ± {sd:.3f}".format(**figure) for figure in (system.hit, system.accuracy))
        lines.append(f"| {name} | {hit} | {told[name]} | | {accuracy} |")
    return "\n".join(lines)


def as_table(found: Sequence[Found]) -> str:
    """Markdown: rules down, texts across; the default of `ask` is marked."""
    texts = list(dict.fromkeys(row.text for row in found))
    lines = [f"| rule | {' | '.join(f'hit by {text}' for text in texts)} | IoP by {texts[0]} |"]
    lines.append(f"|{'---|' * (len(texts) + 2)}")
    for name in dict.fromkeys(row.rule for row in found):
        rows = {row.text: row for row in found if row.rule == name}
        hits = " | ".join(f"{rows[text].hit:.3f} ± {rows[text].error:.3f}" for text in texts)
        marked = f"**{name}**, the default" if name == DEFAULT else name
        lines.append(f"| {marked} | {hits} | {rows[texts[0]].iop:.3f} |")
    return "\n".join(lines)
