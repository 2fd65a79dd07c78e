"""`sightline systems`: trains systems of the literature at one budget and compares them, each with its own ablation.

Runs are kept, so a comparison that was stopped goes on where it stood; `--kept` shows what there is and trains nothing.
`--write` makes a page of it, with plots in the folder `pictures` beside it. `--imbalanced` asks which ways of choosing
frames find an answer that is 2 seconds of 64.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sightline.cli.text import print_json, printable

EXAMPLE = """\
examples:
  sightline list systems
  sightline systems --size tiny                       all systems, three seeds
  sightline systems gcg vila --size tiny --seeds 0
  sightline systems --size tiny --kept --write docs/comparison.md     the page, from the runs there are
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
    parser.add_argument("--kept", action="store_true", help="only runs that were made before: nothing is trained")
    parser.add_argument("--write", metavar="FILE", help="write a page (markdown) and its plots")
    parser.add_argument("--imbalanced", action="store_true", help="only the study of training-free rules")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.imbalanced:
        from sightline.recipes import imbalanced

        found = imbalanced.study(told=_tell)
        print_json({"rules": [asdict(row) for row in found]}) if args.json else print(imbalanced.as_table(found))
        return 0
    from sightline.systems import as_table, evaluate_systems, kinds_table

    made = evaluate_systems(
        args.names or None, args.size, args.seeds, _tell, ablations=not args.no_ablations, kept=args.kept
    )
    written = _write(made, args) if args.write else []
    if args.json:
        print_json(asdict(made) | {"files": [str(path) for path in written]})
        return 0
    if written:
        print("\n".join(printable(str(path)) for path in written))
        return 0
    print(f"{made.questions} questions, {len(made.seeds)} seeds, size {made.size}\n")
    print(as_table(made))
    print()
    print(kinds_table(made))
    for name, whole, seed in made.missing:
        print(f"not trained yet: {name}{'' if whole else ' without its idea'}, seed {seed}", file=sys.stderr)
    return 0


def _write(made: Any, args: argparse.Namespace) -> list[Path]:
    from sightline.systems_page import write_page

    words = ["sightline", "systems", *args.names, "--size", args.size, "--seeds", *map(str, args.seeds)]
    words += ["--no-ablations"] * args.no_ablations + ["--kept"] * args.kept + ["--write", args.write]
    return write_page(made, Path(args.write).expanduser(), shlex.join(words), _tell)


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
