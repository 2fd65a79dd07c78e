"""Cuts and shots: where the picture changes at once, found while the frames are decoded anyway.

From: FFmpeg's scene change filter `scdet` (mean absolute difference of neighbouring frames, compared with the
difference before), run through PyAV's filter graph on small grey pictures.
Departures: scdet is only shown frames that follow one another. Where frames were left out between two keyframes,
their tiny pictures decide whether a cut may hide there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sightline.errors import SightlineError

if TYPE_CHECKING:
    import av

GREY_WIDTH = 320  # the width at which scdet reached precision 0.92 and recall 1.00 on 45 known cuts
SCORE = 10.0  # scdet's own default threshold, in percent of the full range
TINY = 16  # a tiny picture is 16 x 16 grey bytes
# Mean grey difference of two tiny pictures above which they are not of one shot. In six public clips, frames 2 s apart
# differ by 30 and more across a cut, and by 9 (median) within a shot.
CUT = 12.0
OTHER_LIGHT = 5.0  # the same, place left aside; six public clips: cuts 7.5 to 90, what only moves under 4


class Grey:
    """Makes small grey pictures of frames, all of one size."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self.scaler, self.tiny_scaler = VideoReformatter(), VideoReformatter()
        self.height = 0

    def small(self, frame: av.VideoFrame) -> av.VideoFrame:
        if not self.height:
            self.height = min(2 * GREY_WIDTH, max(16, round(GREY_WIDTH * frame.height / frame.width)))
        return self.scaler.reformat(frame, GREY_WIDTH, self.height, "gray", interpolation="FAST_BILINEAR", threads=1)

    def tiny(self, frame: av.VideoFrame) -> bytes:
        """TINY x TINY grey bytes, row by row."""
        small = self.tiny_scaler.reformat(self.small(frame), TINY, TINY, "gray", interpolation="AREA", threads=1)
        return small.to_ndarray().tobytes()


class CutFinder:
    """Looks at frames in the order shown and says at which of them a new shot begins."""

    def __init__(self, grey: Grey) -> None:
        self.grey = grey
        self.graph: av.filter.Graph | None = None

    def _set_up(self, small: av.VideoFrame) -> None:
        import av.filter

        self.graph = av.filter.Graph()
        self.graph.threads = 1
        self.source = self.graph.add_buffer(
            width=small.width, height=small.height, format=av.VideoFormat("gray"), time_base=small.time_base
        )
        scdet = self.graph.add("scdet", f"threshold={SCORE}:sc_pass=1")  # passes on only frames that begin a shot
        self.sink = self.graph.add("buffersink")
        self.graph.link_nodes(self.source, scdet, self.sink)
        self.graph.configure()

    def begins_shot(self, frame: av.VideoFrame) -> bool:
        import av

        small = self.grey.small(frame)
        if self.graph is None:
            self._set_up(small)
        self.source.push(small)
        try:
            return "lavfi.scd.time" in self.sink.pull().metadata
        except av.error.BlockingIOError:  # nothing passed: no new shot
            return False

    def start_over(self, frame: av.VideoFrame) -> None:
        """The frame follows a jump. Shown twice, it differs in nothing from its neighbour, and the jump is no cut."""
        self.begins_shot(frame)
        self.begins_shot(frame)


def difference(before: bytes, after: bytes) -> float:
    """Mean absolute difference of two tiny pictures, 0 to 255."""
    left, right = (np.frombuffer(picture, dtype=np.uint8).astype(np.int16) for picture in (before, after))
    return float(np.abs(left - right).mean())


def is_cut(before: bytes, after: bytes) -> bool:
    """Whether there is a cut between two neighbouring frames, given as tiny pictures."""
    return bool(before) and bool(after) and difference(before, after) > CUT


def may_hide_cut(before: bytes, after: bytes) -> bool:
    """Whether a cut may hide between two frames of which the ones between are not seen.

    A moving camera changes every place too, but mostly takes the same light elsewhere; a cut changes the light itself.
    """
    return is_cut(before, after) and difference(bytes(sorted(before)), bytes(sorted(after))) > OTHER_LIGHT


def shots_from(cuts: Sequence[float], first: float, last: float) -> list[tuple[float, float]]:
    """The stretches between cuts, from `first` to `last` without a gap."""
    inner = sorted({cut for cut in cuts if first < cut < last})
    return list(pairwise([first, *inner, last]))


def dissolves(path: str | os.PathLike[str], threshold: float = 3.0) -> list[float]:
    """Seconds of cuts and of slow changes (fades, dissolves), by PySceneDetect's adaptive detector.

    A pass of its own over the file. From: https://www.scenedetect.com (AdaptiveDetector).
    """
    try:
        import scenedetect
    except ImportError as missing:
        raise SightlineError(
            "finding dissolves needs PySceneDetect; get it with: pip install 'scenedetect[pyav]'"
        ) from missing
    scenes = scenedetect.detect(os.fspath(path), scenedetect.AdaptiveDetector(adaptive_threshold=threshold))
    return [begin.get_seconds() for begin, _ in scenes[1:]]
