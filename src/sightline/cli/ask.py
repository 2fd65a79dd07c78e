"""`sightline ask`: an answer, the seconds it stands on, and how sure it is; or "not in these videos".

readers      built-in (no download) · words · comparing · http://localhost:8000/v1 · openai:MODEL@URL · a model's folder
exit codes   0 answered · 3 not in these videos (the nearest thing seen is named) · 1 an error (in a chat: the last one)
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import PurePath
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from sightline.cli.text import clock, print_json, printable
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from sightline.ask import Conversation
    from sightline.records import Answer, Moment

ABSTAINED = 3
EXAMPLE = """\
examples:
  sightline ask "what colour is the kite?"
  sightline ask "what falls off the table after the cat jumps?" holiday.mp4 --trace
  sightline ask "what does the professor say about entropy?" lecture.mp4 --reader words
  sightline ask 风筝是什么颜色的？ --options 红色 --options 蓝色
  sightline ask --chat holiday.mp4
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "ask", help="an answer that stands on exact seconds", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("question", nargs="?", default="", help="in English or Chinese; with --chat it may be left out")
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help="only these (a name or a part of the path)")
    parser.add_argument("--frames", type=int, default=8, metavar="K", help="pictures to answer from (default 8)")
    parser.add_argument("--tokens", type=int, metavar="M", help="visual tokens that the reader may use")
    parser.add_argument(
        "--seconds-of-work", type=float, default=5.0, metavar="S", help="for looking at files again (default 5)"
    )
    parser.add_argument("--reader", default="built-in", metavar="NAME", help="who answers (default built-in)")
    parser.add_argument(
        "--connector", metavar="NAME", help="what compresses the visual tokens of a model's FOLDER (pooled by default)"
    )
    parser.add_argument("--chooser", default="dpp", metavar="NAME", help="the way of choosing frames (default dpp)")
    parser.add_argument(
        "--options", action="append", default=[], metavar="A", help="an answer to choose from; repeat it"
    )
    parser.add_argument("--language", choices=("en", "zh"), help="of the answer, where the question leaves it open")
    parser.add_argument("--trace", action="store_true", help="show how the answer was reached, a line for each station")
    parser.add_argument("--chat", action="store_true", help="go on asking, a line each; what was seen is kept")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.ask import Conversation, ask_library
    from sightline.cli.main import library_path
    from sightline.store.library import Library

    if args.chat and args.question and not args.videos and _is_video(args):
        args.videos, args.question = [args.question], ""
    status = 0
    with Library.open(library_path(args)) as library, Conversation(library) as talk:
        for question in _questions(args):
            try:
                with _Live(not args.json) as live:
                    answer = ask_library(
                        library,
                        question,
                        videos=args.videos,
                        options=args.options,
                        frames=args.frames,
                        tokens=args.tokens,
                        seconds_of_work=args.seconds_of_work,
                        reader=args.reader,
                        connector=args.connector,
                        chooser=args.chooser,
                        language=args.language,
                        conversation=talk,
                        told=live.told,
                        tell=live.tell,
                    )
            except SightlineError as error:
                if not args.chat:
                    raise
                status = _tell_error(error, args)  # what was seen and said so far is kept: ask again
                continue
            _print(answer, talk, args)
            status = ABSTAINED if answer.abstained else 0
    return status if status == 1 or not args.chat else 0


def _tell_error(error: SightlineError, args: argparse.Namespace) -> int:
    if args.json:
        print_json({"error": {"code": error.code, "message": str(error)}})
    print(f"sightline: {printable(str(error))}", file=sys.stderr)
    return 1


def _is_video(args: argparse.Namespace) -> bool:
    """`ask --chat VIDEO`: the one word given names a file, so it is no question."""
    from pathlib import Path

    return Path(args.question).is_file() or PurePath(args.question).suffix.lower() in (".mp4", ".mkv", ".mov", ".webm")


def _questions(args: argparse.Namespace) -> Iterator[str]:
    """The one question; with --chat also every line that is typed, up to an empty one."""
    if args.question or not args.chat:
        yield args.question
    while args.chat:
        if sys.stdin.isatty():
            print("? ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            return
        yield line


class _Live(logging.Handler):
    """On a terminal: the station under way, and the words as a model writes them; the answer takes their place.

    Where it breaks off, what had come of it stays. Warnings have a line of their own.
    """

    def __init__(self, wanted: bool) -> None:
        super().__init__()
        self.shown = wanted and sys.stderr.isatty()
        self.words = ""

    def __enter__(self) -> _Live:
        logging.getLogger("sightline").addHandler(self)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        logging.getLogger("sightline").removeHandler(self)
        self._put("\n" if kind and self.words else self._wiped())

    def tell(self, station: str) -> None:
        self._put(f"{self._wiped()}{station} …")

    def told(self, words: str) -> None:
        self._put(("" if self.words else self._wiped()) + printable(words))
        self.words += printable(words)

    def emit(self, record: logging.LogRecord) -> None:
        self._put(self._wiped())
        print(printable(record.getMessage()), file=sys.stderr, flush=True)

    def _wiped(self) -> str:
        """What clears the line, and every line that the words have run over."""
        width = sum(2 if east_asian_width(sign) in "WF" else 1 for sign in self.words)
        over = max(width - 1, 0) // get_terminal_size().columns
        self.words = ""
        return "\r" + "\x1b[A" * over + "\x1b[J"

    def _put(self, text: str) -> None:
        if self.shown:
            print(text, end="", file=sys.stderr, flush=True)


def _print(answer: Answer, talk: Conversation, args: argparse.Namespace) -> None:
    if args.json:
        print_json(asdict(answer))
    else:
        print("\n".join(told(answer, talk, args.trace)), flush=True)


# --- for people ------------------------------------------------------------------------------------


def told(answer: Answer, talk: Conversation, trace: bool = False) -> list[str]:
    """The answer first; then its seconds, the frames that were looked at, how sure it is, and the trace if wanted."""
    lines = [printable(answer.text)]
    lines += [f"  {_moment(moment)}" for moment in answer.moments if not answer.abstained]
    shown = [one for one in talk.exhibits if one.source == "picture"]
    frames = ", ".join(clock(one.second) for one in shown) or "none"
    words = sum(one.source != "picture" for one in talk.exhibits)
    lines.append(f"  confidence {answer.confidence:.2f} · frames {frames} · {words} lines")
    return lines + _table(answer) if trace else lines


def _moment(moment: Moment) -> str:
    name = printable(PurePath(moment.video).name)
    said = f"  “{printable(moment.text)[:72]}”" if moment.text else ""
    return f"{clock(moment.start)}–{clock(moment.end)}  {name}  {'+'.join(moment.sources)}{said}"


def _table(answer: Answer) -> list[str]:
    rows = [(s.station, s.part, s.shape_in, s.shape_out, f"{s.milliseconds:.0f} ms", s.kept) for s in answer.trace]
    head = ("station", "part", "in", "out", "time", "kept")
    printed = [tuple(printable(cell) for cell in row) for row in (head, *rows)]
    widths = [max(len(row[k]) for row in printed) for k in range(5)]
    return [
        "",
        *("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[5]]) for row in printed),
    ]
