"""The documentation is run: its commands, its snippets, its tables."""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))


def _blocks(name: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / name).read_text(), re.S)


def _headings(name: str) -> list[str]:
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.S)
    return re.findall(r"^(#+) ", text, re.M)


def _commands(name: str) -> list[str]:
    lines = [line.strip() for block in _blocks(name, "sh") for line in block.splitlines()]
    return [re.split(r"\s+# ", line)[0] for line in lines if line.startswith("sightline ")]


def test_both_readmes_have_the_same_headings_and_the_same_commands():
    assert _headings("README.md") == _headings("README.zh.md")
    assert _commands("README.md") == _commands("README.zh.md")
    assert _blocks("README.md", "python") == _blocks("README.zh.md", "python")


@pytest.mark.parametrize("line", sorted(set(_commands("README.md"))))
def test_every_command_in_the_readme_is_one_the_program_takes(line):
    from sightline.cli.main import build_parser

    args = build_parser().parse_args(shlex.split(line)[1:])
    assert isinstance(args, argparse.Namespace) and callable(args.run)


def test_every_command_is_shown_in_the_readme():
    from sightline.cli.main import COMMANDS

    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"sightline {name}" not in text] == []


def test_the_command_pages_are_what_the_commands_print():
    import write_docs

    assert (ROOT / "docs" / "commands.md").read_text() == write_docs.text(), "run: python tools/write_docs.py"


def test_every_help_ends_with_an_example_that_parses():
    import write_docs

    from sightline.cli.main import build_parser

    parser = build_parser()
    for name, command in write_docs._walk("sightline", parser)[1:]:
        if any(isinstance(action, argparse._SubParsersAction) for action in command._actions):
            continue
        lines = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("sightline ")]
        assert lines, f"{name} --help ends without an example"
        for line in lines:
            words = re.split(r"\s{2,}", line)[0]
            parser.parse_args(shlex.split(words)[1:])


def test_every_file_of_the_idea_table_is_in_the_tree_and_every_part_is_in_the_table():
    table = re.findall(r"^\|.*?\| `(src/[^`]+)`", (ROOT / "ARCHITECTURE.md").read_text(), re.M)
    assert [path for path in table if not (ROOT / path).exists()] == []
    tree = {str(p.relative_to(ROOT)) for p in (ROOT / "src/sightline").rglob("*.py") if p.name != "__init__.py"}
    covered = {path for path in tree if any(path == row or path.startswith(row.rstrip("/") + "/") for row in table)}
    assert sorted(tree - covered) == []


def test_every_file_opens_with_what_it_does():
    silent = [str(p) for p in (ROOT / "src").rglob("*.py") if not p.read_text().lstrip().startswith('"""')]
    assert silent == []


def test_help_imports_nothing_heavy():
    heavy = "av numpy onnxruntime torch transformers PIL rich simsimd tokenizers sqlite3".split()
    code = (
        "import sys; from sightline.cli.main import build_parser; build_parser().format_help();"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    from sightline.demo import draw_videos
    from sightline.index import index_paths
    from sightline.store.library import Library

    monkeypatch.chdir(tmp_path)
    draw_videos(tmp_path / "videos", count=1)
    with Library.open(tmp_path / "my-library", create=True) as library:
        index_paths(library, [str(tmp_path / "videos")])
    for block in _blocks("README.md", "python"):
        exec(compile(block, "README.md", "exec"), {})
