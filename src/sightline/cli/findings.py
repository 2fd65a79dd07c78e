"""`sightline findings`: asks five questions that the literature leaves open, of drawn videos and real tower features.

Each answer comes with its table, its plot and verdicts that follow from figures and their errors by one stated rule.
`--write` makes a page of them, with plots in the folder `pictures` beside it. Videos that were seen once are kept.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from sightline.cli.text import print_json, printable
from sightline.findings import FINDINGS

EXAMPLE = """\
examples:
  sightline findings --write docs/findings.md
  sightline findings rare-evidence --size tiny --seeds 0
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "findings", help="what the literature leaves open, measured ([lab])", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(FINDINGS)} (default: all)")
    parser.add_argument("--size", default="small", help="whose exam the questions are like: tiny or small (default)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    parser.add_argument("--write", metavar="FILE", help="write a page (markdown) and its plots")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.findings.asking import find_out
    from sightline.findings.page import page, write_page

    found = find_out(args.names, args.size, args.seeds, _tell)
    made = _made(args)
    written = write_page(found, Path(args.write).expanduser(), made) if args.write else []
    if args.json:
        told = [asdict(finding) | {"verdicts": [claim.outcome for claim in finding.claims]} for finding in found]
        print_json({"findings": told, "files": [str(path) for path in written]})
        return 0
    print("\n".join(printable(str(path)) for path in written) if written else page(found, made))
    return 0


def _made(args: argparse.Namespace) -> Any:
    from sightline.findings.page import Made
    from sightline.findings.seen import ABOUT, Scale
    from sightline.recipes.questions_seen import HOME, Eye

    words = ["sightline", "findings", *args.names, "--size", args.size, "--seeds", *map(str, args.seeds)]
    words += ["--write", args.write] if args.write else []
    mark, day = Eye.opened(HOME).mark, date.today().isoformat()
    return Made(shlex.join(words), args.size, tuple(args.seeds), ABOUT[Scale(args.size).split], mark, day)


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
