"""The one small language model that every system starts from: it can answer from a few frames that were picked for it.

Published systems begin with a language model that was trained long before; this is ours. It learns to answer from M
tokens of K frames or more, few in detail or many coarsely, at least one of which holds the evidence, through one linear
layer. A system then has to learn which frames and which tokens to show it. It is made once per tower and size and kept.

From: LLaVA (arXiv 2304.08485) for the linear layer. The words begin as what the text tower reads in them, and the first
layer looks at what is alike, so that "cat" finds the cat within minutes instead of hours.
Departures: no other text than storybook's; the frames are drawn from the truth.
Shapes: frames' tokens [B, K, N, D] -> M tokens [B, M, W] -> scores [B, O]
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightline.data.storybook.dials import Dials
from sightline.errors import BadQuery
from sightline.recipes.questions_seen import HOME, Eye, World, seen_world
from sightline.training.batches import Batch, Batches
from sightline.training.kept import Kept, alone, home, name_of
from sightline.training.loop import CHECKPOINT, Course, Stage, learn_in_stages

Model = Any
Tensor = Any
Told = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """What a size costs and holds. `choose` is K, `tokens` is M, the budget that all systems share."""

    learn: World
    exam: World
    width: int
    layers: int
    choose: int
    tokens: int
    start_steps: int
    steps: int
    batch: int
    start_from: str = ""  # the size whose language model is started from, where it is not its own

    @property
    def val(self) -> World:
        """Where settings are chosen, so that the exam is taken by what was chosen: like the exam, other videos."""
        return replace(self.exam, split="val", seed=self.exam.seed + 1)


LONG = Dials(seconds=40.0, scenes=8, things=(2, 3), evidence=2.0)
IMBALANCED = Dials(seconds=64.0, scenes=8, things=(2, 3), evidence=2.0, similarity=0.8)
SEEN_IN_EVENTS = ("what", "where", "whom")  # their answers rest on one event each
SIZES = {
    "tiny": Size(
        learn=World(320, 32, dials=LONG),
        exam=World(130, 32, split="test", seed=3, dials=LONG),
        width=96, layers=3, choose=4, tokens=32, start_steps=1600, steps=100, batch=32,
    ),
    "small": Size(  # what docs/comparison.md is made at; the exam is of things and pairings that nobody learned
        learn=World(1500, 32, dials=LONG),
        exam=World(130, 32, split="challenge", seed=3, dials=LONG),
        width=96, layers=3, choose=4, tokens=32, start_steps=4000, steps=100, batch=32,
    ),
    "imbalanced": Size(  # the answer is 2 seconds of 64, eight scenes are alike; docs/imbalanced.md is made at it
        learn=World(400, 64, kinds=SEEN_IN_EVENTS, dials=IMBALANCED),
        exam=World(1050, 64, each=2, split="test", seed=3, kinds=SEEN_IN_EVENTS, dials=IMBALANCED),
        width=96, layers=3, choose=4, tokens=32, start_steps=4000, steps=100, batch=32, start_from="small",
    ),
}  # fmt: skip


def size_named(name: str) -> Size:
    if name not in SIZES:
        raise BadQuery(f"there is no size {name!r}; there are {', '.join(SIZES)}")
    return SIZES[name]


@dataclass
class Start:
    """What a recipe's `build` begins with: its own copy of the trained language model and of the layer before it."""

    lm: Model  # TinyLM of `width`
    project: Model  # Linear(seen_width, width): visual tokens as this language model has learned to read them
    tokenizer: Any
    size: Size
    seen_width: int  # D
    shared_width: int  # E, of frame and text vectors
    grid: tuple[int, int]

    @property
    def width(self) -> int:
        return self.size.width

    @property
    def tokens(self) -> int:
        return self.size.tokens

    @property
    def choose(self) -> int:
        return self.size.choose

    @property
    def frames(self) -> int:
        return self.size.learn.frames

    def copy(self) -> Start:
        return replace(self, lm=copy.deepcopy(self.lm), project=copy.deepcopy(self.project))

    def shape(self) -> dict[str, Any]:
        """What `blank_start` needs."""
        return {"seen_width": self.seen_width, "shared_width": self.shared_width, "grid": list(self.grid)}


def blank_start(size: Size, tokenizer: Any, shape: dict[str, Any]) -> Start:
    """A start of these sizes that has learned nothing."""
    from torch import nn

    from sightline.language.tiny_lm import TinyLM

    lm = TinyLM(len(tokenizer), size.width, HEADS, size.layers)
    rows, columns = shape["grid"]
    project = nn.Linear(shape["seen_width"], size.width)
    return Start(lm, project, tokenizer, size, shape["seen_width"], shape["shared_width"], (rows, columns))


def data_of(size: Size, told: Told | None = None, ask: str = "exam") -> tuple[Kept, Kept]:
    """What is learned on, and what is asked: the "exam", or "val" while settings are still being chosen."""
    return seen_world(size.learn, told=told), seen_world(getattr(size, ask), told=told)


def start_of(size: Size, told: Told | None = None, steps: int | None = None) -> Start:
    """The size's language model: read where it is kept, trained and kept otherwise."""
    import torch
    from safetensors.torch import load_file

    if size.start_from:
        return replace(start_of(size_named(size.start_from), told), size=size)
    learned_on = seen_world(size.learn, told=told)
    own = {name: getattr(size, name) for name in ("width", "layers", "choose", "tokens", "batch")}
    facts = {"kind": "lm", "seen": learned_on.folder.name, "version": VERSION, "steps": steps or size.start_steps} | own
    folder = home() / name_of(facts)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = _fresh(size, learned_on)
        model = _picked(start, steps or size.start_steps)
        with alone(folder):
            if not (folder / DONE).is_file():
                _train(model, Batches(learned_on, start.tokenizer), steps or size.start_steps, size, folder, told)
    kept = load_file(str(folder / CHECKPOINT))
    model.load_state_dict({k.removeprefix("model."): v for k, v in kept.items() if k.startswith("model.")})
    return start


VERSION = 3  # raised when the same facts would give another model
DONE = "done"
VOCABULARY = 1024
HEADS = 4


def _fresh(size: Size, kept: Kept) -> Start:
    import torch

    from sightline.language.tokenizer import Tokenizer
    from sightline.recipes.first_looks import looks_at_what_is_alike

    tokenizer = Tokenizer.trained(
        [text for q in kept.questions for text in (q.question, *q.options, q.statement)], VOCABULARY
    )
    widths = {"seen_width": int(kept.tokens.shape[3]), "shared_width": int(kept.vectors.shape[2])}
    start = blank_start(size, tokenizer, widths | {"grid": kept.grid})
    texts = [tokenizer.text([number]).strip() for number in range(len(tokenizer))]
    vectors = torch.from_numpy(Eye.opened(HOME).read(texts))
    known = vectors.norm(dim=1) > 0.1
    turn = into(vectors[known], size.width)
    with torch.no_grad():
        start.lm.words.weight[known] = vectors[known] @ turn
        start.project.weight.copy_(turn.T)
        start.project.bias.zero_()
        for layer in start.lm.layers[:2]:
            looks_at_what_is_alike(layer.attend.inner, 1.0, 0.7)
    return start


def into(vectors: Tensor, width: int) -> Tensor:
    """The directions in which the words differ most, turned at random so that every head gets some of each.

    Shapes: vectors [n, D] -> [D, width]
    """
    import torch

    directions = torch.linalg.svd(vectors, full_matrices=True)[2][:width].T  # [D, min(D, width)]
    turn = torch.linalg.qr(torch.randn(width, width))[0]
    return directions @ turn[: directions.shape[1]]


def _train(model: Model, batches: Batches, steps: int, size: Size, folder: Path, told: Told | None) -> None:
    course = Course(steps, peak=2e-3, half=False, save_every=100)
    stage = Stage("start", course, _losses)

    def tell(entry: dict[str, Any]) -> None:
        if told:
            told(f"the language model to start from: step {entry['step']} of {steps}, loss {entry['loss']:.3f}")

    learn_in_stages(model, lambda step: batches.forever(size.batch, 0, step), [stage], folder, resume=True, told=tell)
    (folder / DONE).write_text("", encoding="utf-8")


def _losses(model: Model, batch: Batch) -> dict[str, Tensor]:
    from sightline.training.system import answer_terms

    terms = answer_terms(model(batch)[0], batch)
    return {"loss": terms["options"] + terms["words"], **terms}


CLOSELY = 0.6  # the share of steps in which only K frames in detail are shown: from coarse ones nobody learns to look


def _picked(start: Start, steps: int) -> Model:
    """K frames, later also 2 K, 4 K …; the first is drawn from the evidence, the others from all; one linear layer."""
    import torch

    from sightline.connectors.clips import Gathering, runs
    from sightline.training.system import Shown, System, frames_of, hard

    doublings = int(math.log2(start.frames / start.choose))

    class Picked(System):
        def __init__(self) -> None:
            super().__init__(start.lm, start.tokens)
            self.connect = Gathering(runs, start.project, start.tokens)
            self.register_buffer("step", torch.zeros(()))  # kept with the weights, so that a run can go on

        def see(self, batch: Batch) -> Shown:
            self.step += 1
            luck = torch.rand(batch.evidence.shape)
            first = torch.where(batch.evidence.any(dim=1, keepdim=True), luck + batch.evidence, luck).argmax(dim=1)
            luck[torch.arange(len(batch)), first] = 2.0
            coarse = int(torch.randint(doublings + 1, ())) if self.step > CLOSELY * steps else 0
            count = start.choose << coarse  # few frames in detail, or many coarsely
            index = luck.masked_fill(~batch.seen.mask, -1.0).topk(count, dim=1).indices.sort(dim=1).values
            return Shown(self.connect(frames_of(batch.seen, hard(index, luck)), batch.words))

    return Picked()
