"""Named steps at every write, sync, rename and commit, so that a test can stop the process at each of them in turn.

Departures: none of it acts unless the environment asks. `SIGHTLINE_FAIL_AT=7` ends the process at its seventh step as
SIGKILL would, `SIGHTLINE_FAIL_AT=7:enospc` lets that step find a full disk, `SIGHTLINE_FAIL_COUNT=file` appends the
number of steps when the process ends well. Tests only.
"""

from __future__ import annotations

import atexit
import errno
import os

FAIL_AT, _, FAIL_HOW = os.environ.get("SIGHTLINE_FAIL_AT", "").partition(":")
COUNT_FILE = os.environ.get("SIGHTLINE_FAIL_COUNT", "")
_steps = 0


def step(name: str) -> None:
    """One step of the writing; `name` says which in a full-disk error."""
    global _steps
    if not (FAIL_AT or COUNT_FILE):
        return
    _steps += 1
    if FAIL_AT and _steps == int(FAIL_AT):
        if FAIL_HOW == "enospc":
            raise OSError(errno.ENOSPC, f"no space left (asked for by SIGHTLINE_FAIL_AT, at {name!r})")
        os._exit(137)


def _write_count() -> None:
    with open(COUNT_FILE, "a", encoding="ascii") as out:
        out.write(f"{_steps}\n")


if COUNT_FILE:
    atexit.register(_write_count)
