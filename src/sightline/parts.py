"""Every part of every station in one list: where it lies, what it is from, how large it is, which test proves it.

A part is an idea in a file, listed in its station's dict. The dicts, the files and the tests are read as text, so the
list is there without torch; the number of parameters is counted where torch is installed, by building the part.

A part's formula test, which writes the formula a second time or compares it with a public one, says so itself:
`@pytest.mark.formula("station/part")`.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
TESTS = PACKAGE.parents[1] / "tests"  # not there in an installed package

# What no paper owns, the ground of the stations.
NN = {
    "attention": "sightline.nn.attention:Attention",
    "attention-block": "sightline.nn.attention:attention_block",
    "co-attention": "sightline.nn.attention:co_attention",
    "transformer": "sightline.nn.transformer:Transformer",
    "frame-tower": "sightline.nn.vit:FrameTower",
    "seconds-embedding": "sightline.nn.positions:SecondsEmbedding",
    "stretched-positions": "sightline.nn.positions:stretched",
    "interpolated-grid": "sightline.nn.positions:interpolated_grid",
    "adaln": "sightline.nn.adaln:AdaLN",
    "straight-through": "sightline.nn.choice:straight_through",
    "perturbed-top-k": "sightline.nn.choice:perturbed_top_k",
    "momentum-twin": "sightline.nn.momentum:MomentumTwin",
    "queue": "sightline.nn.momentum:Queue",
    "state-space": "sightline.nn.mamba:MambaMixer",
    "unet": "sightline.nn.unet:UNet",
    "noise-schedule": "sightline.nn.unet:Noise",
}

# station, the file that lists its parts, the name of the list
LISTS = (
    ("nn", "parts.py", "NN"),
    ("encoders", "encoders/parts.py", "ENCODER_PARTS"),
    ("keyframes", "keyframes/__init__.py", "CHOOSERS"),
    ("keyframes", "keyframes/__init__.py", "LEARNED"),
    ("connectors", "connectors/__init__.py", "CONNECTORS"),
    ("fusion", "fusion/__init__.py", "FUSIONS"),
    ("objectives", "objectives/__init__.py", "OBJECTIVES"),
    ("language", "language/parts.py", "LANGUAGE_PARTS"),
)


@dataclass(frozen=True)
class Part:
    """`made_by` is module:name; `parameters` at the sizes of `TINY`, None where counting needs torch."""

    station: str
    name: str
    file: str
    made_by: str
    source: str
    parameters: int | None
    test: str


def parts() -> list[Part]:
    """All parts, in the order of the stations and of their lists."""
    tests = formula_tests()
    return [
        _part(station, name, made_by, tests.get(f"{station}/{name}", ""))
        for station, file, listed in LISTS
        for name, made_by in _read(file, listed)
    ]


def _part(station: str, name: str, made_by: str, test: str) -> Part:
    module, attribute = made_by.split(":")
    file = _file(module)
    return Part(
        station,
        name,
        str(file.relative_to(PACKAGE.parent)),
        made_by,
        _source(file, attribute),
        _parameters(name, made_by),
        test,
    )


# --- the lists ----------------------------------------------------------------------------------------------------


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _read(file: str, listed: str) -> Iterator[tuple[str, str]]:
    """The names of a list with what makes them, module:name."""
    tree = _tree(PACKAGE / file)
    own = "sightline." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    imported = {name: f"{module}:{original}" for name, (module, original) in _imports(PACKAGE / file).items()}
    for name, value in _entries(tree, listed):
        match value:
            case ast.Constant(value=str(text)):
                yield name, text
            case ast.Name(id=known):
                yield name, imported.get(known, f"{own}:{known}")
            case ast.Call(args=[ast.Constant(value=str(module)), ast.Constant(value=str(attribute))]):
                yield name, f"{own}.{module}:{attribute}"
            case _:
                raise ValueError(
                    f"{file}: {listed}[{name!r}] is {ast.unparse(value)!r}; parts are listed as a name, 'module:name' "
                    "or builder('file', 'name')"
                )


def _entries(tree: ast.Module, listed: str) -> Iterator[tuple[str, ast.expr]]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Dict) and any(isinstance(t, ast.Name) and t.id == listed for t in targets):
            yield from (
                (ast.literal_eval(key), entry) for key, entry in zip(value.keys, value.values, strict=True) if key
            )
            return
    raise ValueError(f"there is no list {listed} of parts where one is expected")


@cache
def _imports(file: Path) -> dict[str, tuple[str, str]]:
    """Every name that a file imports from Sightline: name -> (module, name there)."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(file))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sightline")
        for alias in node.names
    }


# --- where it is from ---------------------------------------------------------------------------------------------


def _source(file: Path, attribute: str) -> str:
    """What stands after `From:` in the text of the class or function, or else of its file."""
    tree = _tree(file)
    own = [node for node in tree.body if getattr(node, "name", None) == attribute]
    for node in [*own, tree]:
        text = ast.get_docstring(node) or ""  # type: ignore[arg-type]
        told = re.search(r"^From: +(.*?)(?=\s+Departures?\b|\s+Shapes\b|\n\s*\n|\Z)", text, re.S | re.M)
        if told:
            return " ".join(told.group(1).split()).rstrip(".")
    return ""


# --- how large it is ----------------------------------------------------------------------------------------------

# What a part is built with wherever it asks for, or offers, something of that name; "module:name" is built likewise.
TINY: dict[str, Any] = {
    **dict.fromkeys(("width", "out_width", "seen_width", "word_width", "words_width", "inner", "in_features"), 8),
    **dict.fromkeys(("out_features", "longest", "patch"), 8),
    **dict.fromkeys(("hidden", "words", "vocabulary", "size", "side"), 16),
    **dict.fromkeys(("heads", "k", "segments", "centres", "prompts", "keep", "factor"), 2),
    **dict.fromkeys(("head_width", "frames", "state"), 4),
    **dict.fromkeys(("layers", "depth"), 1),
    "model": "torch.nn:Linear",
    "reader": "sightline.keyframes.localiser:FrameReader",
    "see": "sightline.encoders.image:ImageEncoder",
    "text": "sightline.encoders.text:TextEncoder",
}
TINY_PARTS: dict[str, dict[str, Any]] = {
    "released-prompter": {"tokens": 5},
    "localiser": {"yes": 0},
    "unet": {"widths": (8, 16)},
    "prompts": {"names": [[3], [4, 5]], "start": 1, "end": 2},
    "outer_product": {"widths": (4, 4)},
    "judge": {"cells": 5},
    "context_extension": {"table": "sightline.parts:_table"},
}


def _parameters(name: str, made_by: str) -> int | None:
    """0 without building it for what is plain numpy or a function of tensors; None where torch is not installed."""
    module, attribute = made_by.split(":")
    if not _needs_torch(_tree(_file(module))):
        return 0
    if importlib.util.find_spec("torch") is None:
        return None
    from torch import nn

    maker = getattr(import_module(module), attribute)
    made = maker if inspect.isclass(maker) else typing.get_type_hints(maker).get("return")
    if not (inspect.isclass(made) and issubclass(made, nn.Module)):
        return 0
    return sum(parameter.numel() for parameter in _built(maker, TINY_PARTS.get(name, {})).parameters())


def _needs_torch(tree: ast.Module) -> bool:
    imported = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    return any(name.split(".")[0] == "torch" for name in imported)


def _built(maker: Any, own: dict[str, Any]) -> Any:
    sizes = TINY | own
    asked = [p for p in inspect.signature(maker).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    lacking = [p.name for p in asked if p.default is p.empty and p.name not in sizes]
    if lacking:
        raise ValueError(f"{maker.__name__} asks for {', '.join(lacking)}: give parts.TINY_PARTS a tiny value for it")
    return maker(**{p.name: _tiny(sizes[p.name]) for p in asked if p.name in sizes})


def _tiny(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    module, attribute = value.split(":")
    return _built(getattr(import_module(module), attribute), {})


def _table() -> Any:
    import torch

    return torch.zeros(8, 8)


# --- which test proves it -----------------------------------------------------------------------------------------


def formula_tests() -> dict[str, str]:
    """station/part -> file::test, the first of several; nothing where the tests were not installed."""
    found: dict[str, str] = {}
    for file in sorted(TESTS.glob("*/test_*.py")):
        if "mark.formula(" not in file.read_text(encoding="utf-8"):
            continue
        for test in _tree(file).body:
            for name in _marked(test):
                found.setdefault(name, f"tests/{file.parent.name}/{file.name}::{getattr(test, 'name', '')}")
    return found


def _marked(test: ast.stmt) -> Iterator[str]:
    for mark in getattr(test, "decorator_list", []):
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.formula":
            yield from (ast.literal_eval(name) for name in mark.args)
