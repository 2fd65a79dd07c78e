"""Writes what a training run says of itself: one JSON line per entry, readable while it grows.

Where the `tensorboard` package is installed, the same numbers go to a folder `board` beside the log.

Shapes: an entry is a mapping of names to numbers or text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Log:
    """The file of a run that stands at `step`: what was written of later steps is dropped, for they are run again."""

    def __init__(self, path: Path, step: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [entry for entry in read_log(path) if entry["step"] <= step] if path.is_file() else []
        self.path, self.seconds = path, float(kept[-1]["seconds"]) if kept else 0.0
        path.write_text("", encoding="utf-8")
        self._board = _board(path.parent / "board", step)
        for entry in kept:
            self._append(entry)

    def write(self, entry: Mapping[str, Any]) -> None:
        rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in entry.items()}
        self._append(rounded)
        if self._board is not None:
            for name, value in rounded.items():
                if isinstance(value, int | float) and name != "step":
                    self._board.add_scalar(name, value, rounded["step"])
            self._board.flush()

    def _append(self, entry: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _board(folder: Path, step: int) -> Any:
    """A writer of TensorBoard's files that forgets what was written of later steps; None where it is not installed."""
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)


def read_log(path: Path) -> list[dict[str, Any]]:
    """All entries; a last line without its end, left by a run that died while writing, is none."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n") and line.strip()]
