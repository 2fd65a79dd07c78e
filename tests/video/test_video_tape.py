"""The tape gives packets a second time while it holds them, and a stretch it let go of is read from the file again."""

from dataclasses import dataclass

import make_media as media
import numpy as np
import pytest

from sightline.video import passes
from sightline.video.sample import Watching
from sightline.video.tape import OVERHEAD, Tape


@dataclass
class Packet:
    number: int
    size: int = 100


def tape_of(count, most=1 << 20):
    return Tape(iter([*map(Packet, range(count)), None]), most)


def numbers(pairs):
    return [number for number, packet in pairs if packet is not None]


def test_packets_come_twice_with_their_numbers():
    tape = tape_of(7)
    reader = tape.read(0)
    assert [next(reader)[1].number for _ in range(5)] == [0, 1, 2, 3, 4]
    assert numbers(tape.read(2)) == [2, 3, 4, 5, 6]
    assert numbers(reader) == [5, 6]


def test_the_last_is_none_for_every_reader():
    tape = tape_of(3)
    assert list(tape.read(0))[-1] == list(tape.read(1))[-1] == (3, None)


def test_what_was_forgotten_is_not_held_and_is_passed_over():
    tape = tape_of(7)
    next(reader := tape.read(0))
    assert numbers(tape.read(0)) == [0, 1, 2, 3, 4, 5, 6]
    tape.forget(before=5)
    assert not tape.holds(4) and tape.holds(5)
    assert numbers(reader) == [5, 6]


def test_no_more_is_held_than_the_limit_allows():
    tape = tape_of(100, most=5 * (100 + OVERHEAD))
    for number, _ in tape.read(0):
        assert tape.holds(number) and tape.holds(max(0, number - 4)) and not tape.holds(number - 5)


@pytest.mark.parametrize("open_gop", [False, True])
@pytest.mark.parametrize("start", [None, 3.3])
def test_a_stretch_too_long_for_the_tape_shows_the_same_frames(tmp_path, monkeypatch, open_gop, start):
    path = media.video(tmp_path / "a.mp4", seconds=8, gop=60, b_frames=3, open_gop=open_gop, paint=media.numbered)

    def watched():
        chunks = list(Watching(path, every=0.4, start=start, side=None))
        return np.concatenate([c.seconds for c in chunks]), np.concatenate([c.pixels for c in chunks])

    seconds, pixels = watched()
    monkeypatch.setattr(passes, "Tape", lambda packets: Tape(packets, most=3000))
    again, pixels_again = watched()
    assert seconds.tolist() == again.tolist() and np.array_equal(pixels, pixels_again)
