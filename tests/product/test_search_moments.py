"""Search on a real library: moments with start and end, several sources, order, filters, pages, and honest silence."""

import re
from pathlib import Path

import numpy as np
import pytest
from search_world import WordEncoder, add_video

from sightline.encoders.by_name import open_encoder
from sightline.errors import BadQuery, EncoderMismatch
from sightline.finding.query import Term
from sightline.finding.results import Results, floored
from sightline.finding.sources import heard
from sightline.records import Line
from sightline.search import find_moments
from sightline.store.library import Library

ENCODER = WordEncoder()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    with Library.open(tmp_path_factory.mktemp("search") / "library", create=True) as library:
        add_video(
            library,
            "/videos/holiday.mp4",
            [
                (0, 10, "crowd market"),
                (10, 15, "red kite beach"),
                (15, 30, "dog water"),
                (30, 36, "red kite grass"),
                (36, 50, "dog running"),
            ],
            [Line(11, 13, "look at the red kite"), Line(31, 33, "oh no"), Line(33, 35, "the kite is down")],
            thumbnail=b"\xff\xd8 a jpeg",
        )
        add_video(
            library,
            "/videos/lecture.mp4",
            [(0, 40, "professor blackboard"), (40, 60, "slide diagram"), (60, 80, "professor blackboard")],
            [
                Line(5, 8, "today we look at gradient descent"),
                Line(50, 53, "梯度下降的步长很重要"),
                Line(60, 64, "SALE 50%", "screen", track="ocr"),
                Line(70.25, 72.5, '<script>alert("x")</script> ignore previous instructions'),
            ],
            first=0.2,
        )
        add_video(
            library,
            "/videos/jingle.mp4",
            [(0, 5, "logo star"), (5, 20, "cooking rice"), (20, 25, "logo star"), (25, 40, "cooking soup")],
            noise=4,
        )
        yield library


def find(library: Library, query: str = "", **options) -> Results:
    return find_moments(library, query, encoder=ENCODER, **options)


def spans(results: Results) -> list[tuple[str, float, float]]:
    return [(Path(m.video).stem, m.start, m.end) for m in results.moments]


def test_a_thing_in_the_picture_is_found_with_its_start_and_end(library: Library) -> None:
    assert spans(find(library, "slide")) == [("lecture", 40.2, 60.2)]


def test_every_occurrence_is_found(library: Library) -> None:
    assert sorted(spans(find(library, "dog"))) == [("holiday", 15, 30), ("holiday", 36, 50)]


def test_a_word_that_is_said_is_found_at_its_line(library: Library) -> None:
    (found,) = find(library, "gradient descent").moments
    assert (found.start, found.end, found.text) == (5, 8, "today we look at gradient descent")
    assert set(found.sources) == {"speech"}


def test_a_chinese_word_of_two_characters_is_found(library: Library) -> None:
    assert find(library, "步长").moments[0].text == "梯度下降的步长很重要"


def test_words_on_the_screen_are_found(library: Library) -> None:
    assert set(find(library, "sale").moments[0].sources) == {"screen"}


def test_picture_and_speech_of_one_stretch_are_one_moment(library: Library) -> None:
    best = find(library, "red kite").moments[0]
    assert (best.start, best.end) == (10, 15)
    assert set(best.sources) == {"picture", "speech"}


def test_what_several_sources_say_is_surer_than_what_one_says(library: Library) -> None:
    together = find(library, "red kite").moments[0].confidence
    assert together > find(library, "red kite", sources=["picture"]).moments[0].confidence
    assert together > find(library, "red kite", sources=["speech"]).moments[0].confidence


def test_a_source_can_be_asked_alone(library: Library) -> None:
    assert all(set(m.sources) == {"speech"} for m in find(library, "kite source:speech").moments)


def test_the_same_question_gives_the_same_answer_twice(library: Library) -> None:
    assert find(library, "red kite").as_dict(curves=True) == find(library, "red kite").as_dict(curves=True)


# --- not in these videos --------------------------------------------------------------------------


def test_nothing_is_found_for_what_is_not_there(library: Library) -> None:
    results = find(library, "submarine under ice")
    assert results.no_match and results.moments == [] and results.total == 0


def test_the_nearest_thing_is_named_when_nothing_matches(library: Library) -> None:
    results = find(library, "submarine under ice")
    assert results.nearest is not None and results.nearest.confidence < 0.5
    assert floored(results.nearest.confidence) in results.reason


def test_one_common_word_is_no_answer(library: Library) -> None:
    assert find(library, "the zeppelin", sources=["speech"]).no_match


def test_words_nobody_says_are_told_plainly(library: Library) -> None:
    assert "no line of speech or screen text holds them" in find(library, "zeppelin", sources=["speech"]).reason


def test_the_line_can_be_moved(library: Library) -> None:
    assert find(library, "submarine under ice", min_confidence=0.0).moments
    assert find(library, "slide", min_confidence=0.999).no_match


def test_an_empty_library_says_how_to_fill_it(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as empty:
        assert "sightline index" in find(empty, "dog").reason


class ColourWords(WordEncoder):
    """Reads a handful of colour words and nothing else, as an encoder without weights does."""

    def read(self, texts):
        kept = [" ".join(w for w in re.findall(r"red|green|blue|红|绿", text.lower())) for text in texts]
        return super().read([text.replace("红", "red").replace("绿", "green") for text in kept])


@pytest.mark.parametrize(("query", "found"), [("red", True), ("the red", True), ("红", True), ("red submarine", False)])
def test_an_encoder_of_few_words_vouches_for_the_words_it_sees(query: str, found: bool, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 20, "red kite"), (20, 60, "rice pan")])
        results = find_moments(library, query, sources=["picture"], encoder=ColourWords())
    assert results.no_match is not found
    assert found or "sees 50% of the words" in results.reason


class ColoursInPlaces(WordEncoder):
    """Reads colours, and a place only beside a colour."""

    def read(self, texts):
        plain = [text.replace("上面", " top ").replace("蓝色", " blue ") for text in texts]
        kept = [
            " ".join(re.findall(r"red|blue|top|left", text)) if re.search("red|blue", text) else "" for text in plain
        ]
        return super().read(kept)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("blue at the top", True),
        ("red on the left", True),
        ("上面是蓝色", True),
        ("red submarine", False),
        ("top", False),
    ],
)
def test_a_place_beside_a_colour_is_heard(query: str, found: bool, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 20, "blue top"), (20, 40, "red left"), (40, 60, "rice pan")])
        results = find_moments(library, query, sources=["picture"], encoder=ColoursInPlaces())
    assert results.no_match is not found


@pytest.mark.parametrize(
    ("query", "share"),
    [
        ("blue at the top", 1.0),
        ("red on the left", 1.0),
        ("上面是蓝色", 1.0),
        ("上邊是藍色", 1.0),
        ("a dark red car", 2 / 3),
        ("the top", 0.0),
        ("红色的球", 0.5),
    ],
)
def test_the_colour_encoder_hears_places_beside_colours(query: str, share: float) -> None:
    assert heard((Term(query),), open_encoder("colour")) == pytest.approx(share)


# --- either ---------------------------------------------------------------------------------------


def test_either_of_two_things_is_found_once_each(library: Library) -> None:
    one, other = (find(library, query, sources=["picture"]) for query in ("slide", "dog"))
    both = find(library, "slide OR dog", sources=["picture"])
    assert sorted(spans(both)) == sorted([*spans(one), *spans(other)])
    assert spans(find(library, "dog OR dog")) == spans(find(library, "dog"))


def test_either_finds_one_where_the_other_is_not_there(library: Library) -> None:
    assert spans(find(library, "slide OR submarine")) == spans(find(library, "slide"))


# --- order ----------------------------------------------------------------------------------------


def test_the_dog_after_the_kite(library: Library) -> None:
    assert ("holiday", 36, 50) in spans(find(library, "dog after red kite"))


def test_the_dog_between_the_two_kites(library: Library) -> None:
    assert ("holiday", 15, 30) in spans(find(library, "everything between the two red kite"))


def test_first_and_last(library: Library) -> None:
    assert spans(find(library, "first red kite")) == [("holiday", 10, 15)]
    assert spans(find(library, "last red kite")) == [("holiday", 30, 36)]


def test_an_order_that_never_happens_is_no_match(library: Library) -> None:
    results = find(library, "market after dog")
    assert results.no_match and "'after'" in results.reason


def test_a_side_that_is_not_found_is_named(library: Library) -> None:
    assert "'submarine'" in find(library, "dog after submarine").reason


# --- arithmetic, pictures -------------------------------------------------------------------------


def test_what_is_subtracted_goes_down(library: Library) -> None:
    """One kite flies over a beach, the other over grass; they score alike until the beach is taken away."""

    def beach_over_grass(query: str) -> float:
        moments = find(library, query, min_confidence=0, limit=99, sources=["picture"], videos=["holiday"]).moments
        score = {m.start: m.sources["picture"] for m in moments}
        return score[10] - score[30]

    assert abs(beach_over_grass("red kite")) < 0.05
    assert beach_over_grass("red kite - beach") < -0.1


def test_a_line_with_an_unwanted_word_is_left_out(library: Library) -> None:
    texts = [m.text for m in find(library, "kite - down", sources=["speech"]).moments]
    assert texts == ["look at the red kite"]


def test_a_second_of_a_video_finds_itself_and_its_like(library: Library) -> None:
    found = spans(find(library, like="holiday@12"))
    assert found[0] == ("holiday", 10, 15)


def test_a_picture_file_finds_what_it_shows(library: Library, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (40, 30), "red").save(tmp_path / "query.png")
    results = find_moments(library, like=str(tmp_path / "query.png"), encoder=WordEncoder(shows="slide diagram"))
    assert spans(results)[0] == ("lecture", 40.2, 60.2)


def test_a_picture_of_nothing_here_is_no_match(library: Library, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (40, 30), "red").save(tmp_path / "query.png")
    absent = WordEncoder(shows="submarine ice arctic")
    assert find_moments(library, like=str(tmp_path / "query.png"), encoder=absent).no_match


def test_a_second_finds_its_like_in_a_library_of_one_video(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 20, "dog grass"), (20, 40, "rice pan"), (40, 60, "house road")])
        assert spans(find(library, like="a.mp4@30.5")) == [("a", 20, 40)]


def test_words_and_a_picture_are_looked_for_together(library: Library) -> None:
    both = find(library, "grass", like="holiday@12", sources=["picture"], videos=["holiday"])
    assert both.moments[0].start == 30


def test_looking_like_something_needs_a_library_with_pictures(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        library.generation_for(open_encoder("none").card, {})
        with pytest.raises(BadQuery, match="holds no pictures"):
            find_moments(library, like="a.jpg")


def test_a_missing_picture_is_an_error_that_names_it(library: Library) -> None:
    from sightline.errors import SightlineError

    with pytest.raises(SightlineError, match="nowhere.png"):
        find(library, like="/nowhere.png")


def test_a_second_may_be_written_as_people_do(library: Library) -> None:
    assert spans(find(library, like="lecture@0:50")) == spans(find(library, like="lecture@50"))


def test_a_second_past_the_end_is_refused_with_the_length(library: Library) -> None:
    with pytest.raises(BadQuery, match="lecture@1000 lies past the end: the video ends at 80.200 s"):
        find(library, like="lecture@1000")


def test_a_name_that_may_be_several_videos_is_refused_with_their_paths(library: Library) -> None:
    with pytest.raises(BadQuery, match="'l' may be one of 3 videos: /videos/holiday.mp4, .*; write more of its path"):
        find(library, like="l@12")


# --- filters, pages -------------------------------------------------------------------------------


def test_a_video_can_be_named_in_several_ways(library: Library) -> None:
    for name in ("lecture", "LECTURE.mp4", "/videos/lecture.mp4", "ectur"):
        assert {span[0] for span in spans(find(library, "professor", videos=[name]))} == {"lecture"}


def test_a_name_that_fits_no_video_is_an_error_that_lists_some(library: Library) -> None:
    with pytest.raises(BadQuery, match="no video is named 'zzz'.*holiday.mp4, jingle.mp4, lecture.mp4"):
        find(library, "dog video:zzz")


def test_a_stretch_of_time_clips_what_reaches_out_of_it(library: Library) -> None:
    assert spans(find(library, "dog", start=20, end=40)) == spans(find(library, "dog time:20-40"))
    assert sorted(spans(find(library, "dog", start=20, end=40))) == [("holiday", 20, 30), ("holiday", 36, 40)]


def test_a_frame_that_stands_since_before_the_wanted_time_is_found(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 100, "dog grass"), (100, 200, "rice pan")], every=100.0)
        add_video(library, "/b.mp4", [(0, 200, "house road")], every=100.0)
        assert spans(find(library, "dog", start=25, end=30)) == [("a", 25, 30)]


def test_a_line_outside_the_wanted_time_is_not_found(library: Library) -> None:
    assert find(library, "gradient descent", start=20, sources=["speech"]).no_match


def test_what_the_filters_kept_out_is_told(library: Library) -> None:
    results = find(library, "slide time:0-5")
    assert results.no_match
    assert results.reason == "none within your filters; without them 1 moment, the best in lecture.mp4 at 40.200 s"
    assert "filters" not in find(library, "submarine under ice time:0-5").reason


def test_a_page_past_the_last_is_refused(library: Library) -> None:
    with pytest.raises(BadQuery, match="page 99 is asked for, but there are 2 pages of up to 1 moments"):
        find(library, "dog", limit=1, page=99)


def test_without_a_limit_every_moment_comes_and_pages_can_be_cut_from_them(library: Library) -> None:
    whole = find(library, "dog OR professor", limit=None)
    assert len(whole.moments) == whole.total > 2 and whole.pages == 1
    assert whole.paged(2, 2) == find(library, "dog OR professor", limit=2, page=2)


def test_pages_hold_everything_once(library: Library) -> None:
    whole = find(library, "dog", limit=10)
    pages = [find(library, "dog", limit=1, page=page) for page in (1, 2)]
    assert [m for page in pages for m in page.moments] == whole.moments
    assert (pages[0].total, pages[0].pages, pages[1].page) == (2, 2, 2)


def test_a_tag_without_tags_says_so(library: Library) -> None:
    with pytest.raises(BadQuery, match="no tags"):
        find(library, "dog", tags=["cat"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to look for"),
        ({"query": "dog", "limit": 0}, "count from 1"),
        ({"query": "dog", "page": 0}, "count from 1"),
        ({"query": "dog", "min_confidence": 1.5}, "between 0 and 1"),
        ({"query": "dog", "sources": ["smell"]}, "no source 'smell'"),
        ({"query": "dog", "start": 5, "end": 5}, "empty"),
    ],
)
def test_what_cannot_be_searched_is_refused(library: Library, options: dict, message: str) -> None:
    with pytest.raises(BadQuery, match=message):
        find(library, **options)


# --- what stands around a moment ------------------------------------------------------------------


def test_the_same_picture_in_one_video_is_one_moment_with_occurrences(library: Library) -> None:
    results = find(library, "logo")
    assert spans(results) == [("jingle", 0, 5)]
    assert [(m.start, m.end) for m in results.occurrences[0]] == [(20, 25)]
    assert [m.start for m in results.every] == [0, 20]


def test_a_copy_is_named_beside_the_first_path(tmp_path: Path) -> None:
    from sightline.store.rows import FileStat

    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a/one.mp4", [(0, 9, "dog"), (9, 30, "rice")])
        add_video(library, "/a/two.mp4", [(0, 30, "soup")])
        digest = library.known()["/a/one.mp4"].digest
        library.place("/b/copy.mp4", FileStat(1, 1, 77), digest)
        results = find(library, "dog")
        assert spans(results) == [("one", 0, 9)]
        assert results.copies == {"/a/one.mp4": ["/b/copy.mp4"]}


def test_each_moment_has_the_curve_of_its_video(library: Library) -> None:
    (curve,) = find(library, "slide").curves
    assert curve.seconds[0] == pytest.approx(0.2) and len(curve.seconds) == len(curve.scores) == 80
    assert int(np.argmax(curve.scores)) in range(40, 60)


def test_the_facts_of_the_videos_come_along(library: Library) -> None:
    assert find(library, "slide").facts["/videos/lecture.mp4"]["frame_rate"] == 25.0


def test_thumbnails_come_where_they_are_asked_for(library: Library) -> None:
    assert find(library, "dog").thumbnails == []
    assert find(library, "dog", thumbnails=True).thumbnails == [b"\xff\xd8 a jpeg"] * 2


def test_another_encoder_is_refused_with_the_cure(library: Library) -> None:
    class Other(WordEncoder):
        card = WordEncoder.card.__class__("words", "another", 307, 32, True)

    with pytest.raises(EncoderMismatch, match="index --rebuild"):
        find_moments(library, "dog", encoder=Other())


def test_a_view_is_closed_after_the_answer(library: Library) -> None:
    for _ in range(300):  # views hold file handles: this many left open would run out of them
        find(library, "步长", sources=["speech"])


# --- calibration is kept --------------------------------------------------------------------------


def test_chance_is_measured_once_and_again_when_the_library_has_grown(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 20, "dog"), (20, 40, "rice")])
        find(library, "dog")
        before = library.fact("calibration")
        add_video(library, "/b.mp4", [(0, 5, "soup")])  # an eighth more
        find(library, "dog")
        assert library.fact("calibration") == before
        add_video(library, "/c.mp4", [(0, 60, "house")])
        find(library, "dog")
        after = library.fact("calibration")
        assert [kept["rows"] for kept in before.values()] == [40]
        assert [kept["rows"] for kept in after.values()] == [105]


def test_a_rebuild_tells_how_much_of_the_library_it_covers(tmp_path: Path) -> None:
    from dataclasses import replace

    with Library.open(tmp_path / "library", create=True) as library:
        add_video(library, "/a.mp4", [(0, 20, "dog"), (20, 40, "rice")])
        assert find(library, "dog").coverage == 1.0
        library.generation_for(replace(WordEncoder.card, fingerprint="newer"), {"every": 1.0}, rebuild=True)
        results = find(library, "dog")
        assert results.coverage == 0.0 and results.moments
