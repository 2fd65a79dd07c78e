"""`sightline compare`: one question, several ways of choosing frames and reading them, one budget; where they part.

VIDEO        a video of the library (a name, or a part of its path), or any file: that is indexed for the occasion
choosers     uniform, similarity, mmr, dpp, …, or all
readers      as for `ask`; the folder of a model also takes --connectors (none: the plain way)
exit codes   0 some way answered · 3 none did: not in this video · 1 an error
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from sightline.cli.text import many, print_json, printable

if TYPE_CHECKING:
    from sightline.compare import Comparison, Tried

NOTHING_FOUND = 3
EXAMPLE = """\
examples:
  sightline compare holiday.mp4 "what colour is the kite?"
  sightline compare holiday.mp4 "when does the cat jump?" --truth 12.5-14 --html compared.html
  sightline compare lecture.mp4 熵是什么？ --readers built-in,words --choosers uniform,dpp
  sightline compare holiday.mp4 "who comes in?" --readers ./my-vlm --connectors none,prompt_pool --tokens 256
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "compare", help="one question in several ways, side by side", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("video", metavar="VIDEO", help="a video of the library, or a file")
    parser.add_argument("question", help="in English or Chinese")
    parser.add_argument(
        "--choosers", metavar="A,B", default="uniform,similarity,mmr,dpp",
        help="ways of choosing frames (default uniform,similarity,mmr,dpp; or all)",
    )  # fmt: skip
    parser.add_argument("--readers", metavar="A,B", default="built-in", help="who answers (default built-in)")
    parser.add_argument("--connectors", metavar="A,B", default="", help="ways of compressing, for models in a folder")
    parser.add_argument("--frames", type=int, default=8, metavar="K", help="pictures to answer from (default 8)")
    parser.add_argument("--tokens", type=int, metavar="M", help="visual tokens that a reader may use")
    parser.add_argument(
        "--options", action="append", default=[], metavar="A", help="an answer to choose from; repeat it"
    )
    parser.add_argument("--truth", type=_span, metavar="S-E", help="the seconds in which the answer lies, as 12.5-14")
    parser.add_argument(
        "--seconds-of-work", type=float, default=5.0, metavar="S", help="for looking again, for all ways (default 5)"
    )
    parser.add_argument("--encoder", metavar="NAME", help="what sees a file that is not in the library")
    parser.add_argument("--language", choices=("en", "zh"), help="of the answer, where the question leaves it open")
    parser.add_argument("--html", metavar="FILE", help="write a page that shows what each way looked at")
    parser.add_argument("--overwrite", action="store_true", help="let --html replace a page that is there already")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.asking.question import understand
    from sightline.compare import compare_ways, ways_of
    from sightline.exports.comparison_sheet import page
    from sightline.exports.guard import refuse
    from sightline.exports.writing import write_text
    from sightline.keyframes import CHOOSERS

    choosers = list(CHOOSERS) if args.choosers == "all" else _names(args.choosers)
    # What is misspelt is told before any work.
    ways_of(choosers, _names(args.readers), _names(args.connectors))
    understand(args.question, args.language)
    tell = _teller(args)
    with _library_with(args) as (library, video):
        if args.html:
            refuse(Path(args.html), args.overwrite, library.known())
        compared = compare_ways(
            library,
            video,
            args.question,
            choosers=choosers,
            readers=_names(args.readers),
            connectors=_names(args.connectors),
            frames=args.frames,
            tokens=args.tokens,
            options=args.options,
            truth=args.truth,
            seconds_of_work=args.seconds_of_work,
            language=args.language,
            pictures=bool(args.html),
            tell=tell,
        )
        tell("")
    if args.html:
        write_text(Path(args.html), page(compared))
    if args.json:
        print_json({**compared.as_dict(), "html": args.html})
    else:
        print("\n".join(told(compared) + ([f"written: {printable(args.html)}"] if args.html else [])))
    if not compared.tried:
        return 1
    return NOTHING_FOUND if all(one.answer.abstained for one in compared.tried) else 0


def _names(stated: str) -> list[str]:
    return [name.strip() for name in stated.split(",") if name.strip()]


def _span(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)", text.strip())
    if not found or float(found[1]) > float(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no stretch of seconds; write it as 12.5-14")
    return float(found[1]), float(found[2])


def _teller(args: argparse.Namespace) -> Callable[[str], None]:
    """On a terminal: the way under way, on stderr; "" takes it away."""
    if args.json or not sys.stderr.isatty():
        return lambda what: None
    return lambda what: print(f"\r\x1b[K{printable(what)}{' …' * bool(what)}", end="", file=sys.stderr, flush=True)


# --- the video -------------------------------------------------------------------------------------


@contextmanager
def _library_with(args: argparse.Namespace) -> Iterator[tuple[Any, str]]:
    """The library that holds the video, and its name there; a file that is not in it gets one for the occasion."""
    from sightline.cli.main import library_path
    from sightline.errors import BadQuery, FileVanished, NoLibrary
    from sightline.store.library import Library

    file = Path(args.video).expanduser()
    try:
        with Library.open(library_path(args)) as library:
            known = str(file.absolute()) in library.known()
            if known or not file.is_file():
                yield library, str(file.absolute()) if known else args.video
                return
    except NoLibrary as none:
        if not file.is_file():
            raise FileVanished(
                f"there is no file {args.video!r}, and no library to find a video of that name in ({none})"
            ) from none
    with tempfile.TemporaryDirectory(prefix="sightline-compare-") as folder:
        with Library.open(Path(folder) / "library", create=True) as library:
            report = _index(library, file, args)
            if report.interrupted:
                raise KeyboardInterrupt
            if report.failed:
                raise BadQuery(f"{args.video} cannot be looked at: {report.failed[0].message}")
            yield library, str(file.absolute())


def _index(library: Any, file: Path, args: argparse.Namespace) -> Any:
    from sightline.cli.progress import IndexProgress
    from sightline.index import Wishes, index_paths

    if not args.json:
        print(f"not in the library: indexing {printable(file.name)} for this once", file=sys.stderr)
    with IndexProgress(args.json) as progress:
        return index_paths(library, [str(file)], Wishes(encoder=args.encoder), tell=progress)


# --- for people ------------------------------------------------------------------------------------

HEAD = ("chooser", "reader", "answer", "sure", "seconds cited", "frames", "tokens")
STATIONS = ("choose", "compress", "read", "cite", "check")  # what a way does itself


def told(compared: Comparison) -> list[str]:
    """The table, what could not answer, how far the answers agree, and which part of the work was shared."""
    lines = [*_table(compared), ""]
    lines += [f"no answer from {printable(str(way))}: {printable(why)}" for way, why in compared.refused]
    return [*lines, *agreed(compared), shared(compared)]


def _table(compared: Comparison) -> list[str]:
    judged = ("IoU", "hit") if compared.truth else ()
    head = (*HEAD[:5], *judged, *HEAD[5:], *STATIONS, "sum ms")
    rows = [head, *(_row(one, bool(judged)) for one in compared.tried)]
    printed = [[printable(cell) for cell in row] for row in rows]
    widths = [max(_width(row[k]) for row in printed) for k in range(len(head))]
    return [
        "  ".join(_filled(cell, width, k > 4) for k, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in printed
    ]


def _row(one: Tried, judged: bool) -> tuple[str, ...]:
    took = {step.station: step.milliseconds for step in one.answer.trace}
    cited = ", ".join(f"{start:.2f}–{end:.2f}" for start, end in one.spans[:2]) + (" …" if len(one.spans) > 2 else "")
    reader = one.way.reader if "://" in one.way.reader else PurePath(one.way.reader).name
    return (
        one.way.chooser or "–",
        f"{reader} + {one.way.connector}" if one.way.connector else reader,
        _short(one.text),
        f"{one.answer.confidence:.2f}",
        cited or "–",
        *((f"{one.overlap:.2f}", "yes" if one.hit else "no") if judged else ()),
        str(len(one.pictures)),
        tokens(one),
        *(f"{took.get(station, 0.0):.1f}" for station in STATIONS),
        f"{sum(took.values()):.0f}",
    )


def tokens(one: Tried) -> str:
    """Visual tokens, of all of the prompt; a reader that counts none has none to tell."""
    if one.tokens is None:
        return "–" if one.tokens_in is None else f"{one.tokens_in} in all"
    return str(one.tokens) if one.tokens_in is None else f"{one.tokens} of {one.tokens_in}"


def _short(text: str, longest: int = 32) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _width(text: str) -> int:
    """Columns of a terminal: Chinese takes two for a character."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _filled(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def agreed(compared: Comparison) -> list[str]:
    """The answer of most ways, the share that gives it, and who says something else."""
    found = compared.agreement
    if len(compared.tried) < 2:
        return []
    if len(found.groups) == 1:
        return [f"all {len(compared.tried)} ways agree: {printable(found.text)}"]
    first = f"{found.share:.0%} of {many(len(compared.tried), 'way')} agree: {printable(found.text)}"
    lines = [first if found.text else f"no majority among {many(len(compared.tried), 'way')}"]
    others = found.groups[1:] if found.text else found.groups
    return lines + [f"  {printable(g.text)}: {printable(', '.join(map(str, g.ways)))}" for g in others]


def shared(compared: Comparison) -> str:
    again = next((step.shape_out for step in compared.shared if step.station == "look again"), "0 frames")
    return (
        f"shared by all ways, done once in {compared.shared_milliseconds:.0f} ms: understanding, finding, and looking "
        f"again ({again} more than\nthe index holds). A row has what its way did itself; the sum also its lookups in "
        "what is shared.\nWhat a model has looked at for one way, it does not look at again."
    )
