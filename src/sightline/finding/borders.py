"""Where a moment begins and ends once its frames lie close: at the steps of its score, up to the peak and down from it.

A search grows a moment down to half way between its peak and the video's background, which suits frames that lie
seconds apart. A thing that comes into a scene and goes again makes a step up and a step down, however well the scene
fits the words without it. So a stretch is split into two levels; where they lie far apart, the moment is the upper one
around its peak.

From: Otsu, "A threshold selection method from gray-level histograms" (1979). Departures: a frame counts by the seconds
it stands; a split counts only where the levels differ more than chance does, and by far more than frames of one level
differ among themselves (halves of a level without a step lie 2.7 of these apart). Holes of less than a second are
bridged, and what is higher for less than a second is no moment of its own.
Shapes: scores [n], stands [n] seconds -> the first and the last frame kept
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sightline.finding.moments import HOLE, Stretch
from sightline.finding.sources import Curve

APART = 4.0  # times as far as frames of one level scatter


def sharpened(stretch: Stretch, curve: Curve, least: float) -> Stretch:
    """The stretch from step to step; as it is where its frames show none. `least`: how high a step is no accident."""
    inside = np.flatnonzero((curve.seconds >= stretch.start) & (curve.seconds < stretch.end))
    if len(inside) < 3:
        return stretch
    seconds = curve.seconds[inside]
    stands = np.diff(np.append(seconds, stretch.end))
    left, right = upper_part(curve.scores[inside], stands, int(np.argmin(np.abs(seconds - stretch.second))), least)
    start = stretch.start if left == 0 else float(seconds[left])
    end = stretch.end if right == len(inside) - 1 else float(seconds[right + 1])
    return replace(stretch, start=start, end=end)


def upper_part(scores: np.ndarray, stands: np.ndarray, peak: int, least: float) -> tuple[int, int]:
    """The frames around the peak that lie on the upper of two levels; all of them where there is one level."""
    level = _split(scores, stands, least)
    if level is None or scores[peak] < level:
        return 0, len(scores) - 1
    ends = np.cumsum(stands)
    kept = []
    for step, wall, edge in ((-1, -1, ends - stands), (1, len(scores), ends)):
        last, at = peak, peak + step
        while at != wall and (scores[at] >= level or abs(edge[at] - edge[last]) < HOLE):
            last = at if scores[at] >= level else last
            at += step
        kept.append(last)
    left, right = kept
    return (left, right) if ends[right] - ends[left] + stands[left] >= HOLE else (0, len(scores) - 1)


def _split(scores: np.ndarray, stands: np.ndarray, least: float) -> float | None:
    """The score half way between the two levels; None where they are one."""
    order = np.argsort(scores)
    ranked, weight = scores[order].astype(np.float64), np.maximum(stands[order], 1e-6)
    below, total = np.cumsum(weight)[:-1], float(weight.sum())
    mass = np.cumsum(weight * ranked)
    low, high = mass[:-1] / below, (mass[-1] - mass[:-1]) / (total - below)
    cut = int(np.argmax(below * (total - below) * (high - low) ** 2))
    apart = float(high[cut] - low[cut])
    whole = float((weight * (ranked - mass[-1] / total) ** 2).sum() / total)
    between = float(below[cut] * (total - below[cut]) / total**2) * apart**2
    scatter = max(whole - between, 0.0) ** 0.5
    return float(low[cut] + high[cut]) / 2 if apart >= max(least, APART * scatter) else None
