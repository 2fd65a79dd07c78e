"""Every part of every station in one list: where it lies, what it is from, how large it is, which test proves it.

A part is an idea in a file, listed in its station's dict. The dicts, the files and the tests are read as text, so the
list is there without torch; the number of parameters is counted where torch is installed, by building the part.

A part's formula test is found by this rule. The test functions under `tests/<station>` count, except in files of
contracts, properties and evidence (which ask everybody the same) and except tests of refusals. A test belongs to a
part if it, or a function or fixture of its file that it uses, uses the part or what shares a definition with it in the
part's own file, other parts excepted, or if it names the part as it is listed. Of several the one most like a second
writing stands in the list: it names the part, in its title too, says what the part *is* (`SAYS_WHAT_IT_IS`), loops.
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
ALSO_TESTED_IN = {"nn": ("keyframes", "connectors", "encoders")}
ASK_EVERYBODY = ("contract", "properties", "evidence")
SAYS_WHAT_IT_IS = re.compile(r"golden|formula|loop|described|agrees|equals|reference|_is_|_are_")


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
    found = [(station, name, made_by) for station, file, listed in LISTS for name, made_by in _read(file, listed)]
    listed_too = {made_by for _, _, made_by in found}
    return [_part(station, name, made_by, listed_too - {made_by}) for station, name, made_by in found]


def _part(station: str, name: str, made_by: str, others: set[str]) -> Part:
    module, attribute = made_by.split(":")
    file = _file(module)
    return Part(
        station,
        name,
        str(file.relative_to(PACKAGE.parent)),
        made_by,
        _source(file, attribute),
        _parameters(name, made_by),
        _formula_test(station, name, made_by, others),
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


@dataclass(frozen=True)
class _Test:
    """A test function: the names that it and what it calls in its file use, the strings in it, whether it loops."""

    name: str
    used: set[str]
    strings: set[str]
    loops: bool

    def likeness(self, part: str, named: bool) -> float:
        """How much it looks like a second writing of the part."""
        beginnings = [word[:4] for word in re.split(r"\W|_", part) if len(word) > 2]
        alike = sum(beginning in self.name for beginning in beginnings) / max(1, len(beginnings))
        return 2 * alike + bool(SAYS_WHAT_IT_IS.search(self.name)) + self.loops + named


def _formula_test(station: str, name: str, made_by: str, others: set[str]) -> str:
    """file::test, "" where there is none, or where the tests were not installed."""
    module, attribute = made_by.split(":")
    proven_by = _proven_by(made_by, others)
    found: list[tuple[float, int, str]] = []
    for folder in (station, *ALSO_TESTED_IN.get(station, ())):
        for file in sorted((TESTS / folder).glob("test_*.py")):
            imports = _imports(file).items()
            known = {word: original for word, (source, original) in imports if source == module}
            for test in _tests(file):
                used = {known[word] for word in test.used if word in known}
                named = attribute in used or name in test.strings
                if named or used & proven_by:
                    found.append((-test.likeness(name, named), len(found), f"tests/{folder}/{file.name}::{test.name}"))
    return min(found)[2] if found else ""


def _proven_by(made_by: str, others: set[str]) -> set[str]:
    """What a part is made of in its own file, and what is made of the same, other parts excepted."""
    module, attribute = made_by.split(":")
    defined = _definitions(_file(module))
    own = {name for name in defined if f"{module}:{name}" not in others}
    made_of = _reached(attribute, defined) & own
    return {name for name in own if made_of & _reached(name, defined)}


@cache
def _tests(file: Path) -> list[_Test]:
    if any(kind in file.name for kind in ASK_EVERYBODY):
        return []
    defined = _definitions(file)
    return [_test(name, defined) for name in defined if name.startswith("test_") and "refused" not in name]


def _test(name: str, defined: dict[str, ast.AST]) -> _Test:
    nodes = [node for part in _reached(name, defined) for node in ast.walk(defined[part])]
    constants = [node.value for node in ast.walk(defined[name]) if isinstance(node, ast.Constant)]
    return _Test(
        name,
        used={node.id for node in nodes if isinstance(node, ast.Name)},
        strings={value for value in constants if isinstance(value, str)},
        loops=any(isinstance(node, ast.For | ast.comprehension) for node in nodes),
    )


@cache
def _definitions(file: Path) -> dict[str, ast.AST]:
    return {node.name: node for node in _tree(file).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _reached(name: str, defined: dict[str, ast.AST]) -> set[str]:
    """A definition and those it uses; arguments count as used, for in tests they may be fixtures."""
    used, waiting = set[str](), [name]
    while waiting:
        used.add(current := waiting.pop())
        words = {getattr(node, "id", getattr(node, "arg", None)) for node in ast.walk(defined[current])}
        waiting += [word for word in words if word in defined and word not in used]
    return used
