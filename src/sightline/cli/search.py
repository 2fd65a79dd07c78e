"""`sightline search`: find moments by words, by a picture, or by both.

words        red kite + beach - people · kite -beach · dog OR robot · "an exact phrase"
             the dog after the kite falls · 狗在风筝落下之后
filters      inside the words too: video:lecture source:speech tag:cat time:1:30-2:00
exit codes   0 found · 3 nothing matched (the nearest thing seen is named) · 1 an error
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from sightline.cli.text import print_json, printable
from sightline.errors import BadQuery, ExportError, SightlineError

if TYPE_CHECKING:
    from sightline.finding.results import Results
    from sightline.records import Moment

NO_MATCH = 3
EXAMPLE = """\
examples:
  sightline search "red kite"
  sightline search "the dog after the kite falls" --video holiday.mp4
  sightline search "kite -beach OR balloon"
  sightline search --like photo.jpg --limit 3 --export srt:found.srt --export sheet:found.html
  sightline search 风筝 --open 1
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser("search", help="find the moment, to the second", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what to look for, in any language the library has")
    parser.add_argument("--like", metavar="PICTURE", help="a picture file, or VIDEO@SECONDS: find what looks like it")
    parser.add_argument(
        "--video", action="append", metavar="NAME", help="only in this video (a name or a part of its path)"
    )
    parser.add_argument("--from", dest="start", type=_seconds, metavar="S", help="not before this second (90, or 1:30)")
    parser.add_argument("--to", dest="end", type=_seconds, metavar="S", help="not after this second")
    parser.add_argument(
        "--source", action="append", choices=("picture", "speech", "screen"), help="only what this source says"
    )
    parser.add_argument("--tag", action="append", metavar="TAG", help="only in videos with this tag")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="moments on a page (default 10)")
    parser.add_argument("--page", type=int, default=1, metavar="N", help="which page (default 1)")
    parser.add_argument(
        "--min-confidence", type=float, metavar="X", help="the line below which nothing matches (default 0.5)"
    )
    parser.add_argument("--export", action="append", default=[], metavar="FORMAT:PATH", help=_export_help())
    parser.add_argument("--overwrite", action="store_true", help="let an export replace a text that is there already")
    parser.add_argument("--open", type=int, metavar="N", help="play the N-th moment with your player, at its second")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.cli.main import library_path
    from sightline.search import find_moments
    from sightline.store.library import Library

    exports = [_export_of(stated) for stated in args.export]
    with Library.open(library_path(args)) as library:
        found = find_moments(
            library,
            " ".join(args.words),
            like=args.like,
            limit=None if exports else args.limit,  # an export holds every moment, whatever page is shown
            page=1 if exports else args.page,
            videos=args.video,
            start=args.start,
            end=args.end,
            tags=args.tag,
            sources=args.source,
            min_confidence=args.min_confidence,
            thumbnails=any(name == "sheet" for name, _ in exports),
        )
        known = library.known() if exports else {}
    results = found.paged(args.limit, args.page) if exports else found
    if not args.json:
        lines = told(results, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
        print("\n".join(lines), flush=True)
    written = _write(found, exports, args.overwrite, known)
    if args.json:
        print_json({**results.as_dict(), "exported": [str(path) for path in written]})
    if args.open is not None:
        _open(results, args.open)
    return NO_MATCH if results.no_match else 0


def _seconds(stated: str) -> float:
    from sightline.finding.query import seconds_of

    try:
        return seconds_of(stated)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{stated!r} is no time; write 90, 1:30 or 0:01:30.5") from None


# --- for people ------------------------------------------------------------------------------------


def told(results: Results, colour: bool = False) -> list[str]:
    """The answer as lines of text: one for each moment, or why there is none."""
    lines = _no_match(results) if results.no_match else _moments(results, colour)
    if results.coverage < 1:
        lines.append(
            f"a rebuild is running, {results.coverage:.0%} of the library is in it; this answer is from the one before"
        )
    return lines


def _moments(results: Results, colour: bool) -> list[str]:
    width = min(max((len(_name(moment)) for moment in results.moments), default=0), 40)
    several = results.occurrences or [[]] * len(results.moments)
    lines = [
        _line(number, moment, len(others), width, results.query, colour)
        for number, (moment, others) in enumerate(zip(results.moments, several, strict=True), 1)
    ]
    if results.pages > 1:
        further = f" · next: --page {results.page + 1}" if results.page < results.pages else ""
        lines.append(f"page {results.page} of {results.pages} · {results.total} moments{further}")
    return lines


def _line(number: int, moment: Moment, others: int, width: int, query: str, colour: bool) -> str:
    parts = [
        f"{number:>2}. {span(moment)}",
        f"{moment.confidence:.2f}",
        f"{_name(moment):<{width}}",
        "+".join(moment.sources),
    ]
    if moment.text:
        parts.append(f"“{_highlighted(_shortened(printable(moment.text), query), query, colour)}”")
    if others:
        parts.append(f"(and {others} more like it)")
    return "  ".join(parts)


def _no_match(results: Results) -> list[str]:
    from sightline.finding.results import floored

    lines = [f"no match: {printable(results.reason)}"]
    if results.nearest:
        near = results.nearest
        sure = floored(near.confidence)
        lines.append(f"nearest: {span(near)}  {sure}  {_name(near)}  {'+'.join(near.sources)}")
        lines.append(f"to see it: --min-confidence {sure}")
    return lines


def span(moment: Moment) -> str:
    return f"{clock(moment.start)}–{clock(moment.end)}"


def clock(second: float) -> str:
    """00:12.480, with hours where there are any."""
    minutes, rest = divmod(round(second * 1000), 60_000)
    hours = f"{minutes // 60}:" if minutes >= 60 else ""
    return f"{hours}{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _name(moment: Moment) -> str:
    return printable(PurePath(moment.video).name)


def _wanted_words(query: str) -> list[str]:
    """Words worth highlighting, longest first; single Latin letters are not."""
    words = re.findall(r"[^\W_]+", re.sub(r"\b(video|source|tag|time):\S+", " ", query))
    return sorted({word for word in words if len(word) > 2 or not word.isascii()}, key=len, reverse=True)


def _shortened(text: str, query: str, longest: int = 72) -> str:
    """The part of a long text around the first word that matched."""
    if len(text) <= longest:
        return text
    lowered = text.casefold()
    places = [place for word in _wanted_words(query) if (place := lowered.find(word.casefold())) >= 0]
    begin = max(min(min(places, default=0) - longest // 3, len(text) - longest), 0)
    piece = text[begin : begin + longest].strip()
    return f"{'…' if begin else ''}{piece}{'…' if begin + longest < len(text) else ''}"


def _highlighted(text: str, query: str, colour: bool) -> str:
    words = _wanted_words(query)
    if not colour or not words:
        return text
    return re.sub("|".join(map(re.escape, words)), lambda m: f"\x1b[1m{m[0]}\x1b[0m", text, flags=re.IGNORECASE)


# --- for programs ----------------------------------------------------------------------------------


def _export_help() -> str:
    from sightline.exports import FORMATS

    return (
        f"write every moment found (repeatable): {', '.join(FORMATS)}; clips:FOLDER cuts the moments out; "
        "subtitles and markers of several videos are one file each: hits.srt becomes hits.NAME.srt"
    )


def _export_of(stated: str) -> tuple[str, Path]:
    from sightline.exports import FORMATS

    name, colon, path = stated.partition(":")
    if not colon or not path or name not in FORMATS:
        raise ExportError(
            f"--export {stated!r} is not FORMAT:PATH; write --export srt:found.srt, with one of {', '.join(FORMATS)}"
        )
    return name, Path(path).expanduser()


def _write(results: Results, exports: list[tuple[str, Path]], overwrite: bool, known: Collection[str]) -> list[Path]:
    """Writes every export and tells of each file; where nothing matched there is nothing to write."""
    from sightline.exports import export
    from sightline.search import cutter

    if exports and results.no_match:
        print("nothing matched, so no export is written", file=sys.stderr)
        return []
    written = []
    for name, out in exports:
        with cutter() if name == "clips" else nullcontext() as cut:
            paths = export(name, results, out, cut=cut, overwrite=overwrite, known=known, skip=_tell_skipped)
        for path in paths:
            print(f"wrote {printable(str(path))}", file=sys.stderr)
        written += paths
    return written


def _tell_skipped(moment: Moment, error: SightlineError) -> None:
    print(f"no clip of {_name(moment)} {span(moment)}: {printable(str(error))}", file=sys.stderr)


# --- in the user's player --------------------------------------------------------------------------

# How each player is told a second. The file is always one argument that begins with a slash: never an option.
PLAYERS = {
    "mpv": lambda file, second: ["mpv", f"--start={second:.3f}", "--", file],
    "vlc": lambda file, second: ["vlc", f"--start-time={second:.3f}", file],
    "ffplay": lambda file, second: ["ffplay", "-autoexit", "-ss", f"{second:.3f}", "-i", file],
    "xdg-open": lambda file, second: ["xdg-open", file],
    "open": lambda file, second: ["open", file],
}


CANNOT_SEEK = {"xdg-open", "open"}


def player_command(video: str, second: float) -> list[str]:
    """The arguments that play a video from a second, with the first player found; BadQuery where there is none."""
    import shutil

    for name, arguments in PLAYERS.items():
        found = shutil.which(name)
        if found:
            return [found, *arguments(os.path.abspath(video), second)[1:]]
    raise BadQuery(
        f"no player found (looked for {', '.join(PLAYERS)}); install mpv, or open {video} at {clock(second)} yourself"
    )


def _open(results: Results, number: int) -> None:
    import subprocess

    if not 1 <= number <= len(results.moments):
        raise BadQuery(f"--open {number}: this page has {len(results.moments)} moments; choose one of them")
    moment = results.moments[number - 1]
    if not os.path.exists(moment.video):
        raise BadQuery(f"{moment.video} is not there any more; bring it back, or index the folder again")
    command = player_command(moment.video, moment.start)
    player, at = PurePath(command[0]).name, clock(moment.start)
    how = f"opening {_name(moment)}; go to {at}" if player in CANNOT_SEEK else f"playing {_name(moment)} from {at}"
    print(f"{how} (with {player})", file=sys.stderr)
    subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
