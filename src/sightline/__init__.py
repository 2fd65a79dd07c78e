"""Sightline: ask your videos, see what it looked at.

import sightline as sl
with sl.open_library("my-library") as library:
    print(sl.find_moments(library, "a red kite").moments)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sightline.ask import ask_library
    from sightline.compare import compare_ways
    from sightline.index import Wishes, index_paths
    from sightline.language.compressed import compressed
    from sightline.search import find_moments
    from sightline.store.library import Library

__version__ = "0.1.0"
__all__ = ["Wishes", "ask_library", "compare_ways", "compressed", "find_moments", "index_paths", "open_library"]

# Loaded when first named.
_HOMES = {
    "Wishes": "index",
    "ask_library": "ask",
    "compare_ways": "compare",
    "compressed": "language.compressed",
    "find_moments": "search",
    "index_paths": "index",
}


def open_library(path: str | Path, *, create: bool = False) -> Library:
    """The library in this folder; `create=True` makes a new one where there is none."""
    from pathlib import Path

    from sightline.store.library import Library

    return Library.open(Path(path), create=create)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"sightline.{_HOMES[name]}"), name)
