"""Steps of AdamW under a one-cycle learning rate, stage after stage, logged and kept, and gone on with to the last bit.

A stage has its own course, policy (what learns) and losses; its optimiser begins anew. A checkpoint holds weights,
optimiser, step and the dice, so a run that was killed and continued equals one that was not. Early in each stage
everything that shall learn must have felt a gradient.

From: AdamW (arXiv 1711.05101); the one-cycle rate of Smith and Topin (arXiv 1708.07120); holding it before it falls,
which leaves open for a while how long a course is (MiniCPM, arXiv 2404.06395).
Departures: the rate rises linearly and falls by a cosine; momentum is not cycled.
Shapes: a batch is whatever `losses` takes; `losses` gives named scalars, "loss" among them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from sightline.training import policy as policies
from sightline.training.checkpoint import load_checkpoint, save_checkpoint, step_of
from sightline.training.log import Log
from sightline.training.together import joined, mean_gradients, same_start

Batches = Callable[[int], Iterable[Any]]  # from a step on
Losses = Callable[[Any, Any], dict[str, Any]]
Told = Callable[[dict[str, Any]], None]

CHECKPOINT, LOG = "checkpoint.safetensors", "log.jsonl"
LOOK = 8  # steps within which everything that learns must have felt a gradient


class Diverged(SightlineError):
    code = "diverged"


class NoGradient(SightlineError):
    """A parameter that shall learn, and that the loss does not depend on."""

    code = "no-gradient"


@dataclass(frozen=True)
class Course:
    """How long and how fast to learn."""

    steps: int
    peak: float = 2e-3  # the highest learning rate
    rising: float = 0.08  # the share of steps on which the rate rises; from 1 on, their number
    held: float = 0.0  # the share of steps after which the rate falls, where it does not fall at once
    decay: float = 0.05
    clip: float = 1.0
    log_every: int = 25
    save_every: int = 100
    half: bool = True  # in bfloat16 where the processor computes it; small models are faster without


@dataclass(frozen=True)
class Stage:
    """One part of a run: its length and rate, what it is asked, and what of the model learns."""

    name: str
    course: Course
    losses: Losses
    policy: policies.Policy = field(default_factory=dict)


def rate_at(step: int, course: Course) -> float:
    """The learning rate of a step: up in a line, held for a while, down by a cosine to a hundredth."""
    rising = max(1, round(course.rising if course.rising >= 1 else course.steps * course.rising))
    if step < rising:
        return course.peak * (step + 1) / rising
    falling = max(rising, round(course.steps * course.held))
    if step < falling:
        return course.peak
    done = (step - falling) / max(1, course.steps - falling)
    return course.peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def learn_in_stages(
    model: Any,
    batches: Batches,
    stages: Sequence[Stage],
    folder: Path,
    *,
    resume: bool = False,
    told: Told | None = None,
    stop_after: int | None = None,
    check: bool = True,
) -> int:
    """Runs all stages, or goes on where they stood, and gives the step reached, counted over all of them."""
    kept = folder / CHECKPOINT
    step = step_of(kept) if resume and kept.is_file() else 0
    log = Log(folder / LOG, step) if joined()[0] == 0 else None
    last = min(sum(stage.course.steps for stage in stages), stop_after or 10**12)
    begins, loaded = 0, step == 0
    for stage in stages:
        ends = begins + stage.course.steps
        policies.applied(model, stage.policy)
        optimiser = _optimiser(model, stage)
        if not loaded and step <= ends:  # at a border the weights go on, and the optimiser begins anew
            load_checkpoint(kept, model, optimiser if step < ends else None)
            loaded = True
        if step < min(ends, last):
            same_start(model)
            run = _Run(model, optimiser, stage, begins, log, told, kept, LOOK if check else 0)
            step = run.go(step, min(ends, last), batches)
        begins = ends
    return step


@dataclass
class _Run:
    """One stage as it runs."""

    model: Any
    optimiser: Any
    stage: Stage
    begins: int  # the step at which the stage began
    log: Log | None  # None where another process writes
    told: Told | None
    kept: Path
    look: int

    def go(self, step: int, end: int, batches: Batches) -> int:
        course, tally, began = self.stage.course, _Tally(), time.monotonic()
        start = step
        reach = _Reach(self.model) if self.look and step == self.begins else None
        policies.in_training(self.model, self.stage.policy)
        for number, batch in zip(range(step, end), batches(step), strict=False):
            tally.add(self._one_step(batch, rate_at(number - self.begins, course)))
            step = number + 1
            if reach:
                reach.feel()
                if step - start == self.look or step == end:
                    reach.check(self.stage.name)
                    reach = None
            if step % course.log_every == 0 or step == end:
                self._say(step, tally.means(), rate_at(number - self.begins, course), time.monotonic() - began)
            if self.log and (step % course.save_every == 0 or step == end):
                save_checkpoint(self.kept, self.model, self.optimiser, step)
        if self.log:
            self.log.seconds += time.monotonic() - began
        return step

    def _one_step(self, batch: Any, rate: float) -> dict[str, float]:
        import torch

        course = self.stage.course
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        with torch.autocast("cpu", torch.bfloat16, enabled=course.half and has_bfloat16()):
            terms = self.stage.losses(self.model, batch)
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        mean_gradients(self.model.parameters())
        torch.nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], course.clip)
        self.optimiser.step()
        return {name: float(value.detach()) for name, value in terms.items()}

    def _say(self, step: int, means: dict[str, float], rate: float, seconds: float) -> None:
        if not math.isfinite(means["loss"]):
            raise Diverged(f"the loss is {means['loss']} at step {step}; lower the peak rate ({rate:g} now)")
        if self.log is None:
            return
        entry: dict[str, Any] = {"step": step, **means, "rate": rate}
        if self.stage.name:
            entry["stage"] = self.stage.name
        entry["seconds"] = round(self.log.seconds + seconds, 1)
        self.log.write(entry)
        if self.told:
            self.told(entry)


def _optimiser(model: Any, stage: Stage) -> Any:
    import torch

    groups = policies.groups(model, stage.policy, stage.course.decay)
    if not groups:
        raise NoGradient(f"nothing learns in stage {stage.name!r}: its policy freezes the whole model")
    return torch.optim.AdamW(groups, lr=stage.course.peak, betas=(0.9, 0.98))


class _Reach:
    """Which of the parameters that learn have felt a gradient."""

    def __init__(self, model: Any) -> None:
        self.waiting = {name: p for name, p in model.named_parameters() if p.requires_grad}

    def feel(self) -> None:
        felt = [name for name, p in self.waiting.items() if p.grad is not None and bool(p.grad.any())]
        for name in felt:
            del self.waiting[name]

    def check(self, stage: str) -> None:
        if self.waiting:
            names = list(self.waiting)
            raise NoGradient(
                f"{len(names)} parameters felt no gradient in stage {stage!r}: {', '.join(names[:4])}; "
                "freeze them in the policy, or let the loss depend on them"
            )


class _Tally:
    """Means of the named losses since they were last asked for."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def add(self, terms: dict[str, float]) -> None:
        self.steps.append(terms)

    def means(self) -> dict[str, float]:
        steps, self.steps = self.steps, []
        return {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}


@cache
def has_bfloat16() -> bool:
    """Whether bfloat16 is computed rather than emulated here."""
    import torch

    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("bf16"))
