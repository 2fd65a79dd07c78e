"""Video-ChatGPT: the mean over time, which shows what stays, beside the mean over space, which shows what changes.

Shows: two plain means of one video, with no part that learns but the projector.
Command: sightline train video-chatgpt --size tiny --out DIR
From: Video-ChatGPT (arXiv 2306.05424): both means through one linear layer that begins as LLaVA's; only it learns.
Departures: the budget is dealt to both means by their lengths, neighbours averaged (connectors/mean_pool.py).
Shapes: seen.tokens [B, T, N, D] -> N over time and T over space -> prefix [B, M, W]
"""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.connectors.clips import Clip, Gathering, Groups
from sightline.connectors.mean_pool import time_and_space
from sightline.recipes.starting_lm import Start
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "Video-ChatGPT",
    "paper": "arXiv 2306.05424",
    "family": "connect",
    "idea": "the frames' means beside the mean of all frames",
    "without": "the mean of all frames alone",
}
POLICY = {"lm": "frozen"}


class VideoChatGPT(System):
    def __init__(self, start: Start, both: bool) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(time_and_space if both else over_time, start.project, start.tokens)

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen))


def over_time(clip: Clip, count: int | None) -> Groups:
    """Each place over all frames."""
    frames, places = clip.tokens.shape[:2]
    return Groups.of(torch.arange(places).repeat(frames)).at_most(count)


def build(start: Start, idea: bool = True) -> VideoChatGPT:
    return VideoChatGPT(start, both=idea)


def losses(model: VideoChatGPT, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
