"""Runs contestants in turn, A B C A B C …, so that a noisy neighbour disturbs all of them alike.

A run whose memory bandwidth changed by more than 15 % between start and end is marked invalid.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ROUNDS = int(os.environ.get("SIGHTLINE_BENCH_ROUNDS", "7"))


@dataclass
class Times:
    """Wall and processor seconds of one contestant, a value per round, and what it returned last."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        return statistics.median(self.cpu)

    def run(self, work: Callable[[], Any]) -> None:
        wall, cpu = time.perf_counter(), _cpu()
        self.result = work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(_cpu() - cpu)

    def told(self, unit: float = 1.0, name: str = "s") -> str:
        return f"{self.median * unit:.3g} {name} (min {min(self.wall) * unit:.3g}, cpu {self.median_cpu * unit:.3g})"


def side_by_side(
    contestants: dict[str, Callable[[], Any]], rounds: int = ROUNDS, warm: bool = True
) -> dict[str, Times]:
    """Every contestant once to warm up, then `rounds` times in turn."""
    times = {name: Times() for name in contestants}
    for number in range(-1 if warm else 0, rounds):
        for name, work in contestants.items():
            if number < 0:
                work()
            else:
                times[name].run(work)
    return times


def lead(ours: Times, peer: Times, draws: int = 2000) -> tuple[float, float]:
    """How many times longer the peer took (median), and the lower end of its 95 % bootstrap interval."""
    random = np.random.default_rng(0)
    mine, theirs = np.array(ours.wall), np.array(peer.wall)
    samples = [
        np.median(random.choice(theirs, len(theirs))) / np.median(random.choice(mine, len(mine))) for _ in range(draws)
    ]
    return peer.median / ours.median, float(np.quantile(samples, 0.025))


def _cpu() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def bandwidth() -> float:
    """GB/s of reading 256 MB on one core, best of five: the machine's state, not its limit."""
    data = np.ones(32 << 20, np.int64)
    best = min(_timed(data.max) for _ in range(5))
    return data.nbytes / best / 1e9


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> str:
    """One line on where this ran."""
    import av

    with open("/proc/cpuinfo") as file:
        model = next(
            (line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.processor()
        )
    versions = f"Python {platform.python_version()}, PyAV {av.__version__}"
    return f"{model}, {os.cpu_count()} cores, {versions}, load {os.getloadavg()[0]:.1f}"
