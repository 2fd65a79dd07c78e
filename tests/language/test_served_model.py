"""A reader and a real model behind HTTP: a tiny SmolVLM in another process, its pictures, its words, its end.

Its weights are random and its words are noise. That they are made of these very pictures and words is what is tested.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_forms import may_become

from sightline.language.served import open_served
from sightline.language.served.failures import BrokenOff, NoKey, NoSuchModel, NoVision, TooLong, Unreachable
from sightline.language.served.prompt import form
from sightline.records import Exhibit

pytest.importorskip("openai", reason="the client of served models is not installed: pip install 'sightline[llm]'")
pytest.importorskip("transformers", reason="no real model can be made: pip install 'sightline[lab]'")
HERE = Path(__file__).parent


class Lab:
    """One process that has the model, and starts servers over it in processes of their own."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "tiny_server.py"), "--many"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout.readline() == "ready\n"

    def start(self, options: str = "") -> str:
        """The address of a new server."""
        self.process.stdin.write(options + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def lab():
    started = Lab()
    yield started
    started.close()


@pytest.fixture(scope="module")
def plain(lab):
    return lab.start()


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.delenv("SIGHTLINE_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def picture(number, colour, size=(67, 131)):
    pixels = np.broadcast_to(np.array(colour, np.uint8)[:, None, None], (3, *size))
    return Exhibit(number, "clip.mp4", number, number + 0.5, "picture", number + 0.1, score=1 / number, pixels=pixels)


RED, BLUE = (220, 40, 40), (40, 60, 220)
EXHIBITS = [
    picture(2, RED),
    picture(3, BLUE),
    Exhibit(5, "clip.mp4", 7.0, 8.0, "speech", 7.0, "Mind the cup!", 0.5),
]


def test_the_server_holds_its_model_to_the_form():
    schema = form([1, 12])["json_schema"]["schema"]
    whole = '{"in_evidence": true, "answer": "a 杯", "evidence": [12, 1], "confidence": 0.9}'.encode()
    assert all(may_become(whole[:end], schema) for end in range(1, len(whole) + 1))
    begun = b'{"in_evidence": true, "answer": "a", "evidence": ['
    assert may_become(begun + b"1, 1", schema) and not may_become(begun + b"1, 1]", schema)
    assert not any(may_become(wrong, schema) for wrong in (begun + b"2", begun + b"1,1", whole + b" ", b'{"answer'))


def test_an_address_alone_finds_its_model(plain):
    assert open_served(plain).name == f"openai:tiny@{plain}"


def test_a_model_held_to_the_form_cites_only_what_it_was_shown(plain):
    reading = open_served(plain, answer_tokens=160).answer("What falls?", EXHIBITS)
    assert reading.notes["whole"] and set(reading.cited) <= {2, 3, 5} and "dropped_numbers" not in reading.notes


def test_the_answer_is_told_while_it_is_written(plain):
    heard = []
    reading = open_served(plain, answer_tokens=160).answer("What falls?", EXHIBITS, told=heard.append)
    assert not reading.abstained, "this noise should claim to be in evidence: choose another seed for the model"
    assert "".join(heard) == reading.text and len(heard) > 1


def test_confidence_is_the_models_own_probability(plain):
    reading = open_served(plain, answer_tokens=160).answer("What falls?", EXHIBITS)
    assert reading.notes["confidence_from"] == "token probabilities" and 0 < reading.confidence < 1


def test_pictures_pass_through_the_model(plain):
    reader = open_served(plain, answer_tokens=160)
    red, again, blue = (reader.answer("What falls?", [picture(1, c)]).confidence for c in (RED, RED, BLUE))
    assert red == again != blue


def test_words_of_exhibits_pass_through_the_model(plain):
    reader = open_served(plain, answer_tokens=160)
    cup, cat = (
        reader.answer("What falls?", [Exhibit(1, "v", 0, 1, "speech", 0, words)]) for words in ("a cup", "a cat")
    )
    assert cup.confidence != cat.confidence


def test_only_one_of_the_options_is_answered(plain):
    options = ["a cup", "a cat", "a kite"]
    reading = open_served(plain).answer("What falls?", EXHIBITS, options=options)
    assert reading.abstained or reading.text in options
    assert sum(reading.notes["options"].values()) == pytest.approx(1.0)


def test_fewer_visual_tokens_are_fewer_tokens_for_the_model(plain):
    reader = open_served(plain, answer_tokens=160)
    large = [picture(1, RED, (336, 336))]
    whole, small = (reader.answer("What falls?", large, tokens=tokens).notes for tokens in (None, 16))
    assert (whole["visual_tokens"], small["visual_tokens"]) == (144, 16)
    assert small["tokens_in"] < whole["tokens_in"]


def test_a_server_without_forms_is_read_as_prose(lab):
    said = []
    reader = open_served(lab.start("--no-forms"), answer_tokens=40, say=said.append)
    reading = reader.answer("What falls?", EXHIBITS)
    assert reading.text and not reading.notes["whole"] and "response_format" in said[0]


def test_what_is_too_long_for_the_model_is_asked_with_fewer_pictures(lab):
    url = lab.start("--context 700")
    said = []
    reader = open_served(url, answer_tokens=160, say=said.append)
    large = [picture(number, RED, (448, 448)) for number in range(1, 5)]
    reading = reader.answer("What falls?", large)
    assert "too long" in said[0] and len(reading.notes["pictures"]) == 2 and reading.notes["tokens_in"] < 540


def test_what_is_too_long_even_so_is_said(lab):
    url = lab.start("--context 100")
    with pytest.raises(TooLong, match="maximum context length is 100 tokens"):
        open_served(url).answer("What falls?", EXHIBITS)


def test_a_model_without_eyes_says_so_and_answers_from_words(lab):
    url = lab.start("--no-vision")
    with pytest.raises(NoVision, match="words alone"):
        open_served(url).answer("What falls?", EXHIBITS)
    reading = open_served(url, pictures=False, answer_tokens=160).answer("What falls?", EXHIBITS)
    assert reading.notes["shown"] == [5]


def test_a_server_that_asks_for_a_key_gets_it_and_says_when_it_does_not(lab):
    url = lab.start("--key sesame")
    with pytest.raises(NoKey, match="SIGHTLINE_API_KEY"):
        open_served(url)
    assert open_served(url, key="sesame", answer_tokens=160).answer("What falls?", EXHIBITS).text is not None


def test_a_wrong_model_is_told_with_the_right_one(plain):
    with pytest.raises(NoSuchModel, match="no model 'large'; it has: tiny"):
        open_served(f"openai:large@{plain}").answer("What falls?", EXHIBITS)


def test_unplugging_the_server_in_the_middle_of_an_answer_is_one_line_and_loses_nothing(lab):
    url = lab.start("--unplugged-after 40")
    reader = open_served(url, answer_tokens=200, backoff=0.01)
    with pytest.raises(BrokenOff) as caught:
        reader.answer("What falls?", EXHIBITS)
    line, notes = str(caught.value), caught.value.notes
    assert "broke off after" in line and "\n" not in line
    assert notes["partial_answer"] in line and notes["partial"].startswith('{"in_evidence": true, "answer": "')
    with pytest.raises(Unreachable):
        reader.answer("What falls?", EXHIBITS)
    lab.start(f"--port {url.split(':')[2].split('/')[0]}")
    assert reader.answer("What falls?", EXHIBITS).notes["finish"]  # the same reader goes on once the server is back


@pytest.mark.slow
def test_a_model_that_was_taught_says_where_a_cat_is(tmp_path):
    """After the lessons of tiny_lessons.py, a minute of work or some, about scenes that are not among them."""
    from tiny_lessons import PLACES, scene

    subprocess.run([sys.executable, str(HERE / "tiny_lessons.py"), str(tmp_path)], check=True)
    command, draw, right = [sys.executable, str(HERE / "tiny_server.py"), str(tmp_path)], random.Random(99), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        reader = open_served(server.stdout.readline().strip())
        for place, answer in PLACES.items():
            pixels = scene(draw, "cat", place).pixels[0]
            shown = [Exhibit(1, "clip.mp4", 3.0, 4.0, "picture", 3.0, pixels=pixels)]
            reading = reader.answer("Where is the cat?", shown, tokens=4)
            right += reading.text == answer and reading.cited == [1]
            assert reader.answer("Who sings a song?", shown, tokens=4).abstained
        server.kill()
    assert right >= 3
