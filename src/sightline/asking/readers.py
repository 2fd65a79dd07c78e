"""Readers by the name a person types; those that need more than the base install are loaded when they are named.

built-in            words first, pictures otherwise; no model to download
words               speech, subtitles and screen text alone
comparing           pictures alone, by the library's own encoder
judging             pictures alone, by the small trained network of the built-in reader
MODEL@URL, URL      a model behind an OpenAI-compatible server (also written openai:MODEL@URL)
FOLDER, hf:NAME     a transformers video-language model in this process ([lab])
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from sightline.asking.built_in import BuiltInReader
from sightline.asking.comparing import ComparingReader
from sightline.asking.judging_reader import JudgingReader
from sightline.asking.words import WordsReader
from sightline.errors import BadQuery, MissingExtra
from sightline.language.reader import Reader

NAMES = ("built-in", "words", "comparing", "judging")
HOW = (
    "choose built-in, words, comparing or judging, a server as http://localhost:8000/v1 or openai:MODEL@URL, "
    "or the folder of a transformers model"
)


def open_reader(
    name: str,
    comparing: Callable[[], ComparingReader | None],
    language: str | None = None,
    connector: str | None = None,
    *,
    judging: Callable[[], JudgingReader | None] = lambda: None,
) -> Reader:
    """The reader of that name. `comparing` makes the one that looks, or None where the library holds no pictures;
    `judging` the trained one, or None where it did not learn this kind of library or question.

    `connector`: what stands between the vision tower and the language model, where the model is in this process.
    """
    if connector is not None and not in_process(name):
        raise BadQuery(
            f"a connector compresses a model that is in this process, and the reader {name!r} is not; "
            "name the folder of a transformers model, or leave the connector out"
        )
    if name == "built-in":
        return BuiltInReader(comparing(), WordsReader(language), judging())
    if name == "words":
        return WordsReader(language)
    if name == "comparing":
        looks = comparing()
        if looks is None:
            raise BadQuery("the reader 'comparing' looks at pictures, and this library holds none; use --reader words")
        return looks
    if name == "judging":
        judge = judging()
        if judge is None:
            raise BadQuery(
                "the reader 'judging' knows storybook pictures seen by the built-in encoder, and questions of "
                "the kinds it learned; use --reader built-in, which asks it where it can"
            )
        return judge
    if name.startswith("openai:") or "://" in name:
        return _loaded("sightline.language.served", "open_served", "llm", "answering with a served model", name)
    if in_process(name):
        what = "answering with a transformers model"
        return _loaded("sightline.language.pretrained", "open_pretrained", "lab", what, name, connector=connector)
    raise BadQuery(f"there is no reader {name!r}; {HOW}")


def in_process(name: str) -> bool:
    """Whether this names a model that is loaded here."""
    other = name in NAMES or name.startswith("openai:") or "://" in name
    return not other and (name.startswith("hf:") or Path(name).expanduser().is_dir())


def _loaded(module: str, opener: str, extra: str, what: str, name: str, **more: Any) -> Any:
    try:
        opened = import_module(module)
    except ImportError as missing:
        raise MissingExtra(f"{what} ({missing.name or module})", extra) from missing
    return getattr(opened, opener)(name, **more)
