"""A tape: the packets of a reel in the order read, the latest of them held, so that they can be read a second time.

Whether the stretch between two keyframes needs decoding is known only when the second keyframe was seen. The tape
holds the packets since the first one, so the stretch is decoded afterwards without another open file, whose index of
an hour alone would take megabytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av

MOST = 16 << 20  # bytes of packets that are held; a stretch that is longer has to be read again
OVERHEAD = 512  # bytes that a packet takes beside its content


class Tape:
    """Packets have numbers from 0 on. What `forget` or the limit took away is no longer held."""

    def __init__(self, packets: Iterator[av.Packet | None], most: int = MOST) -> None:
        self._coming, self._most = packets, most
        self._held: deque[av.Packet | None] = deque()
        self._first = self._bytes = 0

    def read(self, number: int) -> Iterator[tuple[int, av.Packet | None]]:
        """The packets from a number on, with their numbers, without those let go meanwhile; the last one is None."""
        while True:
            number = max(number, self._first)
            while number == self._first + len(self._held):
                self._take()
            packet = self._held[number - self._first]
            yield number, packet
            if packet is None:
                return
            number += 1

    def holds(self, number: int) -> bool:
        return number >= self._first

    def forget(self, before: int) -> None:
        """Lets go of all packets with smaller numbers."""
        while self._held and self._first < before:
            self._let_go()

    def _take(self) -> None:
        packet = next(self._coming, None)
        self._held.append(packet)
        self._bytes += _weight(packet)
        while self._bytes > self._most and len(self._held) > 1:
            self._let_go()

    def _let_go(self) -> None:
        self._bytes -= _weight(self._held.popleft())
        self._first += 1


def _weight(packet: av.Packet | None) -> int:
    return OVERHEAD + (packet.size if packet is not None else 0)
