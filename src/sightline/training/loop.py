"""Steps of AdamW under a one-cycle learning rate, in bfloat16 where the processor has it, logged and kept.

From: AdamW (arXiv 1711.05101); the one-cycle rate of Smith and Topin (arXiv 1708.07120).
Departures: the rate rises linearly and falls by a cosine; momentum is not cycled.
Shapes: a batch is whatever `losses` takes; `losses` gives named scalars, "loss" among them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from sightline.training.checkpoint import load_checkpoint, save_checkpoint
from sightline.training.log import Log


class Diverged(SightlineError):
    code = "diverged"


@dataclass(frozen=True)
class Course:
    """How long and how fast to learn."""

    steps: int
    peak: float = 2e-3  # the highest learning rate
    rising: float = 0.08  # the share of steps on which the rate rises
    decay: float = 0.05
    clip: float = 1.0
    log_every: int = 25
    save_every: int = 100


def rate_at(step: int, course: Course) -> float:
    """The learning rate of a step: up in a line, down by a cosine to a hundredth."""
    rising = max(1, round(course.steps * course.rising))
    if step < rising:
        return course.peak * (step + 1) / rising
    done = (step - rising) / max(1, course.steps - rising)
    return course.peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def learn(
    model: Any,
    batches: Callable[[int], Iterable[Any]],
    losses: Callable[[Any, Any], dict[str, Any]],
    course: Course,
    folder: Path,
    *,
    resume: bool = False,
    told: Callable[[dict[str, Any]], None] | None = None,
    stop_after: int | None = None,
) -> int:
    """Runs the course, or goes on with it, and gives the step reached. `batches(step)` yields batches from there on."""
    import torch

    optimiser = torch.optim.AdamW(_groups(model, course.decay), lr=course.peak, betas=(0.9, 0.98))
    kept = folder / "checkpoint.safetensors"
    step = load_checkpoint(kept, model, optimiser) if resume and kept.is_file() else 0
    log, tally, began = Log(folder / "log.jsonl", step), _Tally(), time.monotonic()
    last = min(course.steps, stop_after or course.steps)
    model.train()
    for number, batch in zip(range(step, last), batches(step), strict=False):
        tally.add(_one_step(model, batch, losses, optimiser, rate_at(number, course), course.clip))
        step = number + 1
        if step % course.log_every == 0 or step == last:
            entry = {"step": step, **tally.means(), "rate": rate_at(number, course)}
            entry["seconds"] = round(log.seconds + time.monotonic() - began, 1)
            if not math.isfinite(entry["loss"]):
                raise Diverged(f"the loss is {entry['loss']} at step {step}; lower the peak rate ({course.peak:g})")
            log.write(entry)
            if told:
                told(entry)
        if step % course.save_every == 0 or step == last:
            save_checkpoint(kept, model, optimiser, step)
    return step


def _one_step(model: Any, batch: Any, losses: Any, optimiser: Any, rate: float, clip: float) -> dict[str, float]:
    import torch

    for group in optimiser.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
        terms = losses(model, batch)
    optimiser.zero_grad(set_to_none=True)
    terms["loss"].backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return {name: float(value.detach()) for name, value in terms.items()}


class _Tally:
    """Means of the named losses since they were last asked for."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def add(self, terms: dict[str, float]) -> None:
        self.steps.append(terms)

    def means(self) -> dict[str, float]:
        steps, self.steps = self.steps, []
        return {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}


def _groups(model: Any, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; scales, biases and word vectors' places do not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    rest = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


@cache
def has_bfloat16() -> bool:
    """Whether bfloat16 is computed rather than emulated here."""
    import torch

    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("bf16"))
