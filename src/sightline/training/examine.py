"""Asks a system every question of a kept set, and says what it got right, where it looked, and what that cost.

Accuracy is by the surest option. Where a system chooses frames: `hit` is the share of questions with at least one
chosen frame inside the evidence, IoP the chosen frames that are evidence, IoU those among chosen and evidence together;
questions whose evidence is the whole video do not count for these.

From: IoP and IoU over frames as NExT-GQA grounds answers (arXiv 2309.01327).
Departures: in frames, not seconds; an equal top score counts as wrong unless it is the right option alone.
Shapes: scores [B, O], choice.index [B, K], evidence [B, T]
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.training.batches import Batch, Batches

Array = Any
Model = Any


@dataclass(frozen=True)
class Figures:
    """What an exam gave; costs are per question. `right` [n] is in the order asked, so two systems can be paired."""

    accuracy: float
    chance: float
    kinds: dict[str, float]
    counts: dict[str, int]
    hit: float | None
    iop: float | None
    iou: float | None
    tokens: float
    flops: float
    milliseconds: float
    peak_bytes: float
    right: list[bool] = field(default_factory=list, repr=False)


def examine(model: Model, batches: Batches, size: int = 64, most: int | None = None) -> Figures:
    """All questions (or the first `most`), without gradients, in reading mode; the same twice."""
    import torch

    was, right, chance, kinds = model.training, [], [], []
    looks: list[Array] = []
    tokens, spent, first = 0, 0.0, None
    model.eval()
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        for batch in batches.in_order(size):
            first = first or batch
            began = time.perf_counter()
            scores, shown = model(batch)
            spent += time.perf_counter() - began
            right += answered(scores, batch).tolist()
            chance += (1 / batch.real.sum(dim=1)).tolist()
            kinds += [batches.kept.questions[row].kind for row in batch.rows]
            tokens += 0 if shown.prefix is None else int(shown.prefix.mask.sum())
            if shown.choice is not None:
                looks.append(grounded(shown.choice.index.numpy(), batch.evidence.numpy(), batch.seen.mask.numpy()))
            if most and len(right) >= most:
                break
    assert first is not None
    flops, peak = cost(model, first)
    model.train(was)
    return _figures(right, chance, kinds, looks, tokens, flops, spent, peak)


def answered(scores: Any, batch: Batch) -> Any:
    """Which questions are answered right: the right option is the surest, alone. Shapes: [B, O] -> [B] bool"""
    import torch

    own = scores[torch.arange(len(batch)), batch.answer]
    return (scores >= own[:, None]).sum(dim=1) == 1


def grounded(index: Array, evidence: Array, mask: Array) -> Array:
    """hit, IoP and IoU of each question's chosen frames; NaN where all the video is evidence.

    Shapes: index [B, K], evidence and mask [B, T] -> [B, 3]
    """
    chosen = np.zeros_like(evidence)
    np.put_along_axis(chosen, index, True, axis=1)
    both = (chosen & evidence).sum(axis=1)
    rows = np.stack([both > 0, both / chosen.sum(axis=1), both / (chosen | evidence).sum(axis=1)], axis=1)
    told = evidence.any(axis=1) & (evidence < mask).any(axis=1)
    return np.where(told[:, None], rows, np.nan)


def cost(model: Model, batch: Batch) -> tuple[float, float]:
    """Floating point operations per question, counted, and the bytes that its tensors held at most, on top of weights.

    Memory inside one operation (a kernel's workspace) is not seen; what an operation hands on is.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    peak = peak_of_tensors()
    with torch.no_grad(), at_rest(model), FlopCounterMode(display=False) as counter, peak:
        model(batch)
    return counter.get_total_flops() / len(batch), peak.bytes / len(batch)


@contextmanager
def at_rest(model: Model) -> Iterator[None]:
    """Parameters ask for no gradients: the counter of operations stumbles over views of those that do."""
    asking = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in asking:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)


def peak_of_tensors() -> Any:
    """A `with` that follows every tensor made in it until it is let go; `bytes` is the most that lived at once.

    What the process takes from the system says nothing of a small model: the allocator hands out what it has.
    """
    from torch import Tensor
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    def storages(values: Any) -> list[Any]:
        return [leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]

    class Peak(TorchDispatchMode):
        bytes = 0

        def __init__(self) -> None:
            super().__init__()
            self.before: dict[int, Any] = {}  # what was there: weights, the batch; held weakly, so no address returns
            self.alive: dict[int, tuple[Any, int]] = {}

        def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            for storage in storages((args, kwargs or {})):
                if storage._cdata not in self.alive:
                    self.before.setdefault(storage._cdata, StorageWeakRef(storage))
            made = op(*args, **(kwargs or {}))
            for storage in storages(made):
                if storage._cdata not in self.before:
                    self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
            self.alive = {key: held for key, held in self.alive.items() if not held[0].expired()}
            self.bytes = max(self.bytes, sum(size for _, size in self.alive.values()))
            return made

    return Peak()


def _figures(
    right: list[bool],
    chance: list[float],
    kinds: list[str],
    looks: list[Array],
    tokens: int,
    flops: float,
    spent: float,
    peak: float,
) -> Figures:
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for kind, fine in zip(kinds, right, strict=True):
        by_kind[kind].append(fine)
    grounding: list[float | None] = [None] * 3
    if looks and not np.isnan(np.concatenate(looks)).all():
        grounding = [float(value) for value in np.nanmean(np.concatenate(looks), axis=0)]
    count = len(right)
    return Figures(
        accuracy=sum(right) / count,
        chance=sum(chance) / count,
        kinds={kind: sum(rows) / len(rows) for kind, rows in sorted(by_kind.items())},
        counts={kind: len(rows) for kind, rows in sorted(by_kind.items())},
        hit=grounding[0],
        iop=grounding[1],
        iou=grounding[2],
        tokens=tokens / count,
        flops=flops,
        milliseconds=1000 * spent / count,
        peak_bytes=peak,
        right=[bool(fine) for fine in right],
    )
