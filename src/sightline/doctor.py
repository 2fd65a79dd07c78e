"""Says what works here, what is missing and how to get it, and whether the library is sound.

Shapes: library path or none -> Diagnosis (facts, sources, problems)
"""

from __future__ import annotations

import importlib.util
import platform
import sqlite3
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sightline import __version__
from sightline.errors import LibraryError, NoLibrary

BASE = ("numpy", "av", "pillow", "onnxruntime", "tokenizers", "simsimd", "rich")
EXTRAS = {  # extra -> (module that proves it, what it gives)
    "speech": ("faster_whisper", "recognised speech"),
    "ocr": ("rapidocr", "words on the screen"),
    "lab": ("torch", "transformers models by name, export to ONNX"),
}
HARMFUL = {
    "torchvision": "it does not load beside the CPU build of torch and breaks transformers: pip uninstall torchvision"
}


@dataclass(frozen=True)
class Source:
    """One of the things an index can be made from."""

    name: str
    works: bool
    how: str  # what gives it, or what to do for it


@dataclass
class Diagnosis:
    sightline: str
    python: str
    system: str
    packages: dict[str, str]  # name -> version, "" where absent
    sources: list[Source]
    confined: bool  # decoding children have no network
    library: str = ""
    counts: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems and all(self.packages[name] for name in BASE)


def examine(library: Path | None, *, deep: bool = False, repair: bool = False) -> Diagnosis:
    """Looks at the installation and the library, if there is one; `repair` queues what is damaged to be read again."""
    found = Diagnosis(
        sightline=__version__,
        python=sys.version.split()[0],
        system=f"{platform.system()} {platform.machine()}",
        packages={name: _version(name) for name in (*BASE, *[module for module, _ in EXTRAS.values()])},
        sources=_sources(),
        confined=_confined(),
        warnings=[f"{name} is installed: {why}" for name, why in HARMFUL.items() if _version(name)],
    )
    if not _has_fts5():
        found.warnings.append("this Python's SQLite has no FTS5: text cannot be searched; use a Python built with it")
    if library is not None:
        _examine_library(found, library, deep, repair)
    return found


def _examine_library(found: Diagnosis, path: Path, deep: bool, repair: bool) -> None:
    from sightline.store.library import Library

    found.library = str(path)
    try:
        with Library.open(path) as library:
            if repair and (mended := library.repair()):
                found.warnings.append(f"{len(mended)} problems mended; index again to read what was damaged")
            problems = library.check(deep=deep)
            found.problems = [asdict(problem) for problem in problems]
            found.counts = asdict(library.counts())
    except NoLibrary as error:
        found.warnings.append(str(error))
    except LibraryError as error:
        found.problems.append({"kind": error.code, "detail": str(error)})


def _sources() -> list[Source]:
    sources = [
        Source(
            "pictures",
            True,
            "colour: colours and layout, no weights; name a model for things (sightline encoders list)",
        ),
        Source("subtitles", True, "srt, vtt, ass beside the video, and text tracks inside it"),
    ]
    for extra, (module, what) in EXTRAS.items():
        if extra == "lab":
            continue
        works = importlib.util.find_spec(module) is not None
        sources.append(Source(what, works, module if works else f"pip install 'sightline[{extra}]'"))
    return sources


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _has_fts5() -> bool:
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    return "ENABLE_FTS5" in options


def _confined() -> bool:
    """Starts one decoding child and asks it whether it could give up the network."""
    from sightline.indexing.limits import ChildLimits
    from sightline.indexing.pool import Child

    child = Child(ChildLimits())
    child.close()
    return not child.network
