"""VALLEY, its first way: each place's mean over time, then one token for each frame.

Shows: a pooled picture of the whole video with a thin line of time beside it.
Command: sightline train valley --size tiny --out DIR
From: VALLEY (arXiv 2306.07207): pooled patches, then the frames' CLS tokens; v1 is the mean over time (`valley_v2` and
`valley_v3` pool otherwise); projector first, then projector and language model.
Departures: half of the budget for each part, neighbours averaged; pooled before the projector, which is the start's
linear layer; as many frames as there are tokens for. A frame's vector stands for its CLS token.
Shapes: seen.tokens [B, T, N, D] -> [B, M / 2, D] and frames [B, M / 2, D] -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.clips import over_everything
from sightline.encoders.frame_pooling import POOLINGS
from sightline.recipes.starting_lm import Start
from sightline.records import Prefix, Seen
from sightline.training.batches import Batch
from sightline.training.choosing import middles
from sightline.training.system import Shown, System, answer_terms, frames_of

SYSTEM = {
    "name": "VALLEY v1",
    "paper": "arXiv 2306.07207",
    "family": "connect",
    "idea": "the mean over time of each place before one token a frame",
    "without": "the frames' tokens alone",
}


class Valley(System):
    """`pool` says how; without `pooled` the whole budget goes to frames."""

    def __init__(self, start: Start, pooled: bool = True) -> None:
        super().__init__(start.lm, start.tokens)
        rows, columns = start.grid
        self.places = min(rows * columns, start.tokens // 2) if pooled else 0
        self.frames = min(start.frames, start.tokens - self.places)
        self.project = start.project

    def pool(self, places: Tensor, seen: Seen) -> Tensor:
        """Each place over the valid frames: [B, T, P, D] -> [B, P, D]"""
        return each_place(POOLINGS["mean"](places.shape[-1]), places, seen)

    def see(self, batch: Batch) -> Shown:
        seen = frames_of(batch.seen, middles(batch.seen.mask, self.frames))
        alone = torch.stack([seen.seconds, seen.seconds], dim=2)
        frames = Prefix(self.project(seen.vectors), seen.mask, alone)
        if not self.places:
            return Shown(frames)
        assert seen.tokens is not None
        runs = F.adaptive_avg_pool1d(seen.tokens.flatten(0, 1).transpose(1, 2), self.places).transpose(1, 2)
        places = self.pool(runs.unflatten(0, seen.mask.shape), seen)
        whole = over_everything(self.project(places), seen, seen.mask)
        return Shown(joined(whole, frames))


def each_place(pooling: nn.Module, places: Tensor, seen: Seen) -> Tensor:
    """Every place by itself through a pooling over time."""
    count = places.shape[2]
    series = places.transpose(1, 2).flatten(0, 1)  # [B * P, T, D]
    mask, seconds = (part.repeat_interleave(count, dim=0) for part in (seen.mask, seen.seconds))
    return torch.as_tensor(pooling(series, mask, seconds).squeeze(1).unflatten(0, (-1, count)))


def joined(first: Prefix, then: Prefix) -> Prefix:
    """One prefix behind the other."""
    pairs = ((first.embeddings, then.embeddings), (first.mask, then.mask), (first.span, then.span))
    return Prefix(*(torch.cat(pair, dim=1) for pair in pairs))


def build(start: Start, idea: bool = True) -> Valley:
    return Valley(start, pooled=idea)


def losses(model: Valley, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


STAGES = (("align", 0.3, {"lm": "frozen"}, losses), ("instruct", 0.7, {"lm": "trained 0.3"}, losses))
