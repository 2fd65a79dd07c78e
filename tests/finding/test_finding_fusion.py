"""Fusion joins what several sources say of one stretch; the order words join moments of one video."""

import math
from dataclasses import replace

import pytest

from sightline.finding.fusion import Found, fuse, ranked
from sightline.finding.moments import Stretch
from sightline.finding.order import ordered


def stretch(start: float, end: float, source: str = "picture", sure: float = 0.8, content: int = 1) -> Stretch:
    return Stretch(content, start, end, source, 2 * sure, sure, (start + end) / 2)


def test_two_sources_of_one_stretch_are_one_moment() -> None:
    (found,) = fuse([stretch(10, 20), stretch(12, 14, "speech", 0.6)])
    assert set(found.sources) == {"picture", "speech"}
    assert found.confidence == pytest.approx(1 - (1 - 0.8) * (1 - 0.6))


def test_each_source_keeps_its_own_score() -> None:
    (found,) = fuse([stretch(10, 20), stretch(12, 14, "speech", 0.6)])
    assert (found.sources["picture"].score, found.sources["speech"].score) == (1.6, 1.2)


def test_the_fused_score_orders_as_the_confidence_does() -> None:
    (found,) = fuse([stretch(10, 20, sure=0.5), stretch(10, 20, "screen", 0.5), stretch(10, 20, "speech", 0.5)])
    assert found.score == pytest.approx(3 * math.log(2)) and found.confidence == pytest.approx(7 / 8)


def test_an_unsure_picture_does_not_blur_the_seconds_in_which_words_are_said() -> None:
    (found,) = fuse([stretch(0, 90, sure=0.2), stretch(12, 14, "speech", 0.9)])
    assert (found.span.start, found.span.end) == (12, 14)


def test_a_sure_picture_widens_what_words_found() -> None:
    (found,) = fuse([stretch(10, 20, sure=0.8), stretch(12, 14, "speech", 0.9)])
    assert (found.span.start, found.span.end) == (10, 20)


def test_stretches_that_barely_touch_stay_apart() -> None:
    assert len(fuse([stretch(0, 10), stretch(9, 19, "speech")])) == 2


def test_stretches_of_two_videos_stay_apart() -> None:
    assert len(fuse([stretch(0, 10), stretch(0, 10, "speech", content=2)])) == 2


def test_the_order_does_not_depend_on_the_order_of_the_sources() -> None:
    several = [
        stretch(k * 7.0, k * 7.0 + 5, source, 0.5 + k / 20) for k in range(7) for source in ("picture", "speech")
    ]
    paths = {1: "a"}
    assert ranked(fuse(several), paths) == ranked(fuse(several[::-1]), paths)


def test_ties_are_broken_by_path_then_by_start() -> None:
    alike = fuse([stretch(5, 6, content=1), stretch(1, 2, content=2), stretch(1, 2, content=1)])
    assert [(f.span.content, f.span.start) for f in ranked(alike, {1: "b", 2: "a"})] == [(2, 1), (1, 1), (1, 5)]


# --- order ----------------------------------------------------------------------------------------


def moment(start: float, end: float, content: int = 1, sure: float = 0.8) -> Found:
    one = stretch(start, end, sure=sure, content=content)
    return Found(one, {"picture": one})


def extent(content: int) -> tuple[float, float]:
    return 0.0, 100.0


def spans(found: list[Found]) -> list[tuple[int, float, float]]:
    return [(f.span.content, f.span.start, f.span.end) for f in found]


def test_after_keeps_what_begins_when_the_other_has_ended() -> None:
    dogs = [moment(0, 5), moment(20, 25), moment(12, 18)]
    assert spans(ordered("after", [dogs, [moment(10, 15)]], extent)) == [(1, 20, 25)]


def test_before_is_after_turned_round() -> None:
    dogs = [moment(0, 5), moment(20, 25), moment(12, 18)]
    assert spans(ordered("before", [dogs, [moment(10, 15)]], extent)) == [(1, 0, 5)]


def test_order_holds_within_one_video_only() -> None:
    assert ordered("after", [[moment(20, 25, content=2)], [moment(10, 15, content=1)]], extent) == []


def test_what_is_joined_is_as_sure_as_the_less_sure_side() -> None:
    (found,) = ordered("after", [[moment(20, 25, sure=0.9)], [moment(10, 15, sure=0.6)]], extent)
    assert found.confidence == pytest.approx(0.6)


def test_during_keeps_the_shared_part() -> None:
    assert spans(ordered("during", [[moment(10, 30)], [moment(20, 50)]], extent)) == [(1, 20, 30)]


def test_between_is_the_stretch_from_one_end_to_the_next_start() -> None:
    found = ordered("between", [[moment(0, 5), moment(40, 45)], [moment(20, 25)]], extent)
    assert spans(found) == [(1, 5, 20), (1, 25, 40)]


def test_between_two_of_a_kind_pairs_neighbours() -> None:
    signs = [moment(30, 31), moment(10, 12), moment(50, 52), moment(3, 4, content=2)]
    assert spans(ordered("between two", [signs], extent)) == [(1, 12, 30), (1, 31, 50)]


def test_something_between_two_others_is_found_inside() -> None:
    dogs = [moment(0, 4), moment(8, 12), moment(30, 32)]
    assert spans(ordered("within", [dogs, [moment(5, 6)], [moment(20, 22)]], extent)) == [(1, 8, 12)]


def test_first_and_last_are_of_each_video() -> None:
    kites = [moment(9, 10), moment(2, 3), moment(30, 31), moment(7, 8, content=2)]
    assert spans(ordered("first", [kites], extent)) == [(1, 2, 3), (2, 7, 8)]
    assert sorted(spans(ordered("last", [kites], extent))) == [(1, 30, 31), (2, 7, 8)]


def test_everything_before_or_after_reaches_to_the_end_of_the_video() -> None:
    kites = [moment(30, 40), moment(60, 70)]
    assert spans(ordered("before", [[], kites], extent)) == [(1, 0, 30)]
    assert spans(ordered("after", [[], kites], extent)) == [(1, 70, 100)]


def test_the_surest_mark_decides_and_not_the_first() -> None:
    marks = [moment(0, 1, sure=0.6), moment(5, 6, sure=0.7)]
    (found,) = ordered("after", [[moment(20, 25, sure=0.9)], marks], extent)
    assert found.confidence == pytest.approx(0.7)


def test_a_moment_with_its_certainty_set_states_it() -> None:
    assert replace(moment(0, 1), certain=0.55).confidence == 0.55
