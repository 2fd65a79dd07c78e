"""`sightline systems`: trains systems of the literature at one budget and compares them, each with its own ablation.

Runs are kept, so a comparison that was stopped goes on where it stood. `--imbalanced` asks which ways of choosing
frames find an answer that is 2 seconds of 64.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from sightline.cli.text import print_json, printable

EXAMPLE = """\
examples:
  sightline list systems
  sightline systems --size tiny                       all systems, three seeds
  sightline systems gcg vila --size tiny --seeds 0
  sightline systems --imbalanced                      training-free ways of choosing alone: nothing is trained
  sightline systems gcg gcg-paper gcg-released vila vila-released similar --size imbalanced --seeds 0
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "systems", help="compare systems of the literature ([lab])", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("names", nargs="*", metavar="SYSTEM", help="only these (default: all)")
    parser.add_argument("--size", default="small", help="tiny, small (default) or imbalanced")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--no-ablations", action="store_true", help="leave out the systems without their idea")
    parser.add_argument("--imbalanced", action="store_true", help="only the study of training-free rules")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.imbalanced:
        from sightline.recipes import imbalanced

        found = imbalanced.study(told=_tell)
        print_json({"rules": [asdict(row) for row in found]}) if args.json else print(imbalanced.as_table(found))
        return 0
    from sightline.systems import as_table, evaluate_systems, kinds_table

    made = evaluate_systems(args.names or None, args.size, args.seeds, _tell, ablations=not args.no_ablations)
    if args.json:
        print_json(asdict(made))
        return 0
    print(f"{made.questions} questions, {len(made.seeds)} seeds, size {made.size}\n")
    print(as_table(made))
    print()
    print(kinds_table(made))
    return 0


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
