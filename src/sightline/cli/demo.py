"""`sightline demo`: draws a few videos, takes them in, searches them, writes a contact sheet. Needs no network and
no weights.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from sightline.cli.text import clock, many, print_json, printable, span

EXAMPLE = """\
examples:
  sightline demo
  sightline demo --folder /tmp/try-sightline
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "demo", help="draw videos, index them, search them", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument(
        "--folder", default="sightline-demo", metavar="DIR", help="where it all goes (default: sightline-demo)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import sys

    from sightline.cli.progress import IndexProgress
    from sightline.demo import run_demo

    print("drawing, indexing and searching three short videos …", file=sys.stderr)
    with IndexProgress(args.json) as progress:
        library = Path(args.library) if args.library else Path(args.folder) / "library"
        demo = run_demo(Path(args.folder), library, progress)
    if args.json:
        print_json(demo.as_dict())
        return 0
    print("\n".join(_told(demo, library)))
    return 0


def _told(demo: Any, library: Path) -> list[str]:
    counts = demo.counts
    lines = ", ".join(f"{number} {source} lines" for source, number in counts["lines"].items())
    told = [
        f"drew {many(counts['files'], 'video')} in {span(demo.seconds_drawing)}",
        f"took them in in {span(demo.seconds_indexing)}: {span(counts['seconds'])} of video, "
        f"{many(counts['shots'], 'shot')}, {many(counts['frames'], 'frame')}, {lines}",
        "",
    ]
    told += [_row(one) for one in demo.asked]
    told += [
        "",
        f"a contact sheet to open in a browser: {printable(demo.sheet)}",
        f"try your own: sightline search {shlex.quote(_example(demo))} --library {shlex.quote(str(library))}",
    ]
    return told


def _example(demo: Any) -> str:
    """Two words of something that was just found."""
    found = [one.query for one in demo.asked if one.found and one.query.isascii()]
    return " ".join(found[0].split()[-2:]) if found else "red"


def _row(one: Any) -> str:
    found = (
        f"{clock(one.found[0])}–{clock(one.found[1])} {one.video} (confidence {one.confidence:.2f})"
        if one.found
        else "no match"
    )
    truth = f"said at {clock(one.truth[0])}" if one.truth else "nowhere in these videos"
    return f"  {'right' if one.right else 'WRONG'}  “{printable(one.query)}” → {found}; {truth}"
