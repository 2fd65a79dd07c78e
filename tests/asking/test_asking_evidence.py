"""Frames chosen within the budget, numbers that become seconds, and answers that rest on what they cite."""

import math

import numpy as np
import pytest

from sightline.asking.checking import carrying, scorer, weights
from sightline.asking.citing import cited_exhibits, moments_of, option_of_times
from sightline.asking.evidence import Frame, candidates, choose, clean, exhibits
from sightline.asking.places import Place, Video
from sightline.keyframes import CHOOSERS
from sightline.records import Exhibit, Moment, Reading, Shot

RANDOM = np.random.default_rng(11)


def frames(*places, each=7):
    made = []
    for place in places:
        for second in np.linspace(place.start, place.end, each, endpoint=False):
            made.append(Frame(place.video, float(second), RANDOM.normal(size=5), float(RANDOM.uniform(0.1, 1)), place))
    return made


def known(video):
    return np.arange(0.0, 31.0), np.eye(31, 13, dtype=np.float32)


@pytest.mark.parametrize("chooser", CHOOSERS)
@pytest.mark.parametrize("k", [1, 2, 5, 13, 14, 99])
def test_exactly_k_distinct_frames_in_the_order_of_time(chooser, k):
    places = [Place("a.mp4", 0.0, 7.0, 0.9, "cat"), Place("b.mp4", 3.0, 8.0, 0.8, "cat")]
    chosen = choose(frames(*places), k, chooser)
    keys = [(one.video, one.second) for one in chosen]
    assert len(keys) == min(k, 14) and keys == sorted(set(keys))


def test_the_best_frame_of_every_statement_is_there_however_little_it_scores():
    places = [Place("a.mp4", 5.0 * k, 5.0 * k + 5, 0.9, f"option {k}") for k in range(5)]
    chosen = choose(frames(*places), 5, each=True)
    assert {one.place.statement for one in chosen} == {place.statement for place in places}


def test_at_most_a_quarter_of_the_frames_shows_what_the_order_word_refers_to():
    mark, answer = Place("a.mp4", 0.0, 3.0, 0.9, "x", "mark"), Place("a.mp4", 3.0, 9.0, 0.9)
    for k in (1, 3, 4, 7):
        chosen = choose(frames(mark, answer), k)
        assert sum(one.place.role == "mark" for one in chosen) == (1 if k >= 4 else 0)


def test_a_place_between_two_stored_frames_is_shown_by_the_one_before():
    found = candidates([Place("a.mp4", 3.2, 3.9, 0.7)], known, lambda *_: np.zeros(0))
    assert [one.second for one in found] == [3.0]


def test_after_a_mark_the_nearer_frame_counts_more():
    found = candidates([Place("a.mp4", 3.0, 9.0, 0.8)], known, lambda *_: np.zeros(0), "after")
    scores = [one.score for one in sorted(found, key=lambda one: one.second)]
    assert scores[0] == pytest.approx(0.8) and scores == sorted(scores, reverse=True) and scores[-1] > 0.4


def test_exhibits_are_numbered_by_time_and_context_scores_nothing():
    mark, answer = Place("a.mp4", 2.0, 4.0, 0.9, "x", "mark"), Place("a.mp4", 4.0, 9.0, 0.9)
    chosen = [Frame("a.mp4", 6.0, np.ones(3), 0.7, answer), Frame("a.mp4", 2.5, np.ones(3), 0.9, mark)]
    shown = exhibits(chosen, [], lambda video: Video(0.0, 20.0, [Shot(0.0, 5.0), Shot(5.0, 8.0)]))
    assert [(one.number, one.second, one.score) for one in shown] == [(1, 2.5, 0.0), (2, 6.0, 0.7)]
    assert (shown[1].start, shown[1].end) == (5.0, 8.0)


def test_words_of_a_video_become_one_line_without_controls():
    assert clean("\x1b[31mred\u202e\n\n  two\x00 lines") == "red two lines"


# --- numbers to seconds ---------------------------------------------------------------------------


def exhibit(number, start, end, text="", source="picture"):
    return Exhibit(number, "a.mp4", start, end, source, start, text, 0.5)


def test_a_number_that_no_exhibit_has_cites_nothing():
    assert cited_exhibits([7, 2, -1, 2], [exhibit(1, 0, 1), exhibit(2, 1, 2)]) == [exhibit(2, 1, 2)]


def test_exhibits_that_overlap_are_one_moment():
    shown = [exhibit(1, 0.0, 4.0), exhibit(2, 9.0, 12.5), exhibit(3, 3.5, 6.25, "hello", "speech")]
    moments = moments_of(shown, 0.8)
    assert [(m.start, m.end, m.text) for m in moments] == [(0.0, 6.25, "hello"), (9.0, 12.5, "")]
    assert set(moments[0].sources) == {"picture", "speech"}


@pytest.mark.parametrize("template", ["from {:.1f} to {:.1f} seconds", "第{:.1f}秒到第{:.1f}秒"])
def test_of_options_that_name_seconds_the_one_that_covers_the_moment_is_chosen(template):
    options = [template.format(*span) for span in ((1.0, 3.0), (11.5, 14.0), (20.0, 22.0))]
    assert option_of_times(options, Moment("a.mp4", 11.0, 13.0, 0.5, 0.9)) == options[1]
    assert option_of_times(options, Moment("a.mp4", 16.5, 17.0, 0.5, 0.9)) == options[1]
    assert option_of_times(["red", "blue"], Moment("a.mp4", 1.0, 2.0, 0.5, 0.9)) is None


# --- ablation -------------------------------------------------------------------------------------


def test_what_is_lost_with_a_moment_is_what_it_carried():
    shown = [exhibit(1, 0.0, 1.0), exhibit(2, 5.0, 6.0), exhibit(3, 9.0, 10.0)]
    worth = {1: 0.1, 2: 2.0, 3: 0.0}
    moments = moments_of(shown, 0.9)

    def score(some):
        return sum(worth[one.number] for one in some)

    assert weights(score, shown, moments) == pytest.approx([0.1, 2.0, 0.0])
    assert [m.start for m in carrying(score, shown, moments)] == [5.0, 0.0]


def test_the_only_evidence_carries_everything():
    shown = [exhibit(1, 0.0, 1.0)]
    assert weights(lambda some: 1.0, shown, moments_of(shown, 0.9)) == [math.inf]


def test_where_nothing_carries_one_moment_stays():
    shown = [exhibit(1, 0.0, 1.0), exhibit(2, 5.0, 6.0), exhibit(3, 8.0, 9.0)]
    assert len(carrying(lambda some: 1.0, shown, moments_of(shown, 0.9))) == 1


class Likely:
    """A reader whose answers have a likelihood."""

    def answer_likelihood(self, question, exhibits, answer):
        return -float(len(exhibits)) if (question, answer) == ("why?", "so") else 0.0


def test_readers_are_scored_by_what_they_offer_and_quotations_not_at_all():
    model = scorer(Likely(), "why?", Reading("so", [1], 0.9))
    assert model([exhibit(1, 0, 1), exhibit(2, 1, 2)]) == -2.0
    assert scorer(object(), "why?", Reading("so", [1], 0.9)) is None
