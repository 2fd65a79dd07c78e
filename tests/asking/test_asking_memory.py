"""Work is bounded before it begins, and what was seen is not looked at again."""

import numpy as np
import pytest

from sightline.asking.memory import FINER, FIRST_GUESS, PIECE, Memory, Work
from sightline.errors import MediaError, TookTooLong


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Eyes:
    """Sees a piece in as many seconds as it is told to."""

    def __init__(self, clock, costs):
        self.clock, self.costs, self.asked = clock, list(costs), []

    def watch(self, video, start, end, every, patience):
        cost = self.costs.pop(0)
        self.asked.append((start, end, patience))
        self.clock.now += min(cost, patience)
        if cost > patience:
            raise TookTooLong("late")
        seconds = np.arange(start, end, every)
        return seconds, np.ones((len(seconds), 3), np.float32)

    def look(self, video, seconds, side):
        self.asked.append(tuple(seconds))
        if video == "gone.mp4":
            raise MediaError("gone")
        return [np.full((3, side, side), int(second), np.uint8) for second in seconds]


def made(*costs):
    clock = Clock()
    eyes = Eyes(clock, costs)
    return eyes, Memory(eyes), clock


def test_no_piece_is_begun_that_the_measured_cost_says_will_not_fit():
    eyes, memory, clock = made(1.5, 1.0, 1.0, 1.0, 1.0, 1.0)
    work = Work(5.0, clock)
    memory.watch("a.mp4", 0.0, 6 * PIECE, work)
    assert work.spent == 4.5 and work.pieces == 4 and work.refused == 2
    assert len(eyes.asked) == 4


@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0, 2.1, 3.7, 11.0])
@pytest.mark.parametrize("cost", [0.3, 1.1, 2.9])
def test_the_seconds_of_work_are_never_passed(seconds, cost):
    _, memory, clock = made(*[cost] * 50)
    work = Work(seconds, clock)
    memory.watch("a.mp4", 0.0, 40 * PIECE, work)
    assert clock.now <= seconds + 1e-9 and work.spent == pytest.approx(clock.now)


def test_before_anything_is_measured_a_guess_stands_for_it():
    eyes, memory, clock = made(0.1)
    memory.watch("a.mp4", 0.0, PIECE, Work(0.9 * FIRST_GUESS, clock))
    assert eyes.asked == []


def test_a_piece_that_is_late_is_given_up_and_nothing_is_kept_of_it():
    _, memory, clock = made(9.0)
    work = Work(3.0, clock)
    memory.watch("a.mp4", 0.0, PIECE, work)
    assert clock.now == 3.0 and work.refused == 1 and memory.pieces == {}


def test_the_second_question_about_a_place_costs_nothing():
    eyes, memory, clock = made(0.2, 0.2, 0.2)
    memory.watch("a.mp4", 3.0, 7.0, Work(10.0, clock))
    asked, work = len(eyes.asked), Work(10.0, clock)
    memory.watch("a.mp4", 3.5, 6.0, work)
    assert len(eyes.asked) == asked and work.spent == 0.0


def test_frames_of_neighbouring_pieces_come_in_the_order_of_time():
    _, memory, clock = made(0.2, 0.2)
    memory.watch("a.mp4", PIECE + 0.1, 2 * PIECE, Work(9.0, clock))
    memory.watch("a.mp4", 0.0, PIECE, Work(9.0, clock))
    seconds, vectors = memory.finer("a.mp4")
    assert np.all(np.diff(seconds) == FINER) and len(seconds) == len(vectors) == 2 * PIECE / FINER


def test_pictures_are_fetched_once_and_a_file_that_is_gone_has_none():
    eyes, memory, _ = made()
    first = memory.look([("a.mp4", 1.0), ("a.mp4", 2.0), ("gone.mp4", 1.0)], 5)
    again = memory.look([("a.mp4", 2.0), ("a.mp4", 3.0)], 5)
    assert set(first) == {("a.mp4", 1.0), ("a.mp4", 2.0)} and again[("a.mp4", 3.0)][0, 0, 0] == 3
    assert eyes.asked == [(1.0, 2.0), (1.0,), (3.0,)]
