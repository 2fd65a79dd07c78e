"""What a decoding child may use, set by the child on itself before it opens anything.

Address space, descriptors, file size and core dumps are fixed for its life; processor seconds are granted piece by
piece. Network is taken away where the system allows it. On systems without `resource` (Windows) only the parent's
clock holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
from dataclasses import asdict, dataclass

CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1


@dataclass(frozen=True)
class ChildLimits:
    """Numbers from measurements: 1 GiB of address space was enough for 8k video, so two leave room for numpy."""

    memory: int = 2 << 30  # bytes of address space
    patience: float = 60.0  # seconds without a sign of life before the child is ended
    files: int = 64  # open descriptors
    written: int = 1 << 20  # bytes of any one file it writes
    pixels: int = 36_000_000  # a picture larger than this is refused before decoding

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def confine(memory: int, files: int, written: int) -> bool:
    """Applies the limits to this process; returns whether the network could be taken away too."""
    try:
        import resource
    except ImportError:  # Windows: the parent's watch on time is all there is
        return False
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_FSIZE, written),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some kinds; the others still hold
            resource.setrlimit(kind, (value, value))
    return _linux_only()


def grant_seconds(seconds: float) -> None:
    """Allows this process that many more processor seconds; past them the system ends it (SIGXCPU)."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    allowed = int(used.ru_utime + used.ru_stime + seconds) + 1
    allowed = allowed if hard == resource.RLIM_INFINITY else min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def _linux_only() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # an indexer that is killed takes its children along
    # A privileged process keeps its right to read files; an ordinary one needs a user namespace of its own for this.
    return bool(libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
