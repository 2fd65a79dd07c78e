"""Damaged and lying media files by the hundred, from seeds of many codecs, the same for the same number."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import make_media as media


def seeds(folder: Path) -> list[Path]:
    """Thirteen healthy files of ten codecs and containers."""
    folder.mkdir(parents=True, exist_ok=True)
    small = {"seconds": 2.0, "size": (96, 64)}
    made = [
        media.video(folder / "h264.mp4", codec="libx264", **small),
        media.video(folder / "h264.mkv", codec="libx264", **small),
        media.video(folder / "h264.ts", codec="libx264", **small),
        media.video(folder / "mpeg4.avi", codec="mpeg4", **small),
        media.video(folder / "mpeg4.mov", codec="mpeg4", **small),
        media.video(folder / "vp9.webm", codec="libvpx-vp9", **small),
        media.video(folder / "h265.mp4", codec="libx265", **small),
        media.video(folder / "mjpeg.avi", codec="mjpeg", pixel_format="yuvj420p", **small),
        media.video(folder / "mpeg2.mpg", codec="mpeg2video", **small),
        media.sound_only(folder / "sound.mkv"),
        Path(media.song_with_cover(folder / "song.m4a")).rename(folder / "song.mp4"),
        media.animation(folder / "dance.gif", [100, 200, 300]),
        media.photograph(folder / "photo.jpg"),
    ]
    return [Path(path) for path in made]


def mutants(folder: Path, healthy: list[Path], count: int, seed: int = 0) -> Iterator[Path]:
    """`count` files, each a seed with one kind of damage."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        source = healthy[number % len(healthy)]
        kind = KINDS[number // len(healthy) % len(KINDS)]
        path = folder / f"{number:03d}-{kind.__name__}-{source.name}"
        path.write_bytes(kind(bytearray(source.read_bytes()), chance))
        yield path


def truncated(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.randrange(1, len(data))])


def flipped_bytes(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(max(1, len(data) // 200)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def flipped_head(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(12):
        data[chance.randrange(min(len(data), 600))] = chance.randrange(256)
    return bytes(data)


def extreme_numbers(data: bytearray, chance: random.Random) -> bytes:
    """Some 32-bit fields of the headers say the largest or the most negative number."""
    for _ in range(6):
        at = chance.randrange(0, max(1, min(len(data), 1200) - 4))
        data[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0"])
    return bytes(data)


def spliced(data: bytearray, chance: random.Random) -> bytes:
    """A piece of the file stands again somewhere else."""
    a, b, c = (chance.randrange(len(data)) for _ in range(3))
    a, b = min(a, b), max(a, b)
    return bytes(data[:c] + data[a:b] + data[c:])


def zeroed(data: bytearray, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.randrange(1, 400)
    data[at : at + length] = bytes(min(length, len(data) - at))
    return bytes(data)


KINDS = (truncated, flipped_bytes, flipped_head, extreme_numbers, spliced, zeroed)


def liars(folder: Path, healthy: list[Path]) -> list[Path]:
    """Files that claim what they are not: ten hours in a megabyte, 50,000 x 50,000 pixels, a playlist as a film."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [media.huge_png(folder / "huge.png"), _ten_hours(healthy[0], folder / "ten-hours.mp4")]
    made.append(_absurd_size(healthy[0], folder / "absurd-size.mp4"))
    for name, text in {
        "playlist.mp4": f"#EXTM3U\n#EXTINF:2,\n{healthy[0]}\n#EXT-X-ENDLIST\n",
        "concat.mkv": f"ffconcat version 1.0\nfile '{healthy[0]}'\n",
        "page.mp4": "<html><script>alert(1)</script></html>",
        "empty.mp4": "",
    }.items():
        (folder / name).write_text(text)
        made.append(folder / name)
    return [Path(path) for path in made]


def _ten_hours(source: Path, path: Path) -> Path:
    """The duration fields of every header box say ten hours; padding makes it a megabyte."""
    data = bytearray(source.read_bytes())
    for box, at_scale, at_length in ((b"mvhd", 16, 20), (b"mdhd", 16, 20)):
        start = data.find(box)
        while start >= 0:
            (scale,) = struct.unpack(">I", data[start + at_scale : start + at_scale + 4])
            data[start + at_length : start + at_length + 4] = struct.pack(">I", min(scale * 36_000, 0xFFFFFFFF))
            start = data.find(box, start + 4)
    start = data.find(b"tkhd")
    data[start + 24 : start + 28] = struct.pack(">I", 36_000_000)
    free = max(8, 1_000_000 - len(data))
    path.write_bytes(bytes(data) + struct.pack(">I", free) + b"free" + bytes(free - 8))
    return path


def _absurd_size(source: Path, path: Path) -> Path:
    """The sample description and the track say 65,535 x 65,535."""
    data = bytearray(source.read_bytes())
    start = data.find(b"avc1", data.find(b"stsd"))
    data[start + 28 : start + 32] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    return path
