"""Moments grow from a score curve, and from lines; they are stretches of the video, not fixed windows.

A peak grows both ways while the score stays above half the way between the peak and the video's background, and stops
at a cut unless the whole shot beyond stays above as well. A drop that is smaller than what chance does is no border.
Start and end are decoder timestamps: a frame stands until the next stored one, or until the cut between them. Pictures
that look alike are stored once, so a row counts for the time it stands: a dip that lasts is no hole to be bridged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sightline.finding.sources import Curve, LineHit

HALF_WAY = 0.5
DROPS = 2.0  # times as far as chance moves a score: a smaller drop is noise
HOLE = 1.0  # seconds: what a neighbour may count for when it smooths a row
PAUSE = 2.0  # seconds of silence that two lines may lie apart and still be one


@dataclass(frozen=True)
class Stretch:
    """What one source found: where, how high it scored, how sure that is."""

    content: int
    start: float
    end: float
    source: str
    score: float
    confidence: float = 0.0
    second: float = 0.0  # of the best frame
    row: int = -1  # the best frame's row; -1: no frame
    text: str = ""


def grow(curve: Curve, floor: float, noise: float) -> list[Stretch]:
    """Every occurrence in one video whose peak reaches `floor`, and in any case the best one; best first."""
    shot = shots_of(curve)
    stands = np.diff(np.append(curve.seconds, max(curve.end, curve.seconds[-1])))
    smooth = np.maximum(curve.scores, smoothed(curve.scores, shot, stands))
    background = lower_quarter(curve.scores, stands)
    taken = np.zeros(len(smooth), dtype=bool)
    found: list[Stretch] = []
    for peak in np.lexsort((np.arange(len(smooth)), -curve.scores)):
        score = float(curve.scores[peak])
        if found and score < floor:
            break
        if taken[peak]:
            continue
        level = score - max(HALF_WAY * (score - background), DROPS * noise)
        left, right = _reach(smooth, shot, taken, int(peak), level)
        _take(taken, smooth, shot, left, right)
        found.append(_stretch(curve, shot, left, right, int(peak)))
    return found


def shots_of(curve: Curve) -> np.ndarray:
    """The number of the shot each frame lies in."""
    return np.searchsorted([shot.start for shot in curve.shots], curve.seconds, side="right") - 1


def smoothed(scores: np.ndarray, shot: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """[1 2 1] / 4 within each shot, by the seconds each row stands: a border's row counts for the neighbour it lacks.

    A neighbour counts for HOLE at most: a row that stands long is hardly moved.
    """
    own = np.arange(len(scores))
    same = shot[1:] == shot[:-1]
    before = np.append(own[:1], np.where(same, own[:-1], own[1:]))
    after = np.append(np.where(same, own[1:], own[:-1]), own[-1:])
    stands = np.maximum(stands, 1e-6)
    near = np.minimum(stands, HOLE)
    weighed = near[before] * scores[before] + 2 * stands * scores + near[after] * scores[after]
    return weighed / (near[before] + 2 * stands + near[after])


def lower_quarter(scores: np.ndarray, stands: np.ndarray) -> float:
    """The score below which a quarter of the time lies: the video's background."""
    order = np.argsort(scores, kind="stable")
    passed = np.cumsum(stands[order])
    return float(scores[order[np.searchsorted(passed, passed[-1] / 4)]])


def _reach(smooth: np.ndarray, shot: np.ndarray, taken: np.ndarray, peak: int, level: float) -> tuple[int, int]:
    """The first and last frame that the peak grows to."""
    above = (smooth >= level) & ~taken
    begins = np.flatnonzero(np.r_[True, shot[1:] != shot[:-1]])
    whole = np.repeat(np.logical_and.reduceat(above, begins), np.diff(np.r_[begins, len(shot)]))
    ends = []
    for step, wall in ((-1, -1), (1, len(smooth))):
        at = peak
        while at + step != wall and above[at + step] and (shot[at + step] == shot[at] or whole[at + step]):
            at += step
        ends.append(at)
    return ends[0], ends[1]


def _take(taken: np.ndarray, smooth: np.ndarray, shot: np.ndarray, left: int, right: int) -> None:
    """Marks a moment and its slopes: a frame on the way down from a peak is not a peak of its own."""
    taken[left : right + 1] = True
    for at, step, wall in ((left, -1, -1), (right, 1, len(smooth))):
        while at + step != wall and shot[at + step] == shot[at] and smooth[at + step] <= smooth[at]:
            at += step
            taken[at] = True


def _stretch(curve: Curve, shot: np.ndarray, left: int, right: int, peak: int) -> Stretch:
    start = float(curve.seconds[left])
    if left > 0 and shot[left] != shot[left - 1] and shot[left] >= 0:
        start = min(max(curve.shots[shot[left]].start, float(curve.seconds[left - 1])), start)
    end = curve.end
    if right + 1 < len(curve.seconds):
        end = float(curve.seconds[right + 1])
        if shot[right] != shot[right + 1]:
            end = min(max(curve.shots[shot[right + 1]].start, float(curve.seconds[right])), end)
    second, row = float(curve.seconds[peak]), int(curve.rows[peak])
    return Stretch(curve.content, start, max(end, start), "picture", float(curve.scores[peak]), 0.0, second, row)


# --- lines ----------------------------------------------------------------------------------------


def runs_of_lines(hits: Sequence[LineHit]) -> list[list[LineHit]]:
    """Hits of one video and track that follow each other without a pause, in order."""
    runs: list[list[LineHit]] = []
    for hit in sorted(hits, key=lambda h: (h.content, h.line.track, h.line.start, h.line.end, h.line.text)):
        last = runs[-1][-1] if runs else hit
        follows = hit.line.start - last.line.end <= PAUSE
        if runs and follows and (last.content, last.line.track) == (hit.content, hit.line.track):
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return runs


def grow_lines(run: Sequence[LineHit], sureness: Callable[[Sequence[LineHit]], float]) -> list[Stretch]:
    """Moments within one run: the best line, grown over neighbours that match about as well or that complete it."""
    alone = [sureness([hit]) for hit in run]
    free = set(range(len(run)))
    found = []
    while free:
        best = max(free, key=lambda i: (alone[i], -i))
        left = right = best
        sure = alone[best]
        for at in (*range(best + 1, len(run)), *range(best - 1, -1, -1)):
            if at not in free or at not in (left - 1, right + 1):
                continue
            joined = sureness(run[min(left, at) : max(right, at) + 1])
            if alone[at] >= HALF_WAY * alone[best] or joined > sure + 0.02:
                left, right, sure = min(left, at), max(right, at), max(sure, joined)
        free -= set(range(left, right + 1))
        found.append(_stretch_of(run[left : right + 1], sure))
    return found


def _stretch_of(hits: Sequence[LineHit], confidence: float) -> Stretch:
    """Words that are read off the screen several times are said once."""
    lines = [hit.line for hit in hits]
    text = " ".join(dict.fromkeys(" ".join(line.text.split()) for line in lines))
    start, end = min(line.start for line in lines), max(line.end for line in lines)
    score = max(hit.score for hit in hits)
    return Stretch(hits[0].content, start, end, lines[0].source, score, confidence, (start + end) / 2, text=text)


def overlap(one: Stretch, other: Stretch) -> float:
    """The shared share of the shorter one; a point inside a stretch is wholly shared."""
    if one.content != other.content:
        return 0.0
    shared = min(one.end, other.end) - max(one.start, other.start)
    shorter = min(one.end - one.start, other.end - other.start)
    return 1.0 if shorter <= 0 <= shared else max(shared, 0.0) / shorter if shorter > 0 else 0.0


def clipped(stretch: Stretch, start: float, end: float) -> Stretch:
    low, high = max(stretch.start, start), min(stretch.end, end)
    return replace(stretch, start=low, end=max(low, high), second=min(max(stretch.second, low), max(low, high)))
