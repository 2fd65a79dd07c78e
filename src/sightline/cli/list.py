"""`sightline list`: what is in the library, file by file, and what was refused and why.

`sightline list parts` lists the parts instead: every idea of every station, with its source, its size and its test.
`sightline list systems` lists the systems of the literature that can be trained and compared.
"""

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
  sightline list parts             the parts of every station, with source, size and test (a folder: ./parts)
  sightline list parts --json
  sightline list systems          each with its paper, recipe, command and last figures (a folder: ./systems)
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser("list", help="what is in the library", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only these files, or what lies below these folders")
    parser.add_argument("--failed", action="store_true", help="only what was refused, with the reason")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.paths == ["parts"]:
        return _parts(args.json)
    if args.paths == ["systems"]:
        return _systems(args.json)
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
    print(f"{many(len(rows), 'file')} of {counts.files:,}" if args.paths or args.failed else _summary(counts))
    return 0


def _parts(as_json: bool) -> int:
    from dataclasses import asdict

    from sightline.parts import parts

    found = parts()
    if as_json:
        print_json({"parts": [asdict(part) for part in found]})
        return 0
    print(f"{'station':10}  {'part':24}  {'parameters':>11}  {'from':50}  {'file':42}  formula test")
    for part in found:
        large = "needs [lab]" if part.parameters is None else f"{part.parameters:,}"
        source = part.source if len(part.source) <= 50 else part.source[:49] + "…"
        test = part.test or "not installed, or none"
        print(f"{part.station:10}  {part.name:24}  {large:>11}  {source:50}  {part.file:42}  {test}")
    print(many(len(found), "part"))
    return 0


def _systems(as_json: bool) -> int:
    from dataclasses import asdict

    from sightline.systems import list_systems

    found = list_systems()
    if as_json:
        print_json({"systems": [asdict(system) for system in found]})
        return 0
    print(
        f"{'family':9}  {'system':18}  {'paper':26}  {'accuracy':>8}  {'without':>8}  {'hit':>5}  {'minutes':>7}  idea"
    )
    for system in found:
        whole, without = (system.figures.get(part, {}) for part in ("whole", "without"))
        accuracy, less, hit = (
            f"{figures[column]['mean']:.3f}" if column in figures else "-"
            for figures, column in ((whole, "accuracy"), (without, "accuracy"), (whole, "hit"))
        )
        minutes = "-" if system.minutes is None else f"{system.minutes:.1f}"
        print(
            f"{system.family:9}  {system.name:18}  {system.paper:26}  {accuracy:>8}  {less:>8}  {hit:>5}  {minutes:>7}"
            f"  {system.idea}"
        )
    print(
        f"{many(len(found), 'system')}; train: sightline train NAME --size tiny --out DIR; compare: sightline systems"
    )
    return 0


def _wanted(row: Any, args: argparse.Namespace) -> bool:
    if args.failed and row.state not in ("failed", "skipped"):
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
