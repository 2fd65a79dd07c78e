"""ViLA, as the paper means it: one frame of each segment, picked for this question, taught by one who sees them all.

Shows: a chooser that looks at the question, keeps coverage, and is the same twice.
Command: sightline train vila --size tiny --out DIR
From: ViLA (arXiv 2312.08367): frame prompter with Gumbel straight-through; the distiller's decoder and its weight 0.01.
Departures: the prompter sees the question, pools before it normalises, and has no noise when reading
(keyframes/prompter.py). The teacher is a frozen copy of what the language model started with, over all T frames; the
Q-Former is a linear layer, as everywhere here. The prompter begins by likeness to the question. The temperature falls
to 0.1 within the run; as released, to 0.4.
Shapes: seen.tokens [B, T, N, D] -> K frames -> prefix [B, M, W]; teacher's tokens [B, T * M / K, W]
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.keyframes.prompter import FramePrompter
from sightline.objectives.distillation import WEIGHT, TokenDecoder, distillation
from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "ViLA, corrected",
    "paper": "arXiv 2312.08367",
    "family": "choose",
    "idea": "each segment sends the frame its prompter picks for the question; a teacher sees all frames",
    "without": "the middle frame of each segment, no teacher",
    "same_as": "uniform-linear",  # without its idea
}
POLICY = {"lm": "trained 0.3", "teacher": "locked"}
COOLEST = 0.1
SHARP, LOUD = 30.0, 3.0  # how the prompter begins


class ViLA(Choosing):
    def __init__(self, start: Start, picks: bool) -> None:
        super().__init__(start, picks)
        if picks:
            self.prompter = FramePrompter(start.seen_width, start.shared_width, start.choose)
            begin_alike(self.prompter, start.seen_width)
            seen_by_teacher = start.frames * start.tokens // start.choose
            self.teacher = Gathering(runs, copy.deepcopy(start.project), seen_by_teacher)
            self.decode = TokenDecoder(start.tokens, seen_by_teacher)
            self.steps = start.size.steps
            self.register_buffer("step", torch.zeros(()))  # kept with the weights, so a run can go on

    def pick(self, batch: Batch) -> Choice:
        if self.training:
            self.prompter.temperature = max(COOLEST, COOLEST ** float(self.step / self.steps))
            self.step += 1
        return self.prompter(batch.seen, batch.words)

    def taught(self, batch: Batch) -> Tensor:
        """What the teacher sees in all frames."""
        with torch.no_grad():
            return self.teacher(batch.seen).embeddings


@torch.no_grad()
def begin_alike(prompter: FramePrompter, width: int) -> None:
    """Pictures and words are of one space: the prompter begins by picking what is like the question."""
    torch.nn.init.eye_(prompter.question.weight).mul_(SHARP)
    listen, speak = prompter.judge[1], prompter.judge[3]
    listen.weight[0], listen.bias[0] = 0.0, 0.0
    listen.weight[0, 2 * width :] = 1.0  # the product of question and frame, summed
    speak.weight[0, 0] = LOUD


def build(start: Start, idea: bool = True) -> ViLA:
    return ViLA(start, idea)


def losses(model: ViLA, batch: Batch) -> dict[str, Tensor]:
    scores, shown = model(batch)
    answer = answer_terms(scores, batch)
    if not model.picks:
        return {"loss": answer["options"] + answer["words"], **answer}
    distilled = distillation(model.decode(shown.prefix.embeddings), model.taught(batch))
    return {"loss": answer["options"] + answer["words"] + WEIGHT * distilled, **answer, "distilled": distilled}
