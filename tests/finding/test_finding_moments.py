"""Moments grow from score curves and from lines; shots are walls unless the whole shot beyond matches."""

from collections.abc import Sequence

import numpy as np
import pytest

from sightline.finding.moments import (
    HOLE,
    Stretch,
    clipped,
    grow,
    grow_lines,
    lower_quarter,
    overlap,
    runs_of_lines,
    shots_of,
    smoothed,
)
from sightline.finding.sources import Curve
from sightline.records import Line, Shot
from sightline.store.rows import LineHit

SPREAD = 0.01


def curve(
    scores: list[float], cuts: Sequence[float] = (), end: float | None = None, seconds: list[float] | None = None
) -> Curve:
    times = np.array(seconds if seconds is not None else range(len(scores)), dtype=np.float64)
    end = float(times[-1] + 1) if end is None else end
    borders = [float(times[0]), *cuts, end]
    shots = [Shot(start, stop) for start, stop in zip(borders, borders[1:], strict=False)]
    return Curve(3, np.arange(len(scores)) + 40, times, np.array(scores, np.float32), end, shots)


def spans(found: list[Stretch]) -> list[tuple[float, float]]:
    return [(one.start, one.end) for one in found]


def test_a_peak_grows_to_half_way_down() -> None:
    found = grow(curve([0, 0, 0.4, 0.9, 1.0, 0.8, 0.3, 0, 0, 0]), 0.5, SPREAD)
    assert spans(found) == [(3.0, 6.0)]


def test_the_best_frame_stands_for_the_moment() -> None:
    (found,) = grow(curve([0, 0.9, 1.0, 0.8, 0, 0, 0]), 0.5, SPREAD)
    assert (found.second, found.row, found.score, found.content) == (2.0, 42, 1.0, 3)


def test_a_single_frame_is_a_moment() -> None:
    assert spans(grow(curve([0, 0, 0, 1, 0, 0, 0]), 0.5, SPREAD)) == [(3.0, 4.0)]


def test_a_moment_at_the_start_is_found() -> None:
    assert spans(grow(curve([1, 1, 0, 0, 0, 0]), 0.5, SPREAD)) == [(0.0, 2.0)]


def test_a_moment_at_the_end_lasts_until_the_video_ends() -> None:
    assert spans(grow(curve([0, 0, 0, 0, 1, 1], end=5.48), 0.5, SPREAD)) == [(4.0, 5.48)]


def test_every_occurrence_is_found() -> None:
    found = grow(curve([0, 1, 0, 0, 0.8, 0.8, 0, 0, 0, 0.9, 0, 0]), 0.5, SPREAD)
    assert sorted(spans(found)) == [(1.0, 2.0), (4.0, 6.0), (9.0, 10.0)]
    assert [round(one.score, 2) for one in found] == [1.0, 0.9, 0.8]


def test_the_slope_of_a_peak_is_no_moment_of_its_own() -> None:
    assert len(grow(curve([0, 0, 0, 0.45, 1.0, 0.45, 0, 0, 0, 0]), 0.3, SPREAD)) == 1


def test_a_hole_of_one_frame_is_bridged() -> None:
    assert spans(grow(curve([0, 0, 0, 1, 1, 0.4, 1, 1, 0, 0, 0, 0, 0]), 0.5, SPREAD)) == [(3.0, 8.0)]


def test_a_cut_stops_the_growth_when_the_shot_beyond_falls() -> None:
    found = grow(curve([0, 1, 1, 0.9, 0.9, 0, 0, 0], cuts=[2.5]), 0.5, SPREAD)
    assert (1.0, 2.5) in spans(found)


def test_a_cut_is_crossed_when_the_whole_shot_beyond_stays_above() -> None:
    found = grow(curve([0, 0, 1, 1, 0.9, 0.9, 0, 0, 0, 0, 0], cuts=[4.0, 6.0]), 0.5, SPREAD)
    assert spans(found) == [(2.0, 6.0)]


def test_a_moment_ends_at_the_cut_and_not_at_the_next_stored_frame() -> None:
    sparse = curve([0, 1, 0, 0], cuts=[3.2, 6.4], seconds=[0.0, 4.0, 8.0, 9.0])
    assert spans(grow(sparse, 0.5, SPREAD)) == [(3.2, 6.4)]


def test_a_drop_that_chance_makes_is_no_border() -> None:
    steady = [0.80, 0.81, 0.79, 0.80, 0.82, 0.80]
    assert spans(grow(curve(steady), 0.5, 0.05)) == [(0.0, 6.0)]


def test_the_best_peak_is_returned_even_below_the_floor() -> None:
    assert len(grow(curve([0.1, 0.3, 0.1, 0.2, 0.1]), 0.9, SPREAD)) == 1


def test_times_are_the_frames_own_when_a_video_starts_late() -> None:
    late = curve([0, 1, 1, 0, 0, 0], seconds=[0.2, 1.24, 2.2, 3.16, 4.2, 5.2])
    assert spans(grow(late, 0.5, SPREAD)) == [(1.24, 3.16)]


def test_moments_of_random_curves_lie_apart_and_inside_the_video() -> None:
    draw = np.random.default_rng(5)
    for _ in range(50):
        scores = draw.random(61).astype(np.float32).tolist()
        found = sorted(spans(grow(curve(scores, cuts=[13.0, 29.0, 47.0]), 0.7, SPREAD)))
        assert found[0][0] >= 0 and found[-1][1] <= 61
        assert all(a_end <= b_start for (_, a_end), (b_start, _) in zip(found, found[1:], strict=False))


def test_smoothing_is_the_slow_loop_and_does_not_reach_over_a_cut() -> None:
    one = curve([0.1, 0.5, 0.9, 0.2, 0.7], cuts=[2.5])
    scores, shot, stands = one.scores.tolist(), shots_of(one).tolist(), [1.0, 0.25, 4.0, 0.5, 1.5]
    slow = []
    for i in range(5):
        before = i - 1 if i > 0 and shot[i - 1] == shot[i] else i
        after = i + 1 if i + 1 < 5 and shot[i + 1] == shot[i] else i
        weights = {0: min(stands[before], HOLE), 1: 2 * stands[i], 2: min(stands[after], HOLE)}
        total = weights[0] * scores[before] + weights[1] * scores[i] + weights[2] * scores[after]
        slow.append(total / sum(weights.values()))
    assert smoothed(one.scores, shots_of(one), np.array(stands)).tolist() == pytest.approx(slow)


def test_rows_a_second_apart_are_smoothed_by_one_two_one() -> None:
    even = smoothed(np.array([1.0, 0.0, 1.0]), np.zeros(3, int), np.ones(3))
    assert even.tolist() == [0.75, 0.5, 0.75]


def test_a_dip_that_lasts_parts_two_moments_though_it_is_one_row() -> None:
    dark = [0.0, 0.44, 0.43, 0.02, 0.45, 0.0]
    at = [0.0, 6.006, 7.007, 8.008, 12.012, 14.014]
    assert sorted(spans(grow(curve(dark, seconds=at, end=30.0), 0.3, SPREAD))) == [(6.006, 8.008), (12.012, 14.014)]


def test_the_background_is_what_a_quarter_of_the_time_shows() -> None:
    """Nine rows of one bright second each, and one row that stands for an hour."""
    assert lower_quarter(np.array([*range(2, 11), 1.0]), np.array([1.0] * 9 + [3600.0])) == 1.0
    assert lower_quarter(np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0])) == 1.0


# --- lines ----------------------------------------------------------------------------------------


def hit(start: float, text: str, content: int = 1, track: str = "a.srt") -> LineHit:
    return LineHit(content, Line(start, start + 2, text, track=track), 1.0, 1.0)


def holds(words: set[str]):
    return lambda run: len(words & set(" ".join(h.line.text for h in run).split())) / len(words)


def test_a_line_gives_its_own_start_and_end() -> None:
    (run,) = runs_of_lines([hit(10, "red kite")])
    assert spans(grow_lines(run, holds({"kite"}))) == [(10.0, 12.0)]


def test_lines_that_follow_each_other_and_match_are_one_moment() -> None:
    (run,) = runs_of_lines([hit(12.5, "the kite"), hit(10, "a kite")])
    (found,) = grow_lines(run, holds({"kite"}))
    assert (found.start, found.end, found.text) == (10.0, 14.5, "a kite the kite")


def test_a_phrase_split_over_two_lines_is_completed() -> None:
    (run,) = runs_of_lines([hit(10, "the red"), hit(12, "kite falls")])
    (found,) = grow_lines(run, holds({"red", "kite"}))
    assert (found.start, found.end, found.confidence) == (10.0, 14.0, 1.0)


def test_a_weak_neighbour_is_left_out() -> None:
    (run,) = runs_of_lines([hit(10, "red kite beach"), hit(12, "red")])
    assert spans(grow_lines(run, holds({"red", "kite", "beach"})))[0] == (10.0, 12.0)


@pytest.mark.parametrize("other", [hit(20, "kite"), hit(12, "kite", content=2), hit(12, "kite", track="b.srt")])
def test_a_pause_another_video_or_another_track_parts_the_lines(other: LineHit) -> None:
    assert len(runs_of_lines([hit(10, "kite"), other])) == 2


def test_text_read_twice_off_a_screen_is_said_once() -> None:
    (run,) = runs_of_lines([hit(10, "SALE"), hit(11, "SALE")])
    assert grow_lines(run, holds({"SALE"}))[0].text == "SALE"


# --- spans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ((0, 10), (5, 20), 0.5),
        ((0, 10), (2, 4), 1.0),
        ((0, 10), (10, 12), 0.0),
        ((0, 10), (3, 3), 1.0),
        ((0, 1), (5, 6), 0.0),
    ],
)
def test_overlap_is_the_share_of_the_shorter(one: tuple, other: tuple, share: float) -> None:
    assert overlap(Stretch(1, *one, "picture", 1.0), Stretch(1, *other, "speech", 1.0)) == share


def test_stretches_of_two_videos_never_overlap() -> None:
    assert overlap(Stretch(1, 0, 9, "picture", 1.0), Stretch(2, 0, 9, "picture", 1.0)) == 0


def test_a_clipped_stretch_keeps_its_best_second_inside() -> None:
    cut = clipped(Stretch(1, 0, 10, "picture", 1.0, second=8.0), 2.0, 5.0)
    assert (cut.start, cut.end, cut.second) == (2.0, 5.0, 5.0)
