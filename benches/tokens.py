"""What rows 8 to 11 share: tokens like a video's, peak memory, and the table of parts beside their memory floor.

A plain form is the thing as its description says it, loop by loop, written here anew; it is labelled "plain".
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from benches.rounds import Times, lead, side_by_side
from sightline.records import Seen, Words

Work = Callable[[], Any]
SIZES = {"64 x 196 x 768": (64, (14, 14), 768), "600 x 256 x 768": (600, (16, 16), 768)}


def watched(frames: int, grid: tuple[int, int], width: int, seed: int = 0) -> Seen:
    """One video of shots of 13 frames: within a shot each place keeps its token, but for some noise."""
    draw = torch.Generator().manual_seed(seed)
    places = grid[0] * grid[1]
    shots = torch.randn(-(-frames // 13), places, width, generator=draw)
    tokens = torch.empty(1, frames, places, width)
    for frame in range(frames):
        noise = torch.randn(places, width, generator=draw)
        strength = torch.rand(places, 1, generator=draw)  # some places move more than others
        tokens[0, frame] = shots[frame // 13] + strength * noise
    return Seen(
        vectors=torch.nn.functional.normalize(tokens.mean(2), dim=-1),
        seconds=torch.arange(frames, dtype=torch.float64)[None],
        mask=torch.ones(1, frames, dtype=torch.bool),
        tokens=tokens,
        cls=tokens.mean(2),
        grid=grid,
    )


def asked(width: int, seed: int = 1) -> Words:
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randn(1, 7, width, generator=draw)
    vector = torch.nn.functional.normalize(tokens.mean(1), dim=-1)
    return Words(vector, mask=torch.ones(tokens.shape[:2], dtype=torch.bool), tokens=tokens)


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


def peak(work: Work) -> float:
    """MB that the process grows by, at most, while it works."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from here
    before = _memory("VmRSS")
    work()
    return max(0.0, (_memory("VmHWM") - before) / 1024)


def _memory(what: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what))


def table(works: dict[str, Work], reads: dict[str, torch.Tensor], rounds: int) -> list[str]:
    """A line for each work: milliseconds, peak memory, and how many times longer it takes than reading its input once.

    `reads` says what each work has to read. The run that measures memory warms up; with no rounds it is the only one.
    """
    inputs = {id(tensor): tensor for tensor in reads.values()}
    once = {name: Once(work) for name, work in works.items()}
    memory = {name: peak(work) for name, work in once.items()}
    floors = side_by_side({f"read {key}": reader(tensor) for key, tensor in inputs.items()}, max(1, rounds))
    times = side_by_side(works, rounds, warm=False) if rounds else {name: work.times for name, work in once.items()}
    return [
        f"    {name:24} {times[name].median * 1000:9.2f} ms {memory[name]:8.1f} MB peak, "
        f"{times[name].median / floors[f'read {id(reads[name])}'].median:8.1f} x reading {told(reads[name])}"
        for name in works
    ]


class Once:
    """A work that keeps how long it took."""

    def __init__(self, work: Work) -> None:
        self.work, self.times = work, Times()

    def __call__(self) -> None:
        began = time.perf_counter()
        self.work()
        self.times.wall.append(time.perf_counter() - began)


def reader(tensor: torch.Tensor) -> Work:
    """Reads every number once, on as many threads as torch has."""
    flat = tensor.flatten()
    return lambda: torch.linalg.vector_norm(flat)


def told(tensor: torch.Tensor) -> str:
    return f"{tensor.nbytes / 1e6:.3g} MB"


def beside(name: str, ours: Times, plain: Times, target: str) -> str:
    ratio, low = lead(ours, plain)
    return f"    LEAD over {name} {ratio:.1f} (95 % above {low:.1f}; target {target})"


def largest_difference(left: Any, right: Any) -> float:
    return float((torch.as_tensor(left).double() - torch.as_tensor(right).double()).abs().max())
