"""Comparing ways on a real drawn film: what they share is done once, each is what `ask` does, and they are judged."""

import json
import sys
from pathlib import Path

import pytest
from films import index, subtitle, tiny_film, told_story

from sightline.ask import Conversation, ask_library
from sightline.asking.question import understand
from sightline.compare import Tried, Way, agreement, compare_ways, ways_of
from sightline.errors import BadQuery
from sightline.keyframes import CHOOSERS
from sightline.records import Answer, Moment
from sightline.store.library import Library

CHOSEN = ("uniform", "similarity", "dpp")
FRAMES = 5


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A library with one drawn film of two scenes, and the film's script."""
    folder = tmp_path_factory.mktemp("compared")
    script = told_story(folder)
    with Library.open(folder / "library") as library:
        yield library, script


@pytest.fixture(scope="module")
def compared(drawn):
    """When the first thing of the second scene is seen, asked in every way; and the conversation it was asked in."""
    library, script = drawn
    scene = script.scenes[1]
    question = f"When is {script.things[scene.things[0]].name.en} seen?"
    with Conversation(library) as talk:
        yield (
            compare_ways(
                library,
                "story",
                question,
                choosers=CHOSEN,
                readers=("built-in", "words"),
                frames=FRAMES,
                truth=(scene.start, scene.end),
                seconds_of_work=60,
                pictures=True,
                conversation=talk,
            ),
            talk,
        )


def tried(text, way="a", spans=(), abstained=False):
    moments = [Moment("v", start, end, 1.0, 0.5) for start, end in spans]
    return Tried(Way(way, "built-in"), Answer(text, moments, 0.5, abstained), [])


# --- the ways -------------------------------------------------------------------------------------


def test_every_chooser_meets_every_reader_and_words_need_none():
    ways = ways_of(["uniform", "dpp"], ["built-in", "words"])
    assert ways == [Way("uniform", "built-in"), Way("dpp", "built-in"), Way("", "words")]


def test_connectors_stand_in_models_of_this_process_alone(tmp_path):
    ways = ways_of(["dpp"], ["comparing", str(tmp_path)], ["none", "prompt_pool"])
    assert [(way.reader, way.connector) for way in ways] == [
        ("comparing", ""),
        (str(tmp_path), "none"),
        (str(tmp_path), "prompt_pool"),
    ]


def test_connectors_without_a_model_are_refused():
    with pytest.raises(BadQuery, match="none of built-in takes a connector; name the folder"):
        ways_of(["dpp"], ["built-in"], ["prompt_pool"])


def test_an_unknown_chooser_is_told_with_those_that_exist():
    with pytest.raises(BadQuery) as error:
        ways_of(["dpp", "tea-leaves"], ["built-in"])
    assert "'tea-leaves'" in str(error.value) and all(name in str(error.value) for name in CHOOSERS)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"video": "nowhere.mp4"}, "nowhere.mp4.*story.mp4"),
        ({"question": "  "}, "nothing is asked"),
        ({"readers": ["oracle"]}, "there is no reader 'oracle'; choose built-in"),
        ({"truth": (9.0, 3.0)}, "the truth ends before it starts.*9-3"),
        ({"frames": 0}, "asked for 0 frames"),
    ],
)
def test_what_cannot_be_compared_is_told_with_the_cure(drawn, given, said):
    asked = {"video": "story", "question": "What colour is the whale?", **given}
    with pytest.raises(BadQuery, match=said):
        compare_ways(drawn[0], asked.pop("video"), asked.pop("question"), **asked)


def test_a_name_of_several_videos_asks_for_more_of_it(tmp_path):
    for seed in (3, 5):
        tiny_film(tmp_path / "films" / f"same-{seed}.mp4", seed)
    index(tmp_path / "films", tmp_path / "library", "--encoder", "none")
    with Library.open(tmp_path / "library") as library, pytest.raises(BadQuery, match="names 2 videos .*give more"):
        compare_ways(library, "same", "What is seen?")


# --- what is shared, and what is not --------------------------------------------------------------


def test_finer_frames_are_watched_once_for_all_ways(compared):
    found, _ = compared
    again = {step.station: step.shape_out for step in found.shared}["look again"]
    assert int(again.split()[0]) > 0
    for one in found.tried:
        (step,) = (step for step in one.answer.trace if step.station == "look again")
        assert step.shape_out == "0 frames"


def test_another_comparison_in_the_same_conversation_watches_nothing_again(drawn, compared):
    found, talk = compared
    before = talk.memory.calls["watch"]
    again = compare_ways(
        drawn[0], "story", found.question, choosers=["mmr"], seconds_of_work=60, conversation=talk, frames=FRAMES
    )
    assert talk.memory.calls["watch"] == before
    assert again.tried[0].answer.text == found.tried[0].answer.text


def test_a_way_is_what_ask_does_with_its_chooser(drawn, compared):
    found, talk = compared
    for one in found.tried[:3]:
        answer = ask_library(
            drawn[0], found.question, chooser=one.way.chooser, frames=FRAMES, seconds_of_work=0, conversation=talk
        )
        talk.turns.clear()
        assert (answer.text, answer.moments) == (one.answer.text, one.answer.moments)
        assert [x.second for x in talk.exhibits if x.source == "picture"] == [x.second for x in one.pictures]


def test_no_way_looks_at_more_frames_than_the_budget(compared):
    assert [len(one.pictures) for one in compared[0].tried] == [FRAMES] * len(CHOSEN) + [0]


def test_ways_are_no_turns_of_the_conversation(drawn, compared):
    talk = compared[1]
    talk.turns.clear()
    compare_ways(
        drawn[0], "story", "What is the keeper called?", readers=["words"], seconds_of_work=0, conversation=talk
    )
    assert talk.turns == []


def test_a_way_that_cannot_answer_is_told_and_the_others_answer(tmp_path):
    tiny_film(tmp_path / "films" / "talk.mp4", 7)
    subtitle(tmp_path / "films" / "talk.srt", (0.2, 1.5, "The keeper is called Miriam."))
    index(tmp_path / "films", tmp_path / "library", "--encoder", "none")
    with Library.open(tmp_path / "library") as library:
        found = compare_ways(
            library, "talk", "What is the keeper called?", readers=["comparing", "words"], choosers=["dpp"]
        )
    assert [(str(way), "use --reader words" in why) for way, why in found.refused] == [("dpp · comparing", True)]
    assert "Miriam" in found.tried[0].answer.text and found.tried[0].spans == [(0.2, 1.5)]


# --- judging --------------------------------------------------------------------------------------


def test_overlap_is_shared_over_covered_seconds_and_a_hit_lies_in_the_truth(compared):
    found, _ = compared
    start, end = found.truth
    for one in found.tried:
        frames = [start <= frame.second < end for frame in one.pictures if frame.score > 0]
        lines = [x.start < end and x.end > start for x in one.shown if x.source != "picture" and x.score > 0]
        assert one.hit == (True in frames + lines)
        inside = covered = 0
        for millisecond in range(0, 14_000):
            held = bool(one.spans) and one.spans[0][0] <= millisecond / 1000 < one.spans[0][1]
            true = start <= millisecond / 1000 < end
            inside, covered = inside + (held and true), covered + (held or true)
        assert one.overlap == pytest.approx(inside / covered, abs=0.002)
    assert max(one.overlap for one in found.tried) > 0.8


def test_the_curve_is_high_where_the_statement_is_true(compared):
    found, _ = compared
    (curve,) = found.curves
    start, end = found.truth
    pairs = list(zip(curve.seconds, curve.scores, strict=True))
    assert curve.seconds == sorted(curve.seconds) and len(curve.seconds) > 14  # the finer frames are among them
    assert start <= max(pairs, key=lambda pair: pair[1])[0] <= end


def test_every_frame_that_was_looked_at_has_a_picture(compared):
    found, _ = compared
    assert set(found.pictures) == {frame.second for one in found.tried for frame in one.pictures}
    assert all(picture.startswith(b"\xff\xd8") for picture in found.pictures.values())


def test_most_ways_give_the_answer_and_the_others_are_named():
    what = understand("What colour is the kite?")
    found = agreement([tried("Red", "a"), tried("blue", "b"), tried("red", "c")], what)
    assert (found.text, found.share) == ("Red", pytest.approx(2 / 3))
    assert [[way.chooser for way in group.ways] for group in found.groups] == [["a", "c"], ["b"]]


def test_two_largest_groups_are_no_majority():
    found = agreement([tried("red"), tried("blue")], understand("What colour is the kite?"))
    assert (found.text, found.share) == ("", 0.5)


def test_silence_is_one_answer_whatever_was_nearest():
    silent = [tried("not in these videos; the nearest thing seen: a 1-2", abstained=True)]
    found = agreement([*silent, tried("not in these videos", abstained=True)], understand("Is there a cat?"))
    assert (found.text, found.share) == ("not in these videos", 1.0)


@pytest.mark.parametrize(("other", "groups"), [((2.4, 6.0), 1), ((4.1, 6.0), 2)])
def test_answers_that_are_seconds_agree_where_they_share_half(other, groups):
    both = [tried("2–6 s", spans=[(2.0, 6.0)]), tried("later", spans=[other])]
    assert len(agreement(both, understand("When is the cat seen?")).groups) == groups


def test_all_of_it_but_the_pictures_is_json(compared):
    told = json.loads(json.dumps(compared[0].as_dict()))
    assert told["pictures"] == {} and len(told["tried"]) == 4 and told["tried"][0]["way"]["chooser"] == "uniform"


# --- models ---------------------------------------------------------------------------------------


def test_a_model_is_loaded_once_for_its_connectors_and_keeps_to_the_budget(drawn, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "language"))
    import test_pretrained_reader as tiny_reader
    from tiny_families import tiny

    from sightline.language import pretrained

    tiny("llava_onevision").save_pretrained(tmp_path)
    tiny_reader.characters().save_pretrained(tmp_path)
    for name in ("preprocessor_config.json", "video_preprocessor_config.json"):
        (tmp_path / name).write_text(json.dumps(tiny_reader.SETTINGS["llava_onevision"]))
    monkeypatch.setattr(pretrained, "ANSWER", 5)
    monkeypatch.setattr(pretrained, "NUMBERS", 3)
    loaded = []
    load = pretrained.load
    monkeypatch.setattr(pretrained, "load", lambda *given: loaded.append(1) or load(*given))
    found = compare_ways(
        drawn[0],
        "story",
        "What is in the picture?",
        choosers=["uniform"],
        readers=[str(tmp_path)],
        connectors=["none", "adaptive_pool"],
        frames=3,
        tokens=7,
        options=["a kite", "a whale"],
        seconds_of_work=0,
    )
    assert found.refused == [] and len(loaded) == 1 and "torch" in sys.modules
    assert [one.way.connector for one in found.tried] == ["none", "adaptive_pool"]
    assert all(0 < one.tokens <= 7 and one.tokens_in > one.tokens for one in found.tried)
