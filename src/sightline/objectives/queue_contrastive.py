"""Contrast with many more negatives than a batch holds: a queue of what a slow twin said lately.

`queue_contrastive`: find your own key among the queue. `soft_contrastive`: find the partner among the twin's batch and
its queue, where the twin also says how well the others fit, since a queue this long holds other right answers.

Departures: none. The twin, its steps and the queue are `sightline.nn.momentum`; twin and queue get no gradient here.
Shapes: query, key [B, E], queue [n, E] (n may be 0); owners [B] and [n] are ids -> scalar.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.objectives.contrastive import spread
from sightline.objectives.terms import similarity, soft_cross_entropy


def queue_contrastive(query: Tensor, key: Tensor, queue: Tensor, temperature: Tensor | float = 0.07) -> Tensor:
    """Cross entropy to column 0 of [query . own key, query . queue] / temperature.

    From: MoCo (1911.05722).
    """
    query, key, queue = (F.normalize(side, dim=-1) for side in (query, key.detach(), queue.detach()))
    logits = torch.cat([(query * key).sum(dim=1, keepdim=True), query @ queue.T], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


def soft_contrastive(
    left: Tensor,
    right: Tensor,
    left_twin: Tensor,
    right_twin: Tensor,
    left_queue: Tensor,
    right_queue: Tensor,
    temperature: Tensor | float = 0.07,
    alpha: float = 0.4,
    owner: Tensor | None = None,
    queue_owner: Tensor | None = None,
) -> Tensor:
    """The mean of both directions. The target is alpha of the twin's own softmax and 1 - alpha of the right answers.

    From: ALBEF (2107.07651); its retrieval tuning counts everything of the same picture as right (`owner`).
    """
    there_right = right_answers(len(left), len(right_queue), owner, queue_owner, left.device)
    back_right = right_answers(len(left), len(left_queue), owner, queue_owner, left.device)
    there = toward(left, left_twin, right_twin, right_queue, temperature, alpha, there_right)
    back = toward(right, right_twin, left_twin, left_queue, temperature, alpha, back_right)
    return (there + back) / 2


def toward(
    asks: Tensor,
    asks_twin: Tensor,
    keys_twin: Tensor,
    queue: Tensor,
    temperature: Tensor | float,
    alpha: float,
    answers: Tensor,
) -> Tensor:
    """One direction: from `asks` to the twin's keys of the batch, then the queue. answers bool [B, B + n]."""
    keys = torch.cat([keys_twin, queue]).detach()
    with torch.no_grad():
        says = (similarity(asks_twin, keys) / temperature).softmax(dim=-1)
        targets = alpha * says + (1 - alpha) * spread(answers)
    return soft_cross_entropy(similarity(asks, keys) / temperature, targets).mean()


def right_answers(
    batch: int, queued: int, owner: Tensor | None, queue_owner: Tensor | None, device: torch.device
) -> Tensor:
    """The own partner; with owners, everything of the same owner too, in the batch and in the queue. [B, B + n]"""
    answers = torch.eye(batch, batch + queued, dtype=torch.bool, device=device)
    if owner is not None:
        answers[:, :batch] |= owner[:, None] == owner
    if owner is not None and queue_owner is not None:
        answers[:, batch:] |= owner[:, None] == queue_owner
    return answers
