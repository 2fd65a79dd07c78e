"""A script as a real mp4 (h264 and aac), with its spoken lines as English and Chinese subtitle files beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sightline.data.storybook.draw import Size, picture
from sightline.data.storybook.script import Script
from sightline.data.storybook.sound import RATE, samples
from sightline.data.storybook.truth import spoken
from sightline.errors import BadQuery
from sightline.records import Line

LANGUAGES = ("en", "zh")


def _clock(second: float) -> str:
    milliseconds = round(second * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d},{rest % 1000:03d}"


def srt(lines: Sequence[Line]) -> str:
    return "\n".join(
        f"{k}\n{_clock(line.start)} --> {_clock(line.end)}\n{line.text}\n" for k, line in enumerate(lines, start=1)
    )


def _sound(stream: Any, script: Script) -> Iterator[tuple[float, list[Any]]]:
    """The encoded sound, frame by frame, each with its second; the encoder's last packets come at the end."""
    import av

    stream.codec_context.open()
    size, track = stream.codec_context.frame_size, samples(script)
    for start in range(0, len(track), size):
        part = np.ascontiguousarray(track[None, start : start + size])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield start / RATE, stream.encode(frame)
    yield script.seconds, stream.encode(None)


def video(
    script: Script,
    path: str | Path,
    size: Size = (640, 360),
    rate: int = 12,
    *,
    sound: bool = True,
    subtitles: bool = True,
) -> Path:
    """Writes the mp4 and NAME.en.srt, NAME.zh.srt beside it; the frame at k / rate is the script's picture there."""
    import av

    path = Path(path)
    width, height = (size, size) if isinstance(size, int) else size
    if width % 2 or height % 2:
        raise BadQuery(f"h264 needs an even width and height, not {width}x{height}")
    with av.open(os.fspath(path), "w", format="mp4") as container:
        pictures = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        pictures.codec_context.thread_count = 1  # the same bytes on every number of cores
        tones = container.add_stream("aac", rate=RATE, layout="mono") if sound else None
        heard = _sound(tones, script) if tones is not None else iter(())
        for k in range(int(round(script.seconds * rate))):
            frame = av.VideoFrame.from_image(picture(script, k / rate, (width, height)))
            frame.pts, frame.time_base = k, Fraction(1, rate)
            container.mux(pictures.encode(frame))
            for second, packets in heard:  # keep sound and picture side by side in the file
                container.mux(packets)
                if second > k / rate:
                    break
        container.mux(pictures.encode(None))
        for _, packets in heard:
            container.mux(packets)
    if subtitles and script.speech:
        for language in LANGUAGES:
            path.with_suffix(f".{language}.srt").write_text(srt(spoken(script, language)), encoding="utf-8")
    return path
