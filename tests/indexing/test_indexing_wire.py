"""Messages arrive whole, or the reader says what was wrong with them."""

import io
import json
import struct

import numpy as np
import pytest

from sightline.errors import DecoderDied
from sightline.indexing.wire import HEAD_LIMIT, MAGIC, receive, send


def test_arrays_and_words_come_back_as_they_were_sent():
    stream = io.BytesIO()
    arrays = {
        "v": np.arange(21, dtype=np.float32).reshape(3, 7),
        "s": np.zeros((0,)),
        "p": np.frombuffer(b"jpeg", np.uint8),
    }
    send(stream, {"path": "猫\udc80.mp4"}, arrays)
    stream.seek(0)
    head, back = receive(stream)
    assert head == {"path": "猫\udc80.mp4"}
    assert all(np.array_equal(arrays[name], back[name]) and arrays[name].dtype == back[name].dtype for name in arrays)


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_a_message_cut_short_is_told(length):
    stream = io.BytesIO()
    send(stream, {"a": 1}, {"v": np.ones(5)})
    with pytest.raises(DecoderDied):
        receive(io.BytesIO(stream.getvalue()[:length]))


def _with_listing(entry: dict) -> io.BytesIO:
    text = json.dumps({"arrays": [entry]}).encode()
    return io.BytesIO(MAGIC + struct.pack("<I", len(text)) + text + b"x" * 64)


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "v", "kind": "|O", "shape": [1]},
        {"name": "v", "kind": "<f4", "shape": [-1]},
        {"name": "v", "kind": "<f8", "shape": [1 << 20, 1 << 20]},
    ],
)
def test_an_array_that_may_not_pass_is_refused_before_memory_is_taken(entry):
    with pytest.raises(DecoderDied):
        receive(_with_listing(entry))


def test_a_head_longer_than_the_limit_is_refused():
    with pytest.raises(DecoderDied):
        receive(io.BytesIO(MAGIC + struct.pack("<I", HEAD_LIMIT + 1)))


def test_a_stranger_on_the_pipe_is_refused():
    with pytest.raises(DecoderDied, match="where a message should begin"):
        receive(io.BytesIO(b"\x80\x04\x95pickle me" * 4))
