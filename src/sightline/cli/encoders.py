"""`sightline encoders`: which picture models there are, which one a library uses, and how to bring one along."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from typing import Any

from sightline.cli.text import print_json, printable

EXAMPLE = """\
examples:
  sightline encoders list
  sightline encoders use colour
  sightline encoders use ~/models/clip-onnx@int8
  sightline encoders export hf:google/siglip2-base-patch16-256 ~/models/siglip2-onnx
"""


def add(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "encoders", help="picture models: list, choose, export", description=__doc__, epilog=EXAMPLE
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="what can be opened here", epilog="example:\n  sightline encoders list\n")
    listing.set_defaults(run=run, action="list")

    use = actions.add_parser(
        "use", help="the library's encoder from now on", epilog="example:\n  sightline encoders use colour\n"
    )
    use.add_argument("name", metavar="NAME", help="colour, none, a model folder, onnx:NAME or hf:NAME")
    use.set_defaults(run=run, action="use")

    text = "example:\n  sightline encoders export hf:openai/clip-vit-base-patch32 ~/models/clip-onnx\n"
    export = actions.add_parser("export", help="a transformers model as ONNX files", epilog=text)
    export.add_argument("name", metavar="NAME", help="hf:NAME, or a folder with safetensors")
    export.add_argument("folder", metavar="FOLDER", help="where the files go; a new or empty folder")
    export.add_argument("--no-int8", dest="int8", action="store_false", help="leave out the int8 variants")
    export.set_defaults(run=run, action="export")


def run(args: argparse.Namespace) -> int:
    return {"list": _list, "use": _use, "export": _export}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from sightline.encoders.by_name import available

    encoders = available()
    if args.json:
        print_json({"encoders": [asdict(encoder) for encoder in encoders]})
        return 0
    for encoder in encoders:
        print(f"{encoder.name:<10} {encoder.knows}")
        print(f"{'':<10} {'' if encoder.ready else 'not installed: '}{encoder.how}")
    return 0


def _use(args: argparse.Namespace) -> int:
    from sightline.cli.main import library_path
    from sightline.encoders.by_name import open_encoder
    from sightline.store.library import Library

    card = open_encoder(args.name).card  # opened first: a library never gets a name that leads nowhere
    with Library.open(library_path(args), create=True) as library:
        library.set_fact("encoder", card.name)
        current = library.current()
    seen_by_another = current is not None and current.fingerprint != card.fingerprint
    if args.json:
        print_json({**asdict(card), "rebuild": seen_by_another})
        return 0
    print(f"this library now uses {printable(card.name)} ({card.width} numbers per frame)")
    if seen_by_another:
        print("its videos were seen by another encoder; see them again with:")
        print(f"  sightline index --rebuild --encoder {shlex.quote(card.name)}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from sightline.encoders.export import export_onnx

    report = export_onnx(args.name, args.folder, int8=args.int8)
    if args.json:
        print_json(asdict(report))
        return 0
    print(f"{printable(report.folder)}: {report.family}, {report.width} numbers per frame")
    print(f"least cosine to the original: pictures {report.picture_cosine:.4f}, texts {report.text_cosine:.4f}")
    if args.int8:
        print(f"the int8 variant: pictures {report.int8_picture_cosine:.4f}, texts {report.int8_text_cosine:.4f}")
    print(f"use it: sightline encoders use {printable(report.folder)}{'@int8' if args.int8 else ''}")
    return 0
