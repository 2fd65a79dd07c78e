"""Row 14: a second run over 2,000 unchanged files; then one changed and fifty renamed.

Beside: the loop of a program that keeps names, sizes and times in SQLite and looks each file up by its path
(rclip's way, written from its description; the program itself needs packages that do not load here).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np

from benches.rounds import lead, side_by_side
from sightline.index import Wishes, index_paths
from sightline.store.library import Library

FILES = 2000
PEER = "path table (peer's way)"


def measure() -> list[str]:
    folder = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    try:
        return _measure(folder)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path) -> list[str]:
    videos = folder / "videos"
    for i in range(FILES):
        _clip(videos / f"shelf{i % 20}" / f"clip{i:04d}.gif", i)
    began = time.perf_counter()
    with Library.open(folder / "library", create=True) as library:
        first = index_paths(library, [str(videos)])
        whole = time.perf_counter() - began
        peer = _peer_index(folder / "peer.sqlite", videos)
        times = side_by_side(
            {
                "ours": lambda: index_paths(library, [str(videos)]),
                PEER: lambda: _peer_scan(peer, videos),
            }
        )
        unchanged = times["ours"].result.unchanged
        paths = sorted(videos.rglob("*.gif"))
        _clip(paths[0], FILES + 1)
        for path in paths[1:51]:
            path.rename(path.with_name("renamed-" + path.name))
        again = index_paths(library, [str(videos)], Wishes())
    per_file = times["ours"].median / FILES * 1000
    ratio, low = lead(times["ours"], times[PEER])
    return [
        f"14 reindex-noop: {FILES} files (first run: {first.indexed} in {whole:.1f} s)",
        f"    ours: {times['ours'].told(1000, 'ms')}, {unchanged} unchanged, {per_file:.3f} ms a file (target <= 0.2)",
        f"    {PEER}: {times[PEER].told(1000, 'ms')}; LEAD {ratio:.2f} (95 % above {low:.2f})",
        f"    then 1 changed and 50 renamed: {again.indexed} encoded again (target exactly 1), "
        f"{again.known} known by content",
    ]


def _clip(path: Path, seed: int) -> None:
    """A small picture file; what is measured is the looking, not the decoding."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((64, 48), Image.Resampling.NEAREST).save(path)


def _peer_index(path: Path, videos: Path) -> sqlite3.Connection:
    table = sqlite3.connect(path)
    table.execute("CREATE TABLE images (path TEXT PRIMARY KEY, size INTEGER, mtime REAL, seen INTEGER)")
    for file in videos.rglob("*.gif"):
        status = file.stat()
        table.execute("INSERT INTO images VALUES (?, ?, ?, 0)", (str(file), status.st_size, status.st_mtime))
    table.commit()
    return table


def _peer_scan(table: sqlite3.Connection, videos: Path) -> int:
    """Every file found is looked up by its path and compared; those not seen are marked deleted."""
    table.execute("UPDATE images SET seen = 0")
    found = 0
    for folder, _, names in os.walk(videos):
        for name in names:
            path = os.path.join(folder, name)
            status = os.stat(path)
            row = table.execute("SELECT size, mtime FROM images WHERE path = ?", (path,)).fetchone()
            if row == (status.st_size, status.st_mtime):
                table.execute("UPDATE images SET seen = 1 WHERE path = ?", (path,))
                found += 1
    table.execute("DELETE FROM images WHERE seen = 0")
    table.commit()
    return found
