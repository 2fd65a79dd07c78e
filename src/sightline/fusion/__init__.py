"""Fusion: words and what was seen come to know of each other. All but the scores need torch (the `lab` extra).

`FUSIONS[name](...)` builds one. They differ in where the two meet, and are called accordingly:

    middle   cross_attention, co_attention, gated, single_stream, layer_prompts
             built with (width, seen_width, **options), called with (words [B, L, W], seen [B, S, D], words_mask [B, L],
             seen_mask [B, S]), give `Fused`: the words, as many as before, and what was seen where that changed too
    early    prefix: puts visual tokens among the words of a language model, gives `Spliced`
    late     outer_product: one vector a modality in, one vector out
             blend, product, cascade: scores only, plain numpy

Masks are bool, True = valid; masked places hold anything and change nothing; neighbours in a batch do not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any


def _builder(file: str, name: str) -> Callable[..., Any]:
    """Finds the fuser when it is built: naming one does not import the others."""

    def build(*sizes: Any, **options: Any) -> Any:
        return getattr(import_module(f"sightline.fusion.{file}"), name)(*sizes, **options)

    return build


def _function(file: str, name: str) -> Callable[..., Any]:
    """What is not learned is built by fixing its options."""

    def build(**options: Any) -> Any:
        return partial(getattr(import_module(f"sightline.fusion.{file}"), name), **options)

    return build


FUSIONS: dict[str, Callable[..., Any]] = {
    "prefix": _function("prefix", "splice"),
    "cross_attention": _builder("cross_attention", "CrossAttention"),
    "co_attention": _builder("co_attention", "CoAttention"),
    "gated": _builder("gated", "Gated"),
    "single_stream": _builder("single_stream", "SingleStream"),
    "layer_prompts": _builder("layer_prompts", "LayerPrompts"),
    "outer_product": _builder("outer_product", "OuterProduct"),
    "blend": _function("scores", "blend"),
    "product": _function("scores", "product"),
    "cascade": _function("scores", "cascade"),
}
