"""PPLLaVA: all frames pooled to one budget over time and space, and in each pool the question decides what counts.

Shows: what guidance adds to pooling in the same boxes: of eight frames that share a token the one that was asked for.
Command: sightline train ppllava --size tiny --out DIR
From: PPLLaVA (arXiv 2411.02327): cosine of every token with the prompt, weighted pooling of boxes; next words of the
answer.
Departures: one softmax within each box instead of two (connectors/prompt_pool.py; `ppllava_released` has both); the
guide is the question alone, in training as when reading. Pictures and words meet in the built-in towers' space, so the
layers before the cosine begin as the identity; the linear layer comes after pooling. The softmax has a scale of 16
(CLIP's is 100). A box is 2 x 2 places over as many frames as the budget asks for (2 x 3 x 3 in the paper).
Shapes: seen.tokens [B, T, N, D], guide [B, E] -> prefix [B, M, W]
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.adaptive_pool import Shape, box_means
from sightline.connectors.clips import Gathering
from sightline.connectors.prompt_pool import PromptPool
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "PPLLaVA, window-local",
    "paper": "arXiv 2411.02327",
    "family": "compress",
    "idea": "pooling in which the question weighs the places",
    "without": "average pooling in the same boxes",
}
SIDE = 2


@dataclass(frozen=True)
class Settings:
    """Where the paper, its code and the corrected system differ."""

    weighting: str = "box"  # "box": one softmax in each box; "released": one over the video, then one in each box
    scale: float = 16.0
    guide: str = "question"  # what guides in training: "question", or the "conversation" with its answer, as released


class PPLLaVA(System):
    def __init__(self, start: Start, settings: Settings) -> None:
        super().__init__(start.lm, start.tokens)
        self.settings = settings
        self.connect = PromptPool(
            start.seen_width,
            start.width,
            words_width=start.shared_width,
            kernel=(math.ceil(start.frames / boxes_of(start)[0]), SIDE, SIDE),
            weighting=settings.weighting,
            scale=settings.scale,
        )
        self.connect.project = start.project
        nn.init.eye_(self.connect.to_words.weight)

    def guide(self, batch: Batch) -> Tensor:
        """The text that weighs the places, [B, E]."""
        if self.training and self.settings.guide == "conversation":
            return F.normalize(batch.words.vector + batch.answer_vector, dim=-1)
        return torch.as_tensor(batch.words.vector)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen, replace(batch.words, vector=self.guide(batch))))


class Averaging(System):
    """The same boxes, every place of which counts the same."""

    def __init__(self, start: Start) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(partial(box_means, shape=boxes_of(start)), start.project)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen))


def boxes_of(start: Start) -> Shape:
    """Boxes over time, rows and columns: squares of SIDE x SIDE places, and as many stretches of time as they leave."""
    rows, columns = (math.ceil(side / SIDE) for side in start.grid)
    return max(1, start.tokens // (rows * columns)), rows, columns


def build(start: Start, idea: bool = True, settings: Settings | None = None) -> System:
    return PPLLaVA(start, settings or Settings()) if idea else Averaging(start)


def losses(model: System, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
