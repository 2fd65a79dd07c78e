"""`sightline systems`: trains systems of the literature at one budget and compares them, each with its own ablation.

Runs are kept, so a comparison that was stopped goes on where it stood; `--kept` shows what there is and trains nothing.
`--write` makes a page of it, with plots in the folder `pictures` beside it. `--imbalanced` asks which ways of choosing
frames find an answer that is 2 seconds of 64: those that need no training alone, or, with `--write`, trained ones too.
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
  sightline systems --imbalanced --write docs/imbalanced.md           the page, with trained ones beside them
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
    parser.add_argument("--imbalanced", action="store_true", help="only which ways of choosing find a short answer")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.imbalanced:
        return _imbalanced(args)
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


def _imbalanced(args: argparse.Namespace) -> int:
    from sightline.exports.writing import write_text
    from sightline.recipes import imbalanced

    found = imbalanced.study(told=_tell)
    names = args.names or list(imbalanced.LEARNED)
    learned = _learned(names, args) if args.write else []
    written = []
    if args.write:
        words = ["sightline", "systems", *args.names, "--imbalanced", "--seeds", *map(str, args.seeds)]
        command = shlex.join([*words, *["--kept"] * args.kept, "--write", args.write])
        missing = [name for name in names if name not in {row.name for row in learned}]
        text = imbalanced.page(found, learned, command, missing)
        written = [write_text(Path(args.write).expanduser(), text)]
    if args.json:
        told = {"rules": [row.told() for row in found], "learned": [asdict(row) for row in learned]}
        print_json(told | {"files": [str(path) for path in written]})
    else:
        print("\n".join(printable(str(path)) for path in written) or imbalanced.as_table(found))
    return 0


def _learned(names: list[str], args: argparse.Namespace) -> list[Any]:
    """What trained systems find, from the runs that are kept and, without --kept, those that are made now."""
    from sightline.recipes.imbalanced import Learned
    from sightline.systems import evaluate_systems

    made = evaluate_systems(names, "imbalanced", args.seeds, _tell, ablations=False, kept=args.kept)
    rows = [row for row in made.rows if row.name in names and row.whole and "hit" in row.figures]
    return [Learned(row.name, row.seeds, row.figures["hit"], row.figures["accuracy"]) for row in rows]


def _write(made: Any, args: argparse.Namespace) -> list[Path]:
    from sightline.systems_page import write_page

    words = ["sightline", "systems", *args.names, "--size", args.size, "--seeds", *map(str, args.seeds)]
    words += ["--no-ablations"] * args.no_ablations + ["--kept"] * args.kept + ["--write", args.write]
    return write_page(made, Path(args.write).expanduser(), shlex.join(words), _tell)


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
