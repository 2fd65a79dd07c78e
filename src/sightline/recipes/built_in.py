"""The built-in model: a picture tower and a bilingual text tower that learn storybook in one space.

Shows: a newcomer without network or weights can search by words from the first minute; combinations of
colour and thing that training never saw are still found.
Command: sightline train built-in --size small --seed 0 --out DIR     (minutes and figures: docs/model-card.md)
From: SigLIP (arXiv 2303.15343) for the pairwise sigmoid loss with a learned scale and bias; CLIP (arXiv 2103.00020) for
the symmetric softmax loss.
Departures: which phrase is true of which picture is computed from the facts (recipes/storybook_phrases.py), so both
losses have many right answers per row, and no true phrase is ever taught to be wrong.
Shapes: pixels [B, 3, H, W], ids [P, L], truth [B, P] (pictures against phrases)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sightline.encoders.built_in import ABOUT, PICTURES, TEXTS, WEIGHTS, WORDS
from sightline.encoders.lexicon import LONGEST, Lexicon
from sightline.encoders.model_folder import read_json
from sightline.errors import BadQuery
from sightline.recipes.built_in_files import fill, home_of, settle, ship
from sightline.recipes.built_in_lessons import NOWHERE, Lesson, lessons
from sightline.recipes.storybook_phrases import (
    COLOUR,
    NOTHING,
    PLACE_NAMES,
    SHOWN,
    SIZE,
    TABLES,
    TEXTURE,
    THING,
    lexicon,
)
from sightline.training.checkpoint import load_checkpoint
from sightline.training.log import read_log
from sightline.training.loop import CHECKPOINT, Course, Stage, learn_in_stages

Array = Any
Tensor = Any

WIDTH = 192  # of the shared space that the towers give
NAMED = {k: len(TABLES[k]) for k in (THING, COLOUR, TEXTURE, SIZE)}  # what things are also named by, one of so many


@dataclass(frozen=True)
class Size:
    """What a size costs and holds."""

    steps: tuple[int, ...]  # of each stage
    pictures: int  # in a batch; half of them are new, half are seen again with other phrases
    phrases: int
    widths: tuple[int, int, int]
    blocks: tuple[int, int]
    hidden: int
    text_width: int
    text_layers: int


RISING = 100  # steps on which the rate rises
BORDER = "before-last-stage.safetensors"  # the checkpoint there
# With the highest rate, and the share of its steps after which it falls; the lessons have phases of their own.
STAGES = (
    ("names", 2e-3, 0.852),
    ("captions", 2e-3, 0.65),
    ("search", 1e-3, 0.3),
)

SIZES = {
    "tiny": Size((40, 12, 8), 32, 64, (8, 16, 32), (1, 1), 64, 32, 1),
    "small": Size((2700, 4500, 1000), 96, 256, (32, 64, 128), (2, 3), 384, 128, 2),
}


# Where the loss of "small" stands after a tenth of its steps, 820; with seed 0 it was 15.3 and 15.6 at step 800.
TENTH = (14.2, 16.3)


def size_named(name: str) -> Size:
    if name not in SIZES:
        raise BadQuery(f"there is no size {name!r}; there are {', '.join(SIZES)}")
    return SIZES[name]


def build(size: Size, words: int | None = None) -> Any:
    """Both towers, and the scale and bias that turn a cosine into odds; `words` is the size of the vocabulary."""
    import torch
    from torch import nn

    from sightline.encoders.picture_tower import PictureTower
    from sightline.encoders.text_tower import TextTower

    model = nn.Module()
    model.pictures = PictureTower(size.widths, size.blocks, size.hidden, WIDTH)
    model.texts = TextTower(words or len(lexicon()), LONGEST, size.text_width, size.text_layers, 4, WIDTH)
    model.scale, model.bias = nn.Parameter(torch.tensor(2.3)), nn.Parameter(torch.tensor(-5.0))
    model.names = nn.Linear(size.hidden, sum(NAMED.values()))  # this and the next help to learn; they are not shipped
    model.places = nn.Linear(size.hidden, len(PLACE_NAMES))
    model.sharpness = nn.Parameter(torch.tensor(2.7))  # of the softmax, as a logarithm like `scale`
    return model.to(memory_format=torch.channels_last)


# --- losses ------------------------------------------------------------------------------------------


def sigmoid_pairs(cosines: Tensor, scale: Tensor, bias: Tensor, true: Tensor, counted: Tensor) -> Tensor:
    """Each pair that counts is asked alone: is this phrase true of this picture? A picture's pairs are added up.

    From: SigLIP, equation 1, with labels that may be true many times per row.
    Shapes: cosines [B, P], true and counted [B, P] bool -> scalar
    """
    import torch.nn.functional as F

    signs = true.float() * 2 - 1
    return -(F.logsigmoid(signs * (cosines * scale + bias)) * counted).sum(dim=1).mean()


def softmax_many(cosines: Tensor, sharpness: Tensor, true: Tensor, counted: Tensor) -> Tensor:
    """Each row picks among the columns that count; its true ones share the answer; rows without one are left out.

    Shapes: cosines [B, P], true and counted [B, P] bool (what is true counts) -> scalar
    """
    import torch.nn.functional as F

    rows = true.any(dim=1)
    logits = (cosines[rows] * sharpness).masked_fill(~counted[rows], -1e4)
    logs = F.log_softmax(logits, dim=1)
    return -((logs * true[rows]).sum(dim=1) / true[rows].sum(dim=1)).mean()


SUMS_SHARE = 4.0
TWINS_SHARPNESS = 20.0  # not learned: while twins look alike, a learned one sinks, and takes the softmax with it
SIGMOID_SHARE = 0.1  # the sigmoid terms of a row add up to about ten times the softmax of one


def losses(model: Any, batch: Lesson) -> dict[str, Tensor]:
    import torch
    import torch.nn.functional as F

    texts = torch.cat([model.texts(ids, mask) for ids, mask in batch.phrases])
    pictures, shown = model.pictures.at_places(batch.pixels)
    row, slot, features = at_their_places(shown, batch)
    things = model.pictures.what(features)
    named, placed = model.names(features), model.places(shown.mean(dim=(2, 3)))
    with torch.autocast("cpu", enabled=False):
        cosines = pictures @ texts.T
        whole = both_ways(model, cosines, batch.truth, batch.counted)
        bound = twins_apart(cosines, batch)
        true, counted = (t[row, slot][:, batch.alone] for t in (batch.of_things, batch.counted_of_things))
        local = both_ways(model, F.normalize(things.float(), dim=1) @ texts[batch.alone].T, true, counted)
        names = naming(named.float(), batch.things[row, slot]) + F.cross_entropy(
            placed.float(), batch.places, ignore_index=NOWHERE
        )
        sums = of_their_parts(model, texts, batch)
    terms = {"whole": whole, "bound": bound, "local": local, "names": names, "sums": sums}
    return {"loss": whole + batch.stress * bound + local + names + SUMS_SHARE * sums, **terms}


def naming(logits: Tensor, things: Tensor) -> Tensor:
    """Plain classification of each thing by name, colour, texture and size, added up.

    Shapes: logits [n, sum of NAMED], things [n, 6] -> scalar
    """
    import torch
    import torch.nn.functional as F

    names, *rest = logits.split(list(NAMED.values()), dim=1)
    never = ~torch.from_numpy(SHOWN.T)[things[:, COLOUR].long().clamp(min=0)]  # [n, names]
    names = names.masked_fill(never & (things[:, COLOUR] >= 0)[:, None], -1e4)  # of these, a colour would decide
    pairs = zip((names, *rest), (things[:, k].long() for k in NAMED), strict=True)
    return sum(F.cross_entropy(part, wanted, ignore_index=NOTHING) for part, wanted in pairs)


def of_their_parts(model: Any, texts: Tensor, batch: Lesson) -> Tensor:
    """How far a phrase about two things lies from the sum of what is said of each: "a cat" and "a dog", or "a cat
    above" and "a dog below". A picture is the sum of what stands at its places; so should its phrases be.

    Shapes: texts [P, E] -> scalar
    """
    import torch.nn.functional as F

    if not len(batch.sums):
        return texts.sum() * 0
    parts = model.texts(*batch.parts).detach().unflatten(0, (-1, 2)).sum(dim=1)  # [s, E]
    return (1 - (texts[batch.sums] * F.normalize(parts, dim=1)).sum(dim=1)).mean()


def twins_apart(cosines: Tensor, batch: Lesson) -> Tensor:
    """Where one of two phrases of the same words is true of a picture and the other is not, the true one is nearer.

    From: NegCLIP (arXiv 2210.01936) for exchanged words as hard negatives; a logistic loss of each pair here.
    Shapes: cosines [B, P], batch.twins [n, 2] -> scalar
    """
    import torch.nn.functional as F

    one, other = batch.twins.unbind(dim=1)
    known = batch.counted[:, one] & batch.counted[:, other]  # [B, n]
    side = (batch.truth[:, one].float() - batch.truth[:, other].float()) * known
    lead = TWINS_SHARPNESS * (cosines[:, one] - cosines[:, other])
    return (F.softplus(-side * lead) * side.abs()).sum() / side.abs().sum().clamp(min=1)


def both_ways(model: Any, cosines: Tensor, true: Tensor, counted: Tensor) -> Tensor:
    """The sigmoid over pairs, and the softmax over rows and over columns."""
    sharpness = model.sharpness.exp().clamp(max=60.0)
    softmax = softmax_many(cosines, sharpness, true, counted) + softmax_many(cosines.T, sharpness, true.T, counted.T)
    return SIGMOID_SHARE * sigmoid_pairs(cosines, model.scale.exp(), model.bias, true, counted) + 0.5 * softmax


def at_their_places(places: Tensor, batch: Lesson) -> tuple[Tensor, Tensor, Tensor]:
    """The vectors at the middles of all things of the batch, with the row and the slot of each.

    Shapes: places [B, D, h, w] -> rows [n], slots [n], vectors [n, D]
    """
    high, wide = places.shape[2:]
    across = (batch.middles[..., 0] * wide).long().clamp(0, wide - 1)  # [B, SLOTS]
    down = (batch.middles[..., 1] * high).long().clamp(0, high - 1)
    row, slot = (batch.things[..., THING] >= 0).nonzero(as_tuple=True)
    return row, slot, places[row, :, down[row, slot], across[row, slot]].float()


# --- the whole ---------------------------------------------------------------------------------------


def run(
    out: Path,
    size: str = "small",
    seed: int = 0,
    *,
    resume: bool = False,
    stop_after: int | None = None,
    told: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Trains into `out` (checkpoint, log), ships the model there, and gives its figures."""
    import torch

    sized = size_named(size)
    torch.set_num_threads(1)  # the other core draws, and sums come out alike on any machine
    torch.manual_seed(seed)
    model = build(sized)
    stages = [
        Stage(name, Course(n, peak, rising=min(RISING, n // 10), held=held), losses)
        for n, (name, peak, held) in zip(sized.steps, STAGES, strict=True)
    ]
    learning = partial(
        learn_in_stages,
        model,
        lambda step: lessons(sized.pictures, sized.phrases, seed, sum(sized.steps), step),
        stages,
        out,
        told=told,
        check=False,
    )
    border, end = sum(sized.steps[:-1]), min(stop_after or sum(sized.steps), sum(sized.steps))
    if not (resume and (out / BORDER).is_file()):
        steps = learning(resume=resume, stop_after=min(border, end))
        if steps == border:
            shutil.copyfile(out / CHECKPOINT, out / BORDER)
    if end > border:
        steps = learning(resume=True, stop_after=end)
        halfway(model, out / BORDER)
    settle(model, seed)
    ship(model, out, {"size": size, "seed": seed, "steps": steps}, home_of(model, seed))
    last = read_log(out / "log.jsonl")[-1]
    files = sum((out / name).stat().st_size for name in (PICTURES, TEXTS, WEIGHTS, WORDS, ABOUT))
    return {"steps": steps, "loss": last["loss"], "seconds": last["seconds"], "bytes": files, "folder": str(out)}


def halfway(model: Any, before: Path) -> None:
    """The weights half way between those before the last stage, which bind better, and those after it, which find
    better; the mean does both nearly as well, and names things better than either.

    From: WiSE-FT (arXiv 2109.01903).
    """
    import torch

    after = {name: value.clone() for name, value in model.state_dict().items()}
    load_checkpoint(before, model)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.lerp_(after[name], 0.5)


def load(folder: Path) -> Any:
    """The model of a folder that `run` wrote, to train on or to compare."""
    about = read_json(folder / ABOUT, "the built-in model")
    model = build(size_named(about["size"]), len(Lexicon.read(folder / WORDS)))
    fill(model, folder)
    return model.eval()
