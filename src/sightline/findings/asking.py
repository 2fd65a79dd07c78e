"""Asks some of the findings, one after the other.

Shapes: names, size, seeds -> findings
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module

from sightline.errors import BadQuery, require
from sightline.findings import FINDINGS, named
from sightline.findings.finding import Finding
from sightline.findings.seen import Scale
from sightline.recipes.starting_lm import size_named

Told = Callable[[str], None]


def find_out(
    names: Sequence[str] = (), size: str = "small", seeds: Sequence[int] = (0, 1, 2), told: Told | None = None
) -> list[Finding]:
    """The asked findings, all without names. Videos that were seen before are not seen again."""
    asked = named(list(names))
    if not seeds or len(set(seeds)) != len(seeds):
        raise BadQuery(f"seeds are one or more different numbers, not {list(seeds)}")
    size_named(size)
    require("asking what the literature leaves open", "lab", "torch", "safetensors")
    found = []
    for name in asked:
        if told:
            told(name)
        began = time.perf_counter()
        finding: Finding = import_module(f"sightline.findings.{FINDINGS[name]}").run(Scale(size, tuple(seeds), told))
        found.append(replace(finding, seconds=time.perf_counter() - began))
    return found
