"""Where to look: order words over moments that were found."""

from sightline.asking.places import EVENT, NEXT, Video, places
from sightline.asking.question import understand
from sightline.records import Moment, Shot

SHOTS = [Shot(0.0, 10.0), Shot(10.0, 13.0), Shot(13.0, 17.0), Shot(17.0, 31.0)]


def course(video):
    return Video(0.2, 31.0, SHOTS)


def moment(start, end, confidence=0.9, video="a.mp4"):
    return Moment(video, start, end, 0.5, confidence)


def found(question, answers=None, marks=()):
    return places(understand(question), answers or {}, marks, ["a.mp4"], course)


def spans(several, role="answer"):
    return [(place.start, place.end) for place in several if place.role == role]


def test_what_happens_after_something_is_looked_for_after_it_and_not_in_it():
    got = found("what happens after the cat jumps?", marks=[moment(10.0, 13.0)])
    assert spans(got) == [(13.0, 17.0)]
    assert spans(got, "mark") == [(10.0, 13.0)]


def test_what_happens_before_something_ends_where_it_begins():
    assert spans(found("what happens before the cat jumps?", marks=[moment(13.0, 17.0)])) == [(9.0, 13.0)]


def test_what_happens_while_something_lasts_lies_inside_it():
    assert spans(found("what happens while the cat sleeps?", marks=[moment(13.0, 17.0)])) == [(13.0, 17.0)]


def test_a_statement_beside_the_order_takes_the_moment_next_to_the_mark():
    answers = {"falls off the table": [moment(2.0, 4.0), moment(20.0, 22.0, 0.8), moment(27.0, 30.0, 0.95)]}
    got = found("what falls off the table after the cat jumps?", answers, [moment(10.0, 13.0)])
    assert spans(got)[0] == (20.0, 22.0)
    assert all(start >= 13.0 for start, _ in spans(got))


def test_of_a_long_mark_the_second_half_may_be_after_it_already():
    long = moment(13.0, 13.0 + 2 * EVENT)
    assert spans(found("what happens after the cat jumps?", marks=[long]))[0][0] == 13.0 + EVENT


def test_nothing_lies_after_the_end():
    assert spans(found("what happens after the cat jumps?", marks=[moment(27.0, 31.0)])) == []


def test_the_stretch_after_is_never_shorter_than_a_few_seconds_where_there_are_some():
    (start, end), *_ = spans(found("what happens after the cat jumps?", marks=[moment(8.5, 9.0)]))
    assert start == 9.0 and end - start >= NEXT


def test_the_first_time_is_the_earliest_moment_and_not_the_surest():
    answers = {"the cat": [moment(20.0, 22.0, 0.95), moment(5.0, 6.0, 0.7)]}
    assert spans(found("when does the cat first appear?", answers)) == [(5.0, 6.0)]


def test_a_mark_half_as_sure_as_the_surest_is_left_aside():
    got = found("what happens after the cat jumps?", marks=[moment(10.0, 13.0, 0.9), moment(2.0, 4.0, 0.3)])
    assert spans(got, "mark") == [(10.0, 13.0)]


def test_every_option_gets_a_place_before_any_gets_two():
    answers = {"a cat": [moment(1.0, 2.0), moment(3.0, 4.0)], "a dog": [moment(20.0, 21.0, 0.1)]}
    got = found("which of these is seen?", answers)
    assert [place.statement for place in got] == ["a cat", "a dog", "a cat"]


def test_without_any_statement_the_whole_video_is_the_place():
    assert spans(found("what is the video about?")) == [(0.2, 31.0)]
