"""The chosen frames shall be more like the answer than anything else is.

Each chosen frame and the event (the answer's text) are a pair; against them stand, as far as they are passed:
`left_frames` of the same video that were not chosen, `wrong_options` of the question, `other_answers` of the batch,
and `other_frames` of other videos.

From: GCG (2401.10711). The public code computes the frames of other videos and then leaves them out, and brings in
options and answers, of which the paper does not speak.
Departures: who stands against is the caller's choice; of other answers, those with the same `answer_id` do not.
Shapes: chosen [B, K, E], event [B, E], left_frames [B, J, E], wrong_options [B, O, E], other_frames [B, I, E] and
their masks [B, .] -> scalar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroundingHead(nn.Module):
    """The space in which frames and texts are compared, one head for all: [..., E] -> [..., width / 2]"""

    def __init__(self, width: int, inner: int | None = None, dropout: float = 0.3) -> None:
        super().__init__()
        inner = inner or width // 8
        self.layers = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(width, inner, bias=False), nn.GELU(), nn.Linear(inner, inner)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        projected: Tensor = self.layers(vectors)
        return projected


def contrastive_grounding(
    chosen: Tensor,
    event: Tensor,
    *,
    left_frames: Tensor | None = None,
    left_mask: Tensor | None = None,
    wrong_options: Tensor | None = None,
    options_mask: Tensor | None = None,
    other_frames: Tensor | None = None,
    other_mask: Tensor | None = None,
    other_answers: bool = True,
    answer_id: Tensor | None = None,
    temperature: float = 0.1,
) -> Tensor:
    """Cross entropy to (chosen frame, event) among everything that stands against it, mean over B and K."""
    chosen, event = F.normalize(chosen, dim=-1), F.normalize(event, dim=-1)
    logits = [torch.einsum("bke,be->bk", chosen, event)[..., None]]
    for frames, mask in ((left_frames, left_mask), (other_frames, other_mask)):  # these are compared with the event
        if frames is not None:
            against = torch.einsum("bje,be->bj", F.normalize(frames, dim=-1), event)
            logits.append(_without(against, mask)[:, None].expand(-1, chosen.shape[1], -1))
    if wrong_options is not None:  # these with the chosen frame
        against = torch.einsum("boe,bke->bko", F.normalize(wrong_options, dim=-1), chosen)
        logits.append(_without(against, None if options_mask is None else options_mask[:, None]))
    if other_answers:
        names = torch.arange(len(event), device=event.device) if answer_id is None else answer_id
        against = torch.einsum("ae,bke->bka", event, chosen)
        logits.append(_without(against, (names[:, None] != names)[:, None]))
    return -(torch.cat(logits, dim=2) / temperature).log_softmax(dim=2)[..., 0].mean()


def _without(logits: Tensor, mask: Tensor | None) -> Tensor:
    return logits if mask is None else logits.masked_fill(~mask, -torch.inf)
