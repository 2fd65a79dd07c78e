"""Looks at files again in a decoding child, as every file is looked at; one is started when it is needed first.

Pictures and vectors alike come from the child: what this process reads is raw arrays whose lengths were checked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as Late
from typing import Any

from sightline.errors import TookTooLong

Array = Any
PATIENCE = 60.0  # seconds for the pictures of one request
AT_ONCE = 16  # pictures in one request: neighbours are decoded once, and no request lasts for ever


class ChildEyes:
    """`start` makes a pool of decoding children (`indexing.pool.Pool`); `encoder` is the name of the library's."""

    def __init__(self, start: Callable[[], Any], encoder: str = "") -> None:
        self.encoder = encoder
        self._start = start
        self._pool: Any = None

    def watch(self, video: str, start: float, end: float, every: float, patience: float) -> tuple[Array, Array]:
        piece = {"start": start, "end": end, "every": every, "effort": "every-frame"}
        _, arrays = self._ask("watch", video, patience, kind="video", encoder=self.encoder, **piece)
        return arrays["seconds"], arrays["vectors"]

    def look(self, video: str, seconds: Sequence[float], side: int) -> list[Array]:
        shown: list[Array] = []
        for begin in range(0, len(seconds), AT_ONCE):
            some = [float(second) for second in seconds[begin : begin + AT_ONCE]]
            shown.extend(self._ask("look", video, PATIENCE, side=side, seconds=some)[1]["pixels"])
        return shown

    def _ask(self, what: str, video: str, patience: float, **more: Any) -> Any:
        self._pool = self._pool or self._start()
        try:
            return self._pool.submit({"do": what, "path": os.path.abspath(video), **more}).result(timeout=patience)
        except Late:
            self.close()  # ends the child: what is late is not waited for, and does not run on
            raise TookTooLong(f"looking at {video} again took more than {patience:.1f} s") from None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
