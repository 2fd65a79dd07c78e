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
        wanted = [os.path.abspath(path) for path in args.paths]
        known = library.known()
        folders = [path for path in wanted if path not in known and _is_folder(path, known)]
        named = _named(known, [path for path in wanted if path not in folders]) | _below(known, folders)
        for folder in folders:
            library.forget_folder(folder)
        library.forget(named - _below(known, folders))
        report: dict[str, Any] = {"forgotten": len(named), "folders": folders, "paths": sorted(named)}
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


def _is_folder(path: str, known: dict[str, Any]) -> bool:
    return os.path.isdir(path) or bool(_below(known, [path]))


def _below(known: dict[str, Any], folders: list[str]) -> set[str]:
    return {path for path in known for folder in folders if path.startswith(folder.rstrip(os.sep) + os.sep)}


def _named(known: dict[str, Any], wanted: list[str]) -> set[str]:
    """The files named; one that is not known is an error."""
    from sightline.errors import BadQuery

    for path in wanted:
        if path not in known:
            raise BadQuery(f"{path} is not in the library; `sightline list` shows what is")
    return set(wanted)
