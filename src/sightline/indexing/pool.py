"""A few decoding children, each held to its limits by itself and to its time by a watch here.

A child that crashes, runs out of memory, stays silent too long or talks nonsense costs the one request it was
working on, which fails with a `MediaError`; the next request gets a fresh child.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, cast

from sightline import errors
from sightline.errors import DecoderDied, MediaError, NoWorkers, OutOfMemory, SightlineError, TookTooLong
from sightline.indexing.limits import ChildLimits
from sightline.indexing.wire import Message, receive, send

PROGRAM = "sightline.indexing.child"
REQUESTS_PER_CHILD = 500  # then a fresh one: a leak in a decoder never grows without end

Told = Callable[[dict[str, Any]], None]


class Child:
    """One process; `ask` sends a request and waits for its answer."""

    def __init__(self, limits: ChildLimits, program: str = PROGRAM) -> None:
        self.limits = limits
        self.asked = 0
        self._overdue = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", program, json.dumps(limits.as_dict())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_bare_environment(),
            close_fds=True,
            start_new_session=True,  # Ctrl-C reaches the indexer, which ends its children in order
        )
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies = cast(BinaryIO, self._process.stdout)
        self.network = bool(self._hear()[0].get("network", True))

    def ask(self, head: Mapping[str, Any], told: Told | None = None) -> Message:
        """The answer to one request; raises what the child reported, or how it ended."""
        self.asked += 1
        answer, arrays = self._exchange(head)
        while answer.get("alive"):
            if told:
                told(answer)
            answer, arrays = self._exchange()
        return _checked(answer), arrays

    def _exchange(self, head: Mapping[str, Any] | None = None) -> Message:
        try:
            if head is not None:
                send(self._requests, head)
            return self._hear()
        except (DecoderDied, OSError, ValueError, KeyError, TypeError) as broken:
            raise self._cause_of_death(broken) from broken

    def _hear(self) -> Message:
        watch = threading.Timer(self.limits.patience, self._end_overdue)
        watch.daemon = True
        watch.start()
        try:
            return receive(self._replies)
        finally:
            watch.cancel()

    def _end_overdue(self) -> None:
        self._overdue = True
        self.end()

    def _cause_of_death(self, broken: Exception) -> MediaError:
        self.end()
        status = self._process.wait()
        if self._overdue:
            return TookTooLong(f"gave no sign of life for {self.limits.patience:.0f} s; decoding was ended")
        if status == -signal.SIGXCPU:
            return TookTooLong("used more processor time than a file of its length may; decoding was ended")
        if status in (-signal.SIGKILL, 1):
            return OutOfMemory(f"decoding ended (status {status}), most likely for want of memory")
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return DecoderDied(f"crashed the decoder ({how}); the file is damaged or made to do so ({broken})"[:300])

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        self.end()
        self._process.wait()
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):  # a request half written to a process that is gone
                pipe.close()


class Pool:
    """`workers` children behind a queue of threads; requests come back as futures."""

    def __init__(self, workers: int = 2, limits: ChildLimits | None = None, program: str = PROGRAM) -> None:
        self.workers, self.program = workers, program
        self.limits = limits or ChildLimits()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        self._idle: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._living: set[Child] = set()
        self._closing = False

    def submit(self, head: Mapping[str, Any], told: Told | None = None) -> Future[Message]:
        return self._threads.submit(self._run, dict(head), told)

    def ask(self, head: Mapping[str, Any], told: Told | None = None) -> Message:
        return self.submit(head, told).result()

    def _run(self, head: dict[str, Any], told: Told | None) -> Message:
        child = self._child()
        try:
            answer = child.ask(head, told)
        except SightlineError as error:
            # An error the child reported leaves it healthy; one that took it down, or memory, asks for a fresh one.
            if isinstance(error, (TookTooLong, DecoderDied, OutOfMemory)):
                self._retire(child)
            else:
                self._idle.put(child)
            raise
        except BaseException:
            self._retire(child)
            raise
        if child.asked >= REQUESTS_PER_CHILD:
            self._retire(child)
        else:
            self._idle.put(child)
        return answer

    def _child(self) -> Child:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            try:
                child = Child(self.limits, self.program)
            except (OSError, DecoderDied) as error:
                raise NoWorkers(
                    f"no decoding process could be started ({error}); free memory or processes, and go on"
                ) from error
            self._living.add(child)
            if self._closing:
                self._retire(child)
            return child

    def _retire(self, child: Child) -> None:
        self._living.discard(child)
        child.close()

    def close(self) -> None:
        """Ends every child at once; requests under way fail."""
        self._closing = True
        for child in list(self._living):
            child.end()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in list(self._living):
            self._retire(child)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" not in answer:
        return answer
    kind = getattr(errors, str(answer["error"]), MediaError)
    message = str(answer.get("message", ""))
    if kind is errors.MissingExtra:
        raise SightlineError(message)
    raise (kind if isinstance(kind, type) and issubclass(kind, SightlineError) else MediaError)(message)


def _bare_environment() -> dict[str, str]:
    """Nothing of the user's environment but where Python finds its packages and where model files lie."""
    kept = {k: os.environ[k] for k in ("HOME", "HF_HOME", "HF_HUB_CACHE", "SYSTEMROOT", "TMPDIR") if k in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
    places = os.pathsep.join(p for p in sys.path if p)
    return kept | threads | offline | {"PYTHONPATH": places, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
