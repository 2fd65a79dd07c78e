"""What is known of a media file before it is watched, and how much of one Sightline is willing to watch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on one file. They hold against what the decoder gives, never against what a header promises."""

    pixels: int = 36_000_000  # coded width x height; 8K (33 million) passes, a 198 kB bomb of 67 million does not
    still_pixels: int = 120_000_000  # a photograph is one picture in memory, not a queue of reference frames
    seconds: float = 48 * 3600  # a frame this far behind the first frame ends the watch
    frames: int = 200_000  # frames kept in one pass: 48 h at one a second, with room


LIMITS = Limits()


@dataclass(frozen=True)
class TextTrack:
    """A subtitle track inside a container."""

    stream: int
    codec: str
    language: str
    title: str


@dataclass(frozen=True)
class Facts:
    """What the file says of itself, checked against its first frame where there is one.

    `width` and `height` are what a viewer sees (upright, square pixels). `rotation` is how many degrees
    clockwise the coded picture is turned for that. A `duration` or `frame_rate` of 0.0 is not stated.
    """

    path: str
    kind: str  # "video" | "still" | "animation" | "audio"
    container: str
    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    first: float
    duration: float
    frame_rate: float  # for display only, never for arithmetic
    audio_tracks: int
    text_tracks: tuple[TextTrack, ...]
