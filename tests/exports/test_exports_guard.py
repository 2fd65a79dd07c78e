"""What lies there already is kept: videos, subtitles, pictures and other people's texts."""

from pathlib import Path

import pytest

from sightline.errors import ExportError
from sightline.exports import export
from sightline.finding.results import Results
from sightline.records import Moment

MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"


def results(*videos: str) -> Results:
    return Results("kite", [Moment(video, 1.0, 2.0, 1.0, 0.9, {"picture": 0.3}) for video in videos])


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "mine.csv"
    out.write_text("mine")
    with pytest.raises(ExportError, match="mine.csv is there already; .* --overwrite"):
        export("csv", results("/v/a.mp4"), out)
    assert out.read_text() == "mine"


def test_a_text_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    export("csv", results("/v/a.mp4"), out)
    before = out.read_bytes()
    export("csv", results(), out, overwrite=True)
    assert out.read_bytes() != before


def test_a_video_of_the_library_is_never_replaced(tmp_path: Path) -> None:
    video = tmp_path / "odd name.txt"
    video.write_text("a video, whatever it looks like")
    with pytest.raises(ExportError, match="is a video of this library"):
        export("csv", results(str(video)), video, overwrite=True, known={str(video)})


def test_a_link_to_a_video_of_the_library_is_no_way_round(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_text("film")
    (tmp_path / "found.csv").symlink_to(video)
    with pytest.raises(ExportError, match="is a video of this library"):
        export("csv", results(str(video)), tmp_path / "found.csv", overwrite=True, known={str(video)})


@pytest.mark.parametrize("content", [MP4, b"\x1aE\xdf\xa3\x9f", "字幕".encode("gbk"), b"text and a \0"])
def test_what_is_no_text_is_never_replaced(content: bytes, tmp_path: Path) -> None:
    out = tmp_path / "holiday.mov"
    out.write_bytes(content)
    with pytest.raises(ExportError, match="is no text, so no earlier export"):
        export("srt", results("/v/a.mp4"), out, overwrite=True)
    assert out.read_bytes() == content


def test_a_letter_cut_in_half_by_the_look_is_still_text(tmp_path: Path) -> None:
    out = tmp_path / "long.srt"
    out.write_text("a" + "字" * 50_000, "utf-8")
    assert export("srt", results("/v/a.mp4"), out, overwrite=True) == [out]


@pytest.mark.parametrize("name", ["holiday.srt", "holiday.en.srt", "HOLIDAY.mp4.VTT"])
def test_the_subtitles_of_a_video_are_never_replaced(name: str, tmp_path: Path) -> None:
    video, out = str(tmp_path / "holiday.mp4"), tmp_path / name
    out.write_text("1\n00:00:01,000 --> 00:00:02,000\nmine\n")
    with pytest.raises(ExportError, match="holds the subtitles of .*holiday.mp4"):
        export("srt", results(video), out, overwrite=True, known={video})


def test_a_folder_and_a_pipe_are_no_place_for_an_export(tmp_path: Path) -> None:
    import os

    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(ExportError, match=f"cannot write .*{name}"):
            export("csv", results("/v/a.mp4"), tmp_path / name, overwrite=True)


def test_of_several_files_none_is_written_where_one_may_not_be(tmp_path: Path) -> None:
    (tmp_path / "found.b.srt").write_text("mine")
    with pytest.raises(ExportError, match="found.b.srt is there already"):
        export("srt", results("/v/a.mp4", "/v/b.mp4"), tmp_path / "found.srt")
    assert [path.name for path in tmp_path.iterdir()] == ["found.b.srt"]
