"""Which visual tokens are gathered into which, by the name of a connector that needs no training.

From: the rules of `sightline.connectors`, without their projections: the tokens are in the language model's width
already. `guided` weighs boxes by cosine with the question, as PPLLaVA (2411.02327) does.
Departures: PPLLaVA compares CLIP's picture tokens with CLIP's text. Without a matching text tower the question is the
mean of the language model's own embeddings of the words after the last picture.
Shapes: cosines [T * N]; the question [B, W].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F

from sightline.errors import BadRecord
from sightline.language.compressed import Matching
from sightline.language.families import Family
from sightline.language.standing import Standing, valid

RULES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "adaptive_pool": ("adaptive_pool", "box_means", {"shape": (16, 12, 12)}),
    "token_merging": ("token_merging", "bipartite", {}),
    "token_clustering": ("token_clustering", "clustered", {}),
    "attention_pruning": ("attention_pruning", "pruned", {}),
    "temporal_merge": ("temporal_merge", "repeated", {}),
    "static_windows": ("static_windows", "static", {}),
    "mean_pool": ("mean_pool", "time_and_space", {}),
}
GUIDED = "prompt_pool"


def gatherer(connector: str | Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """(cosines, clip, count) -> Groups; only `guided` is told the cosines of the cells with the question."""
    if callable(connector):
        rule = partial(connector, **options)
        return lambda _cosine, clip, count: rule(clip, count)
    if connector == GUIDED:
        return partial(guided, **options)
    if connector not in RULES:
        known = ", ".join((GUIDED, *RULES))
        raise BadRecord(
            f"{connector!r} is not a connector that a loaded model can take without training; these are: {known}"
        )
    file, function, defaults = RULES[connector]
    rule = partial(getattr(import_module(f"sightline.connectors.{file}"), function), **defaults | options)
    return lambda _cosine, clip, count: rule(clip, count)


def guided(
    cosine: Any, clip: Any, count: int | None, scale: float = 100.0, kernel: tuple[int, int, int] = (2, 3, 3)
) -> Any:
    """Boxes of time and space, weighted by the cosines [T * N] of their cells with the question."""
    clips, pool = import_module("sightline.connectors.clips"), import_module("sightline.connectors.adaptive_pool")
    weigh = import_module("sightline.connectors.prompt_pool").box_weights
    size = tuple(clip.pictures().shape[:3])
    by_kernel = tuple(-(-length // step) for length, step in zip(size, kernel, strict=True))
    shape = by_kernel if count is None else pool.shape_for(count, size)
    row, box = (pair.to(clip.tokens.device) for pair in pool.boxes(size, shape, overlap=False))
    boxes = int(box.max()) + 1
    weight = weigh(cosine[row], box, boxes, "box", scale, 1.0)
    return clips.Groups(row, box, weight, boxes).at_most(count)


# --- the question ----------------------------------------------------------------------------


class Guide:
    """How much each cell has to do with the question."""

    def __init__(self, core: Any, family: Family, given: dict[str, Any], words: Any) -> None:
        self.words = words
        self.shown: list[Any] | None = None
        self.hidden: Any = None
        if isinstance(words, Matching):
            self.shown, self.hidden = _with_hidden(core, family, given)
            self.vectors = _rows(words.vector, len(given["input_ids"]))
        elif words is None:
            self.vectors = asked_in(core, given)
        else:
            self.vectors = _rows(getattr(words, "vector", words), len(given["input_ids"]))

    def cosines(self, standing: Standing) -> Any:
        """[T * h * w]"""
        vector = self.vectors[standing.prompt]
        rows = self._tower(standing) if isinstance(self.words, Matching) else standing.rows
        if rows.shape[-1] != len(vector):
            raise BadRecord(
                f"the question is {len(vector)} wide, the visual tokens {rows.shape[-1]}; "
                "words of a text tower go in Matching(vector, project)"
            )
        near = F.normalize(rows.detach().float(), dim=-1) @ F.normalize(vector.to(rows.device).float(), dim=-1)
        if near.ndim == 1:
            return near
        return F.adaptive_avg_pool2d(near[:, None], standing.size[1:]).flatten()

    def _tower(self, standing: Standing) -> Any:
        """The tower's last hidden states of the frames of a piece in the shared width, [T, s, s, E]."""
        frames = standing.size[0]
        hidden = self.hidden[standing.frame : standing.frame + frames]
        side = int(hidden.shape[1] ** 0.5)
        return self.words.project(hidden[:, hidden.shape[1] - side * side :]).unflatten(1, (side, side))


def _with_hidden(core: Any, family: Family, given: dict[str, Any]) -> tuple[list[Any], Any]:
    """What is shown, and the vision towers' last hidden states of all frames [F, n, D]."""
    hidden: list[Any] = []
    hooks = [
        getattr(core, name).register_forward_hook(lambda _m, _a, out: hidden.append(out.last_hidden_state))
        for name in family.TOWERS
    ]
    try:
        shown = family.shown(core, given)
    finally:
        for hook in hooks:
            hook.remove()
    frames = sum(piece.size[0] for each in shown for piece in each.pieces)
    if not hidden or hidden[0].ndim != 3 or sum(map(len, hidden)) != frames:
        raise BadRecord(
            f"the vision tower of {type(core).__name__} does not give one grid of hidden states for each of the "
            f"{frames} frames, so no text tower can be matched with it; leave words out"
        )
    return shown, torch.cat(hidden)


def _rows(vector: Any, prompts: int) -> Any:
    vectors = torch.as_tensor(vector)
    vectors = vectors[None].expand(prompts, -1) if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or len(vectors) != prompts:
        raise BadRecord(f"the question has shape {tuple(vectors.shape)}, there are {prompts} prompts")
    return vectors


def asked_in(core: Any, given: dict[str, Any]) -> Any:
    """The mean embedding of each prompt's words after its last picture (all its words, where none follow).  [B, W]"""
    ids, mask = given["input_ids"], valid(given)
    config = core.config
    tokens = [getattr(config, name, None) for name in ("image_token_id", "video_token_id")]
    visual = torch.isin(ids, torch.tensor([token for token in tokens if token is not None], device=ids.device))
    text = mask & ~visual
    after = text & (visual.flip(1).cumsum(1).flip(1) == 0)
    text = torch.where(after.any(1, keepdim=True), after, text)
    embeddings = core.get_input_embeddings()(ids).detach().float()
    return (embeddings * text[..., None]).sum(1) / text.sum(1, keepdim=True).clamp(min=1)
