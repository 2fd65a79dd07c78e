"""`sightline forget`: takes files out of the library; `sightline forget --compact` gives their space back.

What is forgotten stays out: a later `index` of the folder passes it over, until the file itself is named.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from sightline.cli.text import many, print_json, size

EXAMPLE = """\
examples:
  sightline forget ~/Videos/private.mp4
  sightline forget --compact
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser("forget", help="take videos out of the library", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, or folders for all below them")
    parser.add_argument("--compact", action="store_true", help="rewrite the library without what is no longer searched")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from sightline.cli.main import library_path
    from sightline.errors import BadQuery
    from sightline.store.library import Library

    if not args.paths and not args.compact:
        raise BadQuery("nothing to forget was named; give paths, or --compact to give space back")
    with Library.open(library_path(args)) as library:
        named = _named(library.known(), [os.path.abspath(path) for path in args.paths])
        forgotten = library.forget(named)
        report: dict[str, Any] = {"forgotten": forgotten, "paths": sorted(named)}
        if args.compact:
            compacted = library.compact()
            report["bytes_freed"] = compacted.bytes
    if args.json:
        print_json(report)
        return 0
    if args.paths:
        print(f"{many(len(named), 'file')} forgotten")
    if args.compact:
        print(f"{size(report['bytes_freed'])} given back")
    return 0


def _named(known: dict[str, Any], wanted: list[str]) -> set[str]:
    """The known paths that are named themselves or lie below a named folder; a name that is neither is an error."""
    from sightline.errors import BadQuery

    named: set[str] = set()
    for path in wanted:
        below = path.rstrip(os.sep) + os.sep
        hits = {known_path for known_path in known if known_path == path or known_path.startswith(below)}
        if not hits:
            raise BadQuery(f"{path} is not in the library; `sightline list` shows what is")
        named |= hits
    return named
