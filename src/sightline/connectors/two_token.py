"""Two tokens a frame: one gathered by the question (context), one averaged (content).

From: LLaMA-VID (2311.17043): context = mean over the question's words of softmax(q K^T / sqrt(D)) X, then projected;
content = mean of X; both pass one more projection.
Departures: without a question a learned one asks. With a budget, neighbouring frames' contexts are averaged with
contexts and contents with contents. From the description and the paper's formula only.
Shapes: tokens [B, T, N, D], question [B, L, D'] -> [B, 2 T or M, W], context before content.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.connectors.clips import Clip, Groups, clips, gathered, numbered, spans, stacked
from sightline.records import Prefix, Seen, Words


def pairs_of_frames(frames: int, count: int | None, device: torch.device | None = None) -> Groups:
    """Rows are context, content, context, content …; the budget is dealt to both, context first."""
    count = min(count or 2 * frames, 2 * frames)
    contexts, contents = (count + 1) // 2, count // 2
    row = torch.arange(2 * frames, device=device)
    frame, is_context = row // 2, row % 2 == 0
    if contents == 0:
        return Groups.of(torch.zeros_like(frame))
    owner = torch.where(is_context, frame * contexts // frames, contexts + frame * contents // frames)
    return Groups.of(numbered(owner))


class TwoToken(nn.Module):
    def __init__(
        self, width: int, out_width: int, tokens: int | None = None, *, words_width: int | None = None
    ) -> None:
        super().__init__()
        self.tokens = tokens
        words_width = words_width or width
        self.unasked = nn.Parameter(0.02 * torch.randn(1, words_width))
        self.ask = nn.Linear(words_width, width)
        self.key = nn.Linear(width, width)
        self.context = nn.Linear(width, width)
        self.project = nn.Linear(width, out_width)

    def contexts(self, tokens: Tensor, question: Tensor) -> Tensor:
        """What the question's words [L, D'] gather from each frame of [T, N, D]: [T, D].

        The key layer is applied to the few words instead of the many tokens, and the mean over words taken before the
        sum over tokens: the same numbers, and no product of the tokens' size.
        """
        asked = self.ask(question)  # [L, D]
        looks = tokens @ (asked @ self.key.weight).T + asked @ self.key.bias  # [T, N, L]
        mean = torch.softmax(looks / tokens.shape[-1] ** 0.5, dim=1).mean(dim=2)  # [T, N]
        return self.context(torch.einsum("tn,tnd->td", mean, tokens))

    def forward(self, seen: Seen, words: Words | None = None) -> Prefix:
        return stacked([self._one(clip) for clip in clips(seen, words)])

    def _one(self, clip: Clip) -> tuple[Tensor, Tensor]:
        question = self.unasked if clip.question_tokens is None else clip.question_tokens
        both = torch.stack([self.contexts(clip.tokens, question), clip.tokens.mean(dim=1)], dim=1)  # [T, 2, D]
        groups = pairs_of_frames(len(both), self.tokens, both.device)
        return self.project(gathered(both.flatten(0, 1), groups)), spans(clip.seconds, groups, 2)
