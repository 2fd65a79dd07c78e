"""What an indexing run did, in numbers that add up to the files it saw.

The keys of `--json` are these field names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A file that could not be taken in: its reason code and one line in words."""

    path: str
    code: str
    message: str


@dataclass
class Report:
    """`found` = `unchanged` + `known` + `indexed` + `refused` + `waiting` at the end of every run."""

    found: int = 0  # files that could be media, seen in this run
    unchanged: int = 0  # same name, size and time as before: not read
    known: int = 0  # new or touched names of content that is already in: renamed, moved, copied, put back
    indexed: int = 0  # taken in by this run
    waiting: int = 0  # not reached (interrupted, or in another indexer's hands)
    failed: list[Refusal] = field(default_factory=list)
    lost: int = 0  # names that are gone from reachable folders
    unreachable: dict[str, str] = field(default_factory=dict)  # folder or file -> why; nothing under it was deleted
    passed_over: dict[str, int] = field(default_factory=dict)  # rule -> how many
    frames_seen: int = 0
    frames_encoded: int = 0
    frames_similar: int = 0  # hardly different from the one before: not encoded again
    frames_decoded: int = 0
    frames_corrupt: int = 0
    seconds_of_video: float = 0.0
    seconds_taken: float = 0.0
    lines: int = 0
    shots: int = 0
    generation: int = 0
    encoder: str = ""
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def refused(self) -> int:
        return len(self.failed)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
