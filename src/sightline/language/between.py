"""A model whose forward and generate gather visual tokens before its language model sees them.

Both build the shorter prompt as embeddings and call the model's own method with them, without the pixels. Positions
and masks are those of the shorter prompt (`shortened.py` says which); deeper features, where a family has some, join
the first call of the language model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from sightline.errors import BadRecord
from sightline.language.compressed import Compression
from sightline.language.families import core_of, family_of, language_of
from sightline.language.gathering import GUIDED, Guide, gatherer
from sightline.language.shortened import Shortened, shorten
from sightline.language.standing import Standing

VISION = {
    "pixel_values",
    "pixel_values_images",
    "pixel_values_videos",
    "pixel_attention_mask",
    "image_sizes",
    "image_sizes_videos",
    "batch_num_images",
    "vision_aspect_ratio",
    "vision_feature_layer",
    "vision_feature_select_strategy",
    "image_grid_thw",
    "video_grid_thw",
    "second_per_grid_ts",
    "mm_encoder_outputs",
    "mm_token_type_ids",
}  # what a language model that is handed embeddings has no use for
PIXELS = {"pixel_values", "pixel_values_images", "pixel_values_videos"}


class Between:
    """What stands between a model's vision tower and its language model while it is put on."""

    def __init__(
        self,
        model: Any,
        connector: str | Callable[..., Any] | None,
        options: dict[str, Any],
        told: Compression,
        words: Any,
        seconds: Sequence[Any] | None,
    ) -> None:
        self.model, self.family, self.core = model, family_of(model.config), core_of(model)
        self.language = language_of(self.family, self.core)
        self.gather = None if connector is None else gatherer(connector, options)
        self.is_guided = connector == GUIDED
        self.told, self.words, self.seconds = told, words, seconds
        self.last: Shortened | None = None

    @contextmanager
    def put_on(self) -> Iterator[None]:
        """The instance's own forward and generate; taken off again whatever happens."""
        names = ("forward", "generate")
        before = {name: self.model.__dict__[name] for name in names if name in self.model.__dict__}
        deltas = self.core.__dict__.get("rope_deltas")
        for name in names:
            setattr(self.model, name, self._replacing(getattr(self.model, name), getattr(self, f"_{name}")))
        try:
            yield
        finally:
            for name in names:
                delattr(self.model, name)
                if name in before:
                    setattr(self.model, name, before[name])
            if "rope_deltas" in self.core.__dict__:
                self.core.rope_deltas = deltas

    def _replacing(self, own: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(own)

        @wraps(own)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind_partial(*args, **kwargs).arguments
            spread = [name for name, p in signature.parameters.items() if p.kind is p.VAR_KEYWORD]
            given = {name: value for name, value in bound.items() if name not in spread}
            for name in spread:
                given |= bound.get(name, {})
            return ours(own, given)

        call.compression = self.told  # type: ignore[attr-defined]
        return call

    def _forward(self, own: Callable[..., Any], given: dict[str, Any]) -> Any:
        if self.gather is None or not _shows(given):
            return own(**self._after(given))
        short = self.shorten(given)
        rest = {name: value for name, value in given.items() if name not in VISION and name != "input_ids"}
        rest["inputs_embeds"] = short.embeddings
        rest["attention_mask"] = self._mask(short, given)
        if rest.get("labels") is not None:
            rest["labels"] = short.take(rest["labels"], -100)
        rest["position_ids"] = self._positions(short, given)
        with self._deeper(short):
            return own(**rest)

    def _generate(self, own: Callable[..., Any], given: dict[str, Any]) -> Any:
        if given.get("input_ids") is None and given.get("inputs") is not None:
            given = given | {"input_ids": given["inputs"]}
        if self.gather is None or not _shows(given):
            return own(**given)
        ids = given["input_ids"]
        with torch.no_grad():
            short = self.shorten(given, left=True)
        rest = {name: value for name, value in given.items() if name not in VISION and name != "inputs"}
        rest["input_ids"] = short.take(ids, _padding(self.model))
        rest["inputs_embeds"] = short.embeddings
        rest["attention_mask"] = short.mask
        rest["position_ids"] = self._positions(short, given, text=True)
        removed = ids.shape[1] - short.columns.shape[1]
        for name in ("max_length", "min_length"):  # these count the prompt, as it was
            if rest.get(name) is not None:
                rest[name] = max(rest[name] - removed, 0)
        with self._deeper(short):
            return _whole_again(own(**{k: v for k, v in rest.items() if v is not None}), ids, short)

    def shorten(self, given: dict[str, Any], left: bool = False) -> Shortened:
        cache = given.get("past_key_values")
        if cache is not None and cache.get_seq_length() > 0:
            raise BadRecord("new pictures on top of a filled cache are not compressed; start with the whole prompt")
        if given.get("input_ids") is None:
            raise BadRecord("compressing needs input_ids: inputs_embeds do not say where the pictures stand")
        guide = Guide(self.core, self.family, given, self.words) if self.is_guided else None

        def gather(standing: Standing, clip: Any, count: int | None) -> Any:
            assert self.gather is not None
            return self.gather(None if guide is None else guide.cosines(standing), clip, count)

        self.last = shorten(
            self.core,
            self.family,
            given,
            gather,
            self.told.tokens,
            shown=None if guide is None else guide.shown,
            seconds=self.seconds,
            left=left,
        )
        self.told.kept, self.told.calls = self.last.kept, self.told.calls + 1
        if self.last.deltas is not None:
            self.core.rope_deltas = self.last.deltas
        return self.last

    def _mask(self, short: Shortened, given: dict[str, Any]) -> Any:
        padded = bool((short.columns < 0).any())
        return short.mask if padded or given.get("attention_mask") is not None else None

    def _positions(self, short: Shortened, given: dict[str, Any], text: bool = False) -> Any:
        """The model's own kind of positions, none where it numbers tokens itself; `text` adds the row of generate."""
        if given.get("position_ids") is not None:
            return short.take(given["position_ids"], 0)
        if short.positions is None or not text:
            return short.positions
        plain = (short.mask.cumsum(-1) - 1).clamp(min=0)
        return torch.cat([plain[None], short.positions])

    def _after(self, given: dict[str, Any]) -> dict[str, Any]:
        """A step of somebody's own loop still carries the mask of the whole prompt: that is shortened too."""
        cache, mask = given.get("past_key_values"), given.get("attention_mask")
        if self.last is None or cache is None or mask is None or mask.ndim != 2:
            return given
        new = next(given[name] for name in ("input_ids", "inputs_embeds") if given.get(name) is not None)
        extra = mask.shape[1] - cache.get_seq_length() - new.shape[1]
        whole = extra + self.last.columns.shape[1]
        if extra <= 0 or len(mask) != len(self.last.columns) or whole <= int(self.last.columns.max()):
            return given
        return given | {"attention_mask": torch.cat([self.last.take(mask[:, :whole], 0), mask[:, whole:]], dim=1)}

    @contextmanager
    def _deeper(self, short: Shortened) -> Iterator[None]:
        """Hands the deeper features, where a family has some, to the language model's first call."""
        if not short.deeper:
            yield
            return
        waiting = [short]

        def add(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            return (args, kwargs | deeper_for(waiting.pop(), kwargs["inputs_embeds"])) if waiting else None

        hook = self.language.register_forward_pre_hook(add, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()


def deeper_for(short: Shortened, embeddings: Any, start: int = 0) -> dict[str, Any]:
    """The deeper features of the columns from `start` on, as the language model takes them; rows repeat for beams."""
    if not short.deeper:
        return {}
    beams = len(embeddings) // len(short.columns)
    if embeddings.shape[1] != short.columns.shape[1] - start:
        raise BadRecord(
            f"the prompt of {short.columns.shape[1] - start} tokens came in a part of {embeddings.shape[1]}; "
            "models with deeper features take it in one: leave prefill_chunk_size out"
        )
    visual = short.visual[:, start:].repeat_interleave(beams, dim=0)
    layers = [layer[:, start:].repeat_interleave(beams, dim=0)[visual] for layer in short.deeper]
    return {"visual_pos_masks": visual, "deepstack_visual_embeds": layers}


def _shows(given: dict[str, Any]) -> bool:
    return bool(given.get("mm_encoder_outputs")) or any(given.get(name) is not None for name in PIXELS)


def _padding(model: Any) -> int:
    config = getattr(model, "generation_config", None)
    pad = getattr(config, "pad_token_id", None)
    return pad if isinstance(pad, int) else 0


def _whole_again(made: Any, ids: Any, short: Shortened) -> Any:
    """The new words behind the whole prompt, as code around `generate` expects."""
    sequences = made if isinstance(made, torch.Tensor) else made.sequences
    prompt = ids.repeat_interleave(len(sequences) // len(ids), dim=0)
    whole = torch.cat([prompt, sequences[:, short.columns.shape[1] :]], dim=1)
    if isinstance(made, torch.Tensor):
        return whole
    made.sequences = whole
    return made
