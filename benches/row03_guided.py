"""Row 3: one frame per two-second cell of a film with a keyframe every two seconds: keyframes first, against
decoding all.

Beside: decord's get_batch at one frame a second (exact), PyAV decoding keyframes alone (the floor).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benches.material import film
from benches.rounds import lead, side_by_side
from sightline.video.sample import Watching, units

SECONDS, SIDE = 200, 224


def measure() -> list[str]:
    path = str(film(SECONDS))
    contestants = {
        "guided, two workers (ours)": lambda: _by_two(path),
        "guided, one worker": lambda: _watched(path),
        "decord get_batch 1/s": lambda: _decord(path),
        "PyAV keyframes only (floor)": lambda: _nokey(path),
    }
    times = side_by_side(contestants)
    ours = times["guided, two workers (ours)"]
    ratio, low = lead(ours, times["decord get_batch 1/s"])
    gap = ours.median / times["PyAV keyframes only (floor)"].median
    lines = [f"3 index-fast: {SECONDS} s of 720p25, keyframe every 2 s, shorter side {SIDE}"]
    lines += [
        f"    {name}: {t.told()}, {len(t.result)} frames, {_empty(t.result)} empty 2-s cells"
        for name, t in times.items()
    ]
    lines.append(f"    LEAD over decord {ratio:.2f} (95 % above {low:.2f}; target >= 3), gap to the floor {gap:.2f}")
    return lines


def _watched(path: str, start: float | None = None, end: float | None = None) -> np.ndarray:
    chunks = Watching(path, every=1.0, start=start, end=end, side=SIDE, effort="guided")
    return np.concatenate([chunk.seconds for chunk in chunks])


def _by_two(path: str) -> np.ndarray:
    """The pieces of the film shared by two workers, as an index run does; the peers have two threads as well."""
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda piece: _watched(path, *piece), units(path, 25.0))))


def _decord(path: str) -> np.ndarray:
    import decord

    reader = decord.VideoReader(path, width=398, height=SIDE, num_threads=2)
    wanted = list(range(0, len(reader), round(reader.get_avg_fps())))
    reader.get_batch(wanted).asnumpy()
    return reader.get_frame_timestamp(wanted)[:, 0]


def _nokey(path: str) -> np.ndarray:
    import av

    seconds = []
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            frame.reformat(398, SIDE, "rgb24", interpolation="AREA").to_ndarray()
            seconds.append(frame.time)
    return np.array(seconds)


def _empty(seconds: np.ndarray) -> int:
    """How many of the film's two-second cells hold no kept frame."""
    return SECONDS // 2 - len(np.unique((seconds + 1e-6) // 2))
