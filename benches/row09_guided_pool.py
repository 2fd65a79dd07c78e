"""Row 9: pooling boxes of 2 x 4 x 4 tokens with weights that the question decides, beside the plain unfold form.

Both are given the same tokens and cosines and end with the pooled tokens: two softmaxes and the weighted means, as
released (PPLLaVA). The plain form finds its tokens with channels first and in one piece; turning them is not counted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benches.rounds import side_by_side
from benches.tokens import Work, beside, gap, largest_difference, peak, reader, told, watched
from sightline.connectors.adaptive_pool import boxes
from sightline.connectors.clips import Groups, gathered
from sightline.connectors.prompt_pool import box_weights

FRAMES, WIDTH, KERNEL = 600, 768, (2, 4, 4)
SCALE, TEMPERATURE = 100.0, 0.01


def measure() -> list[str]:
    lines = [f"9 guided-pool: {FRAMES} frames, boxes of {KERNEL}; {torch.get_num_threads()} threads"]
    for grid in ((8, 8), (16, 16)):
        lines += _one(grid)
    return lines


@torch.inference_mode()
def _one(grid: tuple[int, int]) -> list[str]:
    size = (FRAMES, *grid)
    tokens = watched(FRAMES, grid, WIDTH).tokens[0]
    cosine = 0.03 * torch.randn(len(tokens) * tokens.shape[1], generator=torch.Generator().manual_seed(2))
    channels_first = tokens.unflatten(1, grid).permute(3, 0, 1, 2).contiguous()
    contestants: dict[str, Work] = {
        "ours": lambda: pooled(tokens.flatten(0, 1), cosine, size),
        "unfold, plain": lambda: plain_pooled(channels_first, cosine.view(size)),
        "reading the tokens once (floor)": reader(tokens),
    }
    memory = {name: peak(work) for name, work in contestants.items()}
    times = side_by_side(contestants, warm=False)
    ours, plain, floor = times.values()
    lines = [f"  {FRAMES} x {grid[0] * grid[1]} x {WIDTH} ({told(tokens)})"]
    lines += [f"    {name}: {t.told(1000, 'ms')}, {memory[name]:.0f} MB peak" for name, t in times.items()]
    lines.append(
        beside("unfold", ours, plain, ">= 10")
        + f", {gap(ours, floor)}, target <= 4, "
        + f"largest difference {largest_difference(ours.result, plain.result):.1e} (target <= 1e-5)"
    )
    return lines


def pooled(rows: Tensor, cosine: Tensor, size: tuple[int, int, int]) -> Tensor:
    """[T * N, D] -> [boxes, D]: what the connector `prompt_pool` does between its cosines and its projection."""
    shape = tuple(length // step for length, step in zip(size, KERNEL, strict=True))
    row, box = boxes(size, shape, overlap=False)
    count = shape[0] * shape[1] * shape[2]
    weight = box_weights(cosine[row], box, count, "released", SCALE, TEMPERATURE)
    return gathered(rows, Groups(row, box, weight, count))


def plain_pooled(values: Tensor, cosine: Tensor) -> Tensor:
    """Plain: all boxes are copied out of values [D, T, h, w], weighted, and summed.  -> [boxes, D]"""
    scores = torch.softmax(SCALE * cosine.flatten(), dim=0).view_as(cosine)
    for axis, step in enumerate(KERNEL):
        values, scores = values.unfold(axis + 1, step, step), scores.unfold(axis, step, step)
    weight = torch.softmax(scores.flatten(3) / TEMPERATURE, dim=-1)
    return (values.flatten(4) * weight).sum(dim=-1).flatten(1).T
