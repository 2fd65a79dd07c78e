"""A folder is walked once, whatever its links do, and what cannot be looked at is named."""

import os

import pytest

from sightline.indexing.identity import digest
from sightline.indexing.scan import beside, scan


def _file(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_media_is_found_by_its_ending_in_any_case(tmp_path):
    wanted = {_file(tmp_path / "a.MP4"), _file(tmp_path / "deep" / "b.webm"), _file(tmp_path / "c.GIF")}
    _file(tmp_path / "notes.txt"), _file(tmp_path / ".hidden.mp4")
    found = scan([str(tmp_path)])
    assert set(found.found) == wanted
    assert found.passed_over == {"other kind of file": 1, "hidden": 1}


def test_a_file_named_outright_is_taken_whatever_its_ending(tmp_path):
    path = _file(tmp_path / "film.bin")
    assert set(scan([path]).found) == {path}


def test_stills_can_be_left_out(tmp_path):
    film = _file(tmp_path / "a.mp4")
    _file(tmp_path / "b.jpg")
    assert set(scan([str(tmp_path)], stills=False).found) == {film}


def test_a_link_back_to_the_folder_itself_ends(tmp_path):
    _file(tmp_path / "in" / "a.mp4")
    os.symlink(tmp_path, tmp_path / "in" / "again")
    os.symlink("loop", tmp_path / "loop")
    found = scan([str(tmp_path)])
    assert len(found.found) == 1


def test_a_folder_named_twice_is_walked_once(tmp_path):
    _file(tmp_path / "in" / "a.mp4")
    found = scan([str(tmp_path), str(tmp_path / "in")])
    assert len(found.found) == 1
    assert found.passed_over["folder already walked"] == 1


def test_a_missing_root_is_unreachable_and_not_empty(tmp_path):
    found = scan([str(tmp_path / "gone")])
    assert not found.found and list(found.unreachable) == [str(tmp_path / "gone")]


def test_a_name_that_is_no_text_is_found_like_any_other(tmp_path):
    raw = os.fsencode(tmp_path) + b"/bad\xff.mp4"
    try:
        with open(raw, "w") as file:
            file.write("x")
    except OSError:
        pytest.skip("this file system refuses such names itself")
    found = scan([str(tmp_path)])
    assert list(found.found) == [os.fsdecode(raw)]


def test_subtitles_belong_to_the_video_whose_name_they_begin_with(tmp_path):
    film = _file(tmp_path / "Film.one.mp4")
    mine = {_file(tmp_path / "Film.one.srt"), _file(tmp_path / "film.one.zh-Hans.VTT")}
    _file(tmp_path / "Film.srt"), _file(tmp_path / "Film.oneself.srt")
    assert set(beside(film, scan([str(tmp_path)]))) == mine


def test_the_digest_sees_every_byte(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * 5_000_000 + b"b" + b"a" * 5_000_000)
    two.write_bytes(b"a" * 5_000_001 + b"b" + b"a" * 4_999_999)
    assert digest(str(one)) != digest(str(two))
    two.write_bytes(one.read_bytes())
    assert digest(str(one)) == digest(str(two))
