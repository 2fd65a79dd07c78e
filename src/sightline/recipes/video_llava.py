"""Video-LLaVA: stills and videos are of one space before they are projected, so one projector serves both.

Shows: what alignment before projection is worth. In the ablation stills come from a tower of another space (the same
content, turned), and one projector has to serve two.
Command: sightline train video-llava --size tiny --out DIR
From: Video-LLaVA (arXiv 2311.10122): LanguageBind's towers, one shared projector, stills and videos mixed in a batch,
8 frames a video; projector first, then projector and language model. Its ablation takes an unaligned picture tower.
Departures: the towers are the built-in ones, the other space is a fixed rotation of it; the projector is one linear
layer that begins as the start's (an MLP in the paper); neighbouring tokens are averaged down to the budget.
Shapes: seen.tokens [B, T, N, D] -> 8 frames, or one -> prefix [B, M, W]
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.recipes.starting_lm import Start
from sightline.recipes.stills import drawn_rows, with_stills
from sightline.records import Seen
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "Video-LLaVA",
    "paper": "arXiv 2311.10122",
    "family": "connect",
    "idea": "stills and videos aligned before one shared projector",
    "without": "stills from a tower whose space is another one",
}
FRAMES, STILLS = 8, 0.5


class VideoLLaVA(System):
    def __init__(self, start: Start, aligned: bool) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(runs, start.project, start.tokens)
        self.frames = min(FRAMES, start.tokens)
        if not aligned:
            turned = torch.randn(start.seen_width, start.seen_width, generator=torch.Generator().manual_seed(0))
            self.register_buffer("turn", torch.linalg.qr(turned)[0])
        self.aligned = aligned

    def see(self, batch: Batch) -> Shown:
        seen = self.encoded(batch.seen)
        return Shown(self.connect(replace(seen, mask=spread(seen.mask, self.frames))))

    def encoded(self, seen: Seen) -> Seen:
        """What the towers give: the same for both, or stills in a space of their own."""
        if self.aligned:
            return seen
        still = (seen.mask.sum(dim=1) == 1)[:, None, None, None]
        return replace(seen, tokens=torch.where(still, seen.tokens @ self.turn, seen.tokens))


def spread(mask: Tensor, frames: int) -> Tensor:
    """The middle frames of equal segments, as many as there are: [B, T] -> [B, T]"""
    place, valid = mask.cumsum(dim=1) - 1, mask.sum(dim=1, keepdim=True)
    middle = (2 * torch.arange(frames) + 1) * valid // (2 * frames)  # [B, frames]
    return mask & (place[:, :, None] == middle[:, None]).any(dim=2)


def build(start: Start, idea: bool = True) -> VideoLLaVA:
    return VideoLLaVA(start, aligned=idea)


def losses(model: VideoLLaVA, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(with_stills(batch, drawn_rows(batch, STILLS)))
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}


STAGES = (("align", 0.3, {"lm": "frozen"}, losses), ("instruct", 0.7, {"lm": "trained 0.3"}, losses))
