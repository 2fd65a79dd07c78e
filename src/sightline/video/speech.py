"""What is said in a video, as lines with seconds, by a speech recogniser that is an optional part.

From: Whisper (Radford et al. 2022) in the CTranslate2 port `faster-whisper`, with its Silero voice detection.
Departures: sound is decoded here, through the same guarded opening as pictures, and heard in pieces of ten minutes that
are cut where it is quietest, so memory does not grow with the video; every piece is placed by the sound's own
timestamps, so a late start or a hole in the sound moves no line. One piece does not prompt the next: a repeated phrase
cannot spread.
Shapes: samples [n] float32 in -1..1, mono, RATE per second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sightline.errors import MissingExtra, SightlineError
from sightline.records import Line
from sightline.video.open import opened, stated_duration
from sightline.video.plain_text import visible

RATE = 16_000  # samples per second that Whisper was trained on
PIECE = 600.0  # seconds heard at once: 38 MB of samples
TAIL = 30.0  # the end of a piece in which the quietest place is looked for
HUSH = 0.5  # seconds of quiet that a cut needs
HOLE = 0.2  # a larger step between timestamps is silence, not jitter

Progress = Callable[[float, float], None]  # seconds done, seconds in all (0.0 where the file does not say)


class Listener(Protocol):
    """Anything that hears words in a file. `name` becomes the lines' track."""

    name: str

    def listen(self, path: Path, *, progress: Progress | None = None, start: float = 0.0) -> Iterator[Line]:
        """The spoken lines from the second `start` on, in time order, each as soon as it is known."""
        ...


def open_listener(name: str = "whisper:small", language: str | None = None) -> Listener:
    """'whisper:SIZE', 'whisper:OWNER/MODEL' (fetched once from the Hugging Face hub) or 'whisper:FOLDER'."""
    kind, _, model = name.partition(":")
    if kind != "whisper":
        raise SightlineError(f"no listener is called {name!r}; there is 'whisper:SIZE', for instance 'whisper:small'")
    return Whisper(model or "small", language)


class Whisper:
    """faster-whisper on the processor, 8-bit weights."""

    def __init__(self, model: str, language: str | None = None) -> None:
        self.name = f"whisper {Path(model).name}"
        self.model = _loaded(model)
        self.language = _known_language(language, self.model.supported_languages)

    def listen(self, path: Path, *, progress: Progress | None = None, start: float = 0.0) -> Iterator[Line]:
        for sound in sounds(path, start):
            for line in self._lines(sound):
                if progress:
                    progress(line.end, sound.total)
                yield line
            if progress:
                progress(sound.second + len(sound.samples) / RATE, sound.total)

    def _lines(self, sound: Sound) -> Iterator[Line]:
        segments, found = self.model.transcribe(
            sound.samples,
            language=self.language,
            vad_filter=True,
            word_timestamps=True,  # a sentence then begins at its first word, not at the recogniser's window
            condition_on_previous_text=False,
        )
        if not found.duration_after_vad:
            return  # nobody speaks; Whisper would invent something
        for segment in segments:
            text = " ".join(visible(segment.text).split())
            if text:
                words = segment.words or [segment]
                start, end = (sound.second + float(at) for at in (words[0].start, words[-1].end))
                score = math.exp(min(0.0, segment.avg_logprob))
                yield Line(start, max(start, end), text, "speech", self.name, found.language, score)


def _loaded(model: str) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as missing:
        raise MissingExtra("hearing speech", "speech") from missing
    folder = Path(model)
    if folder.is_dir():
        absent = [part for part in ("model.bin", "tokenizer.json") if not (folder / part).is_file()]
        if absent:
            raise SightlineError(f"{folder} is no faster-whisper model: {' and '.join(absent)} not in it")
    try:
        return WhisperModel(model, device="cpu", compute_type="int8")
    except ValueError as unknown:
        raise SightlineError(f"no speech model is called {model!r}: {unknown}") from unknown
    except OSError as unreachable:
        raise SightlineError(
            f"the speech model {model!r} is not on this computer and could not be fetched; connect to the internet "
            "once, or copy a faster-whisper model folder here and name it: whisper:FOLDER"
        ) from unreachable
    except RuntimeError as broken:
        raise SightlineError(f"the speech model {model!r} cannot be opened: {broken}; fetch it again") from broken


def _known_language(language: str | None, known: list[str]) -> str | None:
    if language is None:
        return None
    code = language.replace("_", "-").split("-")[0].lower()
    if code not in known:
        raise SightlineError(f"this speech model does not know the language {language!r}; it knows {' '.join(known)}")
    return code


# --- sound -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sound:
    """A piece of a file's sound. `second` is the time of its first sample, `total` the length the file states."""

    second: float
    samples: np.ndarray
    total: float


def sounds(path: Path, start: float = 0.0) -> Iterator[Sound]:
    """The sound of a file in pieces of at most PIECE seconds; none where it has none. Broken packets are silence."""
    with opened(path) as container:
        stream = container.streams.best("audio")
        if stream is None or stream.codec_context is None:
            return
        total = stated_duration(container, stream)
        if start > 0:
            container.seek(int(start / (stream.time_base or 1)), stream=stream)
        for second, samples in _pieces(_decoded(container, stream), start):
            yield Sound(second, samples, total)


def _decoded(container: Any, stream: Any) -> Iterator[tuple[float, np.ndarray]]:
    """(second, samples) of each decoded frame, mono at RATE."""
    import av

    resampler, shape = None, None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):  # may change in the middle of a file
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            second = frame.time
            heard = [part.to_ndarray()[0] for part in resampler.resample(frame)] if resampler else []
            if heard and second is not None:
                yield second, np.concatenate(heard)


def _pieces(frames: Iterator[tuple[float, np.ndarray]], start: float) -> Iterator[tuple[float, np.ndarray]]:
    """Frames joined into pieces; a hole in time becomes silence, or ends the piece where it would not fit into it."""
    whole = int(PIECE * RATE)
    held: list[np.ndarray] = []
    second, length = 0.0, 0
    for at, samples in frames:
        if at + len(samples) / RATE <= start:
            continue
        hole = round((at - second) * RATE) - length
        if held and length + max(hole, 0) > whole:
            yield second, np.concatenate(held)
            held = []
        if not held:
            second, length = at, 0
        elif hole > HOLE * RATE:
            held.append(np.zeros(hole, np.float32))
            length += hole
        held.append(samples)
        length += len(samples)
        if length >= whole:
            joined = np.concatenate(held)
            cut = quietest(joined)
            yield second, joined[:cut]
            held, second, length = [joined[cut:]], second + cut / RATE, length - cut
    if held:
        yield second, np.concatenate(held)


def quietest(samples: np.ndarray) -> int:
    """Where to cut a piece: the middle of the quietest HUSH in its last TAIL seconds."""
    window = int(HUSH * RATE)
    windows = min(int(TAIL / HUSH), len(samples) // window)
    if windows == 0:
        return len(samples)
    first = len(samples) - windows * window
    loudness = np.square(samples[first:].reshape(windows, window)).mean(axis=1)
    return first + int(loudness.argmin()) * window + window // 2
