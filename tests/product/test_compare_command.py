"""`sightline compare` as a user types it: a file of no library, a video of one, and what goes wrong."""

import json

import pytest
from films import told_story

from sightline.cli.main import main


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with one drawn film and a library that holds it; and the film's script."""
    folder = tmp_path_factory.mktemp("compare")
    script = told_story(folder)
    return folder, script


@pytest.fixture
def compare(home, capsys, monkeypatch):
    """Types the command in the folder: what it ends with, what it prints, what it says beside."""

    def typed(*words, library="library"):
        monkeypatch.chdir(home[0])
        code = main(["compare", *words, "--library", str(home[0] / library)])
        return code, *capsys.readouterr()

    return typed


def test_a_video_of_the_library_gives_a_row_for_each_way_what_agrees_and_what_was_shared(home, compare):
    scene = home[1].scenes[1]
    asked = f"When is {home[1].things[scene.things[0]].name.en} seen?"
    truth = f"{scene.start}-{scene.end}"
    code, printed, beside = compare(
        "story", asked, "--choosers", "uniform,dpp", "--readers", "built-in,words", "--truth", truth
    )
    head, *rows = printed.splitlines()
    columns = ["chooser", "reader", "answer", "sure", "seconds", "cited", "IoU", "hit", "frames", "tokens"]
    assert head.split() == [*columns, "choose", "compress", "read", "cite", "check", "sum", "ms"]
    assert [row.split()[:2] for row in rows[:3]] == [["uniform", "built-in"], ["dpp", "built-in"], ["–", "words"]]
    assert "67% of 3 ways agree" in printed and "  not in these videos: words" in printed
    assert "shared by all ways, done once" in printed and (code, beside) == (0, "")


def test_a_file_of_no_library_is_compared_and_no_library_is_left_behind(home, compare):
    scene = home[1].scenes[1]
    thing = home[1].things[scene.things[0]].name.zh
    asked = ("films/story.mp4", f"什么时候能看到{thing}？", "--choosers", "dpp", "--html", "one.html")
    code, printed, beside = compare(*asked, library="none")
    assert "not in the library: indexing story.mp4 for this once" in beside
    start = float(printed.splitlines()[1].split()[2].partition("–")[0])
    assert code == 0 and abs(start - scene.start) < 0.3 and not (home[0] / "none").exists()
    page = (home[0] / "one.html").read_text()
    assert '<html lang="zh">' in page and thing in page and "data:image/jpeg" in page


def test_json_holds_every_way_and_nothing_else_is_printed(compare):
    _, printed, beside = compare("story", "What is the keeper called?", "--readers", "words", "--json")
    told = json.loads(printed)
    assert [way["way"]["reader"] for way in told["tried"]] == ["words"] and "Miriam" in told["agreement"]["text"]
    assert beside == ""


def test_nothing_found_in_any_way_ends_with_its_own_code(compare):
    code, printed, _ = compare("story", "What does Napoleon say?", "--readers", "words")
    assert code == 3 and "not in these videos" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("story", "what?", "--choosers", "tea"), "no way of choosing 'tea'; choose from uniform"),
        (("story", " "), "nothing is asked"),
        (("nowhere.mp4", "what?"), "no video is named 'nowhere.mp4' in this library, which holds story.mp4"),
        (("films/story.srt", "what?"), "films/story.srt cannot be looked at"),
        (("story", "what?", "--html", "films/story.mp4", "--overwrite"), "is a video of this library"),
    ],
)
def test_errors_are_one_line_with_the_cure(compare, words, said):
    code, printed, beside = compare(*words)
    (line,) = [line for line in beside.splitlines() if not line.startswith("not in the library")]
    assert line.startswith("sightline: ") and said in line and (code, printed) == (1, "")


def test_without_file_and_library_both_are_named(compare):
    code, _, beside = compare("nowhere.mp4", "what?", library="none")
    assert code == 1 and "no file 'nowhere.mp4'" in beside and "no library" in beside and beside.count("\n") == 1
