"""`sightline list`: what is in the library, file by file, and what was refused and why."""

from __future__ import annotations

import argparse
import os
from typing import Any

from sightline.cli.text import clock, many, print_json, printable, size, span

EXAMPLE = """\
examples:
  sightline list
  sightline list --failed
  sightline list --json
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser("list", help="what is in the library", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only these files, or what lies below these folders")
    parser.add_argument("--failed", action="store_true", help="only what was refused, with the reason")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from sightline.cli.main import library_path
    from sightline.store.library import Library

    with Library.open(library_path(args)) as library:
        counts, rows = library.counts(), library.listing()
    rows = [row for row in rows if _wanted(row, args)]
    if args.json:
        print_json({"counts": asdict(counts), "files": [asdict(row) for row in rows]})
        return 0
    for row in rows:
        print(_row(row))
    print(_summary(counts))
    return 0


def _wanted(row: Any, args: argparse.Namespace) -> bool:
    if args.failed and row.state == "indexed":
        return False
    roots = [os.path.abspath(path) for path in args.paths]
    return not roots or any(row.path == root or row.path.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _row(row: Any) -> str:
    if row.state != "indexed":
        why = f": {printable(row.detail)}" if row.detail else ""
        return f"{row.state:>9}  {printable(row.path)}  ({row.reason or 'not finished'}{why})"
    text = ", ".join(many(count, f"{source} line") for source, count in sorted(row.lines.items()) if count)
    facts = [clock(row.duration), many(row.shots, "shot"), many(row.frames, "frame"), *([text] if text else [])]
    return f"{'indexed':>9}  {printable(row.path)}  {' · '.join(facts)}"


def _summary(counts: Any) -> str:
    lines = ", ".join(f"{count:,} {source}" for source, count in sorted(counts.lines.items()) if count) or "none"
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.by_state.items()) if count) or "none yet"
    encoder = f" · seen by {counts.generation.name}" if counts.generation else ""
    return (
        f"{many(counts.files, 'file')} ({states}) · {span(counts.seconds)} · {many(counts.frames, 'frame')}"
        f" · lines of text: {lines} · {size(counts.bytes)} on disk{encoder}"
    )
