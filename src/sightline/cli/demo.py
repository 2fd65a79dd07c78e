"""`sightline demo`: draws a few picture-book videos, takes them in, searches them by words and asks them questions, in
English and Chinese, and tells each answer beside the truth. Needs no network; the models came with the package.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from textwrap import wrap
from typing import Any
from unicodedata import east_asian_width

from sightline.cli.text import clock, many, print_json, printable, span

EXAMPLE = """\
examples:
  sightline demo
  sightline demo --folder /tmp/try-sightline
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "demo", help="draw videos, index them, search and ask them", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument(
        "--folder", default="sightline-demo", metavar="DIR", help="where it all goes (default: sightline-demo)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import sys

    from sightline.cli.progress import IndexProgress
    from sightline.demo import run_demo

    print("drawing three short videos, taking them in, searching and asking them …", file=sys.stderr)
    with IndexProgress(args.json) as progress:
        library = Path(args.library) if args.library else Path(args.folder) / "library"
        demo = run_demo(Path(args.folder), library, progress)
    if args.json:
        print_json(demo.as_dict())
        return 0
    print("\n".join(_told(demo, library)))
    return 0


def _told(demo: Any, library: Path) -> list[str]:
    from sightline.encoders.by_name import ABOUT_DEFAULT

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
        f"{sum(a.right for a in demo.asked)} of {len(demo.asked)} right (the found second lies where the words hold)",
        "",
        *(_answer(one) for one in demo.answered),
        f"{sum(a.right for a in demo.answered)} of {len(demo.answered)} right, asked without options in "
        f"{span(demo.seconds_asking)} (what is not there is rightly not answered)",
        "",
        f"a contact sheet to open in a browser: {printable(demo.sheet)}",
        f"try your own: sightline search {shlex.quote(demo.asked[0].query)} --library {shlex.quote(str(library))}",
        "",
        *wrap(f"On your own videos: {ABOUT_DEFAULT}", 110),
    ]
    return told


def _row(one: Any) -> str:
    """right  “a red kite”  found at 00:08.0 in storybook-26.mp4  true from 00:07.3 to 00:13.4"""
    found = "nothing" if one.second is None else f"{clock(one.second)} in {one.video} ({one.confidence:.2f})"
    return f"  {'right' if one.right else 'WRONG'}  {_quoted(one.query, 30)} found {found:<36} {_truth(one)}"


def _answer(one: Any) -> str:
    """right  “What colour is the owl?”  purple, 0:08.000 to 0:12.500 in storybook-15.mp4"""
    said = one.answer or "not answered"
    if one.span is not None:
        said += f", {clock(one.span[0])} to {clock(one.span[1])}"
    truth = "" if one.right else f" (true: {one.truth or 'it is not there'})"
    return (
        f"  {'right' if one.right else 'WRONG'}  “{printable(one.question)}”  {printable(said)} in {one.video}{truth}"
    )


def _truth(one: Any) -> str:
    if one.true_span is None:
        return "true nowhere"
    video, (start, end) = one.true_span
    return f"true from {clock(start)} to {clock(end)}" + ("" if video == one.video else f" in {video}")


def _quoted(query: str, width: int) -> str:
    """In quotes, padded to a width on the terminal, where a Chinese character is as wide as two Latin ones."""
    wide = sum(2 if east_asian_width(character) in "WF" else 1 for character in query)
    return f"“{printable(query)}”" + " " * (width - wide)
