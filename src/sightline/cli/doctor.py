"""`sightline doctor`: what works here, what to install for the rest, and whether the library is sound."""

from __future__ import annotations

import argparse
from typing import Any

from sightline.cli.text import many, print_json, printable

EXAMPLE = """\
examples:
  sightline doctor
  sightline doctor --deep --repair      read every row again; queue what is damaged
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor", help="what works here; is the library sound", description=__doc__, epilog=EXAMPLE
    )
    parser.add_argument("--deep", action="store_true", help="check every stored row against its checksum")
    parser.add_argument("--repair", action="store_true", help="queue damaged rows for the next index run")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from sightline.cli.main import library_path
    from sightline.doctor import examine

    found = examine(library_path(args), deep=args.deep, repair=args.repair)
    if args.json:
        print_json(asdict(found) | {"sound": found.sound})
    else:
        print("\n".join(_lines(found)))
    return 0 if found.sound else 1


def _lines(found: Any) -> list[str]:
    packages = ", ".join(f"{name} {number}" for name, number in found.packages.items() if number)
    lines = [
        f"Sightline {found.sightline} · Python {found.python} · {found.system}",
        f"packages: {packages}",
        "sources:",
    ]
    lines += [f"  {'yes' if s.works else 'no ':3} {s.name}: {s.how}" for s in found.sources]
    network = (
        "without network"
        if found.confined
        else "with network (this system does not let an ordinary process give it up)"
    )
    lines.append(f"decoding children: own process, limited memory and time, {network}")
    lines += [f"note: {printable(text)}" for text in found.warnings]
    if found.library:
        counts = found.counts
        state = (
            "sound" if counts and not found.problems else many(len(found.problems), "problem") if counts else "none yet"
        )
        lines.append(f"library {printable(found.library)}: {state}")
        lines += [f"  {p['kind']}: {printable(p['detail'])}" for p in found.problems]
    return lines
