"""Generations: one encoder and one way of sampling each. A new one is built beside the old, and takes over in one row.

Departures: searching goes on in the old generation until `swap`, which the ledger must first prove complete; stopping
or abandoning the building one at any moment leaves the old one as it was.
"""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

from sightline.errors import EncoderMismatch, LibraryError
from sightline.store.rows import Generation, Which, id_of
from sightline.store.shelf import Shelf

if TYPE_CHECKING:
    from sightline.encoders.encoder import Card

_MISSING = "FROM living WHERE content NOT IN (SELECT content FROM work WHERE generation = ? AND state != 'pending')"


def as_generation(row: sqlite3.Row) -> Generation:
    sampling = json.loads(row["sampling"])
    return Generation(row["id"], row["name"], row["fingerprint"], row["width"], sampling, row["state"])


def _key(card: Card, sampling: dict[str, Any]) -> str:
    return json.dumps([card.name, card.fingerprint, card.width, sampling], sort_keys=True)


class Generations(Shelf):
    def current(self) -> Generation | None:
        """The one that searches are answered from."""
        return self._in_state("current")

    def building(self) -> Generation | None:
        """The one that `--rebuild` fills."""
        return self._in_state("building")

    def _in_state(self, state: str) -> Generation | None:
        row = self.ledger.one("SELECT * FROM generations WHERE state = ?", state)
        return as_generation(row) if row else None

    def generation_for(self, card: Card, sampling: dict[str, Any], *, rebuild: bool = False) -> Generation:
        """The generation with this encoder and sampling: current, or building, or new.

        The first one of a library is current at once. A different one is an EncoderMismatch, unless `rebuild` asks to
        build it beside the current one; whatever else was being built is then abandoned.
        """
        with self.writing():
            with self.ledger.transaction("generation") as db:
                found = self._choose(db, card, sampling, rebuild)
            self.sweep()
        return found

    def _choose(self, db: sqlite3.Connection, card: Card, sampling: dict[str, Any], rebuild: bool) -> Generation:
        key = _key(card, sampling)
        held = {row["state"]: row for row in db.execute("SELECT * FROM generations")}
        current, building = held.get("current"), held.get("building")
        if building and building["key"] == key:
            return as_generation(building)
        if current and not rebuild:
            if current["key"] == key:
                return as_generation(current)
            raise EncoderMismatch(_mismatch(as_generation(current), card, sampling))
        if building:
            db.execute("DELETE FROM generations WHERE id = ?", (building["id"],))
        if current and current["key"] == key:  # the way back from a rebuild that is not wanted any more
            return as_generation(current)
        row = db.execute(
            "INSERT INTO generations (key, name, fingerprint, width, sampling, state) VALUES (?, ?, ?, ?, ?, ?) "
            "RETURNING *",
            (
                key,
                card.name,
                card.fingerprint,
                card.width,
                json.dumps(sampling, sort_keys=True),
                "building" if current else "current",
            ),
        ).fetchone()
        return as_generation(row)

    def abandon(self, generation: Which) -> None:
        """Drop a generation that is being built; the current one is untouched."""
        with self.writing():
            with self.ledger.transaction("abandon") as db:
                db.execute("DELETE FROM generations WHERE id = ? AND state = 'building'", (id_of(generation),))
            self.sweep()

    def missing_from(self, generation: Which) -> int:
        """How many living contents this generation has not settled (indexed, failed or skipped) yet."""
        row = self.ledger.one(f"SELECT count(DISTINCT content) {_MISSING}", id_of(generation))
        return int(row[0]) if row else 0

    def missing_paths(self, generation: Which) -> list[str]:
        """Those contents by name, one living path each: what an unfinished generation waits for."""
        rows = self.ledger.all(f"SELECT min(path) AS path {_MISSING} GROUP BY content ORDER BY 1", id_of(generation))
        return [os.fsdecode(row["path"]) for row in rows]

    def swap(self, generation: Which) -> None:
        """Let the building generation answer from now on; the old one and its files go."""
        number = id_of(generation)
        with self.writing():
            with self.ledger.transaction("swap") as db:
                row = db.execute("SELECT state FROM generations WHERE id = ?", (number,)).fetchone()
                if row is None:
                    raise LibraryError(f"generation {number} is not in {self.folder}; it was abandoned or swapped out")
                if row["state"] == "current":
                    return
                if missing := self.missing_from(number):
                    raise LibraryError(
                        f"generation {number} is not complete: {missing} videos are not encoded yet; "
                        "run `sightline index --rebuild` again to go on with it"
                    )
                db.execute("DELETE FROM generations WHERE state = 'current'")
                db.execute("UPDATE generations SET state = 'current' WHERE id = ?", (number,))
            self.sweep()


def _mismatch(current: Generation, card: Card, sampling: dict[str, Any]) -> str:
    if (current.name, current.fingerprint) == (card.name, card.fingerprint):
        differs = f"was sampled with {current.sampling}, asked was {sampling}"
    elif current.name == card.name:
        differs = f"was made with {current.name!r} of other weights or preprocessing ({current.fingerprint[:12]}, now "
        differs += f"{card.fingerprint[:12]})"
    else:
        differs = f"was made with the encoder {current.name!r}, asked was {card.name!r}"
    return (
        f"this library {differs}; vectors of the two cannot be mixed. Keep to the first, or add --rebuild: it encodes "
        "everything again beside the old, and searches go on meanwhile"
    )
