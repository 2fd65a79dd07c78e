"""What recipes that choose frames share: choices of whole batches, by place, by score, and by the training-free ways.

The ways that systems learn with (`TOGETHER`) are written once more for all videos of a batch at once, with tests that
hold them to those of `keyframes`; any other way of `keyframes` is asked video by video.

Shapes: scores and mask [B, T] -> Choice with K = min(k, fewest valid frames), index ascending
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sightline.connectors.clips import Gathering, runs
from sightline.keyframes import CHOOSERS
from sightline.nn.choice import top_k_in_time
from sightline.records import Choice, Seen
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, frames_of, hard


def middles(mask: Tensor, k: int) -> Choice:
    """The middle frame of each of k equal segments."""
    return by_rule("uniform", torch.zeros(mask.shape), k, mask)


def highest(scores: Tensor, k: int, mask: Tensor) -> Choice:
    """The k highest scores."""
    curve = scores.masked_fill(~mask, -torch.inf)
    return hard(top_k_in_time(curve, min(k, int(mask.sum(dim=1).min()))), curve)


def by_rule(rule: str, scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None = None) -> Choice:
    """A training-free way (keyframes.CHOOSERS). Shapes: vectors [B, T, E]"""
    k = min(k, int(mask.sum(dim=1).min()))
    if rule in TOGETHER:
        return hard(TOGETHER[rule](scores.detach(), k, mask, vectors), scores)
    given = [None] * len(mask) if vectors is None else vectors.detach().numpy()
    rows = zip(scores.detach().numpy(), mask.numpy(), given, strict=True)
    index = [CHOOSERS[rule](curve, k, mask=valid, vectors=frames).index[0] for curve, valid, frames in rows]
    return hard(torch.from_numpy(np.stack(index)), scores)


def similarities(seen: Seen, text: Tensor) -> Tensor:
    """Cosines of each frame with a text, padding -inf. Shapes: text [B, E] -> [B, T]"""
    scores = torch.einsum("bte,be->bt", F.normalize(seen.vectors, dim=-1), F.normalize(text, dim=-1))
    return scores.masked_fill(~seen.mask, -torch.inf)


def relevance(seen: Seen, text: Tensor) -> Tensor:
    """How much a frame has to do with a text: its best place, or all of it. Shapes: text [B, E] -> [B, T], D = E"""
    places, whole = _likeness(seen, text)
    return torch.maximum(places.amax(dim=-1), whole).masked_fill(~seen.mask, -torch.inf)


def best_place(seen: Seen, text: Tensor) -> Tensor:
    """What of each frame has most to do with a text, as a unit vector; `relevance` is its cosine. Shapes: [B, T, E]"""
    assert seen.tokens is not None
    places, whole = _likeness(seen, text)
    highest, at = places.max(dim=-1)
    place = seen.tokens.gather(2, at[..., None, None].expand(-1, -1, 1, seen.tokens.shape[-1]))[:, :, 0]
    return F.normalize(torch.where((highest > whole)[..., None], place, seen.vectors), dim=-1)


def _likeness(seen: Seen, text: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines of a text with each place and with each whole frame: [B, T, N], [B, T]. No copy of all tokens is made."""
    assert seen.tokens is not None
    unit = F.normalize(text, dim=-1)
    lengths = seen.tokens.norm(dim=-1).clamp(min=1e-12)
    return torch.einsum("btnd,bd->btn", seen.tokens, unit) / lengths, torch.einsum("bte,be->bt", seen.vectors, unit)


class Choosing(System):
    """A system that shows K frames: `pick` says which, one linear layer takes their tokens to the language model.

    Without its idea (`picks` False) it shows the middle frame of each of K segments.
    """

    def __init__(self, start: Any, picks: bool = True) -> None:
        super().__init__(start.lm, start.tokens)
        self.connect = Gathering(runs, start.project, start.tokens)
        self.k, self.picks = start.choose, picks

    def pick(self, batch: Batch) -> Choice:
        raise NotImplementedError

    def see(self, batch: Batch) -> Shown:
        choice = self.pick(batch) if self.picks else middles(batch.seen.mask, self.k)
        return Shown(self.connect(frames_of(batch.seen, choice)), choice)


# --- the training-free ways for all videos at once ----------------------------------------------------------------


def packed(mask: Tensor) -> tuple[Tensor, Tensor]:
    """The frames in time order, valid ones first, and how many are valid: [B, T] -> [B, T], [B, 1]"""
    return (~mask).int().argsort(dim=1, stable=True), mask.sum(dim=1, keepdim=True)


def _uniform(scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None) -> Tensor:
    """keyframes/uniform.py: the middle frame of each of k equal segments."""
    order, valid = packed(mask)
    return order.gather(1, (2 * torch.arange(k) + 1) * valid // (2 * k))


def _steepest(scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None, reach: int = 1) -> Tensor:
    """keyframes/steepness.py: the k steepest frames of the smoothed curve; each silences what is within `reach`."""
    order, valid = packed(mask)
    at = torch.arange(mask.shape[1]).expand_as(mask)
    curve = scores.double().gather(1, order.gather(1, at.minimum(valid - 1)))  # the last valid score goes on
    before, after = (at - 1).clamp(min=0), (at + 1).minimum(valid - 1)
    smooth = (curve.gather(1, before) + 2 * curve + curve.gather(1, after)) / 4
    slopes = (smooth.gather(1, after) - smooth.gather(1, before)).abs() / (after - before).clamp(min=1)
    left = slopes.masked_fill(at >= valid, -torch.inf)  # -inf: taken
    heard = left.clone()  # -inf: taken or silenced
    chosen = []
    for _ in range(k):
        heard = torch.where((heard == -torch.inf).all(dim=1, keepdim=True), left, heard)
        best = heard.argmax(dim=1, keepdim=True)
        left = left.scatter(1, best, -torch.inf)
        heard = torch.where((at - best).abs() <= reach, -torch.inf, heard)
        chosen.append(best)
    return order.gather(1, torch.cat(chosen, dim=1)).sort(dim=1).values


def _merged_by_curve(scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None) -> Tensor:
    return best_of_each(scores, merged(scores[..., None], k, mask, _apart))


def _merged_by_features(scores: Tensor, k: int, mask: Tensor, vectors: Tensor | None) -> Tensor:
    assert vectors is not None
    return best_of_each(scores, segments(vectors, k, mask))


def segments(vectors: Tensor, k: int, mask: Tensor) -> Tensor:
    """k segments of each video, merged where neighbouring pictures are most alike: [B, T, E] -> [B, k, T] bool"""
    return merged(F.normalize(vectors.detach(), dim=-1), k, mask, _angle_apart)


def best_of_each(scores: Tensor, own: Tensor) -> Tensor:
    """The highest frame of each segment, of equal ones the middle: scores [B, T], own [B, K, T] bool -> [B, K]"""
    inside = scores[:, None].masked_fill(~own, -torch.inf)
    best = own & (inside == inside.amax(dim=-1, keepdim=True))
    middle = best.sum(dim=-1, keepdim=True) // 2
    return (best & (best.cumsum(dim=-1) == middle + 1)).int().argmax(dim=-1)


def merged(rows: Tensor, k: int, mask: Tensor, gap: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """keyframes/merging.py: the closest neighbours of each video merge until k segments are left.

    A segment lives at the place of its first frame; one that merged into the one before it is no longer a `start`.
    Shapes: rows [B, T, E]; gap of two means [..., E] -> [...]; -> [B, k, T] bool
    """
    (order, valid), (count, frames) = packed(mask), mask.shape
    totals = F.pad(rows.double().gather(1, order[..., None].expand_as(rows)), (0, 0, 0, 1))  # one place past the end
    sizes, starts = torch.ones(count, frames + 1), torch.arange(frames).expand(count, frames) < valid
    before, after = (torch.arange(frames + 1).repeat(count, 1) + step for step in (-1, 1))
    gaps = gap(totals[:, :-1], totals[:, 1:]).masked_fill(torch.arange(1, frames + 1) >= valid, torch.inf)
    for done in range(int(valid.max()) - k):
        video = (valid[:, 0] - done > k).nonzero()[:, 0]  # those with more than k segments left
        together = sizes[video, :-1] + sizes[video].gather(1, after[video, :-1].clamp(max=frames))
        closest = gaps[video] == gaps[video].amin(dim=1, keepdim=True)
        at = together.masked_fill(~closest, torch.inf).argmin(dim=1)
        gone = after[video, at]
        totals[video, at] += totals[video, gone]
        sizes[video, at] += sizes[video, gone]
        after[video, at] = after[video, gone]
        before[video, after[video, at]] = at
        starts[video, gone], gaps[video, gone] = False, torch.inf
        for left in (before[video, at].clamp(min=0), at):  # the first has none before it: done twice
            right = after[video, left]
            apart = gap(
                totals[video, left] / sizes[video, left, None], totals[video, right] / sizes[video, right, None]
            )
            gaps[video, left] = torch.where(right < valid[video, 0], apart, torch.inf)
    number = torch.where(torch.arange(frames) < valid, starts.cumsum(dim=1) - 1, -1)
    placed = torch.empty_like(number).scatter_(1, order, number)
    return placed[:, None] == torch.arange(k)[:, None]


def _apart(left: Tensor, right: Tensor) -> Tensor:
    return (left - right).abs()[..., 0]


def _angle_apart(left: Tensor, right: Tensor) -> Tensor:
    """1 - cosine; 1 where one of them cancelled out to nothing."""
    lengths = ((left * left).sum(dim=-1) * (right * right).sum(dim=-1)).sqrt()
    return 1.0 - torch.where(lengths > 0, (left * right).sum(dim=-1) / lengths, 0.0)


TOGETHER: dict[str, Callable[[Tensor, int, Tensor, Tensor | None], Tensor]] = {
    "uniform": _uniform,
    "steepest": _steepest,
    "merged-by-curve": _merged_by_curve,
    "merged-by-features": _merged_by_features,
}
