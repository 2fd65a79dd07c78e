"""`sightline evaluate storybook`: every figure that is claimed for the built-in model, measured here and now;
`sightline evaluate asking`: questions answered without a language model, beside uniform frames, an oracle, the blind.

Pictures and videos are drawn from combinations that training never showed. `--encoder` measures another one.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sightline.cli.text import print_json, printable, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.encoders.encoder import Encoder
    from sightline.evaluate import Report

EXAMPLE = """\
examples:
  sightline evaluate storybook
  sightline evaluate storybook --n 200 --videos 20 --written 2 --json
  sightline evaluate storybook --encoder colour
  sightline evaluate asking --n 96 --videos 12
"""
TITLES = {
    "retrieval": "pictures and captions (unseen combinations only)",
    "zero-shot": "one thing in an unseen colour: the right word among all",
    "binding": "colours bound to their nouns",
    "actions": "what a thing is doing, each frame judged alone",
    "moments": "moments in held-out videos of 30 to 120 s, their frames drawn at one a second",
}


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate", help="measure an encoder on storybook", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("what", choices=("storybook", "asking"), help="what to measure")
    parser.add_argument("--encoder", default="storybook", metavar="NAME", help="default: storybook, the built-in model")
    parser.add_argument("--n", type=int, default=1000, metavar="N", help="pictures per section, or questions (1000)")
    parser.add_argument("--videos", type=int, default=200, metavar="N", help="held-out videos (default 200; 0: none)")
    parser.add_argument(
        "--written", type=int, default=10, metavar="N", help="how many of them are written to mp4 and indexed too (10)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the pictures and videos (default 1)")
    parser.add_argument("--only-trained", action="store_true", help="leave out the same towers untrained ([lab])")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return _asking(args) if args.what == "asking" else _storybook(args)


def _asking(args: argparse.Namespace) -> int:
    from sightline import evaluate_asking
    from sightline.encoders.by_name import open_encoder
    from sightline.errors import BadQuery

    if args.n < 2 or args.videos < 2:
        raise BadQuery(f"asking needs --n and --videos of 2 at least, not {args.n} and {args.videos}")
    encoder = open_encoder(args.encoder)
    report = evaluate_asking.measure_asking(
        encoder, videos=args.videos, count=args.n, seed=args.seed, told=lambda text: print(text, file=sys.stderr)
    )
    print_json(asdict(report)) if args.json else print("\n".join(map(printable, evaluate_asking.told(report))))
    return 0


def _storybook(args: argparse.Namespace) -> int:
    from sightline.cli.progress import ShareProgress
    from sightline.encoders.by_name import open_encoder
    from sightline.evaluate import Size, evaluate_storybook, untrained

    size = Size(args.n, args.videos, args.written, args.seed)
    with_untrained = args.encoder == "storybook" and not args.only_trained
    measured: list[Callable[[], Encoder]] = [partial(open_encoder, args.encoder)]
    measured += [untrained] if with_untrained and find_spec("torch") else []
    began, reports = time.monotonic(), []
    with ShareProgress(args.json, parts=len(measured)) as progress:
        for part, encoder in enumerate(measured):
            reports.append(evaluate_storybook(encoder(), size, told=partial(progress, part)))
    if args.json:
        print_json({"reports": [asdict(report) for report in reports], "seconds": time.monotonic() - began})
        return 0
    for report in reports:
        print("\n".join(told(report)))
    if with_untrained and len(reports) == 1:
        print("(the same towers untrained are measured where torch is installed: pip install 'sightline[lab]')")
    print(f"measured in {span(time.monotonic() - began)}")
    return 0


def told(report: Report) -> list[str]:
    lines = [f"encoder: {printable(report.encoder)}"]
    for section, rows in report.sections.items():
        lines += ["", TITLES[section]]
        for name, figures in rows:
            cells = "  ".join(f"{label} {_figure(label, value)}" for label, value in figures.items())
            lines.append(f"  {name:<28} {cells}")
    if report.confidence:
        lines += ["", "stated confidence against how often the answer was right"]
        for row in report.confidence:
            told_and_true = f"stated {row.stated:.2f}   right {row.observed:.2f}"
            lines.append(f"  {row.low:.1f} to {row.high:.1f}   {row.count:>5} answers   {told_and_true}")
    return [*lines, ""]


def _figure(label: str, value: float) -> str:
    return str(int(value)) if label == "asked" else f"{value:.3f}"
