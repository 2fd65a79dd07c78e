"""Connectors: what was seen becomes tokens in the language model's width. Needs torch (the `lab` extra).

`CONNECTORS[name](width, out_width, tokens=None, **options)` builds one; it is called with `Seen`, and the question's
`Words` where it listens, and gives a `Prefix`. With `tokens` it hands on exactly so many, or all there are; without,
as many as its paper does. Any grid, any number of frames from one on; the last frame is never lost; the span of each
token holds the seconds it was made from; padded frames and neighbours in the batch do not matter; the same comes twice.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def _builder(file: str, name: str) -> Callable[..., Any]:
    """Finds the connector when it is built: naming one does not import the others."""

    def build(width: int, out_width: int, tokens: int | None = None, **options: Any) -> Any:
        if tokens is not None and tokens < 1:
            raise ValueError(
                f"a connector hands on at least one token, not {tokens}; leave tokens out for its paper's number"
            )
        return getattr(import_module(f"sightline.connectors.{file}"), name)(width, out_width, tokens, **options)

    return build


CONNECTORS: dict[str, Callable[..., Any]] = {
    "linear": _builder("linear", "linear"),
    "mlp": _builder("mlp", "mlp"),
    "mean_pool": _builder("mean_pool", "mean_pool"),
    "adaptive_pool": _builder("adaptive_pool", "adaptive_pool"),
    "prompt_pool": _builder("prompt_pool", "PromptPool"),
    "pixel_shuffle": _builder("pixel_shuffle", "PixelShuffle"),
    "vocabulary": _builder("vocabulary", "Vocabulary"),
    "qformer": _builder("qformer", "QFormerConnector"),
    "video_qformer": _builder("qformer", "VideoQFormer"),
    "resampler": _builder("resampler", "Resampler"),
    "two_token": _builder("two_token", "TwoToken"),
    "token_merging": _builder("token_merging", "token_merging"),
    "token_clustering": _builder("token_clustering", "token_clustering"),
    "attention_pruning": _builder("attention_pruning", "attention_pruning"),
    "temporal_merge": _builder("temporal_merge", "temporal_merge"),
    "static_windows": _builder("static_windows", "static_windows"),
}
