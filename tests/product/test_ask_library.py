"""Asking a library: the whole path, with an encoder that really places words and pictures in one space."""

import numpy as np
import pytest
from search_world import WordEncoder, add_video, picture_vector

from sightline.ask import Conversation, ask_library
from sightline.asking.memory import PIECE
from sightline.errors import BadQuery, MissingExtra
from sightline.language.reader import Wants
from sightline.records import Frames, Line, Reading, Shot
from sightline.store.library import Library
from sightline.store.rows import FileStat, UnitDone

STATIONS = ["understand", "find", "look again", "choose", "compress", "read", "cite", "check"]
# What follows the cat's jump looks like nothing of it, and the cat jumps twice more where nothing breaks.
KITCHEN = [
    (0, 8, "kitchen wall"),
    (8, 11, "cat jumps table"),
    (11, 14, "vase breaks floor"),
    (14, 30, "dog sleeps sofa"),
    (30, 34, "red kite beach"),
    (34, 45, "sea waves"),
]
TALK = [
    Line(1.0, 3.5, "Entropy is a measure of", track="subs"),
    Line(3.5, 6.0, "how many arrangements there are.", track="subs"),
    Line(6.5, 9.0, "It was named in 1865 by Clausius.", track="subs"),
    Line(20.0, 24.0, "EXIT", source="screen", track="ocr"),
]
OPTIONS = ["a vase breaks on the floor", "a cat jumps on the table", "a dog sleeps on the sofa", "waves in the sea"]


class Eyes:
    """Looks at drawn scenes again, and counts."""

    def __init__(self):
        self.watched, self.looked = 0, 0

    def watch(self, video, start, end, every, patience):
        self.watched += 1
        seconds = np.arange(max(start, 0.25), min(end, 45.0), every)
        return seconds, np.stack([self._vector(second) for second in seconds])

    def look(self, video, seconds, side):
        self.looked += len(seconds)
        return [np.full((3, side, side), 7, np.uint8) for _ in seconds]

    def _vector(self, second):
        caption = next(caption for start, end, caption in KITCHEN if start <= second - 0.2 < end)
        return picture_vector(caption, int(second * 1000))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("asked") / "library", create=True) as made:
        add_video(made, "/films/kitchen.mp4", KITCHEN, first=0.2)
        add_video(made, "/films/talk.mp4", [(0, 30, "professor blackboard")], TALK)
        add_video(made, "/films/farm.mp4", [(0, 9, "cow field"), (9, 21, "green tractor mud"), (21, 29, "barn")])
        yield made


@pytest.fixture
def ask(library):
    def asking(question, **more):
        with Conversation(library, encoder=WordEncoder(), eyes=Eyes()) as talk:
            return ask_library(library, question, **{"conversation": talk, **more})

    return asking


def spans(answer):
    return [(moment.start, moment.end) for moment in answer.moments]


def test_a_colour_is_answered_with_the_seconds_it_is_seen(ask):
    answer = ask("What colour is the kite?")
    assert (answer.text, answer.abstained) == ("red", False)
    (start, end), *_ = spans(answer)
    assert answer.moments[0].video == "/films/kitchen.mp4" and abs(start - 30.2) < 0.6 and abs(end - 34.2) < 0.6


def test_what_happens_after_something_is_not_read_where_it_is_best_seen(ask):
    answer = ask("What happens after the cat jumps?", options=OPTIONS)
    assert answer.text == "a vase breaks on the floor"
    assert all(start >= 10.9 for start, _ in spans(answer))
    # The frames most like the words show the cat itself, and a reader of these alone answers with it.
    at_best = ask("What happens while the cat jumps?", options=OPTIONS)
    assert at_best.text == "a cat jumps on the table"


def test_the_order_of_a_chinese_question_is_kept(library, tmp_path):
    scenes = [(0, 6, "墙"), (6, 9, "猫跳"), (9, 12, "杯破"), (12, 20, "狗睡")]
    with Library.open(tmp_path / "library", create=True) as made:
        add_video(made, "/films/zh.mp4", scenes)
        with Conversation(made, encoder=WordEncoder(), eyes=Eyes()) as talk:
            answer = ask_library(
                made, "猫跳之后，发生了什么？", options=["杯破", "猫跳", "狗睡"], conversation=talk, seconds_of_work=0
            )
    assert answer.text == "杯破" and answer.moments[0].start >= 8.9


def test_the_answer_of_a_when_question_is_the_decoders_seconds(ask):
    answer = ask("When is a vase on the floor?", seconds_of_work=0)
    moment = answer.moments[0]
    assert answer.text == f"{moment.start:.3f}–{moment.end:.3f} s" and abs(moment.start - 11.2) < 1.01


def test_a_lecture_is_answered_from_its_subtitles_with_their_times(ask):
    answer = ask("What is entropy?", videos=["talk.mp4"])
    assert answer.text == "“Entropy is a measure of how many arrangements there are.”"
    assert {(m.start, m.end) for m in answer.moments} == {(1.0, 3.5), (3.5, 6.0)}
    assert ask("Who named it in 1865?", options=["Boltzmann", "Clausius"], reader="words").text == "Clausius"


def test_what_is_written_is_read_off_the_screen(ask):
    assert ask("What does the sign say?", videos=["talk.mp4"]).text == "“EXIT”"


@pytest.mark.parametrize(
    "question", ["What colour is the submarine?", "视频里的大象在哪里？", "What does Napoleon say?"]
)
def test_what_is_not_in_the_videos_is_not_answered(ask, question):
    answer = ask(question)
    assert answer.abstained and answer.text.startswith(("not in these videos", "这些视频里没有"))


def test_the_nearest_thing_seen_is_named_where_nothing_is_answered(ask):
    answer = ask("What colour is the submarine?")
    assert len(answer.moments) == 1 and f"{answer.moments[0].start:.3f}" in answer.text


def test_something_there_is_there_and_something_absent_is_not(ask):
    assert ask("Is there a tractor?").text == "yes"
    assert ask("Is there a submarine?").text == "no"


def test_colours_alone_do_not_answer_what_they_cannot_name(tmp_path):
    """The encoder of colours sees no kites: the red of a wall is no answer about a kite's."""
    from sightline.encoders.by_name import open_encoder

    colours = open_encoder("colour")
    pixels = np.full((7, 3, 48, 64), 20, np.uint8)
    pixels[:, 0] = 230
    with Library.open(tmp_path / "library", create=True) as made:
        generation = made.generation_for(colours.card, {"every": 1.0})
        content = made.place("/films/wall.mp4", FileStat(1, 1, 1), "22" * 32)
        made.plan(content, generation, {"first": 0.0, "duration": 7.0}, [(0.0, float("inf"))])
        vectors = np.asarray(colours.see(Frames(pixels, np.arange(7.0))).vectors)[0]
        made.commit(made.claim(generation, "t", contents=[content]), UnitDone(np.arange(7.0), vectors, last=7.0), "t")
        made.finish(content, generation, [Shot(0.0, 7.0)])
        answer = ask_library(made, "What colour is the kite?", seconds_of_work=0)
    assert answer.abstained and "the encoder colour does not know these words" in answer.text


def test_every_station_leaves_one_step_in_the_trace(ask):
    answer = ask("What colour is the kite?")
    assert [step.station for step in answer.trace] == STATIONS
    assert all(step.milliseconds >= 0 and step.shape_out for step in answer.trace)


@pytest.mark.parametrize("frames", [1, 3, 8])
def test_exactly_so_many_frames_are_looked_at(library, frames):
    with Conversation(library, encoder=WordEncoder(), eyes=Eyes()) as talk:
        ask_library(library, "What is the video about?", videos=["kitchen"], frames=frames, conversation=talk)
        assert sum(one.source == "picture" for one in talk.exhibits) == frames


def test_the_same_question_gets_the_same_answer(ask):
    first, again = (ask("What happens after the cat jumps?", options=OPTIONS, seconds_of_work=0) for _ in range(2))
    assert (first.text, first.moments, first.confidence) == (again.text, again.moments, again.confidence)


def test_promising_places_are_looked_at_finer_and_their_borders_get_exact(tmp_path):
    """One shot in which a kite is seen from 30.2 to 34.2, in a library that holds a frame every 5 seconds."""
    with Library.open(tmp_path / "library", create=True) as made:
        seconds = np.arange(0.2, 45.0, 5.0)
        generation = made.generation_for(WordEncoder.card, {"every": 5.0})
        content = made.place("/films/kitchen.mp4", FileStat(1, 1, 1), "11" * 32)
        made.plan(content, generation, {"first": 0.2, "duration": 45.0}, [(0.0, float("inf"))])
        done = UnitDone(seconds, np.stack([Eyes()._vector(s) for s in seconds]), first=0.2, last=45.0)
        made.commit(made.claim(generation, "test", contents=[content]), done, "test")
        made.finish(content, generation, [Shot(0.2, 45.2)])
        borders = []
        for work in (0, 60):
            with Conversation(made, encoder=WordEncoder(), eyes=Eyes()) as talk:
                question = "When is the red kite on the beach?"
                moment = ask_library(made, question, seconds_of_work=work, conversation=talk).moments[0]
                borders.append(abs(moment.start - 30.2) + abs(moment.end - 34.2))
    assert borders[0] > 0.9 and borders[1] <= 0.5


def test_without_seconds_of_work_no_file_is_looked_at_again(library):
    eyes = Eyes()
    with Conversation(library, encoder=WordEncoder(), eyes=eyes) as talk:
        ask_library(library, "What colour is the kite?", seconds_of_work=0, conversation=talk)
    assert eyes.watched == 0


def test_the_second_question_about_a_place_pays_only_for_itself(library):
    eyes = Eyes()
    with Conversation(library, encoder=WordEncoder(), eyes=eyes) as talk:
        ask_library(library, "What colour is the kite?", videos=["kitchen"], conversation=talk, seconds_of_work=60)
        watched = eyes.watched
        ask_library(library, "Is there a red kite?", videos=["kitchen"], conversation=talk, seconds_of_work=60)
        assert watched > 0 and eyes.watched - watched <= 45 / PIECE - watched
        ask_library(library, "What colour is the kite?", videos=["kitchen"], conversation=talk, seconds_of_work=60)
        assert [turn.question for turn in talk.turns][:2] == ["What colour is the kite?", "Is there a red kite?"]
        known = eyes.watched
        ask_library(library, "What colour is the kite?", videos=["kitchen"], conversation=talk, seconds_of_work=60)
        assert eyes.watched == known


class Recording:
    """A reader that looks at pictures and cites what it is told to; it keeps what it was shown."""

    name = "recording"
    wants = Wants(pictures=True, side=48, frames=3)

    def __init__(self, *cited, text="a kite"):
        self.cited, self.text, self.asked = list(cited), text, []

    def answer(self, question, exhibits, *, options=(), tokens=None, earlier=(), told=None):
        self.asked.append((list(exhibits), tokens, list(earlier)))
        return Reading(self.text, self.cited, 0.9)


def test_any_reader_gets_pictures_numbered_by_time_within_its_own_bounds(ask):
    reader = Recording(1)
    answer = ask("What colour is the kite?", videos=["kitchen"], reader=reader, frames=8, tokens=196)
    shown, tokens, _ = reader.asked[0]
    pictures = [one for one in shown if one.source == "picture"]
    spread = [one.second for one in pictures if one.score > 0.5]
    assert spread, "the frames that the reader may have are the chosen ones, not the earliest"
    assert len(pictures) == 3 and all(one.pixels.shape == (3, 48, 48) for one in pictures)
    assert [one.number for one in shown] == list(range(1, len(shown) + 1)) and tokens == 196
    assert (answer.moments[0].start, answer.moments[0].end) == (shown[0].start, shown[0].end)


def test_numbers_that_a_reader_makes_up_become_no_seconds(ask):
    answer = ask("What colour is the kite?", reader=Recording(99, -3, text="at 12:34, see [99]"))
    assert answer.moments == []


def test_earlier_turns_reach_the_reader(library):
    reader = Recording(1)
    with Conversation(library, encoder=WordEncoder(), eyes=Eyes()) as talk:
        for question in ("What colour is the kite?", "Where is it?"):
            ask_library(library, question, reader=reader, conversation=talk, seconds_of_work=0)
    assert [turn.question for turn in reader.asked[1][2]] == ["What colour is the kite?"]


def test_a_second_question_may_say_it(library):
    with Conversation(library, encoder=WordEncoder(), eyes=Eyes()) as talk:
        ask_library(library, "Is there a red kite?", conversation=talk, seconds_of_work=0)
        answer = ask_library(library, "When is it seen?", conversation=talk, seconds_of_work=0)
        assert abs(answer.moments[0].start - 30.2) < 1.01
        assert talk.turns[1].question == "When is the red kite seen?"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"frames": 0}, "asked for 0 frames; ask for at least 1"),
        ({"tokens": 0}, "asked for 0 visual tokens"),
        ({"seconds_of_work": -1}, "seconds of work are 0"),
        ({"chooser": "best"}, "there is no way of choosing 'best'; choose one of uniform"),
        ({"options": ["red"]}, "options are two answers or more"),
        ({"language": "fr"}, "understood in 'en' and 'zh'"),
        ({"reader": "oracle"}, "there is no reader 'oracle'; choose built-in, words, comparing or judging"),
        ({"videos": ["nowhere.mp4"]}, "no video is named 'nowhere.mp4'"),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_cure(ask, wrong, words):
    with pytest.raises(BadQuery, match=words):
        ask("What colour is the kite?", **wrong)


def test_an_empty_library_says_how_to_fill_it(tmp_path):
    with (
        Library.open(tmp_path / "library", create=True) as made,
        pytest.raises(BadQuery, match="sightline index FOLDER"),
    ):
        ask_library(made, "What colour is the kite?")


def test_a_reader_whose_part_is_not_installed_names_it(ask, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sightline.language.served", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sightline\["):
        ask("What colour is the kite?", reader="http://localhost:1/v1")
