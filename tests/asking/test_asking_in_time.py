"""What moves, which way, when and in which order: read from curves of pictures whose things stand where we put them."""

import math
from itertools import product

import numpy as np
import pytest

from sightline.asking import timeline as order
from sightline.asking.in_time import InTime
from sightline.asking.moving import LOOKS, MOVES, Watched, changes, fits, move_of, templates
from sightline.asking.question import understand
from sightline.asking.timeline import Timeline
from sightline.records import Exhibit, Shot

SECONDS = np.arange(23.0)
SHOTS = [Shot(0.0, 11.0), Shot(11.0, 23.0)]
ALWAYS = {"there": [3.0] * 23}


LOOK_WORDS = (
    (("on the left", "左边"), "right", -1),
    (("on the right", "右边"), "right", 1),
    (("below", "下面"), "up", -1),
    (("above", "上面"), "up", 1),
    (("a small", "小"), "big", -1),
    (("a big", "大"), "big", 1),
)


class Stage:
    """Things with a curve for there, right, up and big; a text scores by its thing and by where it says this stands.

    The vector of a frame is its number, so scores are looked up.
    """

    def __init__(self, **things):
        self.things = {name.replace("_", " "): curves for name, curves in things.items()}
        self.watched = Watched(SECONDS, np.arange(23.0)[:, None], SHOTS)

    def scores(self, texts, vectors):
        return np.stack([self.curve(text) for text in texts], axis=1)[vectors[:, 0].astype(int)]

    def curve(self, text):
        name = next((name for name in sorted(self.things, key=len, reverse=True) if name in text), None)
        curves = self.things.get(name, {})
        value = np.array(curves.get("there", [-1.0] * 23), float)
        for words, what, sign in LOOK_WORDS:
            if any(word in text for word in words):
                value = value + sign * np.array(curves.get(what, [0.0] * 23)) / 2
        return value

    def line(self, language="en"):
        return Timeline(self.watched, language, self.scores)

    def ask(self, question, options=(), score=0.9, trust=1.0):
        reader = InTime(lambda video: self.watched, self.scores, lambda statement, video: trust)
        shown = [Exhibit(k, "v.mp4", s, s + 1.0, "picture", s, score=score) for k, s in enumerate((2.0, 8.0, 17.0), 1)]
        return reader.answer(understand(question), shown, options)


def step(at, before=0.0, after=3.0):
    return [before if second < at else after for second in SECONDS]


def bump(at, low=0.0, high=1.0):
    return [high if second == at else low for second in SECONDS]


CAT = {"there": step(6, -1.0), "up": bump(16)}
DOG = {"there": [3.0] * 23, "right": step(8, -1.0, 2.0)}


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "language", "thing", "way"),
    [
        ("the red cat jumps twice in the room", "en", "the red cat", ""),
        ("the cup is carried away by the dog", "en", "the cup", "side"),
        ("a leaf falls down from above", "en", "a leaf", "down"),
        ("the kite flies up and away", "en", "the kite", "up"),
        ("红色的猫跳了两下", "zh", "红色的猫", ""),
        ("杯子被狗带走了", "zh", "杯子", "side"),
        ("叶子从上面掉下来", "zh", "叶子", "down"),
        ("猫变大了", "zh", "猫", "stays"),
    ],
)
def test_a_statement_says_who_moves_and_which_way(statement, language, thing, way):
    who, move = move_of(statement, language)
    assert (who, move.way) == (thing, way)


@pytest.mark.parametrize(
    ("statement", "language"), [("a red cat", "en"), ("the harp on the table", "en"), ("猫", "zh")]
)
def test_where_nobody_moves_the_statement_is_the_thing(statement, language):
    assert move_of(statement, language) == (statement, None)


def test_a_question_about_the_way_leaves_the_thing_without_its_going():
    assert move_of(understand("Which way does the red cat move?").look_for, "en")[0] == "the red cat"
    assert move_of(understand("红色的猫往哪个方向移动？").look_for, "zh")[0] == "红色的猫"


def test_both_sides_have_the_same_templates_mirrored_and_a_colour_has_none():
    left, right = templates("to the left"), templates("向右")
    assert len(left) == len(right) > 1
    assert all(a[1] == -b[1] and a[0] == b[0] for a, b in zip(left, right, strict=True))
    assert templates("red") == []
    assert templates("向上")[0][2] > 0 > templates("down")[0][2] and len(templates("nowhere")) > 1


# --- curves ---------------------------------------------------------------------------------------


def slow_changes(seen, seconds, shots):
    """By the seconds that each frame's stretch shares with each window."""
    made = np.zeros((len(seen), 8))
    stretches = []
    for k, second in enumerate(seconds):
        shot = next(one for one in shots if one.start <= second < one.end)
        following = [other for other in seconds[k + 1 :] if other < shot.end]
        stretches.append((second, following[0] if following else shot.end, shot))
    for k, second in enumerate(seconds):
        means = []
        for start, end in ((-3.0, 0.0), (0.0, 1.0), (1.0, 4.0)):
            shared = [
                max(min(stop, second + end) - max(begin, second + start), 0.0) * (shot == stretches[k][2])
                for begin, stop, shot in stretches
            ]
            means.append(np.average(seen, axis=0, weights=shared) if sum(shared) > 1e-6 else None)
        if all(mean is not None for mean in means):
            before, between, after = means
            made[k] = np.concatenate([after - before, between - (before + after) / 2])
    return made


@pytest.mark.parametrize("every", [0.25, 0.7, 1.0])
@pytest.mark.parametrize("kept", [1.0, 0.4])
def test_changes_compare_the_seconds_around_a_frame_within_its_shot(every, kept):
    dice = np.random.default_rng(7)
    seconds = np.arange(0.0, 23.0, every)
    seconds = seconds[dice.uniform(size=len(seconds)) <= kept]
    seen = dice.normal(size=(len(seconds), 4))
    got = changes(seen, Watched(seconds, seconds[:, None], SHOTS))
    assert got == pytest.approx(slow_changes(seen, seconds, SHOTS))


def test_a_picture_that_is_stored_once_stands_until_the_next_one():
    every, once = np.arange(11.0), np.array([0.0, 6.0])
    seen = np.array([0.0] * 6 + [1.0] * 5)[:, None] * np.ones(4)
    shots = [Shot(0.0, 11.0)]
    whole = changes(seen, Watched(every, every[:, None], shots))
    assert changes(seen[[0, 6]], Watched(once, once[:, None], shots))[1] == pytest.approx(whole[6])
    assert whole[6][0] == 1.0


def test_a_change_of_half_the_size_that_is_looked_for_speaks_neither_for_nor_against():
    for move in MOVES:
        same, half, none = (fits([move.change], factor * move.change[None])[0] for factor in (1.0, 0.5, 0.0))
        assert same > 0 and half == pytest.approx(0, abs=1e-9) and none == pytest.approx(-same)


def test_every_look_of_a_thing_is_asked_in_both_languages():
    assert len(LOOKS["en"]) == len(LOOKS["zh"]) == len({text.format("cat", bare="cat") for text in LOOKS["en"]}) == 7


# --- when and in which order ----------------------------------------------------------------------


def test_something_happens_where_its_thing_changes_and_not_where_it_is_only_seen():
    stage = Stage(cat=CAT, dog=DOG)
    assert abs(SECONDS[stage.line().chances("the cat comes in").argmax()] - 6) <= 1
    assert abs(SECONDS[stage.line().chances("the cat jumps").argmax()] - 16) <= 1
    assert abs(SECONDS[stage.line().chances("the dog slides across").argmax()] - 8) <= 1
    assert abs(SECONDS[stage.line("zh").chances("dog滑过去").argmax()] - 8) <= 1


def test_seconds_that_were_looked_at_more_densely_are_no_likelier_for_it():
    seconds = np.array([*np.arange(11.0), *np.arange(11.0, 23.0, 0.25)])
    watched = Watched(seconds, np.zeros((len(seconds), 1)), SHOTS)
    line = Timeline(watched, "en", lambda texts, vectors: np.zeros((len(vectors), len(texts))))
    assert line.chances("a cat")[seconds < 11].sum() == pytest.approx(11 / 23)


def drawn(rows, n):
    made = np.random.default_rng(rows * n).uniform(size=(rows, n)) ** 3
    return made / made.sum(axis=1, keepdims=True)


def enumerated(chances, wins):
    """Every way the events can fall; where two share a second, each is before the other half of the time."""
    value = np.zeros(len(chances))
    for places in product(range(chances.shape[1]), repeat=len(chances)):
        weight = math.prod(chances[k, place] for k, place in enumerate(places))
        for k in range(len(chances)):
            value[k] += weight * wins(k, places)
    return value


def half(a, b):
    return 1.0 if a < b else 0.5 if a == b else 0.0


def test_the_first_is_as_likely_as_counting_every_way_the_events_can_fall():
    chances = drawn(3, 5)
    slow = enumerated(chances, lambda k, t: math.prod(half(t[k], t[j]) for j in range(3) if j != k))
    assert order.first(chances).sum(axis=1) == pytest.approx(slow)
    assert order.last(chances[:, ::-1]).sum(axis=1) == pytest.approx(slow)


def test_the_next_after_a_mark_is_as_likely_as_counting_every_way():
    chances, mark = drawn(3, 5), drawn(1, 5)[0]

    def next_one(k, t):
        def free(m, j):  # not strictly between the mark and this one
            return 1.0 if t[j] <= m or t[j] > t[k] else 0.5 if t[j] == t[k] else 0.0

        return sum(mark[m] * (t[k] > m) * math.prod(free(m, j) for j in range(3) if j != k) for m in range(5))

    slow = enumerated(chances, next_one)
    assert order.after(mark, chances).sum(axis=1) == pytest.approx(slow)
    assert order.before(mark[::-1], chances[:, ::-1]).sum(axis=1) == pytest.approx(slow)


def test_at_once_is_what_lies_nearest_to_the_mark():
    mark, chances = np.eye(7)[3], np.eye(7)[[0, 4, 6]]
    assert order.at_once(mark, chances, np.arange(7.0)).sum(axis=1).argmax() == 1


# --- answers --------------------------------------------------------------------------------------

THREE = ["the dog slides across", "the cat jumps", "the owl goes away"]
OWL = {"there": step(20, 3.0, -1.0)}


def test_what_happens_next_is_the_next_change_and_not_what_is_most_seen():
    reading = Stage(cat=CAT, dog=DOG, owl=OWL).ask("What happens next after this: the cat comes in?", THREE)
    assert (reading.text, reading.abstained, reading.cited) == (THREE[0], False, [2])
    start, end = reading.notes["stretch"]
    assert start < 8.5 and end > 7.5 and end - start <= 6


def test_what_happens_before_while_first_and_last_are_told_apart():
    stage = Stage(cat=CAT, dog=DOG, owl=OWL)
    assert stage.ask("What happens before the owl goes away?", THREE[:2]).text == THREE[1]
    assert stage.ask("Which of these happens first?", THREE).text == THREE[0]
    assert stage.ask("Which of these happens last?", THREE).text == THREE[2]
    both = Stage(cat=CAT, dog={"there": [3.0] * 23, "right": step(16, -1.0, 2.0)}, owl=OWL)
    assert both.ask("What happens at the same time as this: the cat jumps?", [THREE[0], THREE[2]]).text == THREE[0]


def test_when_something_happens_is_around_its_change():
    reading = Stage(cat=CAT, dog=DOG).ask("When does the dog slide?")
    assert reading.cited == [2] and reading.notes["stretch"][0] < 8 < reading.notes["stretch"][1] + 1
    assert Stage(cat=CAT).ask("When is the cat seen?") is None


@pytest.mark.parametrize(("far", "answer"), [((-1.5, 2.0), "to the right"), ((2.0, -1.5), "to the left")])
def test_the_way_is_read_off_where_it_stands_before_and_after(far, answer):
    stage = Stage(dog={"there": [3.0] * 23, "right": step(8, *far)})
    reading = stage.ask("Which way does the dog move?", ["upwards", "to the left", "to the right"])
    assert (reading.text, reading.abstained) == (answer, False)
    chinese = stage.ask("dog往哪个方向移动？", ["向上", "向左", "向右"])
    assert chinese.text == {"to the right": "向右", "to the left": "向左"}[answer]


@pytest.mark.parametrize(
    ("curves", "answer"),
    [
        ({"there": step(7, -1.0)}, "comes in"),
        ({"there": step(7, 3.0, -1.0)}, "goes away"),
        (ALWAYS | {"right": step(7, 0.0, 2.0)}, "slides across"),
        (ALWAYS | {"big": step(7, 0.0, 0.7), "up": step(7, 0.0, 0.5)}, "grows bigger"),
        (ALWAYS | {"big": step(7, 0.0, -0.7)}, "shrinks"),
    ],
)
def test_what_it_does_is_what_its_curves_do(curves, answer):
    options = ["comes in", "goes away", "slides across", "grows bigger", "shrinks"]
    assert Stage(dog=curves).ask("What does the dog do?", options).text == answer


def test_where_nothing_moves_nothing_is_said_to():
    for options in (["comes in", "wobbles", "slides across"], ["jumps", "shrinks"]):
        assert Stage(dog=ALWAYS).ask("What does the dog do?", options).abstained


def test_who_moves_so_is_the_one_whose_curves_do():
    stage = Stage(cat=ALWAYS, dog={"there": [2.5] * 23, "right": step(8, -1.5, 2.0)})
    assert stage.ask("What slides across?", ["a cat", "a dog"]).text == "a dog"


def test_options_that_name_no_known_movement_are_left_to_others():
    stage = Stage(dog=DOG)
    assert stage.ask("What does the dog do?", ["thinks", "hums"]) is None
    assert stage.ask("What colour is the dog?", ["red", "blue"]) is None


def test_what_the_search_does_not_find_or_the_encoder_does_not_know_is_not_answered():
    question, options = "Which way does the dog move?", ["upwards", "to the left", "to the right"]
    assert not Stage(dog=DOG).ask(question, options).abstained
    assert Stage(dog=DOG).ask(question, options, score=0.01).abstained
    assert Stage(dog=DOG).ask(question, options, trust=0.1).abstained


@pytest.mark.parametrize("thing", ["蓝色的飞机", "一架飞机", "红色的滑板", "飞船"])
def test_a_thing_whose_name_holds_a_movement_does_not_move(thing):
    assert move_of(thing, "zh") == (thing, None)
