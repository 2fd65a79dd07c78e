"""Repeats of a still, and more frames than tokens: what does looking back in time recover?

A still is shown 1, 2 or 4 times; every copy is folded to two narrow tokens. Can the still be told from all its tokens?
Fine detail is what its places show beyond their mean, coarse is that mean. Then videos of more and more frames of which
as many keep tokens as before: do these tell what the frames between them showed?

From: reading notes on PVC (arXiv 2412.09613): time embedding, causal attention and AdaLN make copies differ.
Departures: instead of reading letters and naming classes (this tower sees 112 x 64 pixels and was not taught to read)
the tower's own tokens are recovered by a linear layer, which is fitted in closed form once the rest has learned for
seconds; all on other videos than it is asked about.
Shapes: tokens [B, T, N, D] -> T copies of 2 tokens [B, 2 T, W] -> recovered [B, N, D]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sightline.exports.plot import Line, Plot
from sightline.findings.finding import Claim, Finding, Table, claimed, mean_and_error, shown
from sightline.findings.seen import Scale, cases
from sightline.recipes.questions_seen import GRID
from sightline.recipes.starting_lm import LONG

Array = Any
QUESTION = (
    "Do repeats of a still recover detail, and does looking back tell of frames that have no tokens of their own?"
)
DIAL = "copies of a still; time embedding, causal attention and AdaLN on or off; frames of a video at equal tokens"
TESTS = {
    "H-C1": "repeats help with time embedding and AdaLN, and not without",
    "H-C2": "in part: fine detail gains more from repeats than the coarse whole (tokens recovered, not letters read)",
    "H-C4": "in part: with more frames at equal tokens, looking back tells more of skipped frames than each by itself",
    "H-C5": "what an earlier frame became does not change when later frames arrive",
}
UNTESTED = {
    "H-C3": "plain repeats at fewer tokens a view need answers to be compared (`sightline systems pvc --size small`)",
    "H-C6": "stopping where the residual is small is not built",
}
COPIES, WIDE, STEPS, BATCH, HEADS, SQUARE = (1, 2, 4), 8, 150, 16, 4, 4
RATE = 5e-4
VARIANTS = {  # looks back, knows the time
    "plain copies": (False, False),
    "look back, no time": (True, False),
    "time and AdaLN alone": (False, True),
    "PVC: both": (True, True),
}
WHOLE, PLAIN = "PVC: both", "plain copies"
LENGTHS, KEPT = (16, 48, 96), 16  # frames of a video, and how many of them have tokens
SAME, STILL = 0.02, 1e-4


def run(scale: Scale) -> Finding:
    learned_on, _ = stills(scale, "train")
    asked, videos = stills(scale, "val")
    told = {
        (name, copies): recovered(*flags, copies, learned_on, asked, scale.seeds[0])
        for name, flags in VARIANTS.items()
        for copies in COPIES
    }
    longer = {frames: skipped(scale, frames) for frames in LENGTHS}
    changed = later_frames_change(asked, scale.seeds[0])
    stream = Claim("H-C5", f"later frames change what earlier ones became by less than {STILL:g}", changed, 0.0, STILL)
    return Finding(
        "repeated-stills",
        QUESTION,
        DIAL,
        TESTS,
        UNTESTED,
        len(set(videos)) + sum(len(set(names)) for names, *_ in longer.values()),
        [_table(told, videos, part, name) for part, name in enumerate(("fine detail", "the coarse whole"))]
        + [_longer_table(longer)],
        {"copies": _plot(told, videos), "frames": _longer_plot(longer)},
        [*_claims(told, videos, longer), stream],
        notes=[
            f"What learns here learns for {STEPS} steps: a verdict against a learned part is one at that.",
            *_weak(told),
        ],
    )


def stills(scale: Scale, split: str) -> tuple[Any, list[str]]:
    """Every other frame of each video, and which video it is of. -> [n, N, D]"""
    by_video = {case.video: case.tokens[::2] for case in cases(scale, LONG, 32, split=split)}
    return np.concatenate(list(by_video.values())), [name for name, rows in by_video.items() for _ in rows]


def _weak(told: Any) -> list[str]:
    """Says so where the instrument itself fails: less is told than by the mean still."""
    below = [f"{name}, {copies}x" for (name, copies), (fine, _) in told.items() if fine.mean() < 0]
    return [f"Less than nothing is told by: {'; '.join(below)}. Claims about these say nothing."] if below else []


# --- stills -------------------------------------------------------------------------------------------------------


def _folder(width: int, back: bool, timed: bool) -> Any:
    """tokens [B, T, N, D], seconds [B, T] -> [B, 2 T, WIDE]: PVC's two stations, each with its parts on or off."""
    import torch
    from torch import nn

    from sightline.connectors.pixel_shuffle import PixelShuffle
    from sightline.nn.positions import SecondsEmbedding
    from sightline.nn.vit import Progressive
    from sightline.records import Seen

    class Folder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fold = PixelShuffle(width, WIDE, square=SQUARE)
            self.fold.project = nn.Linear(SQUARE * SQUARE * width, WIDE)
            self.when = SecondsEmbedding(width)
            self.look_back = Progressive(width, HEADS) if back else None

        def forward(self, tokens: Any, seconds: Any) -> Any:
            seconds = seconds if timed else torch.zeros_like(seconds)
            mask = torch.ones(seconds.shape, dtype=torch.bool)
            if self.look_back is not None:
                when = self.when(seconds) if timed else tokens.new_zeros(*seconds.shape, width)
                tokens = self.look_back(tokens, (when, mask))
            row, every, all_of = tokens.flatten(0, 1)[None], seconds.flatten()[None], mask.flatten()[None]
            folded = self.fold(Seen(row.mean(dim=2), every, all_of, row, grid=GRID)).embeddings  # as one long video
            return folded.unflatten(1, (len(tokens), -1))[0]

    return Folder()


def recovered(back: bool, timed: bool, copies: int, learned_on: Any, asked: Any, seed: int) -> tuple[Array, Array]:
    """How much of each still is told by its tokens: fine and coarse, 1 is all, 0 the mean still. -> [n], [n]"""
    import torch
    from torch import nn

    places, width = learned_on.shape[1:]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, seconds = _folder(width, back, timed), torch.arange(copies, dtype=torch.float32)

        def told(rows: Any) -> Any:
            repeated = rows[:, None].expand(-1, copies, -1, -1)
            return model(repeated, seconds.expand(len(rows), -1)).flatten(1)

        tokens = torch.from_numpy(learned_on)
        wanted = (tokens - tokens.mean(dim=0)).flatten(1)
        tell = nn.Linear(told(tokens[:1]).shape[1], places * width)
        nn.init.zeros_(tell.weight)
        _learn([model, tell], lambda rows: (tell(told(tokens[rows])) - wanted[rows]).square().mean(), len(tokens), seed)
        with torch.no_grad():
            features = [
                torch.cat([told(part) for part in torch.from_numpy(own).split(64)]) for own in (learned_on, asked)
            ]
    known, new = (rows.numpy() for rows in features)
    made = refitted(known, new, learned_on.reshape(len(learned_on), -1)).reshape(asked.shape)
    coarse, whole = made.mean(axis=1), asked.mean(axis=1)
    return _share(made - coarse[:, None], asked - whole[:, None]), _share(coarse, whole)


def refitted(learned_on: Array, asked: Array, wanted: Array, ridge: float = 0.01) -> Array:
    """What a linear layer that is fitted in closed form tells. Shapes: [n, F], [m, F], [n, P] -> [m, P]"""
    mean, spread = learned_on.mean(axis=0), learned_on.std(axis=0) + 1e-6
    known, new = (learned_on - mean) / spread, (asked - mean) / spread
    middle = wanted.mean(axis=0)
    square = known.T @ known + ridge * len(known) * np.eye(known.shape[1], dtype=known.dtype)
    return middle + new @ np.linalg.solve(square, known.T @ (wanted - middle))


def _learn(parts: Sequence[Any], loss_of: Any, count: int, seed: int) -> None:
    import torch

    dice = np.random.default_rng(seed)
    course = torch.optim.AdamW([p for part in parts for p in part.parameters()], RATE, weight_decay=0.0)
    rate = torch.optim.lr_scheduler.OneCycleLR(course, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        course.zero_grad()
        loss_of(dice.integers(count, size=BATCH)).backward()
        course.step()
        rate.step()


def _share(made: Array, true: Array) -> Array:
    """1 - squared error / variance, for each row. Shapes: [n, ...] -> [n]"""
    axes = tuple(range(1, true.ndim))
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=axes).mean()
    return 1.0 - ((made - true) ** 2).sum(axis=axes) / spread


def later_frames_change(asked: Any, seed: int) -> float:
    """The most that any number of an earlier frame's tokens changes when the other half of the frames arrives."""
    import torch

    frames = torch.from_numpy(asked[:8])[None]
    seconds = torch.arange(8.0)[None]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = _folder(frames.shape[-1], True, True)
        every, first = model(frames, seconds), model(frames[:, :4], seconds[:, :4])
    return float((every[:, : first.shape[1]] - first).abs().max())


# --- more frames than tokens --------------------------------------------------------------------------------------


def skipped(scale: Scale, frames: int) -> tuple[list[str], Array, Array]:
    """How much is told of all frames by those that keep tokens: each by itself, and looking back. -> [videos] each"""
    dials, every = replace(LONG, seconds=60.0, scenes=12), LENGTHS[-1] // frames
    sets = []
    for split in ("train", "val"):
        by_video = {case.video: case for case in cases(scale, dials, LENGTHS[-1], split=split)}
        wide = np.stack([case.vectors[::every] for case in by_video.values()])
        sets.append((list(by_video), wide, np.stack([case.seconds[::every] for case in by_video.values()])))
    alone, back = (_told_of_all(sets[0][1:], sets[1][1:], looks, scale.seeds[0]) for looks in (False, True))
    return sets[1][0], alone, back


def _told_of_all(learned_on: Any, asked: Any, looks: bool, seed: int) -> Array:
    """The last frame of each stretch keeps a token; a linear layer tells all frames of the stretch from it."""
    import torch
    from torch import nn

    from sightline.nn.positions import SecondsEmbedding
    from sightline.nn.vit import Progressive

    _, frames, width = learned_on[0].shape
    every = frames // KEPT
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        when, look_back = SecondsEmbedding(width), Progressive(width, HEADS)
        narrow, tell = nn.Linear(width, 4 * WIDE), nn.Linear(4 * WIDE, every * width)
        nn.init.zeros_(tell.weight)

        def told(vectors: Any, seconds: Any) -> Any:
            if looks:
                mask = torch.ones(seconds.shape, dtype=torch.bool)
                vectors = look_back(vectors[:, :, None], (when(seconds), mask))[:, :, 0]
            return narrow(vectors[:, every - 1 :: every])  # [B, KEPT, 4 WIDE]

        films, times = (torch.from_numpy(array) for array in learned_on)
        wanted = (films - films.mean(dim=(0, 1))).reshape(len(films), KEPT, -1)
        parts = [when, look_back, narrow, tell] if looks else [narrow, tell]
        _learn(
            parts, lambda rows: (tell(told(films[rows], times[rows])) - wanted[rows]).square().mean(), len(films), seed
        )
        with torch.no_grad():
            known, new = (told(*map(torch.from_numpy, own)).flatten(0, 1).numpy() for own in (learned_on, asked))
    made = refitted(known, new, learned_on[0].reshape(-1, every * width))
    return _share(made.reshape(asked[0].shape), asked[0])


# --- what comes of it ---------------------------------------------------------------------------------------------


def _claims(told: Any, videos: list[str], longer: Any) -> list[Claim]:
    few, many = COPIES[0], COPIES[-1]
    fine = {(name, copies): told[name, copies][0] for name, copies in told}
    whole = {part: told[WHOLE, many][part] - told[WHOLE, few][part] for part in (0, 1)}
    (short, *at_short), (long, *at_long) = longer[LENGTHS[0]], longer[LENGTHS[-1]]
    (gain, error), (first, at_first) = (
        mean_and_error(back - alone, names) for names, (alone, back) in ((long, at_long), (short, at_short))
    )
    plain, timed = f"{many} plain copies tell as much as {few}, within {SAME:g}", f"{many} copies tell more than {few}"
    alone = "time and AdaLN alone"
    return [
        claimed("H-C1", plain, fine[PLAIN, many], fine[PLAIN, few], videos, same=SAME),
        claimed("H-C1", f"with time and AdaLN {timed}", fine[WHOLE, many], fine[WHOLE, few], videos),
        claimed(
            "H-C1", f"{many} copies with both tell more than plain ones", fine[WHOLE, many], fine[PLAIN, many], videos
        ),
        claimed("H-C1", f"looking back adds to {alone}, {many} copies", fine[WHOLE, many], fine[alone, many], videos),
        claimed("H-C2", "repeats add more to fine detail than to the coarse whole", whole[0], whole[1], videos),
        claimed(
            "H-C4", f"{LENGTHS[-1]} frames: looking back tells more than frames alone", at_long[1], at_long[0], long
        ),
        Claim(
            "H-C4",
            f"from {LENGTHS[0]} to {LENGTHS[-1]} frames that gain grows",
            gain - first,
            float(np.hypot(error, at_first)),
        ),
    ]


def _table(told: Any, videos: list[str], part: int, name: str) -> Table:
    rows = [[own, *(shown(told[own, copies][part], videos) for copies in COPIES)] for own in VARIANTS]
    return Table(f"Told of a still: {name}", ["", *(f"shown {copies}x" for copies in COPIES)], rows)


def _plot(told: Any, videos: list[str]) -> Plot:
    lines = []
    for name in VARIANTS:
        pairs = [mean_and_error(told[name, copies][0], videos) for copies in COPIES]
        lines.append(Line(name, COPIES, [mean for mean, _ in pairs], [error for _, error in pairs]))
    return Plot("Fine detail told of a still", "copies, two tokens each", "share of the variance", lines, log=True)


def _longer_table(longer: Any) -> Table:
    rows = [[str(frames), shown(alone, names), shown(back, names)] for frames, (names, alone, back) in longer.items()]
    return Table(f"Told of all frames by {KEPT} of them", ["frames", "each by itself", "looking back"], rows)


def _longer_plot(longer: Any) -> Plot:
    lines = []
    for place, name in ((1, "each by itself"), (2, "looking back")):
        pairs = [mean_and_error(row[place], row[0]) for row in longer.values()]
        lines.append(Line(name, list(longer), [mean for mean, _ in pairs], [error for _, error in pairs]))
    return Plot(f"A video told by {KEPT} of its frames", "frames", "share of the variance", lines, log=True)
