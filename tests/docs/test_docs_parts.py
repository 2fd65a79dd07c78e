"""Every part is in the list with its source and a formula test, and the page of parts is what the list says."""

import ast
import importlib.util
import json
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sightline import parts as listing
from sightline.cli.main import main
from sightline.parts import LISTS, PACKAGE, Part, parts

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

LISTED = parts()
every_part = pytest.mark.parametrize("part", LISTED, ids=lambda part: f"{part.station}-{part.name}")


@every_part
def test_a_part_has_a_formula_test(part: Part):
    told = f'write the formula of {part.name} a second time, under @pytest.mark.formula("{part.station}/{part.name}")'
    assert part.test, told
    file, name = part.test.split("::")
    assert f"def {name}(" in (ROOT / file).read_text()


@every_part
def test_a_part_says_where_it_is_from(part: Part):
    assert part.source, f"{part.file} has no line `From:`"


@every_part
def test_a_part_lies_where_the_list_says(part: Part):
    module, attribute = part.made_by.split(":")
    tree = ast.parse((PACKAGE.parent / part.file).read_text())
    assert module.startswith(f"sightline.{part.station}")
    assert attribute in {getattr(node, "name", None) for node in tree.body}


def test_no_part_is_listed_twice():
    assert [made_by for made_by, count in Counter(part.made_by for part in LISTED).items() if count > 1] == []
    assert [name for name, count in Counter((p.station, p.name) for p in LISTED).items() if count > 1] == []


@pytest.mark.parametrize("station", ["connectors", "fusion", "objectives"])
def test_every_file_of_a_station_of_parts_is_in_the_list_or_used_by_one_that_is(station):
    files = {file.stem for file in (PACKAGE / station).glob("*.py")} - {"__init__"}
    listed = {Path(part.file).stem for part in LISTED if part.station == station}
    text = "".join(file.read_text() for file in (PACKAGE / station).glob("*.py"))
    assert [file for file in sorted(files - listed) if f"sightline.{station}.{file} import" not in text] == []


def test_all_ways_of_pooling_frames_are_in_the_list():
    tree = ast.parse((PACKAGE / "encoders" / "frame_pooling.py").read_text())
    pooled = {value.id for _, value in listing._entries(tree, "POOLINGS")}
    assert pooled <= {part.made_by.split(":")[1] for part in LISTED}


def test_every_station_has_parts():
    assert {part.station for part in LISTED} == {station for station, _, _ in LISTS}


def test_the_list_is_read_without_torch_or_any_other_heavy_package():
    code = (
        "import sys, importlib.util; importlib.util.find_spec = lambda name: None; import sightline.parts as parts;"
        "parts.parts(); print([m for m in ('torch', 'numpy', 'transformers', 'sqlite3') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_page_of_parts_is_what_the_list_says():
    import write_docs

    page = write_docs.PARTS.read_text()
    if importlib.util.find_spec("torch") is None:  # counting needs torch: everything else is compared
        page, listed = _without_sizes(page), [replace(part, parameters=None) for part in LISTED]
    else:
        listed = LISTED
    assert page == write_docs.parts_text(listed), "run: python tools/write_docs.py"


def _without_sizes(page: str) -> str:
    rows = [line.split(" | ") for line in page.split("\n")]
    return "\n".join(
        " | ".join([*row[:3], "", row[4]]) if len(row) == 5 and row[0] != "| part" else " | ".join(row) for row in rows
    )


def test_list_parts_prints_a_line_for_each_part(capsys):
    assert main(["list", "parts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:-1]] == [part.name for part in LISTED]
    assert lines[-1] == f"{len(LISTED)} parts"


def test_list_parts_as_json_is_the_list(capsys):
    assert main(["list", "parts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["parts"]
    assert [Part(**part) for part in told] == LISTED


def test_a_folder_called_parts_is_still_a_folder_of_the_library(tmp_path, capsys, monkeypatch):
    from sightline.store.library import Library

    monkeypatch.chdir(tmp_path)
    Library.open(tmp_path / "library", create=True).close()
    assert main(["list", "./parts", "--library", str(tmp_path / "library")]) == 0
    assert capsys.readouterr().out.startswith("0 files")


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="counting parameters needs torch (the lab extra)")
def test_parameters_are_counted_at_tiny_size():
    sizes = {part.name: part.parameters for part in LISTED}
    assert sizes["similarity"] == 0
    assert sizes["linear"] == 8 * 8 + 8
    assert sizes["mlp"] == 2 * (8 * 8 + 8)


def test_plain_numpy_has_no_parameters_with_or_without_torch():
    assert {part.parameters for part in LISTED if part.station == "keyframes" and "mmr" in part.file} == {0}


def _reached(name: str, defined: dict[str, ast.AST]) -> set[str]:
    """A definition of a file and those of the file that it uses; arguments may be fixtures."""
    used, waiting = set[str](), [name]
    while waiting:
        used.add(current := waiting.pop())
        words = {getattr(node, "id", getattr(node, "arg", None)) for node in ast.walk(defined[current])}
        waiting += [word for word in words if word in defined and word not in used]
    return used


@every_part
def test_a_formula_test_uses_its_part(part: Part):
    """It names the part as it is listed, or what it reaches uses something of the part's own file."""
    file, name = part.test.split("::")
    tree = ast.parse((ROOT / file).read_text())
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    nodes = [node for found in _reached(name, defined) for node in ast.walk(defined[found])]
    imported = {word for word, (module, _) in listing._imports(ROOT / file).items() if module in part.made_by}
    words = {node.value for node in ast.walk(ast.Module(defined[name].body, [])) if isinstance(node, ast.Constant)}
    assert part.name in words or imported & {node.id for node in nodes if isinstance(node, ast.Name)}


def test_what_a_formula_test_is_of_is_in_the_list():
    assert set(listing.formula_tests()) == {f"{part.station}/{part.name}" for part in LISTED}


def test_only_a_test_that_says_so_is_a_formula_test(tmp_path, monkeypatch):
    (tmp_path / "nn").mkdir()
    text = """
        @pytest.mark.formula("nn/queue", "nn/twin")
        def test_it_is_the_loop(): ...

        @pytest.mark.slow
        def test_the_unet_is_the_loop(): ...
    """
    (tmp_path / "nn" / "test_loops.py").write_text(textwrap.dedent(text))
    monkeypatch.setattr(listing, "TESTS", tmp_path)
    test = "tests/nn/test_loops.py::test_it_is_the_loop"
    assert listing.formula_tests() == {"nn/queue": test, "nn/twin": test}


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_names_every_part(name):
    import write_docs

    assert (ROOT / name).read_text() == write_docs.with_short_table(name, LISTED), "run: python tools/write_docs.py"
