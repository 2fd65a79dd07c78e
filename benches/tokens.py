"""What rows 8 to 11 share: tokens like a video's, peak memory, and the table of parts beside their memory floor.

A plain form is the thing as its description says it, loop by loop, written here anew; it is labelled "plain".
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

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

    `reads` says what each work has to read. Where it multiplies matrices, a second number is against the reading and
    those products at the rate of a large plain one. The first run, which is not timed, is measured and counted.
    """
    memory, products = {}, {}
    for name, work in works.items():
        with FlopCounterMode(display=False) as counter:
            memory[name] = peak(work)
        products[name] = counter.get_total_flops()
    inputs = {str(id(tensor)): reader(tensor) for tensor in reads.values()}
    floors = side_by_side({**inputs, "product": _product()}, max(3, rounds))
    times = side_by_side(works, rounds, warm=False)
    lines = []
    for name in works:
        reading, share = floors[str(id(reads[name]))], products[name] / PRODUCT
        line = f"    {name:22} {times[name].median * 1000:8.1f} ms, {memory[name]:6.1f} MB peak, "
        line += f"{gap(times[name], reading)}, reading {told(reads[name])}"
        if share > 0:
            both = reading.median + share * floors["product"].median
            line += f"; {products[name] / 1e9:.3g} GFLOP, with them {times[name].median / both:.1f} x"
        lines.append(line)
    return lines


SIDE = 1536
PRODUCT = 2 * SIDE**3  # multiplications and additions


def _product() -> Work:
    left, right = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    return lambda: left @ right


def reader(tensor: torch.Tensor) -> Work:
    """Reads every number once, on as many threads as torch has."""
    return tensor.flatten().sum


def told(tensor: torch.Tensor) -> str:
    return f"{tensor.nbytes / 1e6:.3g} MB"


def beside(name: str, ours: Times, plain: Times, target: str) -> str:
    ratio, low = lead(ours, plain)
    by_cpu = plain.median_cpu / ours.median_cpu
    return f"    LEAD over {name} {ratio:.1f} (95 % above {low:.1f}, by processor time {by_cpu:.1f}; target {target})"


def gap(work: Times, floor: Times) -> str:
    return f"{work.median / floor.median:.1f} x the floor (by processor time {work.median_cpu / floor.median_cpu:.1f})"


def largest_difference(left: Any, right: Any) -> float:
    return float((torch.as_tensor(left).double() - torch.as_tensor(right).double()).abs().max())
