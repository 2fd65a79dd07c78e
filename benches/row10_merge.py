"""Row 10: merging the tokens of 32 and of 600 frames, beside the plain double loops of the descriptions.

The most similar quarter within each frame (token merging), what repeats within groups of four frames (temporal
merging), what stays within windows chosen by a dynamic programme (static windows). Each ends with the merged means.
Then every connector at both sizes, with a budget of 1,024 tokens; learned queries as many as their papers have.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from benches.rounds import ROUNDS, side_by_side
from benches.tokens import SIZES, Work, asked, beside, gap, largest_difference, peak, reader, table, watched
from sightline.connectors import CONNECTORS
from sightline.connectors.clips import Clip, Groups, clips, gathered
from sightline.connectors.static_windows import static
from sightline.connectors.temporal_merge import repeated
from sightline.connectors.token_merging import bipartite

GRID, WIDTH, OUT_WIDTH, BUDGET = (16, 16), 768, 768, 1024
LEAVES, MERGED, THRESHOLD = 0.75, 0.7, 0.8
QUERIES = {"qformer", "video_qformer", "resampler"}


def measure() -> list[str]:
    lines = [f"10 merge: {GRID[0] * GRID[1]} tokens a frame, {WIDTH} wide; {torch.get_num_threads()} threads"]
    for frames, target in ((32, ">= 1.2"), (600, ">= 2")):
        lines += _one(frames, target)
    for size, shape in SIZES.items():
        lines.append(f"  every connector at {size}, into {OUT_WIDTH}")
        lines += every_connector(*shape)
    return lines


@torch.inference_mode()
def _one(frames: int, target: str) -> list[str]:
    seen = watched(frames, GRID, WIDTH)
    (clip,) = clips(seen)
    left = round(LEAVES * frames * GRID[0] * GRID[1])
    ways: dict[str, tuple[Callable[[Clip], Groups], Callable[[Tensor], list[int]]]] = {
        "token merging": (lambda c: bipartite(c, left), plain_bipartite),
        "temporal merging": (partial(repeated, count=None, merged=MERGED), plain_repeated),
        "static windows": (partial(static, count=None, threshold=THRESHOLD), plain_static),
    }
    ours: dict[str, Work] = {"reading the tokens once (floor)": reader(clip.tokens)}
    plain: dict[str, Work] = {}
    for name, (rule, loop) in ways.items():
        ours[name] = partial(merged, clip, rule)
        plain[f"{name}, plain"] = partial(plain_merged, clip, loop)
    memory = {name: peak(work) for name, work in ours.items()}
    times = side_by_side(ours | plain, rounds=ROUNDS if frames < 100 else 1, warm=False)
    if frames > 100:  # the plain loops take seconds: they run once
        for name, more in side_by_side(ours, rounds=min(ROUNDS, 5), warm=False).items():
            times[name].wall += more.wall
            times[name].cpu += more.cpu
    floor = times["reading the tokens once (floor)"]
    lines = [f"  {frames} frames"]
    lines += [
        f"    {name}: {t.told(1000, 'ms')}, {gap(t, floor)}"
        + (f", {memory[name]:.0f} MB peak" if name in memory else "")
        for name, t in times.items()
    ]
    for name in ways:
        mine, its = times[name], times[f"{name}, plain"]
        lines.append(
            beside(f"plain {name}", mine, its, target)
            + f", {len(mine.result):,} tokens left, largest difference {_difference(mine.result, its.result):.1e}"
        )
    return lines


def _difference(ours: Tensor, plain: Tensor) -> float:
    return largest_difference(ours, plain) if ours.shape == plain.shape else float("inf")


def merged(clip: Clip, rule: Callable[[Clip], Groups]) -> Tensor:
    return gathered(clip.rows, rule(clip))


def plain_merged(clip: Clip, loop: Callable[[Tensor], list[int]]) -> Tensor:
    return averaged(clip.rows, loop(clip.tokens))


def averaged(rows: Tensor, owner: list[int]) -> Tensor:
    """Plain: every token is added to its owner's sum, one by one; sums in the order of their first tokens."""
    place: dict[int, int] = {}
    for who in owner:
        place.setdefault(who, len(place))
    sums, counts = torch.zeros(len(place), rows.shape[1]), torch.zeros(len(place), 1)
    for row, who in zip(rows, owner, strict=True):
        sums[place[who]] += row
        counts[place[who]] += 1
    return sums / counts


def plain_bipartite(tokens: Tensor) -> list[int]:
    """Plain: frame by frame, each even token points at its most similar odd one; the strongest pairs merge in turn."""
    owner = []
    per_frame = tokens.shape[1]
    for frame, picture in enumerate(tokens):
        unit = F.normalize(picture, dim=-1)
        best, mate = (unit[::2] @ unit[1::2].T).max(dim=1)
        own = list(range(per_frame))
        for pair in best.argsort(descending=True, stable=True)[: per_frame - round(LEAVES * per_frame)].tolist():
            own[2 * pair] = 2 * int(mate[pair]) + 1
        owner += [frame * per_frame + who for who in own]
    return owner


def plain_repeated(tokens: Tensor) -> list[int]:
    """Plain: place by place, each token of frames 2, 3 and 4 of a group is compared with the one it may repeat."""
    frames, per_frame = tokens.shape[:2]
    owner = list(range(frames * per_frame))
    for frame in range(frames):
        back = (0, 1, 2, 1)[frame % 4]
        if back == 0:
            continue
        alike = [float(F.cosine_similarity(tokens[frame, n], tokens[frame - back, n], dim=0)) for n in range(per_frame)]
        for n in sorted(range(per_frame), key=lambda n: -alike[n])[: int(MERGED * per_frame)]:
            owner[frame * per_frame + n] = owner[(frame - back) * per_frame + n]
    return owner


def plain_static(tokens: Tensor) -> list[int]:
    """Plain: for every window the places that stay are counted, then the programme walks over all last windows."""
    frames, per_frame = tokens.shape[:2]
    stays = torch.zeros(frames, per_frame, dtype=torch.bool)
    for frame in range(1, frames):
        for n in range(per_frame):
            stays[frame, n] = F.cosine_similarity(tokens[frame, n], tokens[frame - 1, n], dim=0) > THRESHOLD
    best, begins = [0] * (frames + 1), [0] * frames
    for last in range(frames):
        best[last + 1], still = -1, torch.ones(per_frame, dtype=torch.bool)
        for first in range(last, -1, -1):
            saved = best[first] + (last - first) * int(still.sum())
            if saved >= best[last + 1]:
                best[last + 1], begins[last] = saved, first
            still &= stays[first]
    owner, last = list(range(frames * per_frame)), frames - 1
    while last >= 0:
        first = begins[last]
        for n in stays[first + 1 : last + 1].all(dim=0).nonzero().flatten().tolist():
            for frame in range(first + 1, last + 1):
                owner[frame * per_frame + n] = first * per_frame + n
        last = first - 1
    return owner


@torch.inference_mode()
def every_connector(frames: int, grid: tuple[int, int], width: int) -> list[str]:
    seen, words = watched(frames, grid, width), asked(width)
    works: dict[str, Work] = {}
    for name, build in CONNECTORS.items():
        torch.manual_seed(0)
        connector = build(width, OUT_WIDTH, None if name in QUERIES else BUDGET).eval()
        works[name] = partial(connector, seen, words)
    return table(works, dict.fromkeys(works, seen.tokens), min(ROUNDS, 3) if frames < 100 else 1)
