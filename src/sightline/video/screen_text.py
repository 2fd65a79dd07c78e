"""Words that stand on the screen, as lines with the seconds from which and until which they are seen.

From: PP-OCR (Du et al. 2020) through `rapidocr`, whose models lie in its wheel, so it works without a network.
Departures: reading a picture costs most of a second, so only pictures are read in which something that could be text
has changed since the last one read; readings of one text on neighbouring frames are joined, small misreadings forgiven.
That test rather reads too much: it spares slides and still scenes, but of moving foliage or crowds it skips nothing.
Shapes: Frames.pixels [T, 3, H, W] uint8; blocks [H // BLOCK, W // BLOCK].
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from sightline.errors import MissingExtra, SightlineError
from sightline.records import Frames, Line
from sightline.video.plain_text import visible

BLOCK = 16  # pixels: about one character at the sizes that can be read
STROKE = 40.0  # grey levels between neighbours at the edge of a letter; video noise stays below 15
STROKES = 0.04  # share of a block's pixels that are such edges where there is text
CHANGE = 6.0  # mean grey levels by which a block must differ; two codings of a still picture differ by 1 to 3
SURE = 0.5  # readings below this score are noise
LONGEST = 300  # characters of one reading; longer rows do not fit on a screen
FORGIVEN = 5  # one wrong character in so many is a misreading

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sight:
    """One row of text on one frame; `box` x0 y0 x1 y1 in shares of the picture."""

    text: str
    box: Box
    score: float


@dataclass(frozen=True)
class Reading:
    """All text on one frame."""

    second: float
    sights: tuple[Sight, ...]


class ScreenReader(Protocol):
    """Anything that reads words off pictures. `name` becomes the lines' track, `skipped` counts frames not read."""

    name: str
    skipped: int

    def readings(self, frames: Frames) -> list[Reading]:
        """One reading per frame; a following chunk of the same video goes on where this one ended."""
        ...

    def read(self, frames: Frames) -> list[Line]:
        """The lines of these frames: source "screen", with box and score."""
        ...


def open_screen_reader(name: str = "rapidocr") -> ScreenReader:
    if name != "rapidocr":
        raise SightlineError(f"no screen reader is called {name!r}; there is 'rapidocr'")
    return RapidOcr()


class RapidOcr:
    """PP-OCR's small models: Chinese and English. Frames should be 480 pixels high or more."""

    name = "rapidocr"

    def __init__(self) -> None:
        self.engine = _engine()
        self.skipped = 0
        self._last: tuple[str, np.ndarray, Reading] | None = None  # the frame last read: its video, picture and reading

    def read(self, frames: Frames) -> list[Line]:
        return lines_of(self.readings(frames), track=self.name)

    def readings(self, frames: Frames) -> list[Reading]:
        return [self._reading(frames, i) for i in range(len(frames))]

    def _reading(self, frames: Frames, i: int) -> Reading:
        picture, second = np.asarray(frames.pixels[i]), float(frames.seconds[i])
        if self._last:
            video, before, last = self._last
            if video == frames.video and second >= last.second and not text_changed(before, picture):
                self.skipped += 1
                return replace(last, second=second)
        reading = Reading(second, self._sights(picture))
        self._last = (frames.video, picture.copy(), reading)
        return reading

    def _sights(self, picture: np.ndarray) -> tuple[Sight, ...]:
        found = self.engine(np.ascontiguousarray(picture[::-1].transpose(1, 2, 0)))  # [3, H, W] RGB -> [H, W, 3] BGR
        if found.txts is None:
            return ()
        size = np.array([picture.shape[2], picture.shape[1]], np.float64)
        sights = []
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            shown = " ".join(visible(text).split())[:LONGEST]
            if shown and score >= SURE:
                shares = np.clip(np.asarray(corners, np.float64) / size, 0.0, 1.0)  # [4, 2]
                (x0, y0), (x1, y1) = shares.min(axis=0).tolist(), shares.max(axis=0).tolist()
                sights.append(Sight(shown, (x0, y0, x1, y1), float(score)))
        return tuple(sights)


def _engine() -> Any:
    try:
        import onnxruntime  # noqa: F401  rapidocr does not bring it along
        from rapidocr import RapidOCR
    except ImportError as missing:
        raise MissingExtra("reading text on the screen", "ocr") from missing
    return RapidOCR(params={"Global.log_level": "error"})


# --- has the text changed? -------------------------------------------------------------------


def text_changed(before: np.ndarray, now: np.ndarray) -> bool:
    """Whether a block that looks like text, in either picture, differs; smooth motion beside it does not count."""
    if before.shape != now.shape:
        return True
    textish = (_blocks(_strokes(before)) > STROKES) | (_blocks(_strokes(now)) > STROKES)
    difference = np.abs(np.subtract(now, before, dtype=np.int16)).max(axis=0)
    return bool((_blocks(difference)[textish] > CHANGE).any())


def _strokes(picture: np.ndarray) -> np.ndarray:
    """1.0 where some colour steps sharply from a pixel to its right-hand neighbour. [3, H, W] -> [H, W]"""
    steps = np.abs(np.diff(picture.astype(np.int16), axis=2, prepend=picture[:, :, :1])).max(axis=0)
    return (steps > STROKE).astype(np.float32)


def _blocks(values: np.ndarray) -> np.ndarray:
    """Means over blocks; the ragged right and bottom edges are padded with their own values."""
    height, width = values.shape
    padded = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    return padded.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))


# --- from readings to lines ------------------------------------------------------------------


@dataclass
class _Standing:
    """A text that is on the screen now."""

    start: float
    best: Sight
    place: Box  # where it was last

    def seen_again(self, sight: Sight) -> None:
        """Keeps the surer reading; where one begins with the other (words typed out on the screen), the longer."""
        self.place = sight.box
        old, new = self.best.text.casefold(), sight.text.casefold()
        longer = len(new) - len(old) if new.startswith(old) or old.startswith(new) else 0
        if longer > 0 or (longer == 0 and sight.score > self.best.score):
            self.best = sight


def lines_from(reader: ScreenReader, chunks: Iterable[Frames], *, every: float | None = None) -> list[Line]:
    """The words on the screen of one video, whose frames come in chunks in time order; `every` is their usual step."""
    readings = (reading for frames in chunks for reading in reader.readings(frames))
    return lines_of(readings, track=reader.name, cell=every)


def lines_of(readings: Iterable[Reading], *, track: str = "", cell: float | None = None) -> list[Line]:
    """Readings in time order become lines; of several readings of a text, the one with the best score is kept.

    A line ends at the first frame without it, the last ones one `cell` after (by default the usual step of the frames).
    """
    readings = list(readings)
    standing: list[_Standing] = []
    lines: list[Line] = []
    for reading in readings:
        still, gone = _matched(standing, reading)
        lines += [_line(text, reading.second, track) for text in gone]
        standing = still
    if readings:
        step = _usual_step(readings) if cell is None else cell
        lines += [_line(text, readings[-1].second + step, track) for text in standing]
    return sorted(lines, key=lambda line: (line.start, line.box and line.box[1::-1]))


def joined(lines: Iterable[Line]) -> list[Line]:
    """Lines read in separate stretches of one video: one that begins when the same text ends continues it."""
    whole: list[Line] = []
    for line in sorted(lines, key=lambda line: line.start):
        before = next((i for i, b in enumerate(whole) if b.end >= line.start and same_text(b.text, line.text)), None)
        if before is None:
            whole.append(line)
        else:
            better = max(whole[before], line, key=lambda reading: reading.score or 0.0)
            whole[before] = replace(better, start=whole[before].start, end=max(whole[before].end, line.end))
    return whole


def _matched(standing: list[_Standing], reading: Reading) -> tuple[list[_Standing], list[_Standing]]:
    """(on the screen now, gone since). Each sight continues the nearest standing text that says the same."""
    waiting = list(standing)
    still = []
    for sight in reading.sights:
        alike = [text for text in waiting if same_text(text.best.text, sight.text)]  # not the last: it could drift
        if alike:
            text = min(alike, key=lambda text: _apart(text.place, sight.box))
            waiting.remove(text)
            text.seen_again(sight)
            still.append(text)
        else:
            still.append(_Standing(reading.second, sight, sight.box))
    return still, waiting


def _line(text: _Standing, end: float, track: str) -> Line:
    best = text.best
    return Line(text.start, end, best.text, "screen", track, score=best.score, box=best.box)


def _usual_step(readings: list[Reading]) -> float:
    steps = np.diff([reading.second for reading in readings])
    return float(np.median(steps)) if len(steps) else 0.0


def _apart(one: Box, other: Box) -> float:
    return abs(one[0] + one[2] - other[0] - other[2]) + abs(one[1] + one[3] - other[1] - other[3])


def same_text(one: str, other: str) -> bool:
    """Equal but for case and one misread character in FORGIVEN; digits must agree: 1:2 and 1:3 are two scores."""
    one, other = one.casefold(), other.casefold()
    if one == other:
        return True
    allowed = max(len(one), len(other)) // FORGIVEN
    if abs(len(one) - len(other)) > allowed or re.findall(r"\d", one) != re.findall(r"\d", other):
        return False
    return edit_distance(one, other, allowed) <= allowed


def edit_distance(one: str, other: str, most: int) -> int:
    """Levenshtein's distance; any number above `most` where it is larger."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
        if min(row) > most:
            break
    return min(row) if min(row) > most else row[-1]
