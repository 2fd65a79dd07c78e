"""`sightline train`: trains one of the project's own models by its recipe, on data that it draws itself."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sightline.cli.text import print_json, printable

EXAMPLE = """\
examples:
  sightline train built-in --size small --seed 0 --out my-model
  sightline train built-in --size tiny --out try
  sightline encoders use ./my-model
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train", help="train the built-in model again ([lab])", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("recipe", metavar="RECIPE", help="built-in")
    parser.add_argument("--out", required=True, metavar="DIR", help="where checkpoint, log and model go")
    parser.add_argument("--size", default="small", help="tiny (seconds) or small (the one shipped; default)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and pictures (default 0)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")
    parser.add_argument("--stop-after", type=int, metavar="N", help="end after N steps; --resume goes on from there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.train import train

    made = train(
        args.recipe,
        args.out,
        size=args.size,
        seed=args.seed,
        resume=args.resume,
        stop_after=args.stop_after,
        told=_tell,
    )
    if args.json:
        print_json(made)
        return 0
    for name, value in made.items():
        print(f"{name:<12} {printable(str(value))}")
    return 0


def _tell(entry: dict[str, Any]) -> None:
    print(f"step {entry['step']:>6}  loss {entry['loss']:.3f}  {entry['seconds']:.0f} s", file=sys.stderr, flush=True)
