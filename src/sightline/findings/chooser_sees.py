"""What a chooser sees: ViLA's prompter with and without the question, with noise when reading, and made to cover.

From: reading notes on ViLA (arXiv 2312.08367) and its public code: the released prompter never sees the question, pools
over channels after a layer norm, and keeps its noise on when reading.
Departures: prompters are taught by the truth itself, for seconds: what is compared is what they can see, not how well a
language model teaches them. Who hears the question begins by likeness to it, as the recipe does.
Shapes: tokens [T, N, D], question [E] -> K frames, one of each segment -> hit per question
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from sightline.exports.plot import Line, Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, mean_and_error, shown
from sightline.findings.seen import Case, Scale, cases, relevance, short, videos_of
from sightline.recipes.starting_lm import LONG

Array = Any
QUESTION = "What does a chooser have to see: the question, no noise when reading, every part of the video?"
DIAL = "what the prompter is given; how loud the noise is when reading; how packed together the evidence is"
TESTS = {
    "H-V1": "the question against none, and against the best that any chooser without it could do",
    "H-V2": "noise off when reading: more hits, and the same twice",
    "H-V3": "in part: the mean over channels of normed tokens against that of tokens as they are",
    "H-V7": "one frame of each segment against the K most similar, by how packed the evidence is",
}
UNTESTED = {
    "H-V4": "a true teacher against the released one needs training (`sightline systems vila vila-released`)",
    "H-V5": "where the teacher's decoder is normed needs training",
    "H-V6": "how cold the temperature gets needs training",
}
FRAMES, K, STEPS, BATCH = 32, 4, 150, 16
LOUD, READS = (0.0, 0.25, 0.5, 1.0), 5
PACKED = (0.0, 0.5, 1.0)
CROWDED = replace(LONG, scenes=4, things=(4, 5))  # a scene by itself has several events then
SEVERAL = ("after", "first", "while")  # kinds that rest on several events
HEARS, DEAF, RELEASED, NORMED = "the question", "no question", "released: channel means", "released, normed tokens"


def run(scale: Scale) -> Finding:
    asked = short(cases(scale, LONG, FRAMES), 0.3)
    learned_on = short(cases(scale, LONG, FRAMES, split="train"), 0.3)
    prompters = {name: taught(name, learned_on, scale.seeds[0]) for name in (HEARS, DEAF, RELEASED, NORMED)}
    hits = {name: hit(asked, choices(prompter, name, asked)) for name, prompter in prompters.items()}
    hits["best without a question"] = best_fixed(asked)
    hits["middle of each segment"] = hit(asked, np.tile(np.arange(K) * FRAMES // K + FRAMES // K // 2, (len(asked), 1)))
    noisy = {loud: noisy_hits(prompters[HEARS], asked, loud, scale.seeds[0]) for loud in LOUD}
    packed = {dial: covered(scale, dial) for dial in PACKED}
    videos = videos_of(asked)
    return Finding(
        "chooser-sees",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        len(set(videos)) + sum(len(set(names)) for names, *_ in packed.values()),
        [
            Table(
                f"Hit with {K} of {FRAMES} frames", ["sees", "hit"], [[n, shown(h, videos)] for n, h in hits.items()]
            ),
            _noise_table(noisy, videos),
            _packed_table(packed),
        ],
        {"noise": _noise_plot(noisy, videos), "packed": _packed_plot(packed)},
        _claims(hits, noisy, packed, videos),
    )


# --- learned prompters --------------------------------------------------------------------------------------------


def _batch(name: str, asked: Sequence[Case]) -> tuple[Any, Any, Any]:
    """Seen and Words as a prompter of this kind gets them, and the evidence [B, T]."""
    import torch

    from sightline.records import Seen, Words

    def stacked(arrays: list[Array]) -> Any:
        return torch.from_numpy(np.stack(arrays))

    tokens = stacked([case.tokens for case in asked])
    if name == NORMED:
        tokens = torch.nn.functional.layer_norm(tokens, tokens.shape[-1:])
    seen = Seen(
        stacked([case.vectors for case in asked]),
        stacked([case.seconds for case in asked]),
        torch.ones(tokens.shape[:2], dtype=torch.bool),
        tokens,
    )
    question = stacked([case.question for case in asked])
    return seen, Words(question if name == HEARS else torch.zeros_like(question)), stacked([case.lit for case in asked])


def taught(name: str, asked: Sequence[Case], seed: int) -> Any:
    """A prompter that learned from the truth which frame of a segment is evidence, where one is."""
    import torch

    from sightline.keyframes.prompter import FramePrompter, ReleasedPrompter
    from sightline.recipes.vila import begin_alike

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        places, width = asked[0].tokens.shape[1:]
        if name in (RELEASED, NORMED):
            prompter: Any = ReleasedPrompter(places, FRAMES, K, noise_when_reading=False)
        else:
            prompter = FramePrompter(width, len(asked[0].question), K)
            if name == HEARS:
                begin_alike(prompter, width)
        course = torch.optim.AdamW(prompter.parameters(), 1e-3)
        dice = np.random.default_rng(seed)
        for _ in range(STEPS):
            seen, words, lit = _batch(name, [asked[k] for k in dice.integers(len(asked), size=BATCH)])
            apart = prompter(seen, words).scores.unflatten(1, (K, -1)).log_softmax(dim=-1)
            held = apart.masked_fill(~lit.unflatten(1, (K, -1)), -torch.inf).logsumexp(dim=-1)  # [B, K]
            loss = -held[held.isfinite()].mean()
            course.zero_grad()
            loss.backward()
            course.step()
    return prompter.eval()


def choices(prompter: Any, name: str, asked: Sequence[Case]) -> Array:
    """The chosen frames, K of each question's video. Shapes: -> [n, K]"""
    return scores_of(prompter, name, asked).reshape(len(asked), K, -1).argmax(axis=2) + np.arange(K) * (FRAMES // K)


def scores_of(prompter: Any, name: str, asked: Sequence[Case]) -> Array:
    import torch

    parts = []
    with torch.no_grad():
        for first in range(0, len(asked), 64):
            seen, words, _ = _batch(name, asked[first : first + 64])
            parts.append(prompter(seen, words).scores.numpy())
    return np.concatenate(parts)


def hit(asked: Sequence[Case], index: Array) -> Array:
    return np.array([case.lit[row].any() for case, row in zip(asked, index, strict=True)])


def noisy_hits(prompter: Any, asked: Sequence[Case], loud: float, seed: int) -> Array:
    """Hits of several readings with Gumbel noise of this loudness on the scores (1: as released). -> [reads, n]"""
    scores, dice = scores_of(prompter, HEARS, asked), np.random.default_rng(seed)
    begins = np.arange(K) * (FRAMES // K)
    rows = []
    for _ in range(READS):
        moved = scores + loud * dice.gumbel(size=scores.shape)
        rows.append(hit(asked, moved.reshape(len(asked), K, -1).argmax(axis=2) + begins))
    return np.array(rows)


def best_fixed(asked: Sequence[Case]) -> Array:
    """What a chooser that knows the truth but not the question hits: the best choice for all questions of a video."""
    by_video: dict[str, list[int]] = defaultdict(list)
    for number, case in enumerate(asked):
        by_video[case.video].append(number)
    every = np.array(list(product(*np.arange(FRAMES).reshape(K, -1))))  # one frame of each segment
    hits = np.zeros(len(asked), bool)
    for rows in by_video.values():
        lit = np.stack([asked[row].lit for row in rows])
        found: Array = lit[:, every].any(axis=2)  # [questions, choices]
        hits[rows] = found[:, found.sum(axis=0).argmax()]
    return hits


# --- coverage against concentration -------------------------------------------------------------------------------


def covered(scale: Scale, packed: float) -> tuple[list[str], Array, Array]:
    """The share of a question's stretches that have a chosen frame: one frame of each segment, and the K best."""
    asked = [
        case
        for case in cases(scale, replace(CROWDED, concentration=packed), FRAMES, SEVERAL)
        if len(case.asked.seconds) > 1
    ]

    def share(pick: Callable[[Array], Array]) -> Array:
        return np.array([_stretches(case, pick(_curve(case))).mean() for case in asked])

    begins = np.arange(K) * (FRAMES // K)
    each = share(lambda curve: curve.reshape(K, -1).argmax(axis=1) + begins)
    return videos_of(asked), each, share(lambda curve: np.argsort(-curve, kind="stable")[:K])


def _curve(case: Case) -> Array:
    """What such a question speaks of stands in it or in its options."""
    return np.max([relevance(case, text) for text in (case.question, *case.options)], axis=0)


def _stretches(case: Case, index: Array) -> Array:
    from sightline.training.kept import evidence

    every = np.ones(len(case.seconds), bool)
    return np.array([evidence(case.seconds, every, [span])[index].any() for span in case.asked.seconds])


# --- what comes of it ---------------------------------------------------------------------------------------------


def _claims(hits: dict[str, Array], noisy: dict[float, Array], packed: Any, videos: list[str]) -> list[Claim]:
    claims = [
        claimed("H-V1", "who hears the question hits more than who does not", hits[HEARS], hits[DEAF], videos),
        claimed(
            "H-V1",
            "who hears it hits more than the best possible choice without it",
            hits[HEARS],
            hits["best without a question"],
            videos,
        ),
        claimed("H-V2", "reading without noise hits more", hits[HEARS], noisy[1.0].mean(axis=0), videos),
        claimed(
            "H-V3",
            "channel means of tokens as they are hit more than of normed ones",
            hits[RELEASED],
            hits[NORMED],
            videos,
        ),
    ]
    for dial, says, way in (
        (PACKED[-1], "packed evidence: the K best cover more", -1),
        (PACKED[0], "spread evidence: one of each segment covers more", 1),
    ):
        names, each, best = packed[dial]
        claims.append(claimed("H-V7", says, way * each, way * best, names))
    return claims


def _noise_table(noisy: dict[float, Array], videos: list[str]) -> Table:
    rows = []
    for loud, reads in noisy.items():
        differ = (reads != reads[0]).any(axis=0).mean()
        rows.append(
            [f"{loud:g}", shown(reads.mean(axis=0), videos), f"{reads.mean(axis=1).std(ddof=1):.3f}", f"{differ:.3f}"]
        )
    head = ["loudness", "hit", f"sd of the hit over {READS} readings", "questions whose hit changes"]
    return Table("Noise when reading, who hears the question", head, rows)


def _noise_plot(noisy: dict[float, Array], videos: list[str]) -> Plot:
    pairs = [mean_and_error(reads.mean(axis=0), videos) for reads in noisy.values()]
    line = Line(HEARS, list(noisy), [mean for mean, _ in pairs], [error for _, error in pairs])
    return Plot("Noise on the scores when reading", "loudness (1: as released)", "hit", [line])


def _packed_table(packed: Any) -> Table:
    rows = [[f"{dial:g}", shown(each, names), shown(best, names)] for dial, (names, each, best) in packed.items()]
    head = ["concentration", "one of each segment", "the K best"]
    return Table(f"Share of a question's several events that are shown, K = {K}", head, rows)


def _packed_plot(packed: Any) -> Plot:
    lines = []
    for place, name in ((1, "one of each segment"), (2, "the K best")):
        pairs = [mean_and_error(row[place], row[0]) for row in packed.values()]
        lines.append(Line(name, list(packed), [mean for mean, _ in pairs], [error for _, error in pairs]))
    return Plot("Coverage against concentration", "concentration of the events", "events shown", lines)
