"""ViLA, as its public code does it: no question in the prompter, noise when reading, a student that is its own teacher.

Shows: what the corrections of `vila` are worth: this prompter gives every question about a video the same frames, but
for the noise.
Command: sightline train vila-released --size tiny --out DIR
From: the public code of ViLA (arXiv 2312.08367), from its description; temperature 1 to 0.398 over the run.
Departures: as in `vila` but for the prompter and the teacher; T must be a multiple of K, as released. The channel mean
stands behind a layer norm there, here before none: the tower's tokens are not normed.
Shapes: seen.tokens [B, T, N, D] -> K frames -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.keyframes.prompter import ReleasedPrompter, released_temperature
from sightline.objectives.distillation import WEIGHT, TokenDecoder, distillation
from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "ViLA, as released",
    "paper": "arXiv 2312.08367",
    "family": "choose",
    "idea": "each segment sends the frame its prompter picks from channel means, with Gumbel noise",
    "without": "the middle frame of each segment, no teacher",
    "same_as": "uniform-linear",  # without its idea
}
EPOCHS = 10  # how many epochs of the released schedule the run stands for


class ReleasedViLA(Choosing):
    def __init__(self, start: Start, picks: bool) -> None:
        super().__init__(start, picks)
        if picks:
            places = start.grid[0] * start.grid[1]
            self.prompter = ReleasedPrompter(places, start.frames, start.choose)
            self.every = start.frames * start.tokens // start.choose
            self.decode = TokenDecoder(start.tokens, self.every)
            self.per_epoch = max(1, round(start.size.steps / EPOCHS))
            self.register_buffer("step", torch.zeros((), dtype=torch.long))  # kept with the weights

    def pick(self, batch: Batch) -> Choice:
        if self.training:
            self.prompter.temperature = released_temperature(int(self.step), self.per_epoch)
            self.step += 1
        return self.prompter(batch.seen)

    def taught(self, batch: Batch) -> Tensor:
        """The student itself, shown all frames."""
        with torch.no_grad():
            return Gathering(runs, self.connect.project, self.every)(batch.seen).embeddings


def build(start: Start, idea: bool = True) -> ReleasedViLA:
    return ReleasedViLA(start, idea)


def losses(model: ReleasedViLA, batch: Batch) -> dict[str, Tensor]:
    scores, shown = model(batch)
    answer = answer_terms(scores, batch)
    if not model.picks:
        return {"loss": answer["options"] + answer["words"], **answer}
    distilled = distillation(model.decode(shown.prefix.embeddings), model.taught(batch))
    return {"loss": answer["options"] + answer["words"] + WEIGHT * distilled, **answer, "distilled": distilled}
