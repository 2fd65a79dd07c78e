"""SeViLA: a localiser asks of each frame alone whether it is enough to answer; the answerer reads the surest ones.

They teach each other: a frame is labelled "yes" where the answerer, shown that frame alone, is right; then the answerer
learns on the frames that the localiser found.
Shows: labels for choosing that come from answering alone, without any similarity between pictures and words.
Command: sightline train sevila --size tiny --out DIR
From: SeViLA (arXiv 2305.06988): localiser, then answerer; self-refinement by pseudo-labels.
Departures: two small readers instead of two copies of a large one. Labels come from a few random frames of each video
in each step, not from all once. Half of the run refines the localiser, half the answerer.
Shapes: seen.tokens [B, T, N, D], question words [B, L, W] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.keyframes.localiser import FrameReader, Localiser, frame_labels
from sightline.recipes.starting_lm import Start
from sightline.records import Choice, Seen, Words
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing
from sightline.training.system import answer_terms, frames_of, hard

SYSTEM = {
    "name": "SeViLA",
    "paper": "arXiv 2305.06988",
    "family": "choose",
    "idea": "a localiser scores each frame alone, taught by where the answerer is right; the answerer reads the surest",
    "without": "the middle frame of each segment",
    "same_as": "uniform-linear",  # without its idea
}
NO, YES = 0, 1
TRIED = 3  # frames of each video that the answerer is tried on in a step


class SeViLA(Choosing):
    def __init__(self, start: Start, picks: bool) -> None:
        super().__init__(start, picks)
        if picks:
            self.localiser = Localiser(FrameReader(start.seen_width, start.width, 2), start.choose, yes=YES)

    def pick(self, batch: Batch) -> Choice:
        return self.localiser(batch.seen, self.asked(batch))

    def asked(self, batch: Batch) -> Words:
        words = self.question(batch)
        assert words.tokens is not None
        return Words(words.vector, words.ids, words.mask, words.tokens.detach())

    def tried(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """A few frames of each video, and whether the answerer is right when shown each alone: index, label [B, R]"""
        index = torch.rand(batch.seen.mask.shape).masked_fill(~batch.seen.mask, -1).topk(TRIED, dim=1).indices
        scores = []
        with torch.no_grad():
            for place in index.sort(dim=1).values.unbind(dim=1):
                one: Seen = frames_of(batch.seen, hard(place[:, None], batch.seen.mask.float()))
                scores.append(self.scores(batch, self.connect(one)))
        return index.sort(dim=1).values, frame_labels(torch.stack(scores, dim=1), batch.answer)


def build(start: Start, idea: bool = True) -> SeViLA:
    return SeViLA(start, idea)


def refine(model: SeViLA, batch: Batch) -> dict[str, Tensor]:
    """The localiser learns to say yes where the answerer is right."""
    index, right = model.tried(batch)
    few = frames_of(batch.seen, hard(index, batch.seen.mask.float()))
    logits = model.localiser(few, model.asked(batch)).extras["logits"]
    yes = F.cross_entropy(logits.flatten(0, 1), right.long().flatten())
    return {"loss": yes, "yes": yes}


def losses(model: SeViLA, batch: Batch) -> dict[str, Tensor]:
    """The answerer learns on the frames that the localiser is surest of."""
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


STAGES = (
    ("refine", 0.5, {"lm": "frozen", "connect": "frozen"}, refine),
    ("answer", 0.5, {"lm": "trained 0.3", "localiser": "locked"}, losses),
)
STAGES_WITHOUT = (("answer", 1.0, {"lm": "trained 0.3"}, losses),)
