"""Prints the measurements: `python -m benches` all rows, `python -m benches 3 13` some; `--write` keeps them in
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
from pathlib import Path

from benches.rounds import bandwidth, machine

ROWS = {
    "3": "row03_guided",
    "4": "row04_sparse",
    "5": "row05_search",
    "6": "row06_filters",
    "7": "row07_command",
    "8": "row08_choose",
    "9": "row09_guided_pool",
    "10": "row10_merge",
    "11": "row11_operator",
    "12": "row12_gcg_step",
    "13": "row13_memory",
    "14": "row14_noop",
    "parity": "parity",
    "compressed": "row_compressed",
    "hour": "row_hour",
}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"any of {', '.join(ROWS)}; default all")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} too")
    args = parser.parse_args()
    before = bandwidth()
    lines = [f"{datetime.date.today()} · {machine()}", ""]
    print(lines[0], flush=True)
    for row in args.rows or ROWS:
        part = importlib.import_module(f"benches.{ROWS[row]}").measure()
        print("\n".join(part), flush=True)
        lines += part
    after = bandwidth()
    steady = abs(after - before) / before <= 0.15
    verdict = "valid" if steady else "INVALID, the machine was disturbed"
    lines += ["", f"memory bandwidth {before:.1f} GB/s before, {after:.1f} after: {verdict}"]
    print(lines[-1])
    if args.write:
        text = "\n".join(lines)
        PAGE.write_text(
            "# Measurements\n\nPrinted by `make bench`; ratios within one run are the result, absolute numbers "
            f"are context.\n\n```\n{text}\n```\n"
        )


if __name__ == "__main__":
    main()
