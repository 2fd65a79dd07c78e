"""Writes docs/commands.md: the help text of every command, as the command prints it.

python tools/write_docs.py
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sightline.cli.main import build_parser

OUT = Path(__file__).parents[1] / "docs" / "commands.md"


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


if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(text())
