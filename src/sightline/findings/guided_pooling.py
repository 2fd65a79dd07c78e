"""Guided pooling: at equal tokens, does weighing places by the question beat the plain mean as videos grow?

From: reading notes on PPLLaVA (arXiv 2411.02327) and its stored reviews: the released double softmax, generic prompts,
weights from the picture itself, a gate, and an answer that stands in the training text.
Departures: nothing is trained; cosines are those of the built-in towers, whose pictures and words share a space. Read
by the reader without training (seen.py), so what is compared is what the pooled tokens still tell.
Shapes: tokens [T, N, D] -> boxes of (T / 4) x 2 x 2 places -> [M, D]
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from sightline.data.storybook.words import THINGS
from sightline.exports.plot import Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, line, shown
from sightline.findings.seen import Case, Scale, answers, cases, counted, longer, read, relevance, unit, videos_of
from sightline.recipes.questions_seen import GRID
from sightline.recipes.starting_lm import LONG
from sightline.training.kept import evidence

Array = Any
QUESTION = "At 32 tokens, does pooling that the question guides keep more of the answer than the mean, as videos grow?"
DIAL = "length of the video at a fixed rate of frames; what weighs the places of a box; the text that guides"
TESTS = {
    "H-P1": "guided minus mean pooling at equal tokens: the released double softmax, and one softmax in each box",
    "H-P2": "with a generic prompt (the mean of all things' names) the map is flat and nothing is lost",
    "H-P4": "in part: the largest value of a box instead of its mean (a learned convolution needs training)",
    "H-P5": "weights from the picture itself (how salient a place is) instead of from the text",
    "H-P6": "what follows something: a likeness to single frames leads to the thing named, and guides to no answer",
    "H-P7": "in part: fixed gates between equal and guided weights (the paper's reviewers ask for a learned one)",
    "H-P9": "an answer in the guiding text leaks: right and wrong ones against the question alone",
}
UNTESTED = {
    "H-P3": "other text towers: there is one here",
    "H-P8": "questions here are far shorter than what the text tower reads, so there is nothing to stretch",
    "H-P11": "preferences act while training (`sightline systems ppllava ppllava-dpo`)",
}
LENGTHS, MIDDLE = (8, 32, 96), 32  # frames; where everything is compared
SHAPE = (4, 2, 4)  # boxes over time, rows, columns: 32 tokens
GENERIC = "What is the video about?"
GATES = (0.0, 0.25, 0.5, 0.75, 1.0)
NEAR = 0.05  # what counts as no difference in accuracy
WEIGHTINGS: dict[str, dict[str, Any]] = {
    "one softmax, scale 16": {"weighting": "box", "scale": 16.0},
    "one softmax, scale 100": {"weighting": "box", "scale": 100.0},
    "released double softmax": {"weighting": "released", "scale": 100.0},
}
NAMED = "the frame most like the question shows the thing named"
FOLLOWS = "the frame most like the question shows what follows"
GUIDED, RELEASED = "one softmax, scale 16", "released double softmax"


def run(scale: Scale) -> Finding:
    worlds = {frames: cases(scale, longer(frames), frames) for frames in LENGTHS}
    ways = {"mean": equal, "largest value": None, "salience": salience}
    ways |= {name: partial(guided, **options) for name, options in WEIGHTINGS.items()}
    right = {(frames, name): _right(asked, way) for frames, asked in worlds.items() for name, way in ways.items()}
    asked = worlds[MIDDLE]
    guides = {name: _right(asked, partial(guided, text=name, **WEIGHTINGS[GUIDED])) for name in TEXTS}
    gates = {gate: _right(asked, partial(gated, gate=gate)) for gate in GATES}
    flat = {name: np.array([flatness(case, name) for case in asked]) for name in ("question", "anything")}
    after = cases(scale, LONG, MIDDLE, ("after",))
    order = {name: _right(after, ways[name]) for name in ("mean", GUIDED)} | led(after)
    return Finding(
        "guided-pooling",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        *counted(*worlds.values(), after),
        [
            _table(worlds, right, list(ways)),
            _guides_table(asked, guides, flat),
            _gates_table(asked, gates),
            _order_table(after, order),
        ],
        {"length": _plot(worlds, right, list(ways))},
        [*_claims(worlds, right, guides, flat), *_order_claims(after, order)],
        notes=[_mute()],
    )


# --- what weighs the places of a box ------------------------------------------------------------------------------


def _mute() -> str:
    length = float(np.linalg.norm(read([GENERIC])[0]))
    return f"The words {GENERIC!r} have a vector of length {length:.2f} here; at 0 the tower reads nothing in them."


def _boxes(case: Case) -> tuple[Any, Any, int]:
    return _boxes_of(len(case.tokens))


@cache
def _boxes_of(frames: int) -> tuple[Any, Any, int]:
    from sightline.connectors.adaptive_pool import boxes

    row, box = boxes((frames, *GRID), SHAPE, overlap=False)
    return row, box, int(np.prod(SHAPE))


def equal(case: Case) -> Array:
    _, box, count = _boxes(case)
    return 1.0 / np.bincount(box.numpy(), minlength=count)[box.numpy()]


def guided(case: Case, text: str = "question", **how: Any) -> Array:
    """Weights of the connector itself (connectors/prompt_pool.py), by the cosines with a text."""
    import torch

    from sightline.connectors.prompt_pool import box_weights

    row, box, count = _boxes(case)
    cosine = unit(case.tokens).reshape(-1, case.tokens.shape[-1]) @ unit(TEXTS[text](case))
    return box_weights(torch.from_numpy(cosine)[row], box, count, **how, temperature=0.01).numpy()


def salience(case: Case) -> Array:
    """By the length of a token, in which the tower tells how much a place matters."""
    import torch

    from sightline.connectors.prompt_pool import box_weights

    row, box, count = _boxes(case)
    length = np.linalg.norm(case.tokens, axis=-1).reshape(-1)
    return box_weights(torch.from_numpy(length)[row], box, count, "box", 4.0, 1.0).numpy()


def gated(case: Case, gate: float) -> Array:
    return gate * guided(case, **WEIGHTINGS[GUIDED]) + (1 - gate) * equal(case)


def pooled(case: Case, weight: Array | None) -> Array:
    """The tokens of the boxes; without weights the largest value of each of their numbers. Shapes: -> [M, D]"""
    row, box, count = _boxes(case)
    rows = case.tokens.reshape(-1, case.tokens.shape[-1])[row.numpy()]
    if weight is None:
        made = np.full((count, rows.shape[1]), -np.inf, np.float32)
        np.maximum.at(made, box.numpy(), rows)
        return made
    shares = np.zeros((count, len(rows)), np.float32)
    shares[box.numpy(), np.arange(len(rows))] = weight
    return np.asarray(shares @ rows)


@cache
def _anything() -> Array:
    """A prompt that could mean any thing: the mean of all things' names."""
    return unit(read([name for word in THINGS.values() for name in word.en])).mean(axis=0)


def _with_option(case: Case, place: int) -> Array:
    return unit(case.question) + unit(case.options[place])


TEXTS: dict[str, Any] = {
    "question": lambda case: case.question,
    "anything": lambda case: _anything(),
    "question and right answer": lambda case: _with_option(case, case.answer),
    "question and a wrong answer": lambda case: _with_option(case, (case.answer + 1) % len(case.options)),
}


def flatness(case: Case, text: str) -> float:
    """Entropy of the weights in a box as a share of the most it can be, mean over boxes: 1 is flat."""
    weight = guided(case, text, **WEIGHTINGS[GUIDED])
    _, box, count = _boxes(case)
    places = np.bincount(box.numpy(), minlength=count)
    entropy = np.bincount(box.numpy(), weights=-weight * np.log(np.maximum(weight, 1e-12)), minlength=count)
    return float((entropy / np.log(places)).mean())


def _right(asked: Sequence[Case], way: Any) -> Array:
    return np.array([answers(case, pooled(case, way and way(case))) for case in asked])


def led(after: Sequence[Case]) -> dict[str, Array]:
    """Whether the frame most like "what follows X?" shows X, and whether it shows what follows. -> [n] each"""
    best = [int(relevance(case).argmax()) for case in after]

    def shows(place: int) -> Array:
        every = np.ones(MIDDLE, bool)
        rows = [evidence(case.seconds, every, [case.asked.seconds[place]]) for case in after]
        return np.array([row[frame] for row, frame in zip(rows, best, strict=True)])

    return {NAMED: shows(0), FOLLOWS: shows(1)}


# --- what comes of it ---------------------------------------------------------------------------------------------


def _claims(worlds: dict[int, list[Case]], right: Any, guides: Any, flat: Any) -> list[Claim]:
    videos = {frames: videos_of(asked) for frames, asked in worlds.items()}
    longest, own = LENGTHS[-1], videos[MIDDLE]
    mean = right[MIDDLE, "mean"]
    claims = []
    for frames in (MIDDLE, longest):
        says = f"{frames} frames: the released double softmax answers as the mean does, within {NEAR:g}"
        claims.append(claimed("H-P1", says, right[frames, RELEASED], right[frames, "mean"], videos[frames], same=NEAR))
        says = f"{frames} frames: one softmax in each box answers more than the mean"
        claims.append(claimed("H-P1", says, right[frames, GUIDED], right[frames, "mean"], videos[frames]))
    says = f"a prompt that could mean any thing answers as the mean does, within {NEAR:g}"
    claims.append(claimed("H-P2", says, guides["anything"], mean, own, same=NEAR))
    claims.append(
        claimed("H-P2", "its map is flatter than that of the question", flat["anything"], flat["question"], own)
    )
    claims.append(
        claimed("H-P4", "the largest value answers more than the mean", right[MIDDLE, "largest value"], mean, own)
    )
    guided, salient = right[MIDDLE, GUIDED], right[MIDDLE, "salience"]
    claims.append(claimed("H-P5", "weights from the text answer more than from the picture", guided, salient, own))
    leak, misled = guides["question and right answer"], guides["question and a wrong answer"]
    claims.append(
        claimed("H-P9", "a right answer in the guide answers more than the question alone", leak, guided, own)
    )
    claims.append(claimed("H-P9", "a wrong answer in the guide answers less", guided, misled, own))
    return claims


def _order_claims(after: Sequence[Case], order: dict[str, Array]) -> list[Claim]:
    videos = videos_of(after)
    says = f"asked what follows something, guided pooling answers as the mean does, within {NEAR:g}"
    return [
        claimed("H-P6", f"{NAMED} more often than what follows", order[NAMED], order[FOLLOWS], videos),
        claimed("H-P6", says, order[GUIDED], order["mean"], videos, same=NEAR),
    ]


def _order_table(after: Sequence[Case], order: dict[str, Array]) -> Table:
    name = {"mean": "right answers from the mean", GUIDED: f"right answers from {GUIDED}"}
    chance = np.array([1 / len(case.options) for case in after])
    rows = [[name.get(key, key), shown(row, videos_of(after))] for key, row in order.items()]
    rows.append(["right answers by chance", shown(chance, videos_of(after))])
    return Table(f"Asked what follows something, {MIDDLE} frames", ["", "share of questions"], rows)


def _table(worlds: dict[int, list[Case]], right: Any, ways: list[str]) -> Table:
    rows = [[way, *(shown(right[frames, way], videos_of(asked)) for frames, asked in worlds.items())] for way in ways]
    return Table("Right answers from 32 pooled tokens", ["weights", *(f"{frames} frames" for frames in worlds)], rows)


def _guides_table(asked: Sequence[Case], guides: dict[str, Array], flat: dict[str, Array]) -> Table:
    videos = videos_of(asked)
    rows = [
        [name, shown(row, videos), shown(flat[name], videos) if name in flat else ""] for name, row in guides.items()
    ]
    return Table(f"What guides, {MIDDLE} frames ({GUIDED})", ["text", "right answers", "flatness of its map"], rows)


def _gates_table(asked: Sequence[Case], gates: dict[float, Array]) -> Table:
    rows = [[f"{gate:g}", shown(row, videos_of(asked))] for gate, row in gates.items()]
    return Table(f"Share of guided weights, the rest equal, {MIDDLE} frames", ["share", "right answers"], rows)


def _plot(worlds: dict[int, list[Case]], right: Any, ways: list[str]) -> Plot:
    lines = [line(way, {frames: (right[frames, way], videos_of(a)) for frames, a in worlds.items()}) for way in ways]
    return Plot("32 pooled tokens, as videos grow", "frames", "right answers", lines, log=True)
