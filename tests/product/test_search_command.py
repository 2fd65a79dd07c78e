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
    ],
)
def test_open_plays_the_moment_at_its_second(run: Run, folder: Path, player: str, before: list[str]) -> None:
    done = run("kite", "--open", "1", path=str(fake_player(folder, player)))
    assert done.returncode == 0 and "playing" in done.stderr
    assert called(folder) == [*before, str(folder / "--help <b>狗.mp4")]


def test_a_player_that_cannot_seek_is_opened_and_the_second_told(run: Run, folder: Path) -> None:
    done = run("kite", "--open", "1", path=str(fake_player(folder, "xdg-open")))
    assert "opening --help <b>狗.mp4; go to 00:12.480 (with xdg-open)" in done.stderr and "playing" not in done.stderr
    assert called(folder) == [str(folder / "--help <b>狗.mp4")]


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


# --- exports --------------------------------------------------------------------------------------


def test_an_export_never_replaces_a_video_of_the_library(run: Run, folder: Path) -> None:
    for more in ([], ["--overwrite"]):
        done = run("kite", "--export", "csv:--help <b>狗.mp4", *more)
        assert done.returncode == 1 and "is a video of this library and is never replaced" in done.stderr
    assert (folder / "--help <b>狗.mp4").read_bytes() == b"not a film"


def test_an_export_replaces_a_text_where_that_is_asked_for(run: Run, folder: Path) -> None:
    (folder / "found.srt").write_text("mine")
    assert "found.srt is there already" in run("kite", "--export", "srt:found.srt").stderr
    assert (folder / "found.srt").read_text() == "mine"
    assert run("kite", "--export", "srt:found.srt", "--overwrite").returncode == 0
    assert "red kite" in (folder / "found.srt").read_text("utf-8")


def test_the_answer_is_told_even_where_an_export_fails(run: Run, folder: Path) -> None:
    (folder / "found.srt").write_text("mine")
    done = run("kite", "--export", "srt:found.srt")
    assert done.returncode == 1 and "00:12.480" in done.stdout


def test_nothing_is_written_where_nothing_matches(run: Run, folder: Path) -> None:
    done = run("zeppelin", "--export", "csv:found.csv")
    assert (done.returncode, done.stderr) == (3, "nothing matched, so no export is written\n")
    assert not (folder / "found.csv").exists()


def test_an_export_holds_the_moments_of_every_page(run: Run, folder: Path) -> None:
    done = run("kite OR 风筝 OR long", "--limit", "1", "--page", "2", "--export", "jsonl:found.jsonl")
    assert done.stdout.count("\n 1.") + done.stdout.startswith(" 1.") == 1 and "page 2 of 3" in done.stdout
    assert len((folder / "found.jsonl").read_text("utf-8").splitlines()) == 3


def test_a_page_that_is_not_there_is_refused(run: Run) -> None:
    for more in ([], ["--export", "csv:never.csv"]):
        done = run("kite", "--page", "99", *more)
        assert done.returncode == 1 and "page 99 is asked for, but there is 1 page of up to 10 moments" in done.stderr


def test_a_moment_that_gives_no_clip_is_told_and_is_not_fatal(run: Run) -> None:
    done = run("kite", "--export", "clips:cut")  # its video is no film
    assert done.returncode == 0 and "no clip of --help <b>狗.mp4 00:12.480–00:15.000: " in done.stderr


def test_what_stays_below_the_line_is_not_printed_as_if_it_reached_it() -> None:
    near = Moment("/a.mp4", 0, 1, 1, 0.4996, {"picture": 0.3})
    lines = "\n".join(command.told(Results("x", [], no_match=True, reason="r", nearest=near)))
    assert "0.49" in lines and "0.50" not in lines


def test_main_returns_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "zeppelin", "--library", str(folder / "library")]) == 3
    assert capsys.readouterr().out.startswith("no match: ")
