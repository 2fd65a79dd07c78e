"""Row 8: choosing 32 of 600 frames from cached vectors, scores included, beside the plain loop of MMR.

Then every way of choosing: 8 frames of 64 and 32 of 600, the learned ones from all tokens.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch

from benches.rounds import ROUNDS, side_by_side
from benches.tokens import SIZES, Work, asked, beside, peak, reader, table, watched
from sightline.keyframes import CHOOSERS, LEARNED
from sightline.keyframes.localiser import FrameReader

FRAMES, WIDTH, K, BALANCE = 600, 512, 32, 0.7


def measure() -> list[str]:
    seen = watched(FRAMES, (1, 1), WIDTH)
    vectors, question = seen.vectors[0].numpy(), asked(WIDTH).vector[0].numpy()
    contestants: dict[str, Work] = {
        "scores + mmr (ours)": lambda: CHOOSERS["mmr"](vectors @ question, K, vectors=vectors, balance=BALANCE).index[
            0
        ],
        "scores + mmr, plain": lambda: plain_mmr(vectors @ question, vectors),
        "reading the vectors once (floor)": reader(seen.vectors),
    }
    times = side_by_side(contestants)
    ours, plain = times["scores + mmr (ours)"], times["scores + mmr, plain"]
    same = "the same frames" if ours.result.tolist() == plain.result else "OTHER FRAMES"
    lines = [f"8 choose: {K} of {FRAMES} x {WIDTH}, scores and diversity; {torch.get_num_threads()} threads"]
    lines += [f"    {name}: {t.told(1000, 'ms')}, {peak(contestants[name]):.1f} MB peak" for name, t in times.items()]
    lines.append(beside("the plain loop", ours, plain, ">= 10; ours <= 2 ms") + f", {same}")
    for (size, shape), k in zip(SIZES.items(), (8, 32), strict=True):
        lines.append(f"  every way of choosing, {k} frames at {size}")
        lines += every_way(shape, k)
    return lines


def plain_mmr(scores: np.ndarray, vectors: np.ndarray) -> list[int]:
    """Plain: every remaining frame is compared with every chosen one, again for every frame that is chosen."""
    low, high = scores.min(), scores.max()
    unit = [vector / np.linalg.norm(vector) for vector in vectors]
    chosen = [int(scores.argmax())]
    while len(chosen) < K:
        best, best_value = -1, -np.inf
        for frame in range(len(scores)):
            if frame in chosen:
                continue
            redundancy = max(unit[frame] @ unit[other] for other in chosen)
            value = BALANCE * (scores[frame] - low) / (high - low) - (1 - BALANCE) * redundancy
            if value > best_value:
                best, best_value = frame, value
        chosen.append(best)
    return sorted(chosen)


@torch.inference_mode()
def every_way(shape: tuple[int, tuple[int, int], int], k: int) -> list[str]:
    frames, grid, width = shape
    seen, words = watched(frames, grid, width), asked(width)
    vectors, scores = seen.vectors[0].numpy(), (seen.vectors @ words.vector[0])[0].numpy()
    works: dict[str, Work] = {
        name: partial(choose, scores, k, vectors=vectors, seconds=np.arange(frames))
        for name, choose in CHOOSERS.items()
    }
    works |= {name: partial(_learned(name, frames, grid[0] * grid[1], width, k), seen, words) for name in LEARNED}
    from_vectors = {*CHOOSERS, "probe", "gaussian"}
    return table(works, {name: seen.vectors if name in from_vectors else seen.tokens for name in works}, min(ROUNDS, 3))


def _learned(name: str, frames: int, places: int, width: int, k: int) -> Any:
    """The released prompter counts a class token and needs segments of equal length: 30 of 600 frames, not 32."""
    module, part = LEARNED[name].split(":")
    options: dict[str, dict[str, Any]] = {
        "probe": {"width": width},
        "localiser": {"reader": FrameReader(width, width, 32), "k": k, "yes": 0},
        "prompter": {"width": width, "word_width": width, "segments": k},
        "released-prompter": {"tokens": places + 1, "frames": frames, "segments": k if frames % k == 0 else 30},
        "gaussian": {"width": width, "centres": k},
    }
    torch.manual_seed(0)
    return getattr(import_module(module), part)(**options[name]).eval()
