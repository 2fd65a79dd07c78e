"""One writer at a time: a lock on the open file `writer.lock`, which the system gives back when a process dies.

Departures: waits at most a minute, then says who to wait for instead of hanging.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import LibraryBusy

NAME = "writer.lock"
WAIT = 60.0


@contextmanager
def writing(folder: Path, wait: float = WAIT) -> Iterator[None]:
    """Hold the library's columns for writing; threads of one process exclude each other too."""
    import fcntl

    lock = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + wait
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LibraryBusy(
                        f"another process has been writing to {folder} for {wait:.0f} s; "
                        "wait until it is done, or end it, and try again"
                    ) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(lock)  # closing gives the lock back
