"""InstructBLIP: the question enters the Q-Former beside the queries, so that they gather what was asked.

Shows: the same few queries, deaf and hearing.
Command: sightline train instructblip --size tiny --out DIR
From: InstructBLIP (arXiv 2305.06500): instruction tokens in the Q-Former's self-attention; the language model is
frozen. Frame by frame, as ViLA and GCG use it.
Departures: as many queries a frame as the budget has tokens for (one at tiny, 32 in the paper). Pictures and words
share a space here, so attention begins by looking at what is alike (first_looks.py) instead of from BLIP-2's weights;
the question enters as the text tower's one vector.
Shapes: seen.tokens [B, T, N, D], question [B, E] -> queries [B, T, Q, D] -> prefix [B, M, W]
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from sightline.connectors.clips import Gathering, runs
from sightline.recipes.first_looks import project_normed, quiet_qformer
from sightline.recipes.starting_lm import Start
from sightline.records import Seen
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "InstructBLIP",
    "paper": "arXiv 2305.06500",
    "family": "connect",
    "idea": "queries that hear the question gather from each frame",
    "without": "the same queries without the question: BLIP-2's",
}
POLICY = {"lm": "frozen"}


class Querying(System):
    """A Q-Former on every frame; its queries, in order of time, are what the language model sees."""

    def __init__(self, start: Start, hears: bool) -> None:
        super().__init__(start.lm, start.tokens)
        width = start.seen_width
        self.hears = hears
        self.norm_seen = nn.LayerNorm(width)
        each = max(1, start.tokens // start.frames)
        self.qformer = quiet_qformer(width, each, text=hears)
        self.connect = Gathering(runs, project_normed(start), start.tokens)

    def queries(self, seen: Seen, question: Tensor | None = None) -> Tensor:
        """What the queries gather from each frame: [B, T, Q, D]"""
        assert seen.tokens is not None
        frames = seen.mask.shape[1]
        context = self.norm_seen(seen.tokens.flatten(0, 1))  # every frame by itself
        text = None if question is None else question.repeat_interleave(frames, dim=0)[:, None]
        gathered, _ = self.qformer(context, None, text)
        return gathered.unflatten(0, seen.mask.shape)

    def see(self, batch: Batch) -> Shown:
        asked = batch.words.vector if self.hears else None
        gathered = self.queries(batch.seen, asked)
        return Shown(self.connect(replace(batch.seen, tokens=gathered, grid=None)))


def build(start: Start, idea: bool = True) -> Querying:
    return Querying(start, hears=idea)


def losses(model: Querying, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
