"""Row 7: from typed words to printed JSON over a library of 1,000,000 rows, a fresh process each time.

Beside: a process that reads all vectors of the library and multiplies (the way of programs that keep vectors in one
table).
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from benches.million import library
from benches.rounds import lead, side_by_side

PEER = """
import sys, json, numpy as np
vectors = np.fromfile(sys.argv[1], np.float32).reshape(-1, 512)
query = np.random.default_rng(0).standard_normal(512).astype(np.float32)
scores = vectors @ query
print(json.dumps(np.argsort(-scores)[:10].tolist()))
"""


def measure() -> list[str]:
    folder = library()
    vectors = next(folder.glob("vectors-*.f32"))
    ours = [
        sys.executable,
        "-m",
        "sightline.cli.main",
        "search",
        "name1234",
        "--source",
        "speech",
        "--library",
        str(folder),
        "--json",
    ]
    peer = [sys.executable, "-c", PEER, str(vectors)]
    times = side_by_side({"sightline search --json": lambda: _run(ours), "read all and multiply": lambda: _run(peer)})
    mine = times["sightline search --json"]
    hits = json.loads(mine.result)["moments"]
    ratio, low = lead(mine, times["read all and multiply"])
    spread = np.max(mine.wall) / mine.median
    return [
        f"7 query-to-result: words in, JSON out, a fresh process; found {[hit['video'] for hit in hits]}",
        f"    ours: {mine.told(1000, 'ms')}, slowest / median {spread:.2f}",
        f"    read all and multiply: {times['read all and multiply'].told(1000, 'ms')}; "
        f"LEAD {ratio:.1f} (95 % above {low:.1f})",
    ]


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
