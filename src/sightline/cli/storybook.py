"""`sightline storybook make|show|dials|blind|speed`: draws videos with known truth, shows and measures that world."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.data.storybook.dials import Dials

MAKE = """example:
  sightline storybook make --n 3 --split train --seed 7 my-videos
  sightline storybook make --script picnic.yaml my-videos
"""
SHOW = """example:
  sightline storybook show 7 --out seed-7.png
"""
BLIND = """example:
  sightline storybook blind --n 5000
"""
SPEED = """example:
  sightline storybook speed
"""
DIALS = """example:
  sightline storybook dials --out dials.png
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("storybook", help="draw videos whose truth is known", epilog=MAKE + SHOW)
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("make", help="write videos, subtitles and annotations", epilog=MAKE)
    make.add_argument("folder", metavar="DIR")
    make.add_argument("--n", type=_count, default=10, help="how many videos (default 10)")
    make.add_argument("--seed", type=int, default=0, help="of the first video (default 0)")
    make.add_argument("--script", action="append", metavar="YAML", help="draw this hand-written script instead")
    make.add_argument("--size", default="640x360", metavar="WxH", help="of the pictures (default 640x360)")
    make.add_argument("--rate", type=_count, default=12, help="frames a second (default 12)")
    make.add_argument("--questions", type=_count, default=8, help="most questions a video (default 8)")
    make.add_argument("--no-videos", action="store_true", help="write the annotations alone")
    make.add_argument("--blind", action="store_true", help="print how far the questions are answered without looking")
    make.set_defaults(run=run)
    show = verbs.add_parser("show", help="one page: pictures with the truth under them", epilog=SHOW)
    show.add_argument("seed", nargs="?", type=int, default=7)
    show.add_argument("--script", metavar="YAML", help="show this hand-written script instead of a seed")
    show.add_argument("--out", metavar="PNG", help="where to write the page (default storybook-SEED.png)")
    show.set_defaults(run=run)
    dials = verbs.add_parser("dials", help="one page: every dial at three settings", epilog=DIALS)
    dials.add_argument("seed", nargs="?", type=int, default=7)
    dials.add_argument("--split", default="train", help="train, val, test, challenge or all (default train)")
    dials.add_argument("--out", metavar="PNG", default="storybook-dials.png", help="where to write the page")
    dials.set_defaults(run=run)
    blind = verbs.add_parser("blind", help="how far questions are answered without looking", epilog=BLIND)
    blind.add_argument("--n", type=_count, default=5000, help="how many questions (default 5000)")
    blind.add_argument("--seed", type=int, default=0, help="of the first video (default 0)")
    blind.add_argument("--split", default="train", help="train, val, test, challenge or all (default train)")
    speed = verbs.add_parser("speed", help="frames a second, and whether a seed draws the same bytes", epilog=SPEED)
    speed.add_argument("--encoder", default="storybook", metavar="NAME", help="what sees the pictures")
    speed.set_defaults(run=run, split="train")
    blind.set_defaults(run=run)
    for verb in (make, show):
        verb.add_argument("--split", default="train", help="train, val, test, challenge or all (default train)")
        verb.add_argument(
            "--dial",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="turn a dial: seconds, scenes, things=2-4, evidence, similarity, glyph, hold, ...",
        )


def _dials(args: argparse.Namespace) -> Dials:
    """The split's dials with those turned that were named."""
    from sightline.data.storybook.dials import Dials, usual
    from sightline.errors import BadQuery

    known = {field.name: field for field in fields(Dials)}
    turned: dict[str, Any] = {}
    for word in args.dial:
        name, _, value = word.partition("=")
        if name not in known:
            raise BadQuery(f"no dial {name!r}; there are {', '.join(known)}")
        try:
            if name == "things":
                low, _, high = value.partition("-")
                turned[name] = (int(low), int(high or low))
            else:
                turned[name] = int(value) if name == "scenes" else float(value)
        except ValueError:
            raise BadQuery(f"dial {name} is turned to a number, not to {value!r}; for example {name}=3") from None
    return replace(usual(args.split), **turned)


def _size(text: str) -> tuple[int, int]:
    from sightline.errors import BadQuery

    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) >= 32 and int(height) >= 32):
        raise BadQuery(f"a size is WIDTHxHEIGHT, 32x32 or larger, not {text!r}; for example 640x360")
    return int(width), int(height)


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1")
    return value


def run(args: argparse.Namespace) -> int:
    from sightline.data.storybook.splits import groups

    groups(args.split)  # an unknown split is told before anything is drawn
    verbs = {"make": _make, "show": _show, "dials": _show_dials, "blind": _blind, "speed": _speed}
    return verbs[args.verb](args)


def _make(args: argparse.Namespace) -> int:
    from sightline.data.storybook.blind import as_table, blind_baselines
    from sightline.data.storybook.write import make
    from sightline.data.storybook.yaml_script import read_script

    scripts = [read_script(path) for path in args.script] if args.script else None
    dials = _dials(args)
    episodes = make(
        args.folder,
        args.n,
        args.split,
        args.seed,
        dials=dials,
        size=_size(args.size),
        rate=args.rate,
        asked=args.questions,
        videos=not args.no_videos,
        scripts=scripts,
        told=lambda name: print(json.dumps({"drawn": name}) if args.json else f"drawn {name}", file=sys.stderr),
    )
    asked = [question for episode in episodes for question in episode.questions]
    rows = blind_baselines(asked, {e.name: e.script for e in episodes}) if args.blind else []
    if args.json:
        blind = [row.__dict__ for row in rows] if args.blind else None
        answer = {"folder": args.folder, "videos": [e.name for e in episodes], "questions": len(asked), "blind": blind}
        print(json.dumps(answer))
        return 0
    print(f"{len(episodes)} videos with {len(asked)} questions in {args.folder}")
    if args.blind:
        print(as_table(rows))
    return 0


def _blind(args: argparse.Namespace) -> int:
    from sightline.data.storybook.blind import as_table, asked_of, blind_baselines

    asked, scripts = asked_of(args.split, args.n, args.seed)
    rows = blind_baselines(asked, scripts)
    if args.json:
        print(json.dumps({"split": args.split, "videos": len(scripts), "blind": [row.__dict__ for row in rows]}))
        return 0
    print(f"{len(asked):,} questions about {len(scripts):,} videos of the split {args.split}: shares of right answers")
    print(as_table(rows))
    return 0


def _speed(args: argparse.Namespace) -> int:
    from sightline.data.storybook.speed import as_lines, measure
    from sightline.encoders.by_name import open_encoder

    speed = measure(open_encoder(args.encoder, threads=1).see)
    print(json.dumps(speed.__dict__) if args.json else "\n".join(as_lines(speed)))
    return 0 if speed.same_here and speed.same_elsewhere else 1


def _show(args: argparse.Namespace) -> int:
    from sightline.data.storybook.script import random_script
    from sightline.data.storybook.show import contact_sheet
    from sightline.data.storybook.yaml_script import read_script

    script = read_script(args.script) if args.script else random_script(args.seed, _dials(args), args.split)
    out = Path(args.out or f"storybook-{script.seed}.png")
    contact_sheet(script).save(out)
    print(json.dumps({"page": str(out), "seconds": script.seconds, "events": len(script.events)}) if args.json else out)
    return 0


def _show_dials(args: argparse.Namespace) -> int:
    from sightline.data.storybook.dial_page import dial_page

    dial_page(args.seed, args.split).save(args.out)
    print(json.dumps({"page": args.out}) if args.json else args.out)
    return 0
