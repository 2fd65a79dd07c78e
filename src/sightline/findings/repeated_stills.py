"""Repeats of a still, and more frames than tokens: what does looking back in time recover?

A still that holds the answer is shown 1, 2 or 4 times; every copy is folded to two narrow tokens (folded_stills.py),
which is learned on other videos. A linear layer tells the still's places from all its tokens, and the reader without
training answers from what is told: about a thing, which is fine detail, or about the whole picture, which is coarse.
Then videos of more and more frames of which as many keep a token as before (longer_videos.py).

From: reading notes on PVC (arXiv 2412.09613): time embedding, causal attention and AdaLN make copies differ.
Departures: instead of letters that are read and classes that are named, things are asked about and places: this tower
sees 112 x 64 pixels and was not taught to read.
Shapes: stills [n, N, D] -> told [n, N, D] -> right answers [trainings, n]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.exports.plot import Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, grown, line, shown
from sightline.findings.folded_stills import STEPS, WIDE, Directions, Linear, Parts, folder, share_told, taught
from sightline.findings.longer_videos import KEPT, NARROW, evenly, news, residual_for, told_of_all
from sightline.findings.seen import LOCAL, Case, Scale, answers, cases, counted, learned_on, longer, videos_of
from sightline.recipes.starting_lm import LONG

Array = Any
QUESTION = (
    "Do repeats of a still recover detail, and does looking back tell of frames that have no tokens of their own?"
)
DIAL = "copies of a still; time embedding, causal attention and AdaLN on or off; frames of a video at equal tokens"
TESTS = {
    "H-C1": "repeats help with time embedding and AdaLN, and not without",
    "H-C2": "in part: repeats help answers about a thing more than answers about the whole picture",
    "H-C3": "plain copies that are folded tightly tell less than one view in as many tokens; whether PVC makes it up",
    "H-C4": "with more frames at equal tokens, looking back tells more than each frame that keeps a token by itself",
    "H-C5": "what an earlier copy became does not change when later ones arrive",
    "H-C6": "in part: a token where the picture changed instead of at even steps (no longer encoding is left out)",
}
UNTESTED: dict[str, str] = {
    "H-C2, letters": "the tower was not taught to read",
}
COPIES = (1, 2, 4)
PLAIN, ADDED, LOOKS, SCALED, TIMELESS, WHOLE = (
    "plain copies",
    "time",
    "time, looking back",
    "time, AdaLN",
    "looking back, AdaLN",
    "PVC: all three",
)
VARIANTS = {
    PLAIN: Parts(),
    TIMELESS: Parts(looks_back=True, adaln=True),
    ADDED: Parts(time=True),
    LOOKS: Parts(time=True, looks_back=True),
    SCALED: Parts(time=True, adaln=True),
    WHOLE: Parts(time=True, looks_back=True, adaln=True),
}
ONE_VIEW = "one view in small squares"  # as many tokens as 4 copies in squares of 4 x 4
LENGTHS = (16, 48, 96)  # frames of a video
SAME, STILL = 0.02, 1e-4


def run(scale: Scale) -> Finding:
    asked = cases(scale, LONG, 32)
    stills = Stills.of(learned_on(scale, LONG, 32), asked)
    told = {
        (name, copies): stills.told(parts, copies, scale.seeds) for name, parts in VARIANTS.items() for copies in COPIES
    }
    told[ONE_VIEW, 1] = stills.told(Parts(square=2), 1, scale.seeds)
    long_asked, frames = longest(scale)
    videos, questions = counted(asked, long_asked)
    return Finding(
        "repeated-stills",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        videos,
        questions,
        [_table(told, asked), _kinds_table(told, asked), _longer_table(frames, long_asked)],
        {"copies": _plot(told, asked), "frames": _longer_plot(frames, long_asked)},
        [*_claims(told, asked), *_longer_claims(frames, long_asked), stream(stills, asked, scale.seeds[0])],
        notes=[
            f"A copy becomes two tokens of {WIDE} numbers, folded as {STEPS} steps on {len(stills.known):,} stills of "
            f"other videos taught it, once with each of {len(scale.seeds)} seeds. {ONE_VIEW.capitalize()}, of 2 x 2 "
            f"places instead of 4 x 4, is as many tokens as {COPIES[-1]} copies. From the still as it is, "
            f"{np.mean([answers(*pair) for pair in zip(asked, stills.true, strict=True)]):.3f} are answered right; "
            f"its tokens in their main directions hold {stills.directions.share:.3f} of the variance.",
            f"In longer videos a token is {NARROW} numbers, from which a linear layer tells all frames of its stretch.",
        ],
    )


# --- stills -------------------------------------------------------------------------------------------------------


class Stills:
    """What is learned on (every other frame of other videos), and the still that holds each question's answer."""

    def __init__(self, known: Array, true: Array, asked: Sequence[Case]) -> None:
        self.true, self.asked, self.directions = true, asked, Directions.of(known)
        self.known, self.new = self.directions.into(known), self.directions.into(true)

    @classmethod
    def of(cls, learned: Sequence[Case], asked: Sequence[Case]) -> Stills:
        films = {case.video: case.tokens[::2] for case in learned}
        return cls(np.concatenate(list(films.values())), np.stack([_still(case) for case in asked]), asked)

    def told(self, parts: Parts, copies: int, seeds: Sequence[int]) -> tuple[Array, Array]:
        """The share of each still that its tokens tell, and whether that is enough. -> [trainings, n] twice"""
        import torch

        wanted = torch.from_numpy(self.known).flatten(1)
        shares, right = [], []
        for seed in seeds:
            features = taught(parts, copies, self.known, seed)
            made = Linear(features(self.known), wanted)(features(self.new)).numpy().reshape(self.new.shape)
            shares.append(share_told(made, self.new))
            places = self.directions.back(made)
            right.append([answers(case, own) for case, own in zip(self.asked, places, strict=True)])
        return np.array(shares), np.array(right)


def _still(case: Case) -> Array:
    """The middle one of the frames that hold the answer."""
    frames = np.flatnonzero(case.lit)
    return case.tokens[frames[len(frames) // 2]]


def stream(stills: Stills, asked: Sequence[Case], seed: int) -> Claim:
    """The most that any number of an earlier frame's tokens changes when later frames arrive."""
    import torch

    frames = torch.from_numpy(stills.new[: len(stills.new) // 8 * 8]).unflatten(0, (-1, 8))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = folder(VARIANTS[WHOLE])
        every, first = model(frames), model(frames[:, :4])
    changed = float((every[:, : first.shape[1]] - first).abs().max())
    says = f"later frames change what earlier ones became by less than {STILL:g}"
    return Claim("H-C5", says, changed, 0.0, STILL, len(asked))


# --- more frames than tokens --------------------------------------------------------------------------------------


def longest(scale: Scale) -> tuple[list[Case], dict[Any, tuple[Array, Array]]]:
    """Questions about the longest videos; by frames and way, the share told of them and the right answers from it."""
    most = LENGTHS[-1]
    asked, learned = cases(scale, longer(most), most), learned_on(scale, longer(most), most)
    known, films = ({case.video: case.vectors for case in own} for own in (learned, asked))
    known_rows, rows = np.stack(list(known.values())), np.stack(list(films.values()))
    place = {video: k for k, video in enumerate(films)}
    told: dict[Any, tuple[Array, Array]] = {}

    def answered(made: Sequence[Array]) -> list[bool]:
        return [answers(case, made[place[case.video]]) for case in asked]

    for frames in LENGTHS:
        step = slice(most // frames - 1, None, most // frames)
        seconds = asked[0].seconds[step]
        for looks in (False, True):
            every = [told_of_all(known_rows[:, step], rows[:, step], seconds, looks, seed) for seed in scale.seeds]
            share = [share_told(made, rows[:, step]) for made in every]
            told[frames, looks] = (
                np.array(share)[:, [place[case.video] for case in asked]],
                np.array([answered(made) for made in every]),
            )
    residual = residual_for(KEPT, known_rows)
    told["evenly"] = np.array([]), np.array(answered(list(rows[:, evenly(KEPT, most)])))
    chosen = [film[news(film, residual)] for film in rows]
    told["news"] = np.array([len(own) for own in chosen]), np.array(answered(chosen))
    return asked, told


# --- what comes of it ---------------------------------------------------------------------------------------------


def _claims(told: Any, asked: Sequence[Case]) -> list[Claim]:
    few, many, videos = COPIES[0], COPIES[-1], videos_of(asked)
    right = {key: answered for key, (_, answered) in told.items()}
    gain = right[WHOLE, many] * 1.0 - right[WHOLE, few]
    local = np.array([case.asked.kind in LOCAL for case in asked])
    same = f"{many} plain copies answer as much as {few}, within {SAME:g}"

    def than(hypothesis: str, says: str, more: Any, less: Any, **margin: float) -> Claim:
        return claimed(hypothesis, says, right[more], right[less], videos, **margin)

    return [
        than("H-C1", same, (PLAIN, many), (PLAIN, few), same=SAME),
        than("H-C1", f"PVC: {many} copies answer more than {few}", (WHOLE, many), (WHOLE, few)),
        than("H-C1", f"{many} copies: AdaLN adds to time", (SCALED, many), (ADDED, many)),
        than("H-C1", f"{many} copies: looking back adds to time", (LOOKS, many), (ADDED, many)),
        than("H-C1", f"{many} copies: looking back adds to time and AdaLN", (WHOLE, many), (SCALED, many)),
        grown(
            "H-C2",
            "PVC: repeats add more to answers about a thing than about the whole",
            *((gain[:, own], np.array(videos)[own]) for own in (local, ~local)),
        ),
        than("H-C3", f"{ONE_VIEW} answers more than {many} plain copies", (ONE_VIEW, 1), (PLAIN, many)),
        than("H-C3", f"{ONE_VIEW} answers more than PVC's {many} copies", (ONE_VIEW, 1), (WHOLE, many)),
    ]


def _longer_claims(frames: Any, asked: Sequence[Case]) -> list[Claim]:
    videos, first, last = videos_of(asked), LENGTHS[0], LENGTHS[-1]
    gains = {length: frames[length, True][1] * 1.0 - frames[length, False][1] for length in LENGTHS}
    return [
        claimed(
            "H-C4",
            f"{last} frames, {KEPT} tokens: looking back tells more of all frames",
            frames[last, True][0],
            frames[last, False][0],
            videos,
        ),
        claimed(
            "H-C4",
            f"{last} frames, {KEPT} tokens: looking back answers more",
            frames[last, True][1],
            frames[last, False][1],
            videos,
        ),
        claimed(
            "H-C4",
            f"what looking back adds to answers grows from {first} to {last} frames",
            gains[last],
            gains[first],
            videos,
        ),
        claimed(
            "H-C6",
            f"{last} frames: {KEPT} given where the picture changed answer more than {KEPT} at even steps",
            frames["news"][1],
            frames["evenly"][1],
            videos,
        ),
    ]


def _table(told: Any, asked: Sequence[Case]) -> Table:
    videos = videos_of(asked)
    rows = [[name, *(shown(told[name, copies][1], videos) for copies in COPIES)] for name in VARIANTS]
    rows.append([ONE_VIEW, shown(told[ONE_VIEW, 1][1], videos), *[""] * (len(COPIES) - 1)])
    return Table("Right answers from what is told of a still", ["", *(f"shown {copies} x" for copies in COPIES)], rows)


def _kinds_table(told: Any, asked: Sequence[Case]) -> Table:
    """Fine and coarse, and how much of the still itself comes back."""
    videos, local = np.array(videos_of(asked)), np.array([case.asked.kind in LOCAL for case in asked])
    rows = []
    for name, copies in ((PLAIN, COPIES[-1]), (WHOLE, COPIES[0]), (WHOLE, COPIES[-1]), (ONE_VIEW, 1)):
        share, right = told[name, copies]
        cells = [shown(share, videos), *(shown(right[:, own], videos[own]) for own in (local, ~local))]
        rows.append([f"{name}, {copies} x", *cells])
    return Table(
        "The same by kind of question", ["", "share of the still told", "about a thing", "about the whole"], rows
    )


def _plot(told: Any, asked: Sequence[Case]) -> Plot:
    lines = [line(name, {copies: (told[name, copies][1], videos_of(asked)) for copies in COPIES}) for name in VARIANTS]
    return Plot("Answers from copies of a still", "copies, two tokens each", "right answers", lines, log=True)


def _longer_table(frames: Any, asked: Sequence[Case]) -> Table:
    videos = videos_of(asked)
    rows = [
        [
            f"{length} frames, {way}",
            str(KEPT),
            shown(frames[length, looks][0], videos),
            shown(frames[length, looks][1], videos),
        ]
        for length in LENGTHS
        for looks, way in ((False, "each by itself"), (True, "looking back"))
    ]
    count = f"{frames['news'][0].mean():.1f}"
    rows.append([f"{KEPT} whole vectors at even steps", str(KEPT), "", shown(frames["evenly"][1], videos)])
    rows.append(["whole vectors where the picture changed", count, "", shown(frames["news"][1], videos)])
    return Table(
        f"Videos of {LENGTHS[-1]} frames, by {KEPT} tokens",
        ["", "tokens", "share of all frames told", "right answers"],
        rows,
    )


def _longer_plot(frames: Any, asked: Sequence[Case]) -> Plot:
    lines = [
        line(way, {length: (frames[length, looks][1], videos_of(asked)) for length in LENGTHS})
        for looks, way in ((False, "each by itself"), (True, "looking back"))
    ]
    return Plot(f"A video told by {KEPT} tokens", "frames", "right answers", lines, log=True)
