"""`sightline index`: takes folders of videos in; run again, it takes in only what changed."""

from __future__ import annotations

import argparse
import time
from typing import Any

from sightline.cli.text import many, print_json, printable, span

EXAMPLE = """\
examples:
  sightline index ~/Videos
  sightline index lecture.mp4 --screen-text          read the words on the slides too
  sightline index ~/Videos --encoder onnx:Xenova/clip-vit-base-patch32     see real pictures
  sightline index ~/Videos --watch                   stay and take in what arrives
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser("index", help="take videos into the library", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="folders or files")
    parser.add_argument("--every", type=_seconds, metavar="S", help="look at a frame every S seconds (default 1)")
    parser.add_argument(
        "--effort",
        choices=("guided", "every-frame", "skip-unreferenced", "keyframes", "draft"),
        help="guided (default): keyframes first, then only the stretches that need more",
    )
    parser.add_argument(
        "--encoder", metavar="NAME", help="what sees the pictures (default: storybook; see: sightline encoders list)"
    )
    parser.add_argument(
        "--speech", metavar="MODEL", nargs="?", const="whisper:small", help="recognise speech ([speech])"
    )
    parser.add_argument(
        "--screen-text", metavar="READER", nargs="?", const="rapidocr", help="read on-screen text ([ocr])"
    )
    parser.add_argument("--no-stills", dest="stills", action="store_false", help="leave pictures and GIFs out")
    parser.add_argument("--rebuild", action="store_true", help="see everything again with another encoder or sampling")
    parser.add_argument("--retry", action="store_true", help="try again what failed before")
    parser.add_argument("--gone", action="store_true", help="believe an empty folder: its files are gone for good")
    parser.add_argument("--workers", type=_count, default=2, metavar="N", help="decoding processes (default 2)")
    parser.add_argument("--memory", type=_count, default=2, metavar="GB", help="memory one of them may use (default 2)")
    parser.add_argument(
        "--watch", nargs="?", type=_seconds, const=5.0, metavar="S", help="look again every S seconds (5)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.cli.main import library_path
    from sightline.cli.progress import IndexProgress
    from sightline.index import Wishes, index_paths
    from sightline.indexing.limits import ChildLimits
    from sightline.store.library import Library

    wishes = Wishes(
        encoder=args.encoder,
        every=args.every,
        effort=args.effort,
        listen=args.speech,
        screen=args.screen_text,
        stills=args.stills,
        rebuild=args.rebuild,
        retry=args.retry,
        gone=args.gone,
        workers=args.workers,
        limits=ChildLimits(memory=args.memory << 30),
        settled=2.0 if args.watch else 0.0,
    )
    _refuse_wrong_paths(args.paths)
    said = ""
    with Library.open(library_path(args), create=True) as library:
        if args.encoder is None and not (library.current() or library.fact("encoder")):
            _tell_default(args.json)
        while True:
            with IndexProgress(args.json) as progress:
                report = index_paths(library, args.paths, wishes, tell=progress)
            if args.watch is None or report.interrupted or report.indexed or _news(report) != said:
                _print(report, args.json)
                said = _news(report)
            if report.interrupted:
                return 130
            if args.watch is None:
                return 1 if report.failed and not (report.indexed + report.known + report.unchanged) else 0
            time.sleep(args.watch)


def _tell_default(as_json: bool) -> None:
    """A new library sees by the built-in model, and what that model does not know is said before anything is done."""
    import json
    import sys
    import textwrap

    from sightline.encoders.by_name import ABOUT_DEFAULT

    if as_json:
        print(json.dumps({"event": "note", "text": ABOUT_DEFAULT}), file=sys.stderr)
    else:
        print("\n".join(textwrap.wrap(f"note: {ABOUT_DEFAULT}", 100)), file=sys.stderr)


def _refuse_wrong_paths(paths: list[str]) -> None:
    """A path that is not there and was never known is a typing mistake, told at once."""
    import os

    from sightline.errors import FileVanished

    missing = [path for path in paths if not os.path.lexists(path)]
    if missing and len(missing) == len(paths):
        raise FileVanished(f"{missing[0]}: there is no such file or folder; nothing in the library was changed")


def _news(report: Any) -> str:
    """What a person who watches would want to be told when it changes."""
    return repr((report.found, report.failed, report.notes, report.unreachable))


def _print(report: Any, as_json: bool) -> None:
    if as_json:
        print_json(report.as_dict())
        return
    print(_headline(report))
    for line in _details(report):
        print("  " + line)


def _headline(report: Any) -> str:
    parts = [f"{report.indexed:,} taken in"]
    parts += [f"{report.unchanged:,} unchanged"] if report.unchanged else []
    parts += [f"{report.known:,} known by content"] if report.known else []
    parts += [f"{report.refused:,} refused"] if report.refused else []
    parts += [f"{report.waiting:,} not reached"] if report.waiting else []
    return f"{many(report.found, 'file')}: " + ", ".join(parts)


def _details(report: Any) -> list[str]:
    lines = []
    if report.indexed:
        rate = report.frames_seen / max(report.seconds_taken, 1e-3)
        lines.append(
            f"{span(report.seconds_of_video)} of video in {span(report.seconds_taken)}: "
            f"{many(report.frames_seen, 'frame')} looked at ({rate:.0f}/s), {report.frames_encoded:,} encoded, "
            f"{report.frames_similar:,} like the one before"
        )
    if report.lost:
        lines.append(f"{many(report.lost, 'name')} gone from disk, no longer searched")
    lines += [f"could not look at {printable(place)}: {printable(why)}" for place, why in report.unreachable.items()]
    lines += [f"refused ({r.code}): {printable(_with_path(r))}" for r in report.failed]
    lines += [f"note: {printable(note)}" for note in report.notes]
    if report.passed_over:
        lines.append("passed over: " + ", ".join(f"{n:,} {rule}" for rule, n in report.passed_over.items()))
    if report.interrupted:
        lines.append("interrupted; what was done is kept: the same command continues")
    return lines


def _with_path(refusal: Any) -> str:
    """The message, which most often names the file itself."""
    return refusal.message if refusal.path in refusal.message else f"{refusal.path}: {refusal.message}"


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not 0.01 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: give seconds between 0.01 and 3600")
    return value


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 to 256")
    return value
