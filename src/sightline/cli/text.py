"""How numbers, times and names are written for a person; names are data, so control characters never reach the
terminal.

Shapes: 75.5 -> "1:15.500";  3_600_000 -> "3.6 MB";  "a\\x1b[2J.mp4" -> "a\\\\x1b[2J.mp4"
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, invisible formatting (bidi overrides), lone surrogates


def printable(text: str) -> str:
    """The text with everything a terminal could obey or hide shown as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in HIDDEN else ascii(c)[1:-1] for c in text)


def clock(second: float) -> str:
    """1:02:03.450, or 2:03.450 under an hour; never rounded up into the next second."""
    sign, milliseconds = ("-" if second < 0 else ""), int(abs(second) * 1000 + 0.5)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{milliseconds / 1000:06.3f}"
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def span(seconds: float) -> str:
    """A length of time in words short enough for a table: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def many(count: int, thing: str, things: str = "") -> str:
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def print_json(fields: dict[str, Any]) -> None:
    """The one object of --json; an infinite or missing number becomes null, so that any reader takes it."""
    text = json.dumps(_finite(fields), ensure_ascii=False, allow_nan=False)
    print(text.encode("utf-8", "backslashreplace").decode())  # a file name that is no text becomes \\udcXX, valid JSON


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):  # a numpy number
        return _finite(value.item())
    return value
