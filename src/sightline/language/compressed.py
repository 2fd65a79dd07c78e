"""Puts a connector between the vision tower and the language model of a `transformers` model that is already loaded.

    with sightline.compressed(model, connector="token_merging", tokens=200) as what:
        answer = model.generate(**inputs)      # inputs as the processor made them
    what.kept[0].span                          # the seconds each kept token was made from

From: the training-free rules of `sightline.connectors`.
Departures: a model's own files stay as they are; its instance's forward and generate are replaced while this lasts.
Shapes: input_ids [B, L] -> [B, L']; logits are those of the shorter prompts; `generate` gives the whole prompt back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sightline.errors import BadRecord, require

if TYPE_CHECKING:
    from sightline.language.shortened import Kept


@dataclass(frozen=True)
class Matching:
    """A question from a text tower that matches the model's vision tower (CLIP, SigLIP): `project` takes the tower's
    last hidden states [n, D] to the shared width E of `vector` [E] or [B, E]."""

    vector: Any
    project: Callable[[Any], Any] = lambda hidden: hidden


@dataclass
class Compression:
    """What happened inside: `kept` has one entry for each prompt of the last call that showed pictures."""

    connector: str | None
    tokens: int | None
    kept: list[Kept] = field(default_factory=list)
    calls: int = 0  # how often pictures were compressed


@contextmanager
def compressed(
    model: Any,
    connector: str | Callable[..., Any] | None = "prompt_pool",
    tokens: int | None = None,
    *,
    words: Any = None,
    seconds: Sequence[Any] | None = None,
    **options: Any,
) -> Iterator[Compression]:
    """Inside, `model(**inputs)` and `model.generate(**inputs)` hand on exactly `tokens` visual tokens for each prompt,
    or all there are; without `tokens` as many as the connector's paper does. None as connector changes nothing.

    connector: a name, or a rule (clip, count) -> Groups. words: what guides `prompt_pool`: a vector [W] or [B, W] in
    the language model's width, a `Words` record, or `Matching`; None takes the words of the prompt. seconds: of the
    frames, for one clip, or a list for each picture and video. options: the connector's own.
    """
    require("compressing a model's visual tokens", "lab", "torch", "transformers")
    from sightline.language.between import Between

    if getattr(model.__dict__.get("forward"), "compression", None) is not None:
        raise BadRecord("this model is being compressed already; leave the first `with compressed(…)` before the next")
    if tokens is not None and tokens < 1:
        raise BadRecord(f"a model is shown at least one visual token, not {tokens}")
    name = connector if connector is None or isinstance(connector, str) else getattr(connector, "__name__", "a rule")
    told = Compression(name, tokens)
    with Between(model, connector, options, told, words, seconds).put_on():
        yield told
