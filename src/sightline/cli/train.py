"""`sightline train`: trains a system or the built-in model by its recipe, on storybook or on videos of your own."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from sightline.cli.text import print_json, printable

EXAMPLE = """\
examples:
  sightline train gcg --size tiny --out my-gcg              a system, on storybook
  sightline train gcg --size tiny --data videos --out mine  on the videos of a folder, asked by its questions.jsonl
  sightline train built-in --size small --seed 0 --out my-model
  sightline train built-in --size tiny --out try
  sightline encoders use ./my-model
  sightline list systems                                    what can be trained

a line of questions.jsonl:
  {"video": "trip.mp4", "question": "What colour is the tent?", "options": ["red", "green"], "answer": 0,
   "seconds": [[12.0, 19.5]], "statement": "the tent is red"}        (seconds and statement may be left out)
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train", help="train a system or the built-in model ([lab])", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("recipe", metavar="RECIPE", help="built-in, or a system (sightline list systems)")
    parser.add_argument("--out", required=True, metavar="DIR", help="where checkpoint, log and model go")
    parser.add_argument("--size", default="small", help="tiny (a minute) or small (the default)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (default 0)")
    parser.add_argument("--data", default="storybook", metavar="DIR", help="storybook (default), or a folder of videos")
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
        data=args.data,
        resume=args.resume,
        stop_after=args.stop_after,
        told=_tell_json if args.json else _tell,
    )
    if args.json:
        print_json(made)
        return 0
    for name, value in made.items():
        print(f"{name:<12} {printable(_shown(value))}")
    return 0


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _tell(entry: dict[str, Any]) -> None:
    """One line: step, all named losses, seconds."""
    if "note" in entry:
        print(printable(entry["note"]), file=sys.stderr, flush=True)
        return
    shown = ("step", "rate", "stage", "seconds")
    terms = "  ".join(f"{name} {value:.3f}" for name, value in entry.items() if name not in shown)
    stage = f"{entry['stage']}  " if "stage" in entry else ""
    print(f"step {entry['step']:>6}  {stage}{terms}  {entry['seconds']:.0f} s", file=sys.stderr, flush=True)


def _tell_json(entry: dict[str, Any]) -> None:
    print(json.dumps(entry, ensure_ascii=False), file=sys.stderr, flush=True)
