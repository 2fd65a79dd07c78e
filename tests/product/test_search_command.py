"""`sightline search` as a user runs it: lines of text, JSON, exports, exit codes, and a player at its second."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.cli import search as command
from sightline.cli.main import main
from sightline.encoders.by_name import open_encoder
from sightline.finding.results import Results
from sightline.records import Line, Moment
from sightline.store.library import Library
from sightline.store.rows import FileStat

SRC = Path(__file__).parents[2] / "src"
CLIPS = Path(__file__).parents[2] / ".." / "shared" / "data" / "clips"

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of speech alone, over a real small file with a hostile name."""
    video = tmp_path / "--help <b>狗.mp4"
    video.write_bytes(b"not a film")
    with Library.open(tmp_path / "library", create=True) as library:
        generation = library.generation_for(open_encoder("none").card, {})
        content = library.place(str(video), FileStat(10, 1, 1), "d" * 64)
        library.plan(content, generation, {"frame_rate": 25.0, "duration": 60.0}, [(0.0, float("inf"))])
        _commit_empty(library, content, generation)
        lines = [
            Line(12.48, 15, "look at the red kite"),
            Line(30, 33.5, "红色的风筝落下来了 \x1b[2J"),
            Line(50, 52, "so long"),
        ]
        library.set_lines(content, "a.srt", "1", lines)
    return tmp_path


def _commit_empty(library: Library, content: int, generation) -> None:
    import numpy as np

    from sightline.records import Shot
    from sightline.store.rows import UnitDone

    unit = library.claim(generation, "test", contents=[content])
    none = np.zeros((0, generation.width), np.float32)
    assert library.commit(unit, UnitDone(np.zeros(0), none, first=0.0, last=59.96), "test")
    library.finish(content, generation, [Shot(0, 60)])


@pytest.fixture
def run(folder: Path) -> Run:
    def run(*words: str, path: str | None = None) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONIOENCODING": "utf-8"}
        environment |= {"PATH": path} if path is not None else {}
        line = [sys.executable, "-m", "sightline.cli.main", "search", *words, "--library", str(folder / "library")]
        return subprocess.run(line, capture_output=True, encoding="utf-8", env=environment, cwd=folder, timeout=60)

    return run


def test_a_moment_is_one_line(run: Run) -> None:
    done = run("red", "kite")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == " 1. 00:12.480–00:15.000  0.99  --help <b>狗.mp4  speech  “look at the red kite”\n"


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    assert "\x1b" not in run("风筝").stdout


def test_nothing_found_is_said_plainly_and_exits_with_three(run: Run) -> None:
    done = run("the zeppelin")
    assert done.returncode == 3
    assert done.stdout.startswith("no match: ")


def test_the_nearest_thing_is_named(run: Run) -> None:
    done = run("kite zeppelin hangar")
    assert done.returncode == 3
    assert "nearest: 00:12.480–00:15.000" in done.stdout and "to see it: --min-confidence 0." in done.stdout
    line = done.stdout.splitlines()[-1].split()[-1]
    assert run("kite zeppelin hangar", "--min-confidence", line).returncode == 0


def test_json_is_one_object_with_everything(run: Run) -> None:
    answer = json.loads(run("kite", "--json").stdout)
    (moment,) = answer["moments"]
    assert (moment["start"], moment["end"], moment["text"]) == (12.48, 15.0, "look at the red kite")
    assert answer["no_match"] is False and answer["total"] == 1


def test_json_of_nothing_has_the_reason(run: Run) -> None:
    done = run("zeppelin", "--json")
    assert done.returncode == 3 and json.loads(done.stdout)["no_match"] is True


def test_exports_are_written_and_told_on_stderr(run: Run, folder: Path) -> None:
    done = run("kite", "--export", "srt:found.srt", "--export", "sheet:found.html")
    assert done.stderr == "wrote found.srt\nwrote found.html\n"
    assert "00:00:12,480 --> 00:00:15,000\nlook at the red kite" in (folder / "found.srt").read_text("utf-8")


def test_an_export_without_a_path_is_refused_before_searching(run: Run) -> None:
    done = run("kite", "--export", "srt")
    assert done.returncode == 1 and "--export 'srt' is not FORMAT:PATH; write --export srt:found.srt" in done.stderr


def test_a_query_that_cannot_be_read_is_one_line(run: Run) -> None:
    done = run('red "kite')
    assert done.returncode == 1 and done.stderr.startswith("sightline: column 5: ") and done.stderr.count("\n") == 1


def test_times_may_be_written_as_people_do(run: Run) -> None:
    assert run("kite", "--from", "0:20", "--to", "1:00").returncode == 3
    assert run("风筝", "--from", "0:20", "--to", "1:00").returncode == 0
    assert run("kite", "--from", "noon").returncode == 2


def test_help_ends_with_an_example_that_works(run: Run, folder: Path) -> None:
    example = run("--help").stdout.rstrip().splitlines()[-1]
    assert example == "  sightline search 风筝 --open 1"


# --- the player -----------------------------------------------------------------------------------


def fake_player(folder: Path, name: str) -> Path:
    """A player that writes down how it was called."""
    bin = folder / "bin"
    bin.mkdir(exist_ok=True)
    player = bin / name
    script = """import json, os, sys
json.dump(sys.argv[1:], open(sys.argv[0] + ".tmp", "w"))
os.replace(sys.argv[0] + ".tmp", os.path.join(os.path.dirname(sys.argv[0]), "..", "called"))
"""
    player.write_text(f"#!{sys.executable}\n{script}")
    player.chmod(0o755)
    return bin


def called(folder: Path) -> list[str]:
    import time

    for _ in range(400):
        if (folder / "called").exists():
            return json.loads((folder / "called").read_text())
        time.sleep(0.025)
    raise AssertionError("the player was never called")


@pytest.mark.parametrize(
    ("player", "before"),
    [
        ("mpv", ["--start=12.480", "--"]),
        ("vlc", ["--start-time=12.480"]),
        ("ffplay", ["-autoexit", "-ss", "12.480", "-i"]),
        ("xdg-open", []),
    ],
)
def test_open_plays_the_moment_at_its_second(run: Run, folder: Path, player: str, before: list[str]) -> None:
    done = run("kite", "--open", "1", path=str(fake_player(folder, player)))
    assert done.returncode == 0 and "playing" in done.stderr
    assert called(folder) == [*before, str(folder / "--help <b>狗.mp4")]


def test_the_first_player_of_the_list_is_taken(run: Run, folder: Path) -> None:
    fake_player(folder, "vlc")
    run("kite", "--open", "1", path=str(fake_player(folder, "mpv")))
    assert called(folder)[0] == "--start=12.480"


def test_without_a_player_the_second_is_told(run: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    done = run("kite", "--open", "1", path=str(folder / "empty"))
    assert done.returncode == 1 and "no player found (looked for mpv, vlc" in done.stderr and "00:12.480" in done.stderr


def test_opening_what_is_not_on_the_page_is_refused(run: Run, folder: Path) -> None:
    done = run("kite", "--open", "4", path=str(fake_player(folder, "mpv")))
    assert done.returncode == 1 and "--open 4: this page has 1 moment" in done.stderr


def test_a_file_that_is_gone_is_told_before_a_player_is_started(run: Run, folder: Path) -> None:
    (folder / "--help <b>狗.mp4").unlink()
    done = run("kite", "--open", "1", path=str(fake_player(folder, "mpv")))
    assert done.returncode == 1 and "is not there any more" in done.stderr and not (folder / "called").exists()


# --- what is printed ------------------------------------------------------------------------------


def test_matching_words_are_marked_on_a_terminal_only() -> None:
    found = Results("red kite", [Moment("/a.mp4", 0, 1, 1, 0.9, {"speech": 1.0}, text="the Red kite")], 1)
    assert "\x1b" not in "".join(command.told(found))
    assert "the \x1b[1mRed\x1b[0m \x1b[1mkite\x1b[0m" in "".join(command.told(found, colour=True))


def test_a_long_line_is_shown_around_the_word() -> None:
    text = "word " * 60 + "kite" + " word" * 60
    (line,) = command.told(Results("kite", [Moment("/a.mp4", 0, 1, 1, 0.9, {"speech": 1.0}, text=text)], 1))
    assert "kite" in line and "“…" in line and len(line) < 140


def test_pages_are_told() -> None:
    moments = [Moment("/a.mp4", 3700.5, 3701, 1, 0.9, {"picture": 0.3})]
    lines = command.told(Results("kite", moments, total=3, page=2, pages=3, occurrences=[moments * 2]))
    assert lines[0] == " 1. 1:01:40.500–1:01:41.000  0.90  a.mp4  picture  (and 2 more like it)"
    assert lines[1] == "page 2 of 3 · 3 moments · next: --page 3"


def test_a_rebuild_is_told() -> None:
    assert "62% of the library" in command.told(Results("x", [], no_match=True, reason="r", coverage=0.62))[-1]


# --- cold start -----------------------------------------------------------------------------------


def test_search_from_text_to_json_loads_no_heavy_package(folder: Path) -> None:
    heavy = ("av", "PIL", "onnxruntime", "torch", "rich", "tokenizers", "simsimd")
    code = (
        "import sys; from sightline.cli.main import main; "
        f"main(['search', 'kite', '--json', '--library', {str(folder / 'library')!r}]); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert done.stderr.strip() == "[]" and json.loads(done.stdout)["total"] == 1


# --- cut clips ------------------------------------------------------------------------------------


def test_clips_are_cut_where_the_moments_are(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    from sightline.exports import export

    source = CLIPS / "counter.mp4"
    if not source.exists():
        pytest.skip(f"the public clip {source.name} is not here")
    given = Results("x", [Moment(str(source), 1.0, 2.0, 1, 0.9), Moment(str(source), 0.5, 0.5, 1, 0.8)], 2)
    first, second = export("clips", given, tmp_path / "clips")
    assert [first.name, second.name] == ["001 counter 00-00-01.000.mp4", "002 counter 00-00-00.500.mp4"]
    with av.open(str(first)) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 10  # the counter counts ten a second
        assert clip.duration / 1e6 == pytest.approx(1.0, abs=0.1)


def test_clips_do_not_replace_a_file_with_a_folder(tmp_path: Path) -> None:
    from sightline.errors import ExportError
    from sightline.exports import export

    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ExportError, match="is a file"):
        export("clips", Results("x", []), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_main_returns_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "zeppelin", "--library", str(folder / "library")]) == 3
    assert capsys.readouterr().out.startswith("no match: ")
