"""The videos that are measured on, drawn once into .bench/: 720p, 25 frames a second, H.264, with motion and grain.

A long video is a short one repeated packet by packet with later timestamps, so an hour is made in seconds.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / ".bench"
RATE, LOOP = 25, 20  # frames a second; seconds of drawn material


def film(seconds: int, gop: int = 50, preset: str = "veryfast", bitrate: int = 3_000_000) -> Path:
    """A film of that length; drawn material of 20 s, repeated."""
    path = FOLDER / f"film-{seconds}s-gop{gop}.mp4"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        _repeat(_drawn(gop, preset, bitrate), path, seconds)
    return path


def _drawn(gop: int, preset: str, bitrate: int) -> Path:
    import av

    path = FOLDER / f"drawn-gop{gop}.mp4"
    if path.exists():
        return path
    random = np.random.default_rng(3)
    scenes = [_scene(random) for _ in range(2)]  # shots of ten seconds
    grain = random.integers(-6, 7, (8, 720, 1280, 1), dtype=np.int16)
    with av.open(str(path), "w") as container:
        options = {"preset": preset, "g": str(gop), "keyint_min": str(gop), "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1280, 720, "yuv420p", bitrate
        for i in range(RATE * LOOP):
            scene = np.roll(scenes[i * len(scenes) // (RATE * LOOP)], (i, i * 3), (0, 1))
            picture = np.clip(scene + grain[i % len(grain)], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def _scene(random: np.random.Generator) -> np.ndarray:
    """Soft blobs of colour at several scales: some detail everywhere, as film has."""
    picture = np.zeros((720, 1280, 3), np.float32)
    for size in (8, 24, 72, 360):
        coarse = random.random((720 // size + 2, 1280 // size + 2, 3), dtype=np.float32)
        picture += np.kron(coarse, np.ones((size, size, 1), np.float32))[:720, :1280] * np.sqrt(size)
    return (picture / picture.max() * 255).astype(np.int16)


def _repeat(source: Path, path: Path, seconds: int) -> None:
    import av

    with av.open(str(path), "w") as out:
        stream = None
        for turn in range(-(-seconds // LOOP)):
            with av.open(str(source)) as container:
                original = container.streams.video[0]
                stream = stream or out.add_stream_from_template(original)
                shift = int(turn * LOOP / Fraction(original.time_base))
                for packet in container.demux(original):
                    if packet.dts is None or packet.pts * packet.time_base + turn * LOOP >= seconds:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    out.mux(packet)
