"""What every part of the library stands on: its folder, its ledger, and the columns of a generation.

The library is one class made of parts by job (`generations`, `files`, `forgetting`, `work`, `commit`, `text`,
`compact`, `check`, `counts`); each part is a class on this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import LibraryError
from sightline.store.columns import Columns, Span
from sightline.store.failpoints import step
from sightline.store.ledger import Ledger, told_plainly
from sightline.store.writer_lock import writing


class Shelf:
    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder = folder
        self.ledger = ledger

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The library's columns to this thread alone; what the disk refuses leaves as a LibraryError."""
        with told_plainly(self.folder), writing(self.folder):
            yield

    def columns_of(self, generation: int) -> tuple[Columns, Span]:
        """The generation's columns, and an empty span at their committed end."""
        row = self.ledger.one("SELECT width, epoch, end_row, end_run FROM generations WHERE id = ?", generation)
        if row is None:
            raise LibraryError(f"{self.folder} has no generation {generation} (any more); open the library again")
        return Columns(self.folder, generation, row["epoch"], row["width"]), Span(row["end_row"], 0, row["end_run"], 0)

    def sweep(self) -> int:
        """Remove column files that the ledger does not know (of a swap, a compaction, or a process that died); bytes.

        The caller holds the writer lock.
        """
        removed = 0
        for path in self.garbage():
            removed += path.stat().st_size
            step(f"remove {path.name}")
            path.unlink()
        return removed

    def garbage(self) -> list[Path]:
        rows = self.ledger.all("SELECT id, epoch, width FROM generations")
        wanted = {path for row in rows for path in Columns(self.folder, row["id"], row["epoch"], row["width"]).paths()}
        patterns = ("vectors-*.f32", "seconds-*.f64", "means-*.i8", "runs-*.rec")
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern) if path not in wanted)
