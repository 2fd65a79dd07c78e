"""Work: what is to be encoded, who is at it, and what came of it; every content ends in a state.

Departures: a claim is a lease. A process that dies lets it run out, and the unit is taken again; attempts are counted,
so that a unit that kills its reader is given up. A refusal never touches a content that is indexed.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from sightline.store.files import clean
from sightline.store.rows import RefusedRows, Unit, UnitDone, UnitKnown, Which, Work, id_of
from sightline.store.shelf import Shelf

LEASE = 60.0

_PENDING = "SELECT content FROM work WHERE generation = :generation AND state = 'pending' ORDER BY content"

# The wanted contents are walked in order, each with a lookup in `units_to_do`, until the first free unit.
_CLAIM = """
    UPDATE units SET state = 'claimed', owner = :owner, lease = :until, attempts = attempts + 1
    WHERE id = (
        WITH wanted (content) AS ({among}), next_of_each (unit) AS (
            SELECT (SELECT id FROM units WHERE generation = :generation AND content = wanted.content AND state != 'done'
                    AND (state = 'pending' OR lease < :now) ORDER BY number LIMIT 1)
            FROM wanted WHERE EXISTS (SELECT 1 FROM living WHERE living.content = wanted.content)
            AND 'pending' = (SELECT state FROM work WHERE content = wanted.content AND generation = :generation))
        SELECT unit FROM next_of_each WHERE unit IS NOT NULL LIMIT 1)
    RETURNING content, generation, number, start, end, attempts
"""


class WorkToDo(Shelf):
    def state(self, content: int, generation: Which) -> Work | None:
        """How far the content is; None where it was never planned nor refused."""
        row = self.ledger.one(
            "SELECT state, reason, detail, attempts, frames FROM work WHERE content = ? AND generation = ?",
            content,
            id_of(generation),
        )
        return Work(*row) if row else None

    def states(self, generation: Which) -> dict[int, Work]:
        """How far every content is, in one look."""
        rows = self.ledger.all(
            "SELECT content, state, reason, detail, attempts, frames FROM work WHERE generation = ?", id_of(generation)
        )
        return {row["content"]: Work(*tuple(row)[1:]) for row in rows}

    def plan(
        self, content: int, generation: Which, facts: dict[str, Any], spans: Sequence[tuple[float, float]]
    ) -> None:
        """Lay out the units of a content, [start, end) each. Planned or indexed already: nothing changes.

        A content that was refused becomes pending again, and keeps what it had committed if the spans are the same.
        """
        spans = [(float(start), float(end)) for start, end in spans]
        if not spans or any(not start < end for start, end in spans):
            raise RefusedRows(f"a plan needs spans with start < end, has {spans}")
        number = id_of(generation)
        with self.ledger.transaction("plan", synced=False) as db:
            had = self._planned(db, content, number)
            state = db.execute(
                "SELECT state FROM work WHERE content = ? AND generation = ?", (content, number)
            ).fetchone()
            if state is not None and (state[0] == "indexed" or (state[0] == "pending" and had)):
                return
            db.execute(
                "INSERT INTO work (content, generation, state, facts) VALUES (?, ?, 'pending', ?) "
                "ON CONFLICT (content, generation) DO UPDATE SET state = 'pending', reason = '', detail = '', "
                "facts = excluded.facts",
                (content, number, json.dumps(facts, default=str)),
            )
            if had == spans:
                db.execute(
                    "UPDATE units SET state = 'pending', owner = '', attempts = 0 "
                    "WHERE content = ? AND generation = ? AND state != 'done'",
                    (content, number),
                )
            else:
                db.execute("DELETE FROM units WHERE content = ? AND generation = ?", (content, number))
                db.executemany(
                    "INSERT INTO units (content, generation, number, start, end) VALUES (?, ?, ?, ?, ?)",
                    [(content, number, i, start, end) for i, (start, end) in enumerate(spans)],
                )

    def _planned(self, db: sqlite3.Connection, content: int, generation: int) -> list[tuple[float, float]]:
        rows = db.execute(
            "SELECT start, end FROM units WHERE content = ? AND generation = ? ORDER BY number", (content, generation)
        )
        return [(row["start"], row["end"]) for row in rows]

    def claim(
        self, generation: Which, owner: str, *, lease: float = LEASE, contents: Collection[int] | None = None
    ) -> Unit | None:
        """The next unit nobody is at, of these contents or of any that lives; None when there is none."""
        among = _PENDING if contents is None else "SELECT value FROM json_each(:contents)"
        now = time.time()
        with self.ledger.transaction("claim", synced=False) as db:
            row = db.execute(
                _CLAIM.format(among=among),
                {
                    "owner": owner,
                    "until": now + lease,
                    "now": now,
                    "generation": id_of(generation),
                    "contents": json.dumps(sorted(int(content) for content in contents or ())),
                },
            ).fetchone()
        if row is None:
            return None
        span = float(row["start"]), float(row["end"])
        return Unit(row["content"], row["generation"], row["number"], *span, row["attempts"])

    def beat(self, owner: str, lease: float = LEASE) -> None:
        """The owner is alive: its leases run on."""
        with self.ledger.transaction("beat", synced=False) as db:
            db.execute("UPDATE units SET lease = ? WHERE owner = ? AND state = 'claimed'", (time.time() + lease, owner))

    def owners(self) -> list[str]:
        """Those who hold claims at this moment, dead or alive."""
        rows = self.ledger.all("SELECT DISTINCT owner FROM units WHERE state = 'claimed' ORDER BY owner")
        return [row["owner"] for row in rows]

    def release(self, owner: str) -> None:
        """The owner stops of its own accord: its claims are free at once and do not count as attempts."""
        with self.ledger.transaction("release", synced=False) as db:
            db.execute(
                "UPDATE units SET state = 'pending', owner = '', attempts = max(attempts - 1, 0) "
                "WHERE owner = ? AND state = 'claimed'",
                (owner,),
            )

    def refuse(self, content: int, generation: Which, state: str, reason: str, detail: str) -> None:
        """The content ends as "failed" or "skipped", with a reason code; an indexed one stays as it is."""
        if state not in ("failed", "skipped"):
            raise RefusedRows(f"a content is refused as 'failed' or 'skipped', not {state!r}")
        with self.ledger.transaction("refuse") as db:
            db.execute(
                "INSERT INTO work (content, generation, state, reason, detail, attempts) VALUES (?, ?, ?, ?, ?, 1) "
                "ON CONFLICT (content, generation) DO UPDATE SET state = excluded.state, reason = excluded.reason, "
                "detail = excluded.detail, attempts = attempts + 1 WHERE work.state != 'indexed'",
                (content, id_of(generation), state, reason, clean(detail)),
            )

    def units(self, content: int, generation: Which) -> list[UnitKnown]:
        """The plan of a content in order, with what was committed."""
        values = (content, id_of(generation))
        rows = self.ledger.all("SELECT * FROM units WHERE content = ? AND generation = ? ORDER BY number", *values)
        pictures: dict[int, list[tuple[float, bytes]]] = {}
        for row in self.ledger.all(
            "SELECT unit, second, jpeg FROM thumbnails WHERE unit IN (SELECT id FROM units WHERE content = ? "
            "AND generation = ?) ORDER BY second",
            *values,
        ):
            pictures.setdefault(row["unit"], []).append((row["second"], row["jpeg"]))
        return [_known(row, pictures.get(row["id"], [])) for row in rows]


def _known(row: sqlite3.Row, thumbnails: list[tuple[float, bytes]]) -> UnitKnown:
    done = None
    if row["state"] == "done":
        counts = {name: row[name] for name in ("seen", "similar", "decoded", "corrupt", "first", "last")}
        done = UnitDone(
            seconds=np.empty(0),
            vectors=np.empty((0, 0), np.float32),
            cuts=np.frombuffer(row["cuts"], "<f8").tolist(),
            edges=(row["edge_first"], row["edge_last"]),
            thumbnails=thumbnails,
            **counts,
        )
    return UnitKnown(row["number"], row["start"], row["end"], row["state"], row["attempts"], row["rows"], done)
