"""GCG, corrected: Gaussians in time point at the frames, pulled by labels from the answer's sentence and by contrast.

Shows: a chooser that learns from weak labels: nobody says when, only what the answer is.
Command: sightline train gcg --size tiny --out DIR
From: GCG (arXiv 2401.10711): Gaussian generator, perturbed top-k, L_vqa + L_reg + L_con.
Departures: a centre is the mean time of what an attention of its own sees, and each attention begins with the likeness
of frames to the question. As published all centres are read from one pooled vector; here they then learned the labels'
averages alone, and found no more than even spacing (LOG.md). A frame enters by its place most like the question. The
width follows the number of frames; a frame is as similar to the statement as its best place is; L_reg in frames with
the order hinge, as released; negatives are this video's other frames and the wrong options. Frames and texts are the
built-in towers' vectors. The chooser is grounded first, without the language model, which is cheap; then all learns
together. Labels may be taken by any rule of keyframes: on storybook those of merging and of steepness miss evidence
that top-K finds (recipes/imbalanced.py measures it). Tokens are averaged frame by frame before they are weighted, and
only those of frames that were drawn are read, once and as they are kept. `gcg_paper` and `gcg_released` are the same
system with other settings and the published chooser, and learn everything together from the first step.
Shapes: seen.vectors [B, T, E], statement [B, E] -> centres [B, K] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.keyframes.gaussian import FRAME, TEXT, GaussianChooser, _read
from sightline.nn.choice import perturbed_top_k
from sightline.nn.padding import cleared
from sightline.objectives.centre_regression import centre_regression, order_hinge
from sightline.objectives.contrastive_grounding import GroundingHead, contrastive_grounding
from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing, best_place, by_rule, highest, relevance, similarities
from sightline.training.drawn_frames import averaged
from sightline.training.system import Shown, answer_terms

SYSTEM = {
    "name": "GCG, corrected",
    "paper": "arXiv 2401.10711",
    "family": "choose",
    "idea": "Gaussians in time point at frames, learned from weak labels and contrast",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}
SHARP = 30.0  # how the pointing chooser begins: attention is softmax(SHARP * cosine)


@dataclass(frozen=True)
class Settings:
    """Where the paper, its code and the corrected system differ."""

    pointing: bool = True  # an attention for each centre; else all centres from one pooled vector, as published
    text: str = "statement"  # what frames are compared with for the labels: "statement", "answer" or "question"
    rule: str = "similarity"  # how labels are taken from the similarities (keyframes.CHOOSERS)
    unit: str = "frames"  # of L_reg: "frames" or "share"
    hinge: bool = True
    negatives: tuple[str, ...] = ("left_frames", "wrong_options")  # and "other_answers"
    released_width: float | None = None  # None: the width follows T
    gradient: str = "true"
    draws: int = 100  # of the perturbed top-k; 500 as published
    by_place: bool = True  # a frame is as similar as its best place; else as its vector, as in the paper
    regression: float = 0.3  # weights of L_reg and L_con
    contrast: float = 0.1


class PointingChooser(GaussianChooser):
    """Each centre is the mean time of what its own attention sees; all begin by looking at what is like the question.

    `texts` begin with the question. What is learned adds to the likeness: which frame comes first among those that are
    alike, and what the options make of it.
    """

    def __init__(self, width: int, centres: int, **options: Any) -> None:
        super().__init__(width, centres, **options)
        half: int = self.attend[2].in_features
        self.attend[2] = nn.Linear(half, centres)
        nn.init.zeros_(self.attend[2].weight)
        nn.init.zeros_(self.attend[2].bias)
        self.sharp = nn.Parameter(torch.tensor(SHARP))
        del self.point

    def _centres(self, vectors: Tensor, mask: Tensor, when: Tensor, texts: Tensor) -> Tensor:
        vectors, position = cleared(vectors, mask), _read(self.positions, when)
        x = torch.cat([self.down(vectors) + position + self.kind[FRAME], self.down(texts) + self.kind[TEXT]], dim=1)
        visible = torch.cat([mask, mask.new_ones(texts.shape[:2])], dim=1)
        for block in self.blocks:
            x = block(x, visible)
        alike = torch.einsum("bte,be->bt", F.normalize(vectors, dim=-1), F.normalize(texts[:, 0], dim=-1))
        own = self.attend(x[:, : mask.shape[1]] + position).transpose(1, 2) + self.sharp * alike[:, None]  # [B, K, T]
        attention = own.masked_fill(~mask[:, None], -math.inf).softmax(dim=-1)
        return torch.einsum("bkt,bt->bk", attention, when)


class GCG(Choosing):
    def __init__(self, start: Start, settings: Settings, picks: bool) -> None:
        super().__init__(start, picks)
        self.settings = settings
        if picks:
            self.chooser = (PointingChooser if settings.pointing else GaussianChooser)(
                start.shared_width,
                start.choose,
                frames=start.frames,
                dropout=0.1,
                released_width=settings.released_width,
                samples=settings.draws,
                gradient=settings.gradient,
            )
            self.head = GroundingHead(start.shared_width, dropout=0.1)
            torch.nn.init.orthogonal_(self.chooser.down[1].weight)  # what is alike stays alike

    def pick(self, batch: Batch) -> Choice:
        seen = batch.seen
        if self.settings.pointing:
            seen = replace(seen, vectors=best_place(seen, batch.words.vector))
        return self.chooser(seen, batch.words, batch.option_vectors)

    def see(self, batch: Batch) -> Shown:
        if not self.picks:
            return super().see(batch)
        choice = self.pick(batch)
        return Shown(averaged(batch.seen, choice, self.connect.project, self.tokens), choice)


def text_of(batch: Batch, which: str) -> Tensor:
    """The vectors that the labels come from, [B, E]."""
    texts = {"statement": batch.statement, "answer": batch.answer_vector, "question": batch.words.vector}
    return texts[which]


def labels(batch: Batch, settings: Settings, k: int) -> Tensor:
    """The frames that likely hold the answer, in time order: [B, k]"""
    measure = relevance if settings.by_place else similarities
    scores = measure(batch.seen, text_of(batch, settings.text))
    if settings.rule == "similarity":  # the same as by_rule, for all videos at once
        return highest(scores, k, batch.seen.mask).index
    return by_rule(settings.rule, scores, k, batch.seen.mask, batch.seen.vectors).index


def regression(model: GCG, batch: Batch, choice: Choice) -> Tensor:
    """L_reg: centres, in order of time, to the labels; with the order hinge as released."""
    centres, frames = choice.extras["centres"], batch.seen.mask.sum(dim=1)
    if not model.settings.hinge:
        centres = centres.sort(dim=1).values  # without the hinge nothing else keeps them in order
    pulled = centre_regression(centres, labels(batch, model.settings, centres.shape[1]), frames, model.settings.unit)
    return pulled + order_hinge(centres, frames) if model.settings.hinge else pulled


def contrast(model: GCG, batch: Batch, choice: Choice) -> Tensor:
    """L_con: chosen frames and the answer's sentence against what is not chosen and what is not the answer."""
    head, against = model.head, model.settings.negatives
    event = text_of(batch, "statement" if model.settings.text == "question" else model.settings.text)
    others = batch.seen.mask.shape[1] - choice.weight.shape[1]
    left = perturbed_top_k(1 - choice.scores, others, samples=model.settings.draws, gradient=model.settings.gradient)
    return contrastive_grounding(
        head(torch.einsum("bkt,bte->bke", choice.weight, batch.seen.vectors)),
        head(event),
        left_frames=head(torch.einsum("bjt,bte->bje", left, batch.seen.vectors)) if "left_frames" in against else None,
        wrong_options=head(batch.option_vectors) if "wrong_options" in against else None,
        options_mask=batch.wrong if "wrong_options" in against else None,
        other_answers="other_answers" in against,
    )


def build(start: Start, idea: bool = True) -> GCG:
    return GCG(start, Settings(), idea)


def ground(model: GCG, batch: Batch) -> dict[str, Tensor]:
    """Looking before answering: the chooser's own two losses."""
    choice, weights = model.pick(batch), model.settings
    reg, con = regression(model, batch, choice), contrast(model, batch, choice)
    return {"loss": weights.regression * reg + weights.contrast * con, "regression": reg, "contrast": con}


def losses(model: GCG, batch: Batch) -> dict[str, Tensor]:
    scores, shown = model(batch)
    answer = answer_terms(scores, batch)
    if not model.picks:
        return {"loss": answer["options"] + answer["words"], **answer}
    reg, con = regression(model, batch, shown.choice), contrast(model, batch, shown.choice)
    weights = model.settings
    whole = answer["options"] + answer["words"] + weights.regression * reg + weights.contrast * con
    return {"loss": whole, **answer, "regression": reg, "contrast": con}


ANSWER = {"lm": "trained 0.3"}
STAGES = (("ground", 2.0, {"lm": "frozen", "connect": "frozen"}, ground), ("answer", 1.0, ANSWER, losses))
STAGES_WITHOUT = (("answer", 1.0, ANSWER, losses),)
