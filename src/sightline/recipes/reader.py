"""The built-in reader: a judge of options that learns storybook's questions in English and Chinese.

Shows: a network of a million numbers, trained for an hour, reads pictures better than zero-shot comparing does, and
says when a question is about something that is not there.
Command: sightline train reader --size small --seed 0 --out DIR     (minutes and figures: docs/model-card.md)
From: language/judge.py; frames and words come from the built-in towers (recipes/questions_seen.py).
Departures: no generated text. What it learns from, and which frames it is shown: recipes/reader_lessons.py.
Shapes: a batch of questions with F frames each -> values [B, O + 1]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sightline.data.storybook.dials import usual
from sightline.encoders.built_in import open_built_in
from sightline.errors import BadQuery
from sightline.recipes.questions_seen import HOME, Eye, World, seen_world
from sightline.recipes.reader_lessons import Lessons, Task
from sightline.training.log import read_log
from sightline.training.loop import LOG, Course, Stage, learn_in_stages

Tensor = Any

PEAK = 1.2e-3


@dataclass(frozen=True)
class Size:
    """What a size costs and holds."""

    learn: World
    val: World
    width: int
    layers: int
    steps: int
    batch: int
    pieces: int = 2048


def _world(videos: int, split: str, seed: int) -> World:
    dials = replace(usual(split), seconds=60.0, scenes=6)
    return World(videos, 32, 1, split, seed, ("what",), dials=dials)  # kept for its films; more is asked of them below


SIZES = {
    "tiny": Size(_world(24, "train", 11), _world(6, "test", 12), 32, 1, 30, 8, 512),
    "small": Size(_world(2400, "train", 11), _world(60, "test", 12), 128, 3, 3000, 64),
}


def run(
    out: Path,
    size: str = "small",
    seed: int = 0,
    *,
    resume: bool = False,
    stop_after: int | None = None,
    told: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains the judge into `out`; with the last step it is measured, made as sure as it is right, and exported."""
    import torch

    torch.set_num_threads(1)  # sums come out alike on any machine
    sized, tell = size_named(size), (lambda text: told({"note": text})) if told else None
    learned, tried = seen_world(sized.learn, told=tell), seen_world(sized.val, told=tell)
    lessons = Lessons(sized.learn, learned)
    tokenizer = lessons.tokenizer(sized.pieces)
    tokenizer.save(out)
    lessons.cut = tokenizer.ids
    torch.manual_seed(seed)
    model = build(sized, tokenizer, int(learned.tokens.shape[3]), int(learned.tokens.shape[2]))
    stage = Stage("judge", Course(sized.steps, PEAK, rising=100, half=False), losses)
    steps = learn_in_stages(
        model,
        lambda step: lessons.forever(sized.batch, seed, step),
        [stage],
        out,
        resume=resume,
        told=told,
        stop_after=stop_after,
    )
    made: dict[str, Any] = {"steps": steps, "seconds": read_log(out / LOG)[-1]["seconds"], "folder": str(out)}
    if steps < sized.steps:
        return made
    return made | _finished(model, Lessons(sized.val, tried, tokenizer.ids), out, {"size": size, "seed": seed})


def _finished(model: Any, val: Lessons, out: Path, facts: dict[str, Any]) -> dict[str, Any]:
    from sightline.recipes.reader_files import ship

    sharpness = sharpness_of(*values_of(model, val))
    ship(model, out, facts | {"sharpness": sharpness, "tower": open_built_in(HOME).card.fingerprint})
    figures = {f"val {language}": examined(model, val, language) for language in ("en", "zh")}
    return figures | {"val en, other words": examined(model, val, "en", paraphrased=True), "sharpness": sharpness}


def size_named(name: str) -> Size:
    if name not in SIZES:
        raise BadQuery(f"there is no size {name!r}; there are {', '.join(SIZES)}")
    return SIZES[name]


def build(size: Size, tokenizer: Any, seen_width: int, cells: int) -> Any:
    """A judge whose words begin as what the text tower reads in them, and which looks at what is alike."""
    import torch

    from sightline.language.judge import Judge
    from sightline.recipes.first_looks import looks_at_what_is_alike
    from sightline.recipes.starting_lm import into

    model = Judge(len(tokenizer), seen_width, cells, size.width, size.layers)
    texts = [tokenizer.text([number]).strip() for number in range(len(tokenizer))]
    vectors = torch.from_numpy(Eye.opened(HOME).read(texts))
    known = vectors.norm(dim=1) > 0.1
    turn = into(vectors[known], size.width)
    with torch.no_grad():
        model.words.weight[known] = vectors[known] @ turn
        model.project.weight.copy_(turn.T)
        model.project.bias.zero_()
    for layer in model.layers[:2]:
        looks_at_what_is_alike(layer.look.inner, 1.0, 0.7)
    return model


def losses(model: Any, task: Task) -> dict[str, Tensor]:
    """One of the options is right, or none of them."""
    import torch.nn.functional as F

    loss = F.cross_entropy(judged(model, task), task.answer)
    return {"loss": loss}


def judged(model: Any, task: Task) -> Tensor:
    """-> [B, count]; "not here" stands last among a question's own options."""
    from sightline.language.judge import by_option

    values = model(task.ids, task.place, task.group, task.tokens, task.seconds, task.shown)
    return by_option(values, task.group, task.count)


def examined(model: Any, lessons: Lessons, language: str = "en", paraphrased: bool = False) -> dict[str, Any]:
    """Right answers by kind (the best option, "not here" left out), and how often "not here" wins, rightly or not."""
    import torch

    right: dict[str, list[bool]] = defaultdict(list)
    silent: dict[str, list[bool]] = {"there": [], "elsewhere": []}
    kinds = iter(lessons.items)
    model.eval()
    with torch.inference_mode():
        for task in lessons.in_order(64, language, paraphrased):
            values = judged(model, task)
            last = (values > -torch.inf).sum(dim=1) - 1
            silent["there"] += (values.argmax(dim=1) == last).tolist()
            values[torch.arange(len(last)), last] = -torch.inf
            for fine in (values.argmax(dim=1) == task.answer).tolist():
                right[next(kinds).kind].append(fine)
        for task in lessons.in_order(64, language, paraphrased, elsewhere=True):
            silent["elsewhere"] += (judged(model, task).argmax(dim=1) == task.answer).tolist()
    model.train()
    by_kind = {kind: float(np.mean(some)) for kind, some in sorted(right.items())}
    every = float(np.mean([fine for some in right.values() for fine in some]))
    return {"right": every, "kinds": by_kind} | {name: float(np.mean(some)) for name, some in silent.items()}


def values_of(model: Any, lessons: Lessons) -> tuple[Tensor, Tensor]:
    """All values [n, O], and which was right, of every question in both languages, some asked of the wrong film."""
    import torch
    import torch.nn.functional as F

    values, answers = [], []
    model.eval()
    with torch.inference_mode():
        for language in ("en", "zh"):
            for elsewhere in (False, True):
                for task in lessons.in_order(64, language, elsewhere=elsewhere):
                    found = judged(model, task)
                    values.append(F.pad(found, (0, 6 - found.shape[1]), value=-torch.inf))
                    answers.append(task.answer)
    model.train()
    return torch.cat(values), torch.cat(answers)


def sharpness_of(values: Tensor, answers: Tensor) -> float:
    """What makes chances as high as they are right: the likeliest temperature, from a fine list."""
    import torch
    import torch.nn.functional as F

    tried = torch.linspace(0.3, 2.0, 35)
    losses = torch.stack([F.cross_entropy(values * sharp, answers) for sharp in tried])
    return round(float(tried[losses.argmin()]), 3)
