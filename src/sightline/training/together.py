"""Several processes that learn as one: `torchrun --nproc-per-node 2 -m sightline.cli.main train …`.

Each takes its part of every batch; after backward the gradients are averaged, so all hold the same weights. The first
process alone writes the log and the checkpoints.

From: data parallel training over the gloo backend of torch.distributed.
Departures: one flat message per step, sent after backward: the models here are small.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any


def join() -> tuple[int, int]:
    """This process's number and how many there are; connects them where torchrun started several."""
    import torch.distributed as dist

    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("gloo")
    return dist.get_rank(), dist.get_world_size()


def leave() -> None:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def joined() -> tuple[int, int]:
    """The same without connecting."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def same_start(model: Any) -> None:
    """Everybody takes the weights of the first process."""
    import torch.distributed as dist

    if joined()[1] > 1:
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)


def mean_gradients(parameters: Iterable[Any]) -> None:
    """The mean over all processes; who has no gradient counts as zero."""
    import torch
    import torch.distributed as dist

    world = joined()[1]
    if world < 2:
        return
    learning = [p for p in parameters if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in learning])
    dist.all_reduce(flat)
    for parameter, part in zip(learning, flat.split([p.numel() for p in learning]), strict=True):
        parameter.grad = part.view_as(parameter).div(world)
