"""Text: lines with their times, found by their words in any language."""

from __future__ import annotations

import pytest
from library_story import PATHS, RED, SAMPLING, claimed, seen, stat_of, take_in

from sightline.errors import BadQuery
from sightline.records import Line
from sightline.store.library import Library


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        red = library.generation_for(RED, SAMPLING)
        for path in PATHS:
            take_in(library, red, path)
        yield library


def texts(library, query, k=99, **filters):
    with library.view() as view:
        return [(hit.content, hit.line.text) for hit in view.text(query, k, **filters)]


def test_a_line_is_found_by_its_words_in_any_form(library):
    library.set_lines(1, "subtitles", "", [Line(3.0, 4.5, "Two dogs were barking"), Line(5.0, 6.0, "打开冰箱门")])
    assert texts(library, "dog") == texts(library, "DOGS barking") == [(1, "Two dogs were barking")]
    assert texts(library, "冰箱") == [(1, "打开冰箱门")]
    assert texts(library, "箱冰") == []


def test_a_hit_carries_its_line_and_the_share_of_words_it_holds(library):
    line = Line(3.0, 4.5, "a red dog", "screen", "ocr", "en", 0.75, (0.1, 0.2, 0.3, 0.4))
    library.set_lines(2, "ocr", "", [line, Line(7.0, 8.0, "a dog")])
    with library.view() as view:
        first, second = view.text("red dog barks loudly", 5)
    assert first.line == line
    assert (first.content, first.matched, second.matched) == (2, 0.5, 0.25)
    assert first.score > second.score > 0


def test_hits_can_be_restricted(library):
    library.set_lines(1, "subtitles", "", [Line(0, 1, "screen time")])
    assert len(texts(library, "screen")) == 7
    assert texts(library, "screen", source="speech") == [(1, "screen time")]
    assert {content for content, _ in texts(library, "screen", contents=[2, 3])} == {2, 3}
    assert texts(library, "screen", contents=[]) == []
    assert len(texts(library, "screen", k=4)) == 4
    with pytest.raises(BadQuery, match="'speech' or 'screen', not 'title'"):
        texts(library, "screen", source="title")


def test_a_track_is_replaced_as_a_whole(library):
    library.set_lines(1, "subtitles", "size 1", [Line(0, 1, "old words"), Line(2, 3, "older words")])
    library.set_lines(1, "subtitles", "size 2", [Line(0, 1, "new words")])
    assert texts(library, "words") == [(1, "new words")]
    assert library.tracks(1) == {"subtitles": "size 2"}
    library.drop_track(1, "subtitles")
    assert texts(library, "words") == []
    assert library.tracks(1) == {}
    assert library.check(deep=True) == []


def test_a_track_is_named_by_its_lines(library):
    library.set_lines(1, "subtitles", "", [Line(0, 1, "words", track="whatever")])
    with library.view() as view:
        assert [line.track for line in view.lines(1, "speech")] == ["subtitles"]


def test_an_empty_track_is_known_to_have_been_read(library):
    library.set_lines(1, "subtitles", "size 0", [])
    assert library.tracks(1) == {"subtitles": "size 0"}


def test_lines_come_in_the_order_of_time(library):
    library.set_lines(1, "subtitles", "", [Line(9, 10, "late"), Line(-1, 0, "early")])
    with library.view() as view:
        lines = view.lines(1)
        assert [line.text for line in lines] == ["early", "screen of ape", "late", "screen of ape"]
        assert [line.text for line in view.lines(1, "screen")] == ["screen of ape"] * 2


def test_text_of_what_cannot_be_searched_is_never_returned(library):
    red = library.current()
    content = library.place("/films/doe.mp4", stat_of("/films/doe.mp4"), "digest")
    library.plan(content, red, {}, [(0, 60), (60, 120)])
    library.commit(claimed(library, red, content), seen("/films/doe.mp4", red, 0), "me")
    library.set_lines(content, "subtitles", "", [Line(0, 1, "screen of doe")])
    library.lose([PATHS[0]])
    assert {content for content, _ in texts(library, "screen")} == {2, 3}
    with library.view() as view:
        assert view.lines(content) == [] and view.lines(1) == []
    assert library.counts().lines == {"screen": 4}


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "'",
        "NEAR(",
        "a OR",
        "* -",
        "words:x",
        "",
        "   ",
        "\x00",
        "\udcff",
        "a" * 10_000,
        "؟",
        "); DROP TABLE lines",
    ],
)
def test_hostile_queries_are_only_words(library, query):
    assert isinstance(texts(library, query), list)
    assert len(texts(library, "screen")) == 6


def test_hostile_lines_are_only_text(library):
    hostile = ["'); DROP TABLE lines; --", '" OR 1', "a\x00b", "\udcff lone", "\u202ehidden", "<script>", "x" * 100_000]
    library.set_lines(1, "\udcff track", "\udcff", [Line(0, 1, text) for text in hostile])
    with library.view() as view:
        kept = [line.text for line in view.lines(1, "speech")]
    assert kept == ["?" + text[1:] if text.startswith("\udcff") else text for text in hostile]
    assert texts(library, "lone") == [(1, "? lone")]
    assert library.check(deep=True) == []
