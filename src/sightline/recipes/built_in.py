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

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.encoders.built_in import ABOUT, PICTURES, TEXTS, WEIGHTS, WORDS
from sightline.encoders.lexicon import LONGEST, Lexicon
from sightline.encoders.model_folder import read_json
from sightline.errors import BadQuery
from sightline.recipes.built_in_files import fill, settle, ship
from sightline.recipes.built_in_lessons import Lesson, lessons
from sightline.recipes.storybook_phrases import COLOUR, NOTHING, SIZE, TABLES, TEXTURE, THING, lexicon
from sightline.training.log import read_log
from sightline.training.loop import Course, learn

Array = Any
Tensor = Any

WIDTH = 192  # of the shared space that the towers give
NAMED = {k: len(TABLES[k]) for k in (THING, COLOUR, TEXTURE, SIZE)}  # what things are also named by, one of so many


@dataclass(frozen=True)
class Size:
    """What a size costs and holds."""

    steps: int
    pictures: int  # in a batch; half of them are new, half are seen again with other phrases
    phrases: int
    widths: tuple[int, int, int]
    blocks: tuple[int, int]
    hidden: int
    text_width: int
    text_layers: int


SIZES = {
    "tiny": Size(60, 32, 64, (8, 16, 32), (1, 1), 64, 32, 1),
    "small": Size(1600, 128, 256, (24, 64, 128), (2, 3), 384, 128, 2),
}


# Where the loss of "small" stands after a tenth of its steps; with seed 0 it was 16.7 at step 150 and 15.9 at 175.
TENTH = (15.0, 17.6)


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
    model.names = nn.Linear(size.hidden, sum(NAMED.values()))  # helps to learn; not shipped
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


SIGMOID_SHARE = 0.1  # the sigmoid terms of a row add up to about ten times the softmax of one


def losses(model: Any, batch: Lesson) -> dict[str, Tensor]:
    import torch
    import torch.nn.functional as F

    texts = torch.cat([model.texts(ids, mask) for ids, mask in batch.phrases])
    pictures, places, features = model.pictures.at_places(batch.pixels)
    with torch.autocast("cpu", enabled=False):
        whole = both_ways(model, pictures @ texts.T, batch.truth, batch.counted)
        row, slot, things = at_their_places(places, batch)
        true, counted = (table[:, batch.alone] for table in (batch.of_things[row, slot], batch.counted[row]))
        local = both_ways(model, F.normalize(things, dim=1) @ texts[batch.alone].T, true, counted)
        names = naming(model.names(at_their_places(features, batch)[2]), batch.things[row, slot])
    return {"loss": whole + local + names, "whole": whole, "local": local, "names": names}


def naming(logits: Tensor, things: Tensor) -> Tensor:
    """Plain classification of each thing by name, colour, texture and size, added up.

    Shapes: logits [n, sum of NAMED], things [n, 6] -> scalar
    """
    import torch.nn.functional as F

    parts = logits.split(list(NAMED.values()), dim=1)
    pairs = zip(parts, (things[:, k].long() for k in NAMED), strict=True)
    return sum(F.cross_entropy(part, wanted, ignore_index=NOTHING) for part, wanted in pairs)


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
    steps = learn(
        model,
        lambda step: lessons(sized.pictures, sized.phrases, seed, step),
        losses,
        Course(sized.steps),
        out,
        resume=resume,
        told=told,
        stop_after=stop_after,
    )
    settle(model, seed)
    ship(model, out, {"size": size, "seed": seed, "steps": steps})
    last = read_log(out / "log.jsonl")[-1]
    files = sum((out / name).stat().st_size for name in (PICTURES, TEXTS, WEIGHTS, WORDS, ABOUT))
    return {"steps": steps, "loss": last["loss"], "seconds": last["seconds"], "bytes": files, "folder": str(out)}


def load(folder: Path) -> Any:
    """The model of a folder that `run` wrote, to train on or to compare."""
    about = read_json(folder / ABOUT, "the built-in model")
    model = build(size_named(about["size"]), len(Lexicon.read(folder / WORDS)))
    fill(model, folder)
    return model.eval()
