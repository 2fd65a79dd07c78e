"""Writes docs/commands.md, the help text of every command, docs/parts.md, the table of all parts, and a short one
between two marks in each README.

python tools/write_docs.py         (docs/parts.md counts parameters and is left as it is where torch is not installed)
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sightline.cli.main import build_parser
from sightline.parts import Part, parts

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OUT = DOCS / "commands.md"
PARTS = DOCS / "parts.md"
READMES = {"README.md": "| station | parts | |", "README.zh.md": "| 站 | 部件数 | |"}
BEGIN, END = "<!-- written by tools/write_docs.py -->\n", "<!-- until here -->\n"


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


def with_short_table(name: str, listed: list[Part]) -> str:
    """A README with the names of all parts, station by station, between its marks."""
    before, _, rest = (ROOT / name).read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{name} has lost its marks {BEGIN.strip()} and {END.strip()}: put them back, table between")
    lines = [READMES[name], "|---|---|---|"]
    for station in dict.fromkeys(part.station for part in listed):
        names = [part.name for part in listed if part.station == station]
        lines.append(f"| [{station}](docs/parts.md#{station}) | {len(names)} | {', '.join(names)} |")
    return before + BEGIN + "\n".join(lines) + "\n" + END + after


if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    OUT.write_text(text())
    listed = parts()
    for name in READMES:
        (ROOT / name).write_text(with_short_table(name, listed))
    if all(part.parameters is not None for part in listed):
        PARTS.write_text(parts_text(listed))
