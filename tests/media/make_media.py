"""Draws small test media with PyAV: any codec, clock, turn or flaw a test needs, the same bytes of picture each time.

`video` draws nearly everything; the other functions draw what it cannot. Times are kept in a clock of 90,000 ticks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

CLOCK = 90_000
SMALL = (160, 96)  # width, height
OLD = ("mpeg4", "mpeg2video")  # codecs whose clock ticks once a frame

Paint = Callable[[int, float, tuple[int, int]], np.ndarray]  # frame number, second, size -> [H, W, 3] uint8


# --- pictures ----------------------------------------------------------------------------------


def scene(number: int, second: float, size: tuple[int, int] = SMALL) -> np.ndarray:
    """A colourful picture that differs strongly from that of every neighbouring number, with a drifting square."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    turn = number * 2.399963  # the golden angle: directions never repeat
    stripes = ((x * math.cos(turn) + y * math.sin(turn)) / (width / (3 + number % 4))) % 1 < 0.5
    dark, light = (np.random.default_rng(1000 + number).integers(0, 256, (2, 3))).tolist()
    dark = [c // 3 + (60 if number % 2 else 0) for c in dark]
    light = [c // 2 + (125 if number % 2 else 60) for c in light]
    picture = np.where(stripes[..., None], light, dark).astype(np.uint8)
    left, top = int((second * 11) % (width - 16)), int((second * 7) % (height - 16))
    picture[top : top + 12, left : left + 12] = 255 - picture[0, 0]
    return picture


def one_scene(index: int, second: float, size: tuple[int, int]) -> np.ndarray:
    """A single shot: a drifting square on stripes."""
    return scene(0, second, size)


def with_cuts(cuts: Sequence[float]) -> Paint:
    """Hard cuts at these seconds."""

    def paint(index: int, second: float, size: tuple[int, int]) -> np.ndarray:
        return scene(sum(second >= cut - 1e-6 for cut in cuts), second, size)

    return paint


def numbered(index: int, second: float, size: tuple[int, int]) -> np.ndarray:
    """The frame's number as eight black or white blocks, which survive coding; `number_in` reads them."""
    picture = scene(0, second, size)
    blocks = np.array([255 if index >> bit & 1 else 0 for bit in range(8)], dtype=np.uint8)
    picture[: size[1] // 4] = np.repeat(blocks, math.ceil(size[0] / 8))[None, : size[0], None]
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number (modulo 256) in a picture [3, H, W] that `numbered` drew."""
    _, height, width = picture.shape
    row = picture[:, height // 16 : height // 6].mean(axis=(0, 1))
    return sum(1 << bit for bit in range(8) if row[int((bit + 0.5) * width / 8)] > 127)


def with_text(text: str, size: tuple[int, int] = (480, 160), points: int = 48) -> np.ndarray:
    """Black words on white, large enough to be read."""
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((20, size[1] // 3), text, fill="black", font=ImageFont.load_default(points))
    return np.asarray(picture)


def text_at(words: Sequence[tuple[float, str]], points: int = 48) -> Paint:
    """Each text from its second on; `words` ascend."""

    def paint(index: int, second: float, size: tuple[int, int]) -> np.ndarray:
        return with_text(next((text for begin, text in reversed(words) if second >= begin), ""), size, points)

    return paint


# --- video -------------------------------------------------------------------------------------


def video(
    path: Path | str,
    *,
    seconds: float = 2.0,
    rate: float = 25,
    times: Sequence[float] | None = None,
    size: tuple[int, int] = SMALL,
    paint: Paint = one_scene,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    gop: int = 25,
    b_frames: int = 2,
    open_gop: bool = False,
    start: float = 0.0,
    pixel_shape: Fraction | None = None,
    rotation: int = 0,
    tone: bool = False,
    subtitles: Sequence[tuple[float, float, str]] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """A video whose frames lie at `times` (or `rate` for `seconds`), later by `start`. The ending of `path` chooses
    the container. `rotation` is how many degrees clockwise a player turns it. A keyframe comes only every `gop`.
    """
    path = Path(path)
    times = list(times) if times is not None else [index / rate for index in range(round(seconds * rate))]
    more = {"movflags": "faststart"} if path.suffix == ".mp4" else {}  # the index first: half a file is still a video
    with av.open(str(path), "w", options=more) as out:
        track = out.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
        track.width, track.height, track.pix_fmt = *size, pixel_format
        track.codec_context.time_base = 1 / track.codec_context.framerate if codec in OLD else Fraction(1, CLOCK)
        track.codec_context.gop_size = gop
        track.codec_context.thread_count = 1
        track.options = coder_options(codec, gop, b_frames, open_gop) | (options or {})
        if codec in OLD:
            track.codec_context.max_b_frames = b_frames
        if pixel_shape:
            track.codec_context.sample_aspect_ratio = pixel_shape
        if rotation:
            track.set_display_rotation(-rotation)  # counted against the clock there
        sound = out.add_stream("aac" if path.suffix != ".webm" else "libopus", rate=48_000) if tone else None
        text = subtitle_track(out, path) if subtitles else None
        if sound is not None:
            mux_tone(out, sound, times[-1] + 1 / rate, start)
        for index, second in enumerate(times):
            frame = av.VideoFrame.from_ndarray(paint(index, second, size), format="rgb24").reformat(format=pixel_format)
            frame.time_base = track.codec_context.time_base
            frame.pts = round((second + start) / frame.time_base)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
        if text is not None:
            mux_subtitles(out, text, subtitles)
    return path


def coder_options(codec: str, gop: int, b_frames: int, open_gop: bool) -> dict[str, str]:
    if codec == "libx264":
        more = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:open-gop={int(open_gop)}"
        return {"preset": "veryfast", "crf": "20", "x264-params": more}
    if codec.startswith("libvpx"):
        return {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "400k"}
    return {"b": "900k"}


def mux_tone(out: av.container.OutputContainer, track: av.AudioStream, seconds: float, start: float = 0.0) -> None:
    """440 hertz, mono in both ears, as long as the pictures."""
    samples = np.arange(round(seconds * 48_000))
    wave = (np.sin(2 * np.pi * 440 * samples / 48_000) * 0.4).astype(np.float32)
    for place in range(0, len(wave), 1024):
        piece = wave[place : place + 1024]
        frame = av.AudioFrame.from_ndarray(np.stack([piece, piece]), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
        frame.pts = place + round(start * 48_000)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


def subtitle_track(out: av.container.OutputContainer, path: Path) -> av.stream.Stream:
    track = out.add_mux_stream("mov_text" if path.suffix in (".mp4", ".mov", ".m4v") else "subrip")
    track.time_base = Fraction(1, 1000)
    track.metadata["language"] = "eng"
    return track


def mux_subtitles(
    out: av.container.OutputContainer, track: av.stream.Stream, lines: Sequence[tuple[float, float, str]]
) -> None:
    """Packets written by hand: SubRip's are the text itself, MP4's have its length in two bytes before it."""
    in_mp4 = out.format.name in ("mp4", "mov", "ipod")
    for begin, end, text in lines:
        words = text.encode()
        packet = av.Packet(len(words).to_bytes(2, "big") + words if in_mp4 else words)
        packet.time_base, packet.stream = Fraction(1, 1000), track
        packet.pts = packet.dts = round(begin * 1000)
        packet.duration = round((end - begin) * 1000)
        out.mux(packet)


# --- other media -------------------------------------------------------------------------------


def sound_only(path: Path | str, seconds: float = 2.0) -> Path:
    """A tone and nothing else (.m4a, .mp3, .wav, .mkv)."""
    codec = {".mp3": "libmp3lame", ".wav": "pcm_s16le"}.get(Path(path).suffix, "aac")
    with av.open(str(path), "w") as out:
        mux_tone(out, out.add_stream(codec, rate=48_000), seconds)
    return Path(path)


def song_with_cover(path: Path | str, seconds: float = 2.0) -> Path:
    """A tone (.mp3, .m4a) with an attached cover picture."""
    from av.stream import Disposition

    codec = "libmp3lame" if Path(path).suffix == ".mp3" else "aac"
    with av.open(str(path), "w", format="mp4" if codec == "aac" else None) as out:
        sound = out.add_stream(codec, rate=48_000)
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(scene(3, 0.0, (64, 64)), format="rgb24").reformat(format="yuvj420p")
        picture.pts = 0
        out.mux(cover.encode(picture))
        out.mux(cover.encode(None))
        mux_tone(out, sound, seconds)
    return Path(path)


def changing_size(path: Path | str, sizes: Sequence[tuple[int, int]], seconds: float = 1.0) -> Path:
    """A transport stream (.ts) whose picture size changes on the way: streams one after the other."""
    parts = []
    for number, size in enumerate(sizes):
        part = Path(path).with_suffix(f".{number}.ts")
        video(part, seconds=seconds, size=size, start=number * seconds, gop=10, b_frames=0)
        parts.append(part.read_bytes())
        part.unlink()
    Path(path).write_bytes(b"".join(parts))
    return Path(path)


def animation(path: Path | str, milliseconds: Sequence[int], size: tuple[int, int] = (40, 24)) -> Path:
    """An animated .gif, .webp or .png, one picture for each of the times."""
    pictures = [Image.fromarray(scene(number, 0.0, size)) for number in range(len(milliseconds))]
    more = {"lossless": True} if Path(path).suffix == ".webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=list(milliseconds), loop=0, **more)
    return Path(path)


def photograph(path: Path | str, size: tuple[int, int] = (80, 48), orientation: int = 1) -> Path:
    """A still whose EXIF says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scene(1, 0.0, size)).save(path, exif=exif)
    return Path(path)


def huge_png(path: Path | str, width: int = 50_000, height: int = 50_000) -> Path:
    """A PNG whose header promises more pixels than fit in memory, in a few bytes."""
    import struct
    import zlib

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = part(b"IDAT", zlib.compress(b"\0" * 1000))
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + header + body + part(b"IEND", b""))
    return Path(path)


def cut_off(source: Path | str, path: Path | str, share: float = 0.5) -> Path:
    """The beginning of a file, as an interrupted copy leaves it."""
    data = Path(source).read_bytes()
    Path(path).write_bytes(data[: int(len(data) * share)])
    return Path(path)


def damaged(source: Path | str, path: Path | str, at: float = 0.5, length: int = 400) -> Path:
    """A copy with some bytes overwritten with noise."""
    data = bytearray(Path(source).read_bytes())
    begin = int(len(data) * at)
    data[begin : begin + length] = np.random.default_rng(7).bytes(length)
    Path(path).write_bytes(bytes(data))
    return Path(path)
