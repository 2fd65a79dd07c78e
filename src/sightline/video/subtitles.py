"""Subtitles become lines: files beside a video, and text tracks inside it.

From: see `cues` (formats) and `plain_text` (encodings); embedded tracks are decoded by FFmpeg through PyAV.
Departures: captions that roll (each cue repeats the row before, as on YouTube) are merged, so that a row is one line;
the rows of a cue are joined by a space. Pictures of text (DVD, Blu-ray) are not read here.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightline.errors import BadTimedText, FileVanished
from sightline.records import Line
from sightline.video.cues import Cue, cues, first_wrong_line, is_ass, is_vtt, shown_ass
from sightline.video.faults import shown as printable
from sightline.video.open import opened
from sightline.video.plain_text import decoded, visible

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
MOST_BYTES = 16 << 20  # a transcript of 48 hours is 3 MB; styled ASS of a film rarely passes 5 MB
MOST_CUES = 200_000  # one a second for 55 hours, beyond the longest video we watch; later cues are counted, not read
MOST_CHARACTERS = 2_000  # in one line: four minutes of fast speech; the rest of a longer cue is cut off
TEXT_CODECS = frozenset("srt subrip mov_text ass ssa webvtt text".split())
_TOUCHING = 0.05  # seconds between two cues that a viewer cannot see
_UNTIMED = 5.0  # seconds that an embedded line without a stated length is shown at most

# ISO 639-1, and the three-letter codes and words that players write for the commonest of them
_TWO_LETTERS = frozenset(
    """
    aa ab af am ar as ay az ba be bg bh bi bn bo br bs ca co cs cy da de dz el en eo es et eu fa fi fj fo fr fy ga
    gd gl gn gu ha he hi hr hu hy ia id is it ja jv ka kk km kn ko ku ky la lb ln lo lt lv mg mi mk ml mn mr ms mt
    my ne nl no nb nn oc om or pa pl ps pt qu ro ru rw sa sd si sk sl sm sn so sq sr su sv sw ta te tg th ti tk tl
    tr tt uk ur uz vi wo xh yi yo zh zu
    """.split()
)
_LONGER = dict(
    pair.split(":")
    for pair in """
    eng:en english:en zho:zh chi:zh chinese:zh chs:zh-Hans cht:zh-Hant jpn:ja japanese:ja kor:ko korean:ko fra:fr
    fre:fr french:fr deu:de ger:de german:de spa:es spanish:es por:pt portuguese:pt ita:it rus:ru russian:ru ara:ar
    hin:hi tha:th vie:vi ind:id tur:tr pol:pl nld:nl dut:nl swe:sv nor:no dan:da fin:fi ell:el gre:el heb:he ces:cs
    cze:cs hun:hu ron:ro rum:ro ukr:uk fas:fa per:fa msa:ms may:ms
    """.split()
)


@dataclass(frozen=True)
class TimedText:
    """What a subtitle file held, with what was left out of it."""

    lines: list[Line]
    backwards: int = 0  # cues dropped because they end before they start
    beyond: int = 0  # cues not read because there are more than MOST_CUES
    cut: int = 0  # lines cut to MOST_CHARACTERS


def sidecars(video: Path, beside: Iterable[str] | None = None) -> list[Path]:
    """The subtitle files that belong to a video: movie.srt, movie.en.srt, movie.mp4.VTT beside movie.mp4.

    A file that fits a longer-named neighbour better (movie.part2.srt, where movie.part2.mp4 exists) is left to it.
    `beside` are the names in the folder, for callers that have listed it already. The plainest name comes first.
    """
    names = os.listdir(video.parent) if beside is None else list(beside)
    stem = _comparable(video.stem)
    texts = [name for name in names if _comparable(name).endswith(SUFFIXES)]
    rivals = {_comparable(Path(name).stem) for name in set(names).difference(texts)}
    rivals = {rival for rival in rivals if rival.startswith(stem + ".")} - {_comparable(video.name)}
    mine = []
    for name in texts:
        own = _comparable(Path(name).stem) + "."
        if own.startswith(stem + ".") and not any(own.startswith(rival + ".") for rival in rivals):
            mine.append(name)
    mine.sort(key=lambda name: (len(Path(name).stem) != len(video.stem), _comparable(name), name))
    return [path for name in mine if (path := video.parent / name).is_file()]


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def read_subtitles(path: Path) -> list[Line]:
    """The lines of a subtitle file, by start. `read_timed_text` also says what was left out."""
    return read_timed_text(path).lines


def read_timed_text(path: Path) -> TimedText:
    """Reads what can be read; raises BadTimedText where nothing can, or where the file is too long to be subtitles."""
    path = Path(path)
    text = decoded(_bytes_of(path))
    track, language = path.name, language_of(path.name)
    found = timed_text(cues(text), track, language)
    if not found.lines and (found.backwards or not (is_vtt(text) or is_ass(text))):
        raise BadTimedText(_why_nothing(path, text, found.backwards))
    return found


def _bytes_of(path: Path) -> bytes:
    if not path.exists():
        raise FileVanished(f"{printable(path)} is not there (any more); scan the folder again")
    if not path.is_file():
        raise BadTimedText(f"{printable(path)} is not a file; subtitles are read from .srt, .vtt, .ass and .ssa files")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadTimedText(
            f"{printable(path)} has more than {MOST_BYTES >> 20} MB; no subtitles are that long, none were read"
        )
    return data


def _why_nothing(path: Path, text: str, backwards: int) -> str:
    name = printable(path)
    if not text.strip():
        return f"{name} is empty; remove it, or export the subtitles again"
    if backwards:
        return f"{name}: each of its {backwards} cues ends before it starts; export the subtitles again"
    number, line = first_wrong_line(text)
    return (
        f"{name}: no cue could be read; line {number} is {line[:80]!r}, where a time line such as "
        "00:00:01,000 --> 00:00:02,500 is needed; export the subtitles again as SubRip or WebVTT"
    )


def timed_text(found: Iterable[Cue], track: str, language: str) -> TimedText:
    """Cues as lines in time order: empty ones left out, rolling captions merged, the limits kept."""
    kept: list[Cue] = []
    backwards = beyond = 0
    for cue in found:
        if cue.end < cue.start:
            backwards += 1
        elif len(kept) == MOST_CUES:
            beyond += 1
        elif cue.rows:
            kept.append(cue)
    kept.sort(key=lambda cue: cue.start)
    lines, cut = [], 0
    for cue in unrolled(kept):
        text = " ".join(cue.rows)
        cut += len(text) > MOST_CHARACTERS
        lines.append(Line(cue.start, cue.end, text[:MOST_CHARACTERS], "speech", track, language))
    return TimedText(lines, backwards, beyond, cut)


def unrolled(ordered: Iterable[Cue]) -> Iterator[Cue]:
    """Leaves out rows that a cue repeats from the end of the cue just before; a pure repetition lengthens that cue."""
    said: Cue | None = None  # the last cue with something new, still growing
    rows: tuple[str, ...] = ()  # what stood on the screen with the cue before
    until = 0.0
    for cue in ordered:
        repeated = _overlap(rows, cue.rows) if said and cue.start <= until + _TOUCHING else 0
        new = cue.rows[repeated:]
        rows, until = cue.rows, cue.end
        if said and not new:
            said = replace(said, end=max(said.end, cue.end))
            continue
        if said:
            yield said
        said = replace(cue, rows=new)
    if said:
        yield said


def _overlap(before: tuple[str, ...], now: tuple[str, ...]) -> int:
    """How many rows at the end of `before` are the rows at the beginning of `now`."""
    longest = min(len(before), len(now), 8)  # captions roll by two or three rows
    return next((n for n in range(longest, 0, -1) if before[-n:] == now[:n]), 0)


def language_of(name: str) -> str:
    """The language a file name states (movie.en.srt, movie.zh-Hans.forced.vtt), or ''."""
    for part in reversed(Path(name).stem.split(".")[1:]):
        if language := language_code(part):
            return language
    return ""


def language_code(tag: str) -> str:
    """'eng' -> 'en', 'zh_CN' -> 'zh-CN', anything that is no language -> ''."""
    first, *rest = re.split("[-_]", tag.strip())
    if not all(re.fullmatch("[A-Za-z0-9]{2,8}", part) for part in rest):
        return ""
    code = first.lower() if first.lower() in _TWO_LETTERS else _LONGER.get(first.lower(), "")
    return "-".join([code, *rest]) if code else ""


def embedded(path: Path) -> dict[str, list[Line]]:
    """Every text track inside a video file: "stream 2 (eng)" -> its lines. Seconds are the video's own."""
    import av
    from av.stream import Discard

    with opened(path) as container:
        tracks = [s for s in container.streams.subtitles if s.codec_context and s.codec_context.name in TEXT_CODECS]
        for stream in container.streams:
            if stream not in tracks:
                stream.discard = Discard.all  # lets the demuxer skip pictures and sound without reading them
        found: dict[int, list[Cue]] = {stream.index: [] for stream in tracks}
        left = MOST_BYTES  # for all tracks together; packets beyond it are not read
        for packet in container.demux(tracks) if tracks else ():
            cues_so_far = found[packet.stream.index]
            if packet.size and packet.pts is not None and len(cues_so_far) < MOST_CUES and left > packet.size:
                cues_so_far += _cues_in(packet, av.FFmpegError)
                left -= packet.size
        return {_track_name(stream): _lines_of(stream, found[stream.index]) for stream in tracks}


def _track_name(stream: Any) -> str:
    language = visible(stream.metadata.get("language", ""))[:16]
    return f"stream {stream.index}" + (f" ({language})" if language and language != "und" else "")


def _lines_of(stream: Any, found: list[Cue]) -> list[Line]:
    found.sort(key=lambda cue: cue.start)
    ends = [cue.start for cue in found[1:]] + [float("inf")]
    timed = (
        cue if cue.end > cue.start else replace(cue, end=min(following, cue.start + _UNTIMED))
        for cue, following in zip(found, ends, strict=True)
    )
    return timed_text(timed, f"stream {stream.index}", language_code(stream.metadata.get("language", ""))).lines


def _cues_in(packet: Any, broken: type[Exception]) -> list[Cue]:
    """The cues of one packet; FFmpeg hands every text format over as an ASS event."""
    start = float(packet.pts * packet.time_base)
    end = start + float((packet.duration or 0) * packet.time_base)
    try:
        events = packet.decode()
    except broken:
        return []  # one broken packet is one lost line; the track goes on
    texts = (event.ass.decode("utf-8", "replace") for event in events if event.type in (b"ass", b"text"))
    return [Cue(start, end, shown_ass(visible(text).split(",", 8)[-1])) for text in texts]
