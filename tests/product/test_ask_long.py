"""Asking about short events of a long film: an index of few frames, denser ones where it promises, the right second."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from search_world import WordEncoder, add_video, picture_vector

from sightline.ask import FINER_FRAMES, Conversation, ask_library
from sightline.asking.eyes import AT_ONCE, ChildEyes
from sightline.asking.memory import FINER, PIECE
from sightline.data.storybook.draw import picture
from sightline.index import Wishes, index_paths
from sightline.indexing.pool import Pool
from sightline.store.library import Library
from sightline.video.fetch import at_seconds
from sightline.video.open import facts

sys.path.insert(0, str(Path(__file__).parents[2]))
from benches.hour_film import drawn, long_film

LENGTH, STEP = 600, 3.0
EVENTS = {"red kite": (121.0, 124.0), "blue drum": (249.3, 252.4), "white owl": (500.2, 503.2)}
SCENES = ("green tree meadow", "brown dog street", "red car street", "blue boat beach", "white cat room")


def shown(second):
    """What is to be seen: a scene for 20 s each, and the event's thing in it while the event lasts."""
    there = [thing for thing, (start, end) in EVENTS.items() if start <= second < end]
    return " ".join([SCENES[int(second // 20) % len(SCENES)], *there])


class Eyes:
    def __init__(self):
        self.frames = 0

    def watch(self, video, start, end, every, patience):
        seconds = np.arange(start, min(end, LENGTH), every)
        self.frames += len(seconds)
        return seconds, np.stack([picture_vector(shown(second), int(second * 1000)) for second in seconds])

    def look(self, video, seconds, side):
        return [np.zeros((3, side, side), np.uint8) for _ in seconds]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Ten minutes, a frame every 3 s: each event is on one frame, which is seldom its first."""
    with Library.open(tmp_path_factory.mktemp("long") / "library", create=True) as made:
        made.generation_for(WordEncoder.card, {"every": STEP})
        seconds = np.arange(0, LENGTH, STEP)
        scenes = [(second, second + STEP, shown(second)) for second in seconds]
        add_video(made, "/films/long.mp4", scenes, every=STEP, shots=[(k, k + 20.0) for k in range(0, LENGTH, 20)])
        yield made


@pytest.fixture
def talk(library):
    with Conversation(library, encoder=WordEncoder(), eyes=Eyes()) as opened:
        yield opened


def ask(talk, question, **more):
    return ask_library(talk.library, question, conversation=talk, **more)


def station(answer, name):
    return next(step for step in answer.trace if step.station == name)


@pytest.mark.parametrize("thing", EVENTS)
def test_an_event_is_cited_from_its_first_second_to_its_last(talk, thing):
    moment = ask(talk, f"When does the {thing} appear?").moments[0]
    assert np.abs(np.array([moment.start, moment.end]) - EVENTS[thing]).max() <= FINER


def test_the_index_alone_knows_an_event_to_the_step_of_its_frames(talk):
    moment = ask(talk, "When does the blue drum appear?", seconds_of_work=0).moments[0]
    assert (moment.start, moment.end) == (252.0, 255.0) and talk.eyes.frames == 0


def test_the_trace_tells_how_many_frames_were_scored(talk):
    answer = ask(talk, "When does the white owl appear?")
    rows, again = LENGTH / STEP, talk.eyes.frames
    assert f"{rows:.0f} frames" in station(answer, "find").shape_in
    assert station(answer, "look again").shape_out == f"{again} frames" and 0 < again <= 4 * PIECE / FINER
    assert f"{rows + again:.0f} scored in all" in station(answer, "look again").kept


def test_no_more_than_so_many_frames_are_looked_at_again(talk):
    ask(talk, "How many times does the street appear?", seconds_of_work=1000)
    assert 0 < talk.eyes.frames <= FINER_FRAMES + 4 * PIECE / FINER


def test_what_is_asked_of_one_thing_is_not_looked_for_where_only_half_of_it_is(talk):
    """The scenes of the street have a red car, and the beach is blue: neither is the kite or the drum."""
    for thing, (start, end) in EVENTS.items():
        kept = station(ask(talk, f"Where is the {thing}?"), "find").kept
        (place,) = re.findall(r"(\d+\.\d+)–(\d+\.\d+)", kept)
        assert float(place[0]) < end and float(place[1]) > start


FILM = long_film(180, 4)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return drawn(FILM, tmp_path_factory.mktemp("drawn") / "film.mp4", (160, 90), lambda told: None)


def test_events_of_three_seconds_are_found_in_a_drawn_film(path, tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        report = index_paths(library, [str(path)], Wishes(every=STEP, effort="skip-unreferenced", workers=1))
        assert report.frames_seen <= 0.36 * FILM.seconds
        found, again = 0, 0
        with Conversation(library) as talk:
            for question in FILM.questions:
                answer = ask(talk, question.text)
                again += int(station(answer, "look again").shape_out.split()[0])
                spans = [(moment.start, moment.end) for moment in answer.moments[:1]]
                found += any(start < question.end and end > question.start for start, end in spans)
    assert 0 < again <= len(FILM.questions) * (FINER_FRAMES + 4 * PIECE / FINER)
    assert found >= 3


def test_many_pictures_of_a_film_come_in_the_order_asked(path):
    seconds = [90.0, 3.0, 3.0, *range(100, 100 + AT_ONCE)]
    eyes = ChildEyes(lambda: Pool(1))
    try:
        together = eyes.look(str(path), seconds, 32)
        alone = [eyes.look(str(path), [second], 32)[0] for second in seconds[:2]]
    finally:
        eyes.close()
    assert len(together) == len(seconds) and np.array_equal(together[1], together[2])
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=False))
    assert not np.array_equal(*together[:2])


def test_a_drawn_film_lasts_as_long_as_its_script_and_shows_its_pictures(path):
    (early, late), script = at_seconds(path, [FILM.questions[0].start + 1, 170.0], 90).pixels, FILM.chapters
    for shown, chapter, second in ((early, script[0], FILM.questions[0].start + 1), (late, script[3], 170.0 - 135.0)):
        wanted = np.asarray(picture(chapter, second, (160, 90)), np.float32).transpose(2, 0, 1)
        assert np.abs(shown - wanted).mean() < 4
    assert facts(path).duration == pytest.approx(180.0, abs=0.3)


def test_the_thing_of_an_event_is_nowhere_else_in_the_film():
    names = [thing.name.en for chapter in FILM.chapters for thing in chapter.things]
    asked = [name for name in set(names) if any(name in question.text for question in FILM.questions)]
    assert asked and all(names.count(name) == 1 for name in asked)
