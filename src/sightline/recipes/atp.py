"""ATP: the one frame that answers best, picked from the set of frames with the question and the options beside them.

Shows: how much of a set of questions needs no video at all, only the right picture.
Command: sightline train atp --size tiny --out DIR
From: ATP (arXiv 2206.01720): a small transformer over frames without positions, Gumbel straight-through.
Departures: the chosen frame goes through the linear layer to the language model, with all its tokens (there: one vector
that is compared with the options). It sees every frame of the video, not a random few.
Shapes: seen.vectors [B, T, E], words.vector [B, E], options [B, O, E] -> 1 frame -> prefix [B, min(N, M), W]
"""

from __future__ import annotations

from torch import Tensor

from sightline.keyframes.probe import SingleFrameProbe
from sightline.recipes.starting_lm import Start
from sightline.records import Choice
from sightline.training.batches import Batch
from sightline.training.choosing import Choosing
from sightline.training.system import answer_terms

SYSTEM = {
    "name": "ATP",
    "paper": "arXiv 2206.01720",
    "family": "choose",
    "idea": "one frame, picked from the set of all for this question and its options",
    "without": "the middle frame of the video",
}


class ATP(Choosing):
    def __init__(self, start: Start, picks: bool) -> None:
        super().__init__(start, picks)
        self.k = 1
        if picks:
            self.probe = SingleFrameProbe(start.shared_width)

    def pick(self, batch: Batch) -> Choice:
        return self.probe(batch.seen, batch.words, batch.option_vectors)


def build(start: Start, idea: bool = True) -> ATP:
    return ATP(start, idea)


def losses(model: ATP, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
