"""Cuts a stretch out of a video into a file of its own.

Exactly (pictures and sound encoded anew, so it begins and ends where asked) or losslessly (packets copied, so it begins
on the keyframe before). The file appears under its name only when it is complete.

From: libx264 and AAC, through PyAV.
Departures: the first sound track comes along, further ones and subtitles do not; exact clips are 8 bits deep.
"""

from __future__ import annotations

import heapq
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sightline.errors import BadQuery, ExportError, NoFrames
from sightline.video.facts import LIMITS, Limits
from sightline.video.faults import reading, reason, shown
from sightline.video.open import facts, opened
from sightline.video.reel import Reel, Sight
from sightline.video.upright import display_matrix

if TYPE_CHECKING:
    import av

QUALITY = {"crf": "18", "preset": "veryfast"}  # hardly to be told from the source
FRAME_DURATION = 1 << 8  # AV_CODEC_FLAG_FRAME_DURATION: the encoder hands on how long each frame is shown
LEAD = 0.5  # seconds of sound read before the start, for codecs that need a run-up


def cut_clip(
    path: str | os.PathLike[str],
    start: float,
    end: float,
    out: str | os.PathLike[str],
    exact: bool = True,
    *,
    limits: Limits = LIMITS,
) -> Path:
    """Writes [start, end) of a video to `out`, whose ending chooses the format, and returns that path."""
    if not end > start:
        raise BadQuery(f"a clip must end after it starts; it was asked from {start} to {end}")
    target = Path(os.path.abspath(out))
    known = facts(path, limits)
    if target.exists() and os.path.samefile(path, target):
        raise ExportError(f"the clip would replace its own source {shown(path)}; choose another name")
    if end <= known.first or (known.duration and start >= known.first + known.duration):
        raise BadQuery(f"{shown(path)} shows nothing between {start} and {end} s, so there is no clip to cut")
    with written_whole(target) as partial, reading(path), Reel(path, limits) as reel:
        write = write_exact if exact else write_copied
        with output(partial, target) as container:
            write(reel, container, start, end)
    return target


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A name beside the target, which takes the target's place when the block ends well and vanishes otherwise."""
    partial = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.part{target.suffix}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def output(partial: Path, target: Path) -> Iterator[av.container.OutputContainer]:
    """The container to write to; what goes wrong in writing is told as an ExportError."""
    import av

    try:
        with av.open(f"file:{partial}", "w") as container:
            yield container
    except (av.FFmpegError, OSError, ValueError) as fault:
        raise ExportError(
            f"cannot write {shown(target)}: {reason(fault)}; try a name that ends in .mp4 or .mkv"
        ) from fault


def write_exact(reel: Reel, container: av.container.OutputContainer, start: float, end: float) -> None:
    sights = shown_from(reel, start, end)
    first = next(sights, None)
    if first is None:
        raise NoFrames(f"{shown(reel.path)} holds no frame that can be decoded between {start} and {end} s")
    picture_out = picture_track(reel, container, first)
    with opened(reel.path, reel.limits) as source:
        tracks = [encoded_pictures(reel, picture_out, chain([first], sights), start, end)]
        if sound := next(iter(source.streams.audio), None):
            track = container.add_stream("aac", rate=sound.rate, layout=sound.layout.name)
            tracks.append(encoded_sound(source, sound, track, start, end))
        mux_in_order(container, tracks)


def shown_from(reel: Reel, start: float, end: float) -> Iterator[Sight]:
    """The frame shown at `start`, then every frame up to `end`."""
    held: Sight | None = None
    for sight in reel.frames_from(start):
        if sight.second >= end:
            break
        if held is not None and sight.second > start:
            yield held
        held = sight
    if held is not None:
        yield held


def picture_track(reel: Reel, container: av.container.OutputContainer, first: Sight) -> av.VideoStream:
    """An H.264 track that will be shown as the source is: same clock, same turn, same pixel shape."""
    track = container.add_stream("libx264", options=QUALITY)
    track.width, track.height = first.frame.width // 2 * 2 or 2, first.frame.height // 2 * 2 or 2
    track.pix_fmt = "yuv420p"
    track.codec_context.time_base = reel.clock
    track.codec_context.flags |= FRAME_DURATION
    if reel.stream.sample_aspect_ratio:
        track.codec_context.sample_aspect_ratio = reel.stream.sample_aspect_ratio
    if matrix := display_matrix(first.frame):
        track.set_display_matrix(matrix)
    return track


def encoded_pictures(
    reel: Reel, track: av.VideoStream, sights: Iterator[Sight], start: float, end: float
) -> Iterator[av.Packet]:
    """Each frame is shown until the next one, the last one until `end`."""
    zero = reel.ticks(start)
    for sight, following in pairwise(chain(sights, [None])):
        assert sight is not None
        frame = sight.frame.reformat(track.width, track.height, "yuv420p", threads=1)
        begin = max(zero, sight.ticks)
        until = reel.ticks(end) if following is None else following.ticks
        frame.pts, frame.duration, frame.time_base = begin - zero, until - begin, reel.clock
        frame.pict_type = 0  # the encoder chooses its own keyframes
        yield from track.encode(frame)
    yield from track.encode(None)


def encoded_sound(
    source: av.container.InputContainer, sound: av.AudioStream, track: av.AudioStream, start: float, end: float
) -> Iterator[av.Packet]:
    """The sound of [start, end), cut at the sample."""
    import av

    graph = trimmer(sound, start, end)
    clock = clock_of(sound)
    source.seek(max(0, round((start - LEAD) / clock)), stream=sound)
    for packet in source.demux(sound):
        if packet.pts is not None and packet.pts * clock >= end:
            break
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:  # a damaged piece of sound leaves a gap
            continue
        for frame in frames:
            graph.push(frame)
            yield from encoded_pending(graph, track)
    graph.push(None)
    yield from encoded_pending(graph, track)
    yield from track.encode(None)


def encoded_pending(graph: av.filter.Graph, track: av.AudioStream) -> Iterator[av.Packet]:
    import av

    while True:
        try:
            frame = cast("av.AudioFrame", graph.pull())
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield from track.encode(frame)


def clock_of(sound: av.AudioStream) -> Fraction:
    """Seconds per tick."""
    return sound.time_base or Fraction(1, sound.rate)


def trimmer(sound: av.AudioStream, start: float, end: float) -> av.filter.Graph:
    import av.filter

    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_abuffer(template=sound),
        graph.add("atrim", f"start={start}:end={end}"),
        graph.add("asetpts", f"PTS-{start}/TB"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def write_copied(reel: Reel, container: av.container.OutputContainer, start: float, end: float) -> None:
    with opened(reel.path, reel.limits) as source:
        picture_out = container.add_stream_from_template(reel.stream)
        packets = reel.packets_from(start)
        key = next(packets, None)
        if key is None or key.pts is None or reel.second(key.pts) >= end:
            raise NoFrames(
                f"{shown(reel.path)} has no keyframe before {end} s to begin a copy on; cut it exactly instead"
            )
        begin = reel.second(key.pts)
        tracks = [copied(chain([key], packets), picture_out, reel.clock, begin, end)]
        if sound := next(iter(source.streams.audio), None):
            source.seek(max(0, round((begin - LEAD) / clock_of(sound))), stream=sound)
            track = container.add_stream_from_template(sound)
            tracks.append(copied(source.demux(sound), track, clock_of(sound), begin, end))
        mux_in_order(container, tracks)


def copied(
    packets: Iterable[av.Packet | None], track: av.stream.Stream, time_base: Fraction, begin: float, end: float
) -> Iterator[av.Packet]:
    """The packets shown in [begin, end), and later ones that these need, on a clock that begins at `begin`."""
    zero, stop = round(begin / time_base), end / time_base
    for packet in packets:
        if packet is None or packet.pts is None or packet.dts is None:
            continue
        if packet.dts >= stop:
            return
        if packet.pts >= zero:
            packet.pts, packet.dts, packet.stream = packet.pts - zero, packet.dts - zero, track
            yield packet


def mux_in_order(container: av.container.OutputContainer, tracks: list[Iterator[av.Packet]]) -> None:
    """Writes the tracks side by side in time, so that a player need not jump."""
    for packet in heapq.merge(*tracks, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
        container.mux(packet)
