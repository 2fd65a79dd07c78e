"""Opens a media file safely and says what is in it.

A file is opened by its path, under a whitelist of protocols and one of container formats. Playlists (HLS, DASH,
concat, SDP) and device or pattern inputs are never among them, so a file cannot make FFmpeg read another file or
reach a network, whatever its name or its contents say.

From: FFmpeg's demuxers, through PyAV.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sightline.errors import MediaError, NoFrames, NoVideoStream, TooLarge
from sightline.video.facts import LIMITS, Facts, Limits, TextTrack
from sightline.video.faults import ordinary_file, reading, shown
from sightline.video.upright import Orientation, upright_size

if TYPE_CHECKING:
    import av

__all__ = ["Facts", "Limits", "TextTrack", "decoder", "facts", "opened", "picture_stream"]

# Containers of real media: each holds its own samples and names no other file.
VIDEO_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,kux,asf,asf_o,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,"
    "vvc,av1,obu,vc1,vc1test,ivf,ogg,nut,rm,wtv,mxf,gxf,dv,dhav,swf,yuv4mpegpipe,nsv,nuv,pva,bink,smk,roq,dirac,cavsvideo,"
    "mjpeg,mpjpeg,film_cpk,ipmovie,4xm,ty,lmlm4,mlv"
)
AUDIO_FORMATS = "mp3,flac,wav,w64,aac,ac3,eac3,aiff,au,amr,ape,wv,tta,caf,dts,oma,mpc,mpc8,truehd,voc"


@contextmanager
def opened(path: str | os.PathLike[str], limits: Limits = LIMITS) -> Iterator[av.container.InputContainer]:
    """The opened container."""
    import av

    found = ordinary_file(path)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": f"{VIDEO_FORMATS},{AUDIO_FORMATS}",
        "max_pixels": str(limits.pixels),  # holds while FFmpeg looks for stream parameters
    }
    # "file:" makes every character of a name a character: colons, percent signs, a leading dash.
    with reading(found):
        container = av.open(f"file:{found}", options=options, metadata_errors="replace")
    with container:
        yield container


def picture_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The video stream that a player would show: never the cover picture of a song."""
    pictures = [stream for stream in container.streams.video if not is_cover(stream)]
    name = shown(container.name.removeprefix("file:"))
    if not pictures:
        sounds = len(container.streams.audio)
        found = f"audio only ({sounds} track{'s' * (sounds > 1)})" if sounds else "neither pictures nor sound"
        raise NoVideoStream(f"{name} has {found}; there is nothing to watch in it")
    best = container.streams.best("video")
    chosen = next((stream for stream in pictures if best is not None and stream.index == best.index), pictures[0])
    if chosen.codec_context is None:
        raise MediaError(f"{name} has pictures in a codec that this FFmpeg does not decode")
    return chosen


def is_cover(stream: av.VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def decoder(stream: av.VideoStream, limits: Limits, *, draft: bool = False) -> av.VideoCodecContext:
    """The stream's decoder, set up before its first frame: one thread, no picture above the limit."""
    codec = stream.codec_context
    refuse_large(stream, limits)
    codec.thread_count, codec.thread_type = 1, "NONE"  # threads cost 17 % more work; processes are the better split
    codec.options = {"max_pixels": str(limits.pixels)} | ({"skip_loop_filter": "all"} if draft else {})
    return codec


def refuse_large(stream: av.VideoStream, limits: Limits) -> None:
    """Raises TooLarge from the header alone, before anything is decoded."""
    codec = stream.codec_context
    width, height = max(codec.width, codec.coded_width), max(codec.height, codec.coded_height)
    if width * height > limits.pixels:
        name = shown(stream.container.name.removeprefix("file:"))
        raise TooLarge(
            f"{name} is {width} x {height} = {width * height:,} pixels, more than the limit {limits.pixels:,}"
        )


def facts(path: str | os.PathLike[str], limits: Limits = LIMITS) -> Facts:
    """What a file is and holds. Its kind is told by its content, never by its extension.

    Raises NotMedia, NoVideoStream, NoFrames, TooLarge, FileVanished.
    """
    from sightline.video.still import is_picture, picture_facts

    found = ordinary_file(path)
    if is_picture(found):
        return picture_facts(found, limits)
    with opened(found, limits) as container, reading(found):
        if container.streams.audio and all(is_cover(stream) for stream in container.streams.video):
            return audio_facts(container, str(path))
        return video_facts(container, str(path), limits)


def audio_facts(container: av.container.InputContainer, path: str) -> Facts:
    sound = container.streams.audio[0]
    return Facts(
        path=path,
        kind="audio",
        container=container.format.name,
        codec=codec_name(sound),
        width=0,
        height=0,
        coded_width=0,
        coded_height=0,
        rotation=0,
        first=float((sound.start_time or 0) * (sound.time_base or 0)),
        duration=stated_duration(container, sound),
        frame_rate=0.0,
        audio_tracks=len(container.streams.audio),
        text_tracks=text_tracks(container),
    )


def video_facts(container: av.container.InputContainer, path: str, limits: Limits) -> Facts:
    stream = picture_stream(container)
    decoder(stream, limits)
    frame = first_frame(container, stream)
    if frame.time is None:
        raise without_clock(path, codec_name(stream))
    orientation = Orientation.of(frame)
    width, height = upright_size(frame.width, frame.height, stream.sample_aspect_ratio, orientation)
    return Facts(
        path=path,
        kind="video",
        container=container.format.name,
        codec=codec_name(stream),
        width=width,
        height=height,
        coded_width=frame.width,
        coded_height=frame.height,
        rotation=orientation.clockwise,
        first=frame.time,
        duration=stated_duration(container, stream),
        frame_rate=float(stream.average_rate or 0.0),
        audio_tracks=len(container.streams.audio),
        text_tracks=text_tracks(container),
    )


def without_clock(path: str | os.PathLike[str], codec: str) -> MediaError:
    return MediaError(
        f"{shown(path)} is a bare {codec} stream without timestamps, so nothing in it has a time; "
        "put it into a container first: ffmpeg -i FILE -c copy FILE.mp4"
    )


def first_frame(container: av.container.InputContainer, stream: av.VideoStream) -> av.VideoFrame:
    """The first picture that can be decoded; packets that cannot are passed over."""
    import av

    faults = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            faults += 1
            continue
        if frames:
            return frames[0]
    name = shown(container.name.removeprefix("file:"))
    raise NoFrames(f"{name} holds no picture that can be decoded ({faults} packets were damaged)")


def stated_duration(container: av.container.InputContainer, stream: av.stream.Stream) -> float:
    """Seconds as the file states them; 0.0 where it does not."""
    if stream.time_base and stream.duration and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    return max(0.0, (container.duration or 0) / 1_000_000)  # the container counts in microseconds


def codec_name(stream: av.stream.Stream) -> str:
    codec = stream.codec_context
    return codec.codec.canonical_name if codec is not None else ""


def text_tracks(container: av.container.InputContainer) -> tuple[TextTrack, ...]:
    return tuple(
        TextTrack(
            stream=stream.index,
            codec=codec_name(stream),
            language=stream.metadata.get("language", ""),
            title=stream.metadata.get("title", ""),
        )
        for stream in container.streams.subtitles
    )
