"""Writes what a training run says of itself: one JSON line per entry, readable while it grows.

Shapes: an entry is a mapping of names to numbers or text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Log:
    """The file of a run that stands at `step`: what was written of later steps is dropped, for they are run again."""

    def __init__(self, path: Path, step: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [entry for entry in read_log(path) if entry["step"] <= step] if path.is_file() else []
        self.path, self.seconds = path, float(kept[-1]["seconds"]) if kept else 0.0
        path.write_text("", encoding="utf-8")
        for entry in kept:
            self.write(entry)

    def write(self, entry: Mapping[str, Any]) -> None:
        rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in entry.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded, ensure_ascii=False) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
