"""The library on disk: one folder with a ledger and columns, made of parts by job.

    generations  which encoder and sampling          files       which path holds which content
    work         what is to do and who is at it      forgetting  what is to stay out
    text         lines and the index of their words  commit      the moments at which something becomes true
    check        does it all agree                   compact     giving back the space of what is gone
    view         reading: a consistent snapshot      counts      what there is

Departures: a library may be used by several processes and threads at once; writers take turns, readers never wait. One
that lies where nothing can be written is searched as it lies there.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from sightline.store.check import Checks
from sightline.store.commit import Commits
from sightline.store.counts import Reports
from sightline.store.create import make, open_ledger
from sightline.store.text import Text
from sightline.store.view import View, open_view
from sightline.store.work import WorkToDo


class Library(WorkToDo, Commits, Text, Checks, Reports):
    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = False) -> Library:
        """The library in this folder; `create` makes an empty one where there is none. Older formats are migrated."""
        folder = Path(path).absolute()
        if create:
            make(folder)
        return cls(folder, open_ledger(folder))

    def view(self) -> View:
        """What can be searched at this moment; what is written afterwards is in the next view."""
        return open_view(self)

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
