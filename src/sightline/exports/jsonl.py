"""One JSON object a line: each moment with everything that is known of it, best first."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from sightline.exports.given import Results


def files(results: Results, out: Path) -> dict[Path, str]:
    several = results.occurrences or [[]] * len(results.moments)
    lines = []
    for moment, others in zip(results.moments, several, strict=True):
        row = {"query": results.query, **asdict(moment), "occurrences": [[one.start, one.end] for one in others]}
        lines.append(_line(row))
    return {out: "".join(lines)}


def _line(row: dict[str, object]) -> str:
    line = json.dumps(row, ensure_ascii=False)
    if not line.isprintable() or any("\ud800" <= c <= "\udfff" for c in line):
        line = json.dumps(row)  # names that are no UTF-8 and odd separators: escaped, so they come back as they were
    return line + "\n"
