"""A child that falls ill costs its own request and nothing else."""

import contextlib
import socket
from pathlib import Path

import pytest

from sightline.errors import DecoderDied, MediaError, NotMedia, OutOfMemory, TookTooLong
from sightline.indexing.limits import ChildLimits
from sightline.indexing.pool import Pool

HERE = str(Path(__file__).parent)


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    with Pool(1, ChildLimits(memory=1 << 30, patience=8.0), program="ill_child") as pool:
        yield pool


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_crash_is_named_by_its_signal_and_the_next_request_is_served(pool, name):
    with pytest.raises(DecoderDied, match=name):
        pool.ask({"do": "kill", "signal": name})
    assert pool.ask({"do": "well"})[0]["well"]


def test_a_child_that_is_killed_counts_as_out_of_memory(pool):
    with pytest.raises(OutOfMemory):
        pool.ask({"do": "kill", "signal": "SIGKILL"})
    assert pool.ask({"do": "well"})[0]["well"]


def test_memory_past_the_limit_is_an_error_and_not_a_crash_of_the_parent(pool):
    with pytest.raises(OutOfMemory):
        pool.ask({"do": "swell"})
    assert pool.ask({"do": "well"})[0]["well"]


def test_processor_time_past_what_was_granted_ends_the_child(pool):
    with pytest.raises(TookTooLong, match="processor time"):
        pool.ask({"do": "spin", "cpu_seconds": 0.2})
    assert pool.ask({"do": "well"})[0]["well"]


def test_silence_past_the_patience_ends_the_child(monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    with Pool(1, ChildLimits(patience=2.0), program="ill_child") as pool:
        pool.ask({"do": "well"})
        with pytest.raises(TookTooLong, match="no sign of life"):
            pool.ask({"do": "sleep"})
        assert pool.ask({"do": "well"})[0]["well"]


def test_a_child_cannot_write_a_large_file(pool, tmp_path):
    with pytest.raises(MediaError):
        pool.ask({"do": "write", "path": str(tmp_path / "dropped.bin")})
    size = (tmp_path / "dropped.bin").stat().st_size if (tmp_path / "dropped.bin").exists() else 0
    assert size <= 1 << 20


def test_an_unknown_request_is_an_error_of_that_request(pool):
    with pytest.raises(MediaError, match="do_nothing_known"):
        pool.ask({"do": "nothing_known"})
    assert pool.ask({"do": "well"})[0]["well"]


def test_a_child_reaches_no_server_where_the_system_lets_it_give_the_network_up(pool):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        child = pool._child()
        pool._idle.put(child)
        if child.network:
            pytest.skip("this system does not let a process give up its network")
        with pytest.raises(MediaError):
            pool.ask({"do": "dial", "port": server.getsockname()[1]})
        with pytest.raises(TimeoutError), contextlib.closing(server.accept()[0]):
            pass


def test_a_file_that_is_no_media_is_refused_in_words(tmp_path):
    path = tmp_path / "letter.mp4"
    path.write_text("dear reader, this is not a film\n" * 50)
    with Pool(1) as pool, pytest.raises(NotMedia):
        pool.ask({"do": "open", "path": str(path), "about": 60.0})
