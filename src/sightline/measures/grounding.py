"""How well a stretch of time that was found covers the one that was meant.

From: temporal IoU, mIoU and R1@0.5 as in Charades-STA (arXiv 1705.02101). Departures: where several stretches are
right, the best of them counts; nothing found counts as zero.
Shapes: spans are (start, end) in seconds
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Span = tuple[float, float]


def overlap_share(one: Span, other: Span) -> float:
    """Shared seconds over covered seconds, 0..1."""
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    covered = max(one[1], other[1]) - min(one[0], other[0])
    return shared / covered if covered > 0 else float(one == other)


def best_overlaps(found: Sequence[Span | None], meant: Sequence[Sequence[Span]]) -> np.ndarray:
    """Per answer the IoU with the stretch it fits best. Shapes: -> [n]"""
    pairs = zip(found, meant, strict=True)
    return np.array(
        [0.0 if f is None else max((overlap_share(f, m) for m in spans), default=0.0) for f, spans in pairs]
    )


def mean_overlap(found: Sequence[Span | None], meant: Sequence[Sequence[Span]]) -> float:
    """mIoU."""
    return float(best_overlaps(found, meant).mean())


def recall_at_overlap(found: Sequence[Span | None], meant: Sequence[Sequence[Span]], least: float = 0.5) -> float:
    """R1@least: the share of answers whose IoU reaches it."""
    return float((best_overlaps(found, meant) >= least).mean())


def first_third(duration: float) -> Span:
    """What somebody says who has seen nothing."""
    return 0.0, duration / 3


def whole_video(duration: float) -> Span:
    return 0.0, duration


def best_window(scores: np.ndarray, seconds: np.ndarray, duration: float, length: float) -> Span:
    """The fixed window with the highest mean score; windows begin at the frames. Shapes: scores [T], seconds [T]"""
    length = min(length, duration)
    starts = [float(s) for s in seconds if s + length <= duration + 1e-9] or [0.0]
    means = [scores[(seconds >= s) & (seconds < s + length)].mean() for s in starts]
    start = starts[int(np.argmax(means))]
    return start, start + length
