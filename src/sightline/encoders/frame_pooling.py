"""Many frames become one vector, or a few: seven ways, and what a question scores against the result.

From: CLIP for video retrieval (2102.12443) and VALLEY (2306.07207), which compare several; each says its own below.
Departures: the best of the k centres counts (max, as released; a lowest similarity would reward what does not fit);
k-means begins at the points farthest from each other, so the same comes twice; v3 reads the last *valid* step and
places by seconds; v2 does not hear the question, whatever its public name says.
Shapes: x [B, T, D], mask [B, T], seconds [B, T], question [B, D] -> [B, S, D], S = 1 but for k-means.

For patches [B, T, N, D] fold N into B (each place by itself); VALLEY's v2 folds N into D instead (one weight a frame).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sightline.errors import BadRecord
from sightline.nn.mamba import MambaBlock
from sightline.nn.positions import elapsed, sinusoid
from sightline.nn.transformer import TransformerBlock


def scores(pooled: Tensor, questions: Tensor) -> Tensor:
    """The best cosine of any of a clip's vectors with each question.  [B, S, D], [Q, D] -> [B, Q]"""
    return (normalize(pooled, dim=-1) @ normalize(questions, dim=-1).T).amax(dim=1)


def _last_valid(mask: Tensor) -> Tensor:
    return torch.where(mask, torch.arange(mask.shape[1], device=mask.device), 0).amax(dim=1)


def _weighted(x: Tensor, mask: Tensor, logits: Tensor) -> Tensor:
    """The mean with weights softmax(logits) over the valid frames.  logits [B, T] -> [B, 1, D]"""
    return torch.softmax(logits.masked_fill(~mask, -torch.inf), dim=1)[:, None] @ x


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Over the valid frames; padding in x is zero.  -> [B, 1, D]"""
    return x.sum(dim=1, keepdim=True) / mask.sum(dim=1)[:, None, None]


class Pooling(nn.Module):
    """What every way has in common: a clip without a valid frame is refused, padding is emptied."""

    def forward(self, x: Tensor, mask: Tensor, seconds: Tensor | None = None, question: Tensor | None = None) -> Tensor:
        if not bool(mask.any(dim=1).all()):
            empty = int((~mask.any(dim=1)).nonzero()[0])
            raise BadRecord(f"clip {empty} has no valid frame among {mask.shape[1]}: leave it out of the batch")
        if seconds is None:
            seconds = (mask.cumsum(dim=1) - 1).to(x.dtype)
        return self.pool(x.masked_fill(~mask[..., None], 0.0), mask, seconds, question)

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        raise NotImplementedError


class OneFrame(Pooling):
    """The frame at `share` of the clip: 0 the first, 1 the last.

    From: CLIP for video retrieval (2102.12443), which takes frame 29.
    """

    def __init__(self, width: int, share: float = 0.5) -> None:
        super().__init__()
        self.share = share

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        rank = ((mask.sum(dim=1) - 1) * self.share).floor()
        chosen = (mask & (mask.cumsum(dim=1) - 1 == rank[:, None])).int().argmax(dim=1)
        return x[torch.arange(len(x), device=x.device), chosen][:, None]


class Mean(Pooling):
    """From: CLIP for video retrieval (2102.12443); VALLEY's v1 (2306.07207)."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        return _mean(x, mask)


class KMeans(Pooling):
    """The means of k groups of alike frames; with fewer frames than k, centres repeat. `scores` takes the best one.

    From: CLIP for video retrieval (2102.12443).
    """

    def __init__(self, width: int, k: int = 3, rounds: int = 10) -> None:
        super().__init__()
        self.k, self.rounds = k, rounds

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        centres = far_apart(x, mask, self.k)
        for _ in range(self.rounds):
            centres = self._moved(x, mask, centres)
        return centres

    def _moved(self, x: Tensor, mask: Tensor, centres: Tensor) -> Tensor:
        """Each centre goes to the mean of the frames nearest to it; one without frames stays."""
        nearest = _squares(x, centres).argmin(dim=-1)  # [B, T]
        belongs = nn.functional.one_hot(nearest, self.k).to(x.dtype) * mask[..., None]
        count = belongs.sum(dim=1)[..., None]  # [B, k, 1]
        return torch.where(count > 0, belongs.transpose(1, 2) @ x / count.clamp(min=1), centres)


def _squares(x: Tensor, centres: Tensor) -> Tensor:
    """Squared distances.  [B, T, D], [B, k, D] -> [B, T, k]"""
    return (x[:, :, None] - centres[:, None]).square().sum(dim=-1)


def far_apart(x: Tensor, mask: Tensor, k: int) -> Tensor:
    """The first valid frame, then again and again the one farthest from those chosen.  -> [B, k, D]"""
    row = torch.arange(len(x), device=x.device)
    chosen = [x[row, mask.int().argmax(dim=1)]]
    distance = torch.full(mask.shape, torch.inf, dtype=x.dtype, device=x.device)
    for _ in range(k - 1):
        distance = torch.minimum(distance, _squares(x, chosen[-1][:, None])[..., 0])
        chosen.append(x[row, distance.masked_fill(~mask, -1.0).argmax(dim=1)])
    return torch.stack(chosen, dim=1)


class LearnedWeights(Pooling):
    """A linear score for each frame decides its share; at zero it is the mean.

    From: VALLEY's v2 (2306.07207).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)  # a bias would move all scores alike: the softmax would not see it

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        return _weighted(x, mask, self.score(x)[..., 0])


class QuestionWeights(Pooling):
    """Frames count by their cosine with the question; the temperature is learned.

    From: A CLIP-Hitchhiker's Guide to Long Video Retrieval (2205.08508).
    """

    def __init__(self, width: int, temperature: float = 0.1) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(-torch.tensor(temperature).log())

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        if question is None:
            raise BadRecord("frames are weighted by the question here: pass question [B, D], one for each clip")
        cosine = (normalize(x, dim=-1) @ normalize(question, dim=-1)[..., None])[..., 0]
        return _weighted(x, mask, cosine * self.log_scale.exp())


class TemporalTransformer(Pooling):
    """The mean, and what the last valid frame knows after looking at all others.

    From: VALLEY's v3 (2306.07207).
    """

    def __init__(self, width: int, heads: int = 1, hidden: int = 2048) -> None:
        super().__init__()
        self.block = TransformerBlock(width, heads, hidden=hidden, order="post", activation="relu")

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        placed = x + sinusoid(elapsed(seconds, mask), x.shape[-1]).to(x.dtype)
        looked = self.block(placed, mask)
        last = looked[torch.arange(len(x), device=x.device), _last_valid(mask)]
        return _mean(x, mask) + last[:, None]


class Mamba(Pooling):
    """A state space reads the frames both ways; the mean of what it made of them.

    From: Mamba (2312.00752), both ways as in Vision Mamba (2401.09417).
    """

    def __init__(self, width: int, state: int = 16) -> None:
        super().__init__()
        self.block = MambaBlock(width, state=state)

    def pool(self, x: Tensor, mask: Tensor, seconds: Tensor, question: Tensor | None) -> Tensor:
        order = (~mask).int().argsort(dim=1, stable=True)  # gaps go to the end: the state would fade over them
        x, mask = x.gather(1, order[..., None].expand_as(x)), mask.gather(1, order)
        return _mean(self.block(x, mask).masked_fill(~mask[..., None], 0.0), mask)


POOLINGS: dict[str, Callable[..., Pooling]] = {
    "one_frame": OneFrame,
    "mean": Mean,
    "k_means": KMeans,
    "learned_weights": LearnedWeights,
    "question_weights": QuestionWeights,
    "temporal_transformer": TemporalTransformer,
    "mamba": Mamba,
}
