"""The `sightline` command: finds the subcommand, runs it, and turns an error into one line and an exit code.

Exit codes: 0 done · 1 an error, told in one line · 2 wrong usage · 3 nothing matched · 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
from pathlib import Path

from sightline import __version__
from sightline.errors import SightlineError, SystemSays

COMMANDS = (
    "demo",
    "index",
    "search",
    "ask",
    "compare",
    "list",
    "forget",
    "encoders",
    "storybook",
    "train",
    "systems",
    "findings",
    "evaluate",
    "doctor",
)

ABOUT = """\
Ask your videos. See what it looked at.

  sightline demo                     draw a few videos, index them, search them
  sightline index ~/Videos           take a folder in (again: only what changed)
  sightline search "red kite"        find the moment, to the second
  sightline ask "what does she say?" an answer that stands on seconds
"""


def main(argv: list[str] | None = None) -> int:
    _never_fail_to_print()
    args = build_parser().parse_args(argv)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except SightlineError as error:
        if os.environ.get("SIGHTLINE_DEBUG"):
            raise
        return _told(error, getattr(args, "json", False))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `sightline list | head` closed the pipe: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if os.environ.get("SIGHTLINE_DEBUG"):
            raise
        return _told(SystemSays(f"{error.filename or 'writing the output'}: {error.strerror or error}"), args.json)


def _never_fail_to_print() -> None:
    """Where the terminal's encoding lacks a character, its escape is printed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; every command file adds its own part."""
    parser = argparse.ArgumentParser(
        prog="sightline", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"sightline {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"sightline.cli.{name}").add(subparsers)
    for command in subparsers.choices.values():
        _add_shared(command)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """--library and --json, on every command that does something."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for command in action.choices.values():
            _add_shared(command)
    if not nested:
        shared = parser.add_argument_group("shared options")
        shared.add_argument(
            "--library", metavar="DIR", help="the library (default: $SIGHTLINE_LIBRARY, or your data folder)"
        )
        shared.add_argument(
            "--json", action="store_true", help="print one JSON object; progress as JSON lines on stderr"
        )


def library_path(args: argparse.Namespace) -> Path:
    """The library that is meant: --library, then $SIGHTLINE_LIBRARY, then the user's data folder."""
    named = args.library or os.environ.get("SIGHTLINE_LIBRARY")
    if named:
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "sightline" / "library"


def _told(error: SightlineError, as_json: bool) -> int:
    from sightline.cli.text import printable

    if as_json:
        print(json.dumps({"error": {"code": error.code, "message": str(error)}}, ensure_ascii=False))
    print(f"sightline: {printable(str(error))}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
