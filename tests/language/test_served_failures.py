"""What a reader does when a server is busy, refuses, misunderstands or breaks off; played by a scripted server."""

import json
import os
import socket

import numpy as np
import pytest

pytest.importorskip("openai", reason="the client of served models is not installed: pip install 'sightline[llm]'")

from scripted_server import ScriptedServer, answer, models, raw, status, words

from sightline.errors import SightlineError
from sightline.language.served import open_served
from sightline.language.served.failures import (
    BrokenOff,
    NoKey,
    NoSuchModel,
    NotAnAnswer,
    NotAServer,
    NoVision,
    ServerBusy,
    ServerError,
    TooLong,
    Unreachable,
)
from sightline.records import Exhibit

PICTURES = [
    Exhibit(n, "clip.mp4", n, n + 0.5, "picture", n + 0.1, score=1 / n, pixels=np.full((3, 97, 131), 40 * n, np.uint8))
    for n in (1, 2, 3)
]
LINES = [Exhibit(4, "clip.mp4", 7.0, 8.0, "speech", 7.0, "Mind the cup, it takes 5 minutes!", 0.5)]
EXHIBITS = PICTURES + LINES


@pytest.fixture(autouse=True)
def a_bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "SIGHTLINE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def asked(*script, exhibits=EXHIBITS, question="What falls?", opened=None, **more):
    """The reading, the server, and the lines that were said."""
    said = []
    with ScriptedServer(*script) as server:
        reader = open_served(f"openai:m@{server.url}", say=said.append, backoff=0.01, **(opened or {}))
        return reader.answer(question, exhibits, **more), server, said


def refused(*script, kind=ServerError, **more):
    """The one line that is said, and the error."""
    with pytest.raises(kind) as caught:
        asked(*script, **more)
    line = str(caught.value)
    assert isinstance(caught.value, SightlineError) and "\n" not in line and len(line) < 500
    return line, caught.value


# --- answers ---------------------------------------------------------------------------------


def test_numbers_outside_the_exhibits_are_dropped_and_noted():
    reading, _, _ = asked(answer(evidence=[2, 99, 0]))
    assert reading.cited == [2] and reading.notes["dropped_numbers"] == [99, 0]


def test_made_up_seconds_are_neither_in_the_answer_nor_in_what_it_cites():
    heard = []
    reading, _, _ = asked(
        answer("The cup falls at 41.5 s (00:41) [2].", [2], times=[41.5], start="00:41"), told=heard.append
    )
    assert (reading.text, reading.cited) == ("The cup falls [2].", [2])
    assert reading.notes["cut_from_answer"] == ["at 41.5 s", "(00:41)"]
    assert "41" not in "".join(heard)


def test_an_answer_that_is_a_time_alone_becomes_its_numbers():
    reading, _, _ = asked(answer("12.5 s", [3]))
    assert (reading.text, reading.cited) == ("[3]", [3])


def test_a_time_that_was_spoken_stays():
    reading, _, _ = asked(answer("At 5 minutes, she says.", [4]))
    assert reading.text == "At 5 minutes, she says."


def test_what_is_not_in_evidence_is_an_abstention_that_is_not_told():
    heard = []
    reading, _, _ = asked(
        words('{"in_evidence": false, "answer": "No dog. ' + "x " * 90 + '", "evidence": [2]}'), told=heard.append
    )
    assert reading.abstained and reading.cited == [] and reading.notes["nearest"] == [2] and heard == []


def test_the_words_are_told_as_they_come_without_the_form_around_them():
    text = "The cat jumps onto the table and the cup falls to the floor. " * 5
    heard = []
    reading, _, _ = asked(answer(text), told=heard.append)
    assert "".join(heard) == reading.text == text.strip() and len(heard) > 10


def test_a_confidence_that_the_model_states_is_marked_so():
    reading, _, _ = asked(answer(confidence=0.8))
    assert reading.confidence == 0.8 and reading.notes["confidence_from"] == "stated by the model"


def test_only_an_option_can_be_answered():
    reading, server, said = asked(answer("a bird"), answer("B"), options=["cat", "dog"])
    assert reading.text == "dog" and len(server.heard) == 2 and "once more" in said[0]
    reading, _, _ = asked(answer("a bird"), answer("a fish"), options=["cat", "dog"])
    assert reading.abstained and reading.text == ""


def test_nothing_to_show_is_not_asked():
    reading, server, _ = asked(exhibits=[])
    assert reading.abstained and server.heard == []


def test_prose_is_read_where_a_server_knows_no_forms():
    refusal = status(400, "response_format is not supported")
    reading, server, said = asked(refusal, words("The cup falls [2]."))
    assert (reading.text, reading.cited, reading.notes["whole"]) == ("The cup falls [2].", [2], False)
    assert "response_format" not in server.heard[1]["body"] and "response_format" in said[0]


def test_what_was_refused_once_is_not_asked_for_again():
    with ScriptedServer(status(400, "unknown field logprobs"), answer(), answer()) as server:
        reader = open_served(f"openai:m@{server.url}", backoff=0.01)
        reader.answer("What falls?", EXHIBITS)
        reader.answer("What falls?", EXHIBITS)
    assert ["logprobs" in request["body"] for request in server.heard] == [True, False, False]


def test_an_unclear_refusal_leaves_out_one_thing_after_another():
    reading, server, _ = asked(status(400, "bad request"), status(422, "bad request"), answer())
    assert reading.cited == [1]
    optional = [sorted({"response_format", "logprobs"} & set(request["body"])) for request in server.heard]
    assert optional == [["logprobs", "response_format"], ["logprobs"], []]


# --- budgets ---------------------------------------------------------------------------------


def sent_pictures(request):
    return [part for part in request["body"]["messages"][1]["content"] if part["type"] == "image_url"]


def test_no_more_frames_are_sent_than_asked_for():
    reading, server, _ = asked(answer(), opened={"frames": 2})
    assert len(sent_pictures(server.heard[0])) == 2 and reading.notes["shown"] == [1, 2, 4]


def test_no_more_tokens_are_sent_than_asked_for():
    reading, server, _ = asked(answer(), tokens=13)
    assert len(sent_pictures(server.heard[0])) == 3 and reading.notes["visual_tokens"] <= 13


def test_a_reader_of_words_sends_no_pictures():
    reading, server, _ = asked(answer(evidence=[4]), opened={"pictures": False})
    assert sent_pictures(server.heard[0]) == [] and reading.notes["shown"] == [4]


def test_what_is_too_long_is_asked_again_with_fewer_and_smaller_pictures():
    too_long = status(400, "This model's maximum context length is 512 tokens", code="context_length_exceeded")
    reading, server, said = asked(too_long, answer())
    assert [len(sent_pictures(request)) for request in server.heard] == [3, 1]
    assert "too long" in said[0] and "1 smaller pictures in place of 3" in said[0] and reading.notes["said"] == said


def test_a_server_that_takes_two_pictures_gets_two():
    _, server, _ = asked(status(400, "At most 2 image(s) may be provided in one request."), answer())
    assert [len(sent_pictures(request)) for request in server.heard] == [3, 2]


def test_what_is_too_long_twice_is_said():
    too_long = status(413, "Request Entity Too Large")
    line, _ = refused(too_long, too_long, kind=TooLong)
    assert "fewer frames or tokens" in line


# --- waiting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again_and_the_user_is_told(code):
    reading, server, said = asked(status(code, "overloaded"), status(code, "overloaded"), answer())
    assert reading.cited == [1] and len(server.heard) == 3
    assert len(said) == 2 and f"status {code}" in said[0] and "asking again in" in said[0]


def test_waits_are_logged_where_nobody_listens(caplog):
    with ScriptedServer(status(503, "loading"), answer()) as server:
        open_served(f"openai:m@{server.url}", backoff=0.01).answer("What falls?", EXHIBITS)
    assert "asking again" in caplog.text


def test_a_server_that_stays_busy_is_given_up_after_four_tries():
    with ScriptedServer(*[status(429, "slow down")] * 9) as server:
        with pytest.raises(ServerBusy, match="429"):
            open_served(f"openai:m@{server.url}", backoff=0.01).answer("What falls?", EXHIBITS)
        assert len(server.heard) == 4


def test_the_servers_own_waiting_time_is_kept():
    _, _, said = asked(status(429, "wait", {"Retry-After": "0.03"}), answer())
    assert "in 0.0 s" in said[0]
    line, _ = refused(status(429, "wait", {"Retry-After": "3600"}), kind=ServerBusy)
    assert "3600 s" in line


def test_an_empty_account_is_not_asked_again():
    line, _ = refused(status(429, "You exceeded your current quota", code="insufficient_quota"), kind=ServerBusy)
    assert "quota" in line


def test_silence_ends():
    line, _ = refused(words("", None, then=1.0), kind=Unreachable, opened={"timeout": 0.2})
    assert "said nothing" in line and "longer timeout" in line


# --- refusals --------------------------------------------------------------------------------


def test_no_key_says_how_to_give_one():
    line, _ = refused(status(401, "Unauthorized"), kind=NoKey)
    assert "SIGHTLINE_API_KEY" in line and "no key was sent" in line


def test_a_refused_key_is_not_repeated_even_where_the_server_repeats_it():
    line, error = refused(status(401, "Incorrect key: sk-secret1"), kind=NoKey, opened={"key": "sk-secret1"})
    assert "was refused" in line and "sk-secret1" not in line + repr(error)


def test_a_wrong_model_is_told_with_the_right_ones():
    line, _ = refused(status(404, "no model m"), models("qwen", "llava"), kind=NoSuchModel)
    assert "no model 'm'" in line and "qwen, llava" in line


def test_no_models_and_no_completions_is_no_server():
    line, _ = refused(raw(b"<html>404</html>", 404), raw(b"<html>404</html>", 404), kind=NotAServer)
    assert "/v1" in line


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, "m is not a multimodal model"),
        status(400, "Invalid content type. image_url is only supported by certain models."),
        status(500, "image input is not supported - hint: you may need to provide the mmproj"),
        status(400, "At most 0 image(s) may be provided in one prompt."),
        status(400, "this model is missing data required for image input"),
    ],
)
def test_a_model_without_eyes_is_told_at_once(refusal):
    line, _ = refused(refusal, kind=NoVision)
    assert "a model that sees" in line and "words alone" in line


def test_nobody_at_the_address_is_one_line_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = []
    reader = open_served(f"openai:m@http://127.0.0.1:{port}/v1", backoff=0.01, say=said.append)
    with pytest.raises(Unreachable, match="no server answers at .* start it"):
        reader.answer("What falls?", EXHIBITS)
    assert not said


def test_a_server_that_has_answered_before_is_waited_for():
    said = []
    with ScriptedServer(answer()) as server:
        reader = open_served(f"openai:m@{server.url}", backoff=0.01, say=said.append)
        reader.answer("What falls?", EXHIBITS)
    with pytest.raises(Unreachable, match="4 tries were made"):
        reader.answer("What falls?", EXHIBITS)
    assert len(said) == 3


@pytest.mark.parametrize(
    "page", [raw(b"<html>hello</html>"), raw(b"{}", kind="application/json"), raw(b"data: <x>\n\n")]
)
def test_what_is_no_openai_server_is_said(page):
    line, _ = refused(page, kind=NotAServer)
    assert "chat completion" in line


def test_a_page_instead_of_models_is_said():
    with ScriptedServer(raw(b"<html>hello</html>")) as server, pytest.raises(NotAServer, match="does not list models"):
        open_served(server.url)


def test_an_address_alone_takes_the_only_model():
    with ScriptedServer(models("qwen")) as server:
        assert open_served(server.url).name == f"openai:qwen@{server.url}"


def test_an_address_with_several_models_says_which():
    with ScriptedServer(models("qwen", "llava")) as server, pytest.raises(ServerError, match="qwen, llava"):
        open_served(server.url)


def test_an_answer_without_any_form_is_asked_for_twice_and_then_said():
    line, error = refused(words("{{{"), words('{"x": 1}'), kind=NotAnAnswer)
    assert "twice" in line and error.notes["partial"] == '{"x": 1}' and error.notes["first_reply"] == "{{{"


def test_a_model_that_thinks_too_long_is_told_apart():
    line, _ = refused(words("<think>hmm", "length"), words("<think>hmm", "length"), kind=NotAnAnswer)
    assert "512 tokens before it answered" in line and "answer_tokens" in line


def test_a_model_that_declines_abstains_and_is_not_pressed():
    reading, server, _ = asked(words("I cannot help with that.", "content_filter"))
    assert reading.abstained and "declined: I cannot help" in reading.notes["why"] and len(server.heard) == 1


def test_a_server_that_talks_without_end_is_stopped():
    line, _ = refused(words('{"answer": "' + "x" * 70000, every=1000), kind=NotAServer)
    assert "without end" in line


# --- broken off ------------------------------------------------------------------------------

BEGUN = '{"in_evidence": true, "answer": "The cat jumps onto the'


@pytest.mark.parametrize("then", ["cut", None, {"error": {"message": "CUDA out of memory"}}])
def test_an_answer_that_breaks_off_is_one_line_and_keeps_its_words(then):
    line, error = refused(words(BEGUN, None, then=then), kind=BrokenOff)
    assert "broke off after" in line and "ask again" in line and line.endswith("so far it said: The cat jumps onto the")
    assert error.notes["partial"] == BEGUN and error.notes["partial_answer"] == "The cat jumps onto the"


def test_an_answer_that_falls_silent_keeps_its_words():
    line, error = refused(words(BEGUN, None, then=1.0), kind=BrokenOff, opened={"timeout": 0.2})
    assert "nothing more came" in line and error.notes["partial"] == BEGUN


def test_a_connection_that_breaks_before_the_first_word_is_tried_again():
    reading, _, said = asked(words("", None, then="cut"), answer())
    assert reading.cited == [1] and "asking again" in said[0]


def test_an_answer_cut_at_its_length_is_read_as_far_as_it_came():
    reading, _, _ = asked(words(BEGUN, "length"))
    assert reading.text == "The cat jumps onto the" and reading.notes["finish"] == "length"


# --- what is sent ----------------------------------------------------------------------------


def test_a_key_goes_out_as_the_bearer_and_nothing_tells_of_this_machine(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another-account")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: yes")
    _, server, _ = asked(answer(), opened={"key": "k"})
    headers = {name.lower(): value for name, value in server.heard[0]["headers"].items()}
    assert headers.pop("authorization") == "Bearer k"
    assert set(headers) <= {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}


def test_without_a_key_none_is_sent():
    _, server, _ = asked(answer())
    assert "authorization" not in {name.lower() for name in server.heard[0]["headers"]}


def test_the_request_holds_what_was_asked_and_nothing_else():
    _, server, _ = asked(answer())
    body = server.heard[0]["body"]
    extras = {"response_format", "logprobs", "stream_options", "temperature", "max_tokens"}
    assert set(body) == {"model", "messages", "stream"} | extras
    assert "clip.mp4" not in json.dumps(body)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_no_redirect_is_followed(code):
    with ScriptedServer(answer()) as other:
        with pytest.raises(NotAServer, match="not followed"):
            asked(raw(b"", code, Location=f"{other.url}/chat/completions"), opened={"key": "k"})
        assert other.heard == []


def test_a_key_over_plain_http_is_warned_of_before_anything_is_sent():
    said = []
    open_served("openai:m@http://192.0.2.1:9/v1", key="k", say=said.append)
    assert len(said) == 1 and "plain http" in said[0] and "k" not in said[0].split()


def test_a_proxy_is_not_used_for_a_server_on_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:9")
    reading, _, _ = asked(answer())
    assert reading.cited == [1]
