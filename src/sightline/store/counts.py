"""Counts: what the library holds, added up by the ledger alone, so that a status can be no better than the facts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from typing import Any

from sightline.store.compact import Compaction
from sightline.store.files import below
from sightline.store.forgetting import Forgetting
from sightline.store.generations import Generations
from sightline.store.rows import Counts, Listed

# Every path that was seen, with the state of its content in the current generation; what could not be read has failed.
_FILES = """
    SELECT living.path, living.content, coalesce(work.state, 'pending') AS state, coalesce(work.reason, '') AS reason,
           coalesce(work.detail, '') AS detail, coalesce(work.duration, 0) AS duration,
           coalesce(work.frames, 0) AS frames
    FROM living LEFT JOIN work ON work.content = living.content
         AND work.generation = (SELECT id FROM generations WHERE state = 'current')
    UNION ALL
    SELECT path, NULL, 'failed', reason, detail, 0, 0 FROM unreadable WHERE path NOT IN (SELECT path FROM paths)
"""
_VISIBLE_LINES = """
    SELECT lines.content, lines.source, count(*) AS lines FROM lines
    JOIN visible ON visible.content = lines.content LEFT JOIN units ON units.id = lines.unit
    WHERE lines.unit IS NULL OR units.generation = visible.generation GROUP BY lines.content, lines.source
"""


class Reports(Forgetting, Generations, Compaction):
    def counts(self) -> Counts:
        """Everything added up; `files` equals the sum over its states."""
        files = self.ledger.all(_FILES)
        reasons: dict[str, Counter[str]] = {}
        for file in files:
            if file["reason"]:
                reasons.setdefault(file["state"], Counter())[file["reason"]] += 1
        of_content = {file["content"]: file["state"] for file in files if file["content"] is not None}
        lines: Counter[str] = Counter()
        for row in self.ledger.all(_VISIBLE_LINES):
            lines[row["source"]] += row["lines"]
        seen = self._one(
            "SELECT coalesce(sum(frames), 0) AS frames, coalesce(sum(duration), 0) AS seconds FROM visible"
        )
        building = self.building()
        return Counts(
            files=len(files),
            by_state=dict(Counter(file["state"] for file in files)),
            reasons={state: dict(counted) for state, counted in reasons.items()},
            contents=len(of_content),
            contents_by_state=dict(Counter(of_content.values())),
            frames=seen["frames"],
            rows=self._one("SELECT coalesce(sum(end_row), 0) AS rows FROM generations")["rows"],
            seconds=float(seen["seconds"]),
            shots=self._one("SELECT count(*) AS shots FROM shots JOIN visible USING (content, generation)")["shots"],
            lines=dict(lines),
            bytes=self.bytes_on_disk(),
            forgotten=len(self.forgotten()),
            roots=self._by_root(files),
            generation=self.current(),
            building=building,
            built=len(of_content) - self.missing_from(building) if building else 0,
        )

    def listing(self) -> list[Listed]:
        """One entry per file, in the order of paths."""
        lines: dict[int, dict[str, int]] = {}
        for row in self.ledger.all(_VISIBLE_LINES):
            lines.setdefault(row["content"], {})[row["source"]] = row["lines"]
        tracks: dict[int, list[str]] = {}
        for row in self.ledger.all("SELECT content, track FROM tracks ORDER BY track"):
            tracks.setdefault(row["content"], []).append(row["track"])
        shots = {
            row["content"]: row["shots"]
            for row in self.ledger.all(
                "SELECT content, count(*) AS shots FROM shots JOIN visible USING (content, generation) GROUP BY content"
            )
        }
        return [
            Listed(
                path=os.fsdecode(file["path"]),
                content=file["content"],
                state=file["state"],
                reason=file["reason"],
                detail=file["detail"],
                duration=file["duration"],
                frames=file["frames"],
                shots=shots.get(file["content"], 0),
                lines=lines.get(file["content"], {}),
                tracks=tuple(tracks.get(file["content"], ())),
            )
            for file in sorted(self.ledger.all(_FILES), key=lambda file: file["path"])
        ]

    def _by_root(self, files: list[sqlite3.Row]) -> dict[str, int]:
        counted = {}
        for root in self.roots():
            exact, low, high = below(root)
            counted[root] = sum(file["path"] == exact or low <= file["path"] < high for file in files)
        return counted

    def _one(self, sql: str) -> sqlite3.Row:
        row = self.ledger.one(sql)
        assert row is not None  # an aggregate always has a row
        return row

    def fact(self, key: str) -> Any:
        """A small fact kept with the library (calibration, settings), or None."""
        row = self.ledger.one("SELECT value FROM facts WHERE key = ?", key)
        return json.loads(row["value"]) if row else None

    def set_fact(self, key: str, value: object) -> None:
        with self.ledger.transaction("fact") as db:
            db.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (key, json.dumps(value)))
