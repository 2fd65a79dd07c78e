"""The families of `transformers` video-language models that Sightline can feed and look into, one file each.

A family's file knows four things of its models: what of the vision side's output lies where (`shown`), which positions
the language model gives it (`positions`), how frames become what the model takes (`seen`), and how a prompt says so
(`placeholders`). Everything else is the same for all. Needs torch and transformers (the `lab` extra).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from sightline.errors import BadModel

Array = Any
Tensor = Any

FILES = {
    "llava_onevision": "llava_onevision",
    "qwen2_5_vl": "qwen2_5_vl",
    "qwen3_vl": "qwen3_vl",
    "smolvlm": "smolvlm",
    "idefics3": "smolvlm",
    "internvl": "internvl",
    "video_llava": "video_llava",
}  # the model_type of a config, and the file that knows it


class Family(Protocol):
    """What a family's file has. `given` are the keyword arguments of the model's own forward."""

    KIND: str  # where frames go: "video", or "picture" where a video is a row of pictures
    LANGUAGE: str  # the language model's name in the core
    TOWERS: tuple[str, ...]  # the vision towers' names in the core
    DEFAULTS: dict[str, Any]  # the preprocessing where a model's folder has none

    def shown(self, core: Any, given: dict[str, Any]) -> list[Any]: ...

    def positions(self, core: Any, given: dict[str, Any], embeddings: Tensor) -> Tensor | None: ...

    def seen(
        self, frames: Sequence[Array], seconds: Sequence[float], settings: dict[str, Any], config: Any
    ) -> dict[str, Array]: ...

    def placeholders(self, arrays: dict[str, Array], seconds: Sequence[float], config: Any, tokenizer: Any) -> str: ...


def family_of(config: Any) -> Family:
    """The file that knows models with this config."""
    kind = getattr(config, "model_type", None)
    if kind not in FILES:
        raise BadModel(f"a model of the type {kind!r} is not among those Sightline can look into: {', '.join(FILES)}")
    return cast(Family, import_module(f"sightline.language.families.{FILES[kind]}"))


def core_of(model: Any) -> Any:
    """The model without its language head: what holds the vision tower and the language model."""
    core = getattr(model, "model", None)
    if core is None or not hasattr(model, "lm_head"):
        raise BadModel(
            f"{type(model).__name__} has no .model and .lm_head; hand over the …ForConditionalGeneration model itself"
        )
    return core


def language_of(family: Family, core: Any) -> Any:
    if not hasattr(core, family.LANGUAGE):
        raise BadModel(
            f"{type(core).__name__} has no {family.LANGUAGE}: hand over the …ForConditionalGeneration model itself "
            "(of a PEFT model, its get_base_model())"
        )
    return getattr(core, family.LANGUAGE)
