"""The process that touches hostile files: it reads requests, decodes **and** encodes, and answers with arrays.

Run as `python -m sightline.indexing.child`; one request at a time over its standard input and output (`wire.py`).
It confines itself before it imports a decoder. A request that fails is answered with the error's class and words; a
crash ends this process and nothing else.

Requests: digest · open · watch · text · listen · screen · frames · look · cut (see the functions of those names).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from sightline.indexing.limits import confine, grant_seconds

Reply = tuple[dict[str, Any], dict[str, Any]]
Alive = Callable[..., None]


def main() -> int:
    settings = json.loads(sys.argv[1])
    requests, replies = _take_over_streams()
    alone = confine(settings["memory"], settings["files"], settings["written"])
    from sightline.indexing import wire

    worker = _Worker(settings)
    wire.send(replies, {"ready": True, "network": not alone})
    while True:
        try:
            head, _ = wire.receive(requests)
        except Exception:  # the parent closed the pipe or died: there is nobody left to tell
            return 0
        grant_seconds(head.get("cpu_seconds", 60.0))
        answer, arrays = worker.answer(head, lambda **signs: wire.send(replies, {"alive": True, **signs}))
        wire.send(replies, answer, arrays)


def _take_over_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keeps the two pipes for messages; whatever a library prints goes nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return requests, replies


class _Worker:
    """Answers requests; keeps the encoder it opened for the next one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.encoders: dict[str, Any] = {}

    def answer(self, head: dict[str, Any], alive: Alive) -> Reply:
        from sightline.errors import MediaError, SightlineError

        try:
            return getattr(self, "do_" + str(head["do"]))(head, alive)
        except MemoryError:
            return {"error": "OutOfMemory", "message": "needs more memory than one file may use"}, {}
        except MediaError as error:
            return {"error": type(error).__name__, "message": str(error)}, {}
        except SightlineError as error:
            return {"error": type(error).__name__, "message": str(error)}, {}
        except Exception as error:  # whatever else a decoder raises is this file's failure, told by its kind
            return {"error": "MediaError", "message": f"{type(error).__name__}: {error}"[:300]}, {}

    # --- requests ----------------------------------------------------------------------------

    def do_digest(self, head: dict[str, Any], alive: Alive) -> Reply:
        from sightline.indexing.identity import digest

        return {"digest": digest(head["path"], lambda size: alive(read=size))}, {}

    def do_open(self, head: dict[str, Any], alive: Alive) -> Reply:
        """What the file says of itself, its pieces of work, and its own text tracks."""
        from dataclasses import asdict

        from sightline.video import open as opening
        from sightline.video import sample

        facts = opening.facts(head["path"], opening.Limits(pixels=self.settings["pixels"]))
        alive()
        still = facts.kind in ("still", "animation")
        pieces = [(0.0, float("inf"))] if still else sample.units(head["path"], head["about"])
        alive()
        lines = {} if still or not facts.text_tracks else self._embedded(head["path"])
        return {"facts": asdict(facts), "units": [_jsonable(piece) for piece in pieces], "lines": lines}, {}

    def _embedded(self, path: str) -> dict[str, list[dict[str, Any]]]:
        from pathlib import Path

        from sightline.video import subtitles

        return {track: [_line(line) for line in lines] for track, lines in subtitles.embedded(Path(path)).items()}

    def do_text(self, head: dict[str, Any], alive: Alive) -> Reply:
        """Reads one subtitle file that lies beside a video."""
        from pathlib import Path

        from sightline.video import subtitles

        return {"lines": [_line(line) for line in subtitles.read_subtitles(Path(head["path"]))]}, {}

    def do_watch(self, head: dict[str, Any], alive: Alive) -> Reply:
        """Decodes one piece of a video and encodes what it keeps."""
        from sightline.indexing.watching import watch_unit

        encoder = self._encoder(head["encoder"])
        return watch_unit(head, encoder, self.settings["pixels"], alive)

    def do_listen(self, head: dict[str, Any], alive: Alive) -> Reply:
        from sightline.video import speech

        listener = speech.open_listener(head["listener"], language=head.get("language"))
        heard = listener.listen(head["path"], progress=lambda done, total: alive(second=done, total=total))
        return {"lines": [_line(line) for line in heard]}, {}

    def do_screen(self, head: dict[str, Any], alive: Alive) -> Reply:
        """Reads the words on the screen of a whole video, a picture every few seconds."""
        from sightline.indexing.watching import read_screen

        return {"lines": [_line(line) for line in read_screen(head, self.settings["pixels"], alive)]}, {}

    def do_frames(self, head: dict[str, Any], alive: Alive) -> Reply:
        """The pictures shown at given seconds, as small JPEGs."""
        import numpy as np

        from sightline.indexing.watching import pictures_at
        from sightline.video.thumbnail import jpeg

        frames = pictures_at(head["path"], head["seconds"], head["side"], self.settings["pixels"])
        pictures = [np.frombuffer(jpeg(frame, head.get("width", 320)), np.uint8) for frame in frames.pixels]
        shown = {"seconds": np.asarray(frames.seconds, np.float64)}
        return {"count": len(pictures)}, shown | {f"picture{i}": p for i, p in enumerate(pictures)}

    def do_look(self, head: dict[str, Any], alive: Alive) -> Reply:
        """The pictures shown at given seconds, or a few of the whole file: a query by example."""
        import numpy as np

        from sightline.indexing.watching import pictures_at, pictures_of

        if head["seconds"] is None:
            frames = pictures_of(head["path"], head["side"], self.settings["pixels"])
        else:
            frames = pictures_at(head["path"], head["seconds"], head["side"], self.settings["pixels"])
        return {}, {"pixels": frames.pixels, "seconds": np.asarray(frames.seconds, np.float64)}

    def do_cut(self, head: dict[str, Any], alive: Alive) -> Reply:
        """Cuts a stretch of a video into a file of its own."""
        from sightline.video.cut import cut_clip
        from sightline.video.open import Limits

        with _alive_while_working(alive):
            cut_clip(
                head["path"], head["start"], head["end"], head["out"], limits=Limits(pixels=self.settings["pixels"])
            )
        return {}, {}

    def _encoder(self, name: str) -> Any:
        from sightline.encoders.by_name import open_encoder

        if name not in self.encoders:
            self.encoders[name] = open_encoder(name, threads=1)  # one core a child; the other has its own
        return self.encoders[name]


@contextmanager
def _alive_while_working(alive: Alive, every: float = 5.0) -> Iterator[None]:
    """Signs of life for work that gives none itself, while it uses processor time (which is granted, so it ends)."""
    done = threading.Event()

    def watch() -> None:
        used = time.process_time()
        while not done.wait(every):
            before, used = used, time.process_time()
            if used - before > every / 100:
                alive()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _line(line: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(line)


def _jsonable(piece: tuple[float, float]) -> list[float | None]:
    """Endless ends are null on the wire."""
    return [None if abs(second) == float("inf") else second for second in piece]


if __name__ == "__main__":
    sys.exit(main())
