"""Row 4: 32 chosen seconds of a ten-minute film, the frame shown at each.

Beside: decord, OpenCV's seek, torchcodec where it is installed. The frames are compared by what they show.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np

from benches.material import film
from benches.rounds import lead, side_by_side
from sightline.video.sample import at_seconds

SECONDS, COUNT, SIDE = 600, 32, 224


def measure() -> list[str]:
    lines = []
    for gop in (50, 250):
        lines += _one(str(film(SECONDS, gop)), gop)
    return lines


def _one(path: str, gop: int) -> list[str]:
    wanted = np.sort(np.random.default_rng(5).uniform(0, SECONDS - 1, COUNT)).tolist()
    contestants: dict[str, Callable[[], np.ndarray]] = {
        "at_seconds (ours)": lambda: at_seconds(path, wanted, SIDE).pixels,
        "at_seconds, one thread": lambda: at_seconds(path, wanted, SIDE, threads=1).pixels,
        "decord": lambda: _decord(path, wanted),
        "OpenCV seek": lambda: _opencv(path, wanted),
    }
    if importlib.util.find_spec("torchcodec"):
        contestants["torchcodec approximate"] = lambda: _torchcodec(path, wanted)
    times = side_by_side(contestants)
    ours = times["at_seconds (ours)"]
    peers = {name: t for name, t in times.items() if "at_seconds" not in name}
    best = min(peers, key=lambda name: peers[name].median)
    ratio, low = lead(ours, peers[best])
    lines = [f"4 sparse-decode: {COUNT} seconds of a 10-minute 720p25 film, keyframe every {gop / 25:g} s"]
    lines += [f"    {name}: {t.told()}, {_agreement(ours.result, t.result)}" for name, t in times.items()]
    lines.append(
        f"    LEAD over the best peer ({best}) {ratio:.2f} (95 % above {low:.2f}; target >= 1.3, never under 1)"
    )
    return lines


def _agreement(mine: np.ndarray, theirs: np.ndarray) -> str:
    """How many pictures are the same picture: scalers differ by a few levels, a neighbouring frame by far more."""
    difference = np.abs(mine.astype(np.int16) - theirs.astype(np.int16)).mean(axis=(1, 2, 3))
    return f"{int((difference < 6).sum())} of {len(mine)} pictures as ours"


def _decord(path: str, wanted: list[float]) -> np.ndarray:
    import decord

    reader = decord.VideoReader(path, width=398, height=SIDE, num_threads=2)
    indices = [int(second * 25 + 1e-6) for second in wanted]
    return reader.get_batch(indices).asnumpy().transpose(0, 3, 1, 2)


def _opencv(path: str, wanted: list[float]) -> np.ndarray:
    import cv2

    cv2.setNumThreads(2)
    video = cv2.VideoCapture(path)
    pictures = []
    for second in wanted:
        video.set(cv2.CAP_PROP_POS_FRAMES, int(second * 25 + 1e-6))
        _, picture = video.read()
        pictures.append(cv2.resize(picture, (398, SIDE), interpolation=cv2.INTER_AREA)[:, :, ::-1])
    return np.stack(pictures).transpose(0, 3, 1, 2)


def _torchcodec(path: str, wanted: list[float]) -> np.ndarray:
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    decoder = VideoDecoder(path, seek_mode="approximate", num_ffmpeg_threads=2, transforms=[Resize((SIDE, 398))])
    return decoder.get_frames_played_at(wanted).data.numpy()
