"""Writes docs/commands.md, the help text of every command, and docs/parts.md, the table of all parts.

python tools/write_docs.py         (docs/parts.md counts parameters and is left as it is where torch is not installed)
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sightline.cli.main import build_parser
from sightline.parts import Part, parts

DOCS = Path(__file__).parents[1] / "docs"
OUT = DOCS / "commands.md"
PARTS = DOCS / "parts.md"


def text() -> str:
    """Every command and subcommand, in the order of `sightline --help`."""
    os.environ["COLUMNS"] = "100"
    parts = ["# Commands\n\nWritten by `python tools/write_docs.py` from the commands' own help.\n"]
    parts += [
        f"## {name}\n\n```\n{parser.format_help().rstrip()}\n```\n"
        for name, parser in _walk("sightline", build_parser())
    ]
    return "\n".join(parts)


def _walk(name: str, parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    found = [(name, parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                found += _walk(f"{name} {word}", command)
    return found


def parts_text(listed: list[Part]) -> str:
    """A table for each station: a part, where it is from, its file, its size, the test that proves it."""
    lines = [
        "# Parts\n\nEvery idea of every station, as `sightline list parts` prints it. Written by "
        "`python tools/write_docs.py`.\nParameters are counted at tiny size (`TINY` in `sightline/parts.py`); 0 is a "
        "plain function."
    ]
    for station in dict.fromkeys(part.station for part in listed):
        lines.append(f"\n## {station}\n\n| part | from | file | parameters | formula test |\n|---|---|---|---|---|")
        lines += [_row(part) for part in listed if part.station == station]
    return "\n".join(lines) + "\n"


def _row(part: Part) -> str:
    file, _, test = part.test.partition("::")
    source, size = part.source.replace("|", "\\|"), "" if part.parameters is None else f"{part.parameters:,}"
    proof = f"[{test}](../{file})" if test else ""
    return f"| {part.name} | {source} | [{Path(part.file).name}](../src/{part.file}) | {size} | {proof} |"


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    OUT.write_text(text())
    listed = parts()
    if all(part.parameters is not None for part in listed):
        PARTS.write_text(parts_text(listed))
