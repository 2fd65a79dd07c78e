"""Generations: a new encoder is built beside the old one, which answers until the swap."""

from __future__ import annotations

from dataclasses import replace

import pytest
from library_story import BLUE, PATHS, RED, SAMPLING, take_in, told_by

from sightline.errors import EncoderMismatch, LibraryError
from sightline.records import Line
from sightline.store.library import Library
from sightline.store.rows import FileStat


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        red = library.generation_for(RED, SAMPLING)
        for path in PATHS:
            take_in(library, red, path)
        yield library


def test_the_first_generation_is_current_at_once(tmp_path):
    library = Library.open(tmp_path / "library", create=True)
    assert library.current() is None
    red = library.generation_for(RED, SAMPLING)
    assert (red.state, red.width, red.sampling) == ("current", RED.width, SAMPLING)
    assert library.current() == red == library.generation_for(RED, SAMPLING)


def test_another_encoder_is_refused_with_both_names_and_the_cure(library):
    with pytest.raises(EncoderMismatch, match="'red'.*'blue'.*--rebuild"):
        library.generation_for(BLUE, SAMPLING)


def test_another_fingerprint_or_sampling_is_refused_too(library):
    with pytest.raises(EncoderMismatch, match="other weights"):
        library.generation_for(replace(RED, fingerprint="red-2"), SAMPLING)
    with pytest.raises(EncoderMismatch, match=r"\{'every': 1.0\}, asked was \{'every': 2.0\}"):
        library.generation_for(RED, {"every": 2.0})
    assert library.building() is None


def test_answers_are_the_same_until_the_swap(library):
    before = told_by(library.folder)
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    assert blue.state == "building"
    for path in PATHS:
        take_in(library, blue, path)
        assert told_by(library.folder) == before
    library.swap(blue)
    after = told_by(library.folder)
    assert after["generation"] == "blue"
    assert set(after) == set(before)
    assert library.check(deep=True) == []
    assert sorted(path.name for path in library.folder.glob("vectors-*")) == [f"vectors-{blue.id}-0.f32"]


def test_the_lines_of_both_generations_are_never_mixed(library):
    count = library.counts().lines
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    for path in PATHS:
        take_in(library, blue, path)
    assert library.counts().lines == count
    library.swap(blue)
    assert library.counts().lines == count


def test_tracks_outlive_a_swap(library):
    library.set_lines(1, "subtitles", "key", [Line(1.0, 2.0, "they say ape")])
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    for path in PATHS:
        take_in(library, blue, path)
    library.swap(blue)
    with library.view() as view:
        assert [line.text for line in view.lines(1, "speech")] == ["they say ape"]


def test_a_swap_is_refused_while_a_video_is_missing(library):
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    take_in(library, blue, PATHS[0])
    library.refuse(2, blue, "failed", "crashed", "the decoder died")
    with pytest.raises(LibraryError, match="1 videos are not encoded yet"):
        library.swap(blue)
    assert library.counts().built == 2
    library.refuse(3, blue, "skipped", "rule", "too short")
    library.swap(blue)
    assert library.counts().by_state == {"indexed": 1, "failed": 1, "skipped": 1}


def test_an_unfinished_rebuild_names_the_files_it_waits_for(library):
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    take_in(library, blue, PATHS[1])
    library.place("/films/a copy.mp4", FileStat(1, 2, 3), f"digest of {PATHS[2]}")
    assert library.missing_paths(blue) == ["/films/a copy.mp4", PATHS[0]]
    library.lose(["/films/a copy.mp4"])
    assert library.missing_paths(blue) == [PATHS[0], PATHS[2]]
    library.forget([PATHS[2]])
    assert library.missing_paths(blue) == [PATHS[0]]
    assert (library.missing_from(blue), library.counts().built, library.check()) == (1, 1, [])


def test_a_rebuild_goes_on_where_it_stopped(library):
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    take_in(library, blue, PATHS[0])
    again = library.generation_for(BLUE, SAMPLING, rebuild=True)
    assert again == blue == library.generation_for(BLUE, SAMPLING)
    assert library.state(1, again).state == "indexed"


def test_another_rebuild_abandons_the_one_before(library):
    before = told_by(library.folder)
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    take_in(library, blue, PATHS[0])
    green = library.generation_for(replace(BLUE, name="green"), SAMPLING, rebuild=True)
    assert library.building() == green != blue
    assert library.state(1, green) is None
    assert not list(library.folder.glob(f"*-{blue.id}-*"))
    assert told_by(library.folder) == before
    assert library.check(deep=True) == []


def test_going_back_to_the_current_encoder_abandons_the_rebuild(library):
    before = told_by(library.folder)
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    take_in(library, blue, PATHS[0])
    assert library.generation_for(RED, SAMPLING) == library.current()
    assert library.building() == blue, "without --rebuild nothing is abandoned"
    assert library.generation_for(RED, SAMPLING, rebuild=True) == library.current()
    assert library.building() is None
    assert told_by(library.folder) == before


def test_a_generation_can_be_abandoned_by_name_but_not_the_current_one(library):
    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    library.abandon(blue)
    library.abandon(library.current())
    assert library.building() is None
    assert library.current().name == "red"


def test_what_is_claimed_of_an_abandoned_generation_changes_nothing(library):
    from library_story import seen

    blue = library.generation_for(BLUE, SAMPLING, rebuild=True)
    library.plan(1, blue, {}, [(0, 60)])
    unit = library.claim(blue, "me")
    library.abandon(blue)
    assert library.commit(unit, seen(PATHS[0], blue, 0), "me") is False
    assert library.check(deep=True) == []
