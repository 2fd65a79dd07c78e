"""The records that travel between the stations: what a frame becomes on its way to an answer.

They hold arrays of either kind (numpy in the base install, torch in the lab) and import neither.
Masks are bool, True = valid. Lengths that disagree are refused, with both printed.

The alphabet: B batch, T frames seen, K frames chosen, N tokens per frame, M tokens handed to the
language model, L words, D visual width, E shared (text-picture) width, W the language model's width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sightline.errors import BadRecord

Array = Any  # numpy.ndarray or torch.Tensor; both have .shape


def _shape(name: str, array: Array, rank: int) -> tuple[int, ...]:
    shape = tuple(int(n) for n in array.shape)
    if len(shape) != rank:
        raise BadRecord(f"{name} needs {rank} dimensions, has shape {shape}")
    return shape


def _agree(what: str, left: object, right: object) -> None:
    if left != right:
        raise BadRecord(f"{what} disagree: {left} against {right}")


@dataclass(frozen=True)
class Frames:
    """Pictures with their seconds. A still is T = 1; seconds are the decoder's timestamps.

    Shapes: pixels [T, 3, H, W] uint8 (RGB, upright, square pixels), seconds [T] float64 ascending.
    """

    pixels: Array
    seconds: Array
    video: str = ""
    duration: float = 0.0

    def __post_init__(self) -> None:
        shape = _shape("Frames.pixels", self.pixels, 4)
        if shape[1] != 3:
            raise BadRecord(f"Frames.pixels needs 3 colours at position 1, has shape {shape}")
        _agree("Frames.pixels and Frames.seconds", shape[0], _shape("Frames.seconds", self.seconds, 1)[0])

    def __len__(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True)
class Seen:
    """What an encoder saw. The CLS token is never hidden inside tokens.

    Shapes: vectors [B, T, E] (unit length), seconds [B, T], mask [B, T], tokens [B, T, N, D], cls [B, T, D],
    grid (rows, columns) with rows x columns = N.
    """

    vectors: Array
    seconds: Array
    mask: Array
    tokens: Array | None = None
    cls: Array | None = None
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        batch_time = _shape("Seen.vectors", self.vectors, 3)[:2]
        _agree("Seen.vectors and Seen.seconds", batch_time, _shape("Seen.seconds", self.seconds, 2))
        _agree("Seen.vectors and Seen.mask", batch_time, _shape("Seen.mask", self.mask, 2))
        if self.cls is not None:
            _agree("Seen.vectors and Seen.cls", batch_time, _shape("Seen.cls", self.cls, 3)[:2])
        if self.tokens is not None:
            shape = _shape("Seen.tokens", self.tokens, 4)
            _agree("Seen.vectors and Seen.tokens", batch_time, shape[:2])
            if self.grid is not None:
                _agree("Seen.grid and the number of tokens", self.grid[0] * self.grid[1], shape[2])


@dataclass(frozen=True)
class Words:
    """Read text. A row of zeros in `vector` means: these words say nothing this encoder can see.

    Shapes: vector [B, E] (unit length or zero), ids [B, L], mask [B, L], tokens [B, L, D].
    """

    vector: Array
    ids: Array | None = None
    mask: Array | None = None
    tokens: Array | None = None

    def __post_init__(self) -> None:
        batch = _shape("Words.vector", self.vector, 2)[0]
        lengths: tuple[int, ...] | None = None
        for name, array, rank in (("ids", self.ids, 2), ("mask", self.mask, 2), ("tokens", self.tokens, 3)):
            if array is None:
                continue
            shape = _shape(f"Words.{name}", array, rank)
            _agree(f"Words.vector and Words.{name}", batch, shape[0])
            lengths = lengths or shape[:2]
            _agree(f"the lengths of Words.{name} and its neighbours", lengths, shape[:2])


@dataclass(frozen=True)
class Choice:
    """Which frames were chosen. Applying it is always one einsum: hard and soft choices are interchangeable.

    Shapes: weight [B, K, T] (rows sum to 1, one-hot when reading), index [B, K] in time order, scores [B, T].
    """

    weight: Array
    index: Array
    scores: Array
    extras: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        batch, chosen, seen = _shape("Choice.weight", self.weight, 3)
        _agree("Choice.weight and Choice.index", (batch, chosen), _shape("Choice.index", self.index, 2))
        _agree("Choice.weight and Choice.scores", (batch, seen), _shape("Choice.scores", self.scores, 2))


@dataclass(frozen=True)
class Prefix:
    """Visual tokens in the language model's width; the span lets any answer cite times.

    Shapes: embeddings [B, M, W], mask [B, M], span [B, M, 2] seconds.
    """

    embeddings: Array
    mask: Array
    span: Array

    def __post_init__(self) -> None:
        batch, tokens, _ = _shape("Prefix.embeddings", self.embeddings, 3)
        _agree("Prefix.embeddings and Prefix.mask", (batch, tokens), _shape("Prefix.mask", self.mask, 2))
        _agree("Prefix.embeddings and Prefix.span", (batch, tokens, 2), _shape("Prefix.span", self.span, 3))


@dataclass(frozen=True)
class Line:
    """A piece of text with its time: a subtitle, a spoken sentence, words read off the screen."""

    start: float
    end: float
    text: str
    source: str = "speech"  # "speech" (subtitles and recognised speech) or "screen"
    track: str = ""  # where it came from: a sidecar's name, "stream 2", "whisper small", "ocr"
    language: str = ""
    score: float | None = None
    box: tuple[float, float, float, float] | None = None  # x0 y0 x1 y1 in shares of the picture, screen text only

    def __post_init__(self) -> None:
        if not self.end >= self.start:
            raise BadRecord(f"Line ends before it starts: {self.start} to {self.end} ({self.text[:40]!r})")
        if self.source not in ("speech", "screen"):
            raise BadRecord(f"Line.source is 'speech' or 'screen', not {self.source!r}")


@dataclass(frozen=True)
class Shot:
    """A stretch without a cut. `thumbnail` is a small JPEG of its middle."""

    start: float
    end: float
    thumbnail: bytes = b""
    thumbnail_second: float = 0.0

    def __post_init__(self) -> None:
        if not self.end >= self.start:
            raise BadRecord(f"Shot ends before it starts: {self.start} to {self.end}")


@dataclass(frozen=True)
class Moment:
    """A stretch of a video that answers a query, with what speaks for it."""

    video: str
    start: float
    end: float
    score: float
    confidence: float
    sources: dict[str, float] = field(default_factory=dict)  # picture, speech, screen -> that source's own score
    thumbnail: float = 0.0  # the second whose picture stands for the moment
    text: str = ""  # the words that matched, where words matched

    def __post_init__(self) -> None:
        if not self.end >= self.start:
            raise BadRecord(f"Moment ends before it starts: {self.start} to {self.end} in {self.video}")


@dataclass(frozen=True)
class Exhibit:
    """One piece of evidence handed to a reader, numbered from 1 in the order of time; words are data, never orders.

    Shapes: pixels [3, H, W] uint8 (pictures only).
    """

    number: int
    video: str
    start: float
    end: float
    source: str  # "picture", "speech" or "screen"
    second: float  # of the frame, as the decoder gave it; the start of a line
    text: str = ""  # the words of speech and screen
    score: float = 0.0  # how well it fits the question, by the search that found it
    pixels: Array | None = None

    def __post_init__(self) -> None:
        if self.source not in ("picture", "speech", "screen"):
            raise BadRecord(f"Exhibit.source is 'picture', 'speech' or 'screen', not {self.source!r}")
        if not self.end >= self.start:
            raise BadRecord(f"Exhibit {self.number} ends before it starts: {self.start} to {self.end}")


@dataclass(frozen=True)
class Reading:
    """What a reader made of the exhibits: its words, the numbers of those they rest on, and how sure it is (0 to 1)."""

    text: str
    cited: list[int]
    confidence: float
    abstained: bool = False
    notes: dict[str, Any] = field(default_factory=dict)  # for the trace: model, tokens in and out, scores by option


@dataclass(frozen=True)
class Step:
    """One station's entry in `Answer.trace`."""

    station: str
    part: str
    shape_in: str
    shape_out: str
    milliseconds: float
    kept: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer, the moments it stands on, and how it was reached."""

    text: str
    moments: list[Moment]
    confidence: float
    abstained: bool
    trace: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Tag:
    """A label of the user's own library on a video, with the stretches it holds for."""

    label: str
    score: float
    threshold: float
    spans: list[tuple[float, float]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
