"""An hour of film, and questions about events of 3 seconds in it: is the right second cited, and what was looked at?

The film (hour_film.py) is drawn once into .bench/: an mp4 of 1280 x 720, 20 events, 10 questions in English and 10 in
Chinese. It is taken in by `sightline index` at a frame every 3 s, and asked by `sightline ask --chat`, a fresh process
for each question and a second question to the same process; so the first time is a cold one.

A question is answered with the right second where it is answered (abstaining is wrong) and the first moment cited
overlaps the event and starts within it or at most 1 s beside it. Where words are asked for (a colour, a place), whether
they are right is counted beside it. Frames scored: all that `sightline index` reports as looked at, also those it found
like the one before and did not encode, and what the trace of the answer says was looked at again; candidates are
3,600, one frame a second. Beside it, with the same questions: the same index without looking again, and as many frames
as were scored at most, spread evenly (an index of their own, without looking again).
Libraries are kept by film, sampling and the encoder's fingerprint; `rm -r .bench/hour` begins anew.
`SIGHTLINE_BENCH_MINUTES=6 SIGHTLINE_BENCH_EVENTS=6 python -m benches hour` is a quick look; with
`SIGHTLINE_BENCH_CROWDED=1` the events happen among other things.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benches.hour_film import LongFilm, Question, drawn, long_film
from benches.material import FOLDER

MINUTES = int(os.environ.get("SIGHTLINE_BENCH_MINUTES", "60"))
EVENTS = int(os.environ.get("SIGHTLINE_BENCH_EVENTS", "20"))
CROWDED = bool(os.environ.get("SIGHTLINE_BENCH_CROWDED"))  # events among other things: harder
SIZE = (1280, 720)
EVERY = 3.0  # seconds between the frames of the index
MOST = 0.44  # of the candidates may be scored for a question
BESIDE = 1.0  # seconds that a cited moment may start before its event, or after it
MEGABYTE = 1024  # the kernel counts memory in kB


def measure() -> list[str]:
    home = FOLDER / "hour"
    home.mkdir(parents=True, exist_ok=True)
    film = long_film(60 * MINUTES, EVENTS, CROWDED)
    kind = "crowded" if CROWDED else "needles"
    path = drawn(film, home / f"{kind}-{MINUTES}min-{EVENTS}.mp4", SIZE, _tell)
    candidates = round(film.seconds)
    coarse = indexed(path, EVERY)
    finer = ask_all(film, coarse)
    alone = ask_all(film, coarse, work=0.0)
    most = max(one.frames for one in finer)
    even = indexed(path, film.seconds / most)
    uniform = ask_all(film, even, work=0.0)
    return [
        f"hour, {kind}: {MINUTES} min of {SIZE[0]} x {SIZE[1]}, {len(film.questions)} questions about events of 3 s; "
        f"{candidates:,} candidates, a frame a second; {path.stat().st_size / 1e6:.0f} MB",
        f"    index, a frame every {EVERY:g} s: {coarse.seconds:.0f} s, {coarse.frames:,} frames looked at, "
        f"{coarse.encoded:,} encoded; peak {coarse.peak:.0f} MB, its largest child {coarse.child:.0f} MB",
        *_table(film.questions, finer),
        _row("index, and looking again", finer, film.questions, candidates),
        _row("index alone", alone, film.questions, candidates),
        _row("as many frames, evenly", uniform, film.questions, candidates),
        _verdict(finer, film.questions, candidates),
        _times(finer),
    ]


def _verdict(asked: Sequence[Asked], questions: Sequence[Question], candidates: int) -> str:
    right = sum(one.right(question) for one, question in zip(asked, questions, strict=True))
    most = max(one.frames for one in asked) / candidates
    target = -(-9 * len(questions) // 10)
    kept = right >= target and most <= MOST
    return (
        f"    {'KEPT' if kept else 'NOT KEPT'}: {right} of {len(questions)} (target >= {target}; a published selector: "
        f"14 of 20) with at most {most:.1%} of the candidates scored for a question (target <= {MOST:.0%})"
    )


def _times(asked: Sequence[Asked]) -> str:
    first, second = [one.first for one in asked], [one.second for one in asked]
    return (
        f"    first answer, cold process: {median(first):.2f} s (most {max(first):.2f}); another, same process: "
        f"{median(second):.2f} s (most {max(second):.2f}); peak memory {max(one.peak for one in asked):.0f} MB, "
        f"its decoding child {max(one.child for one in asked):.0f} MB"
    )


def _row(name: str, asked: Sequence[Asked], questions: Sequence[Question], candidates: int) -> str:
    pairs = list(zip(asked, questions, strict=True))
    exact = sum(one.right(question) and abs(one.start - question.start) <= BESIDE for one, question in pairs)
    words = [one.says(question) for one, question in pairs if question.words]
    frames = [one.frames for one in asked]
    return (
        f"    {name:26} {sum(one.right(question) for one, question in pairs):2} of {len(pairs)} with the right second, "
        f"{exact:2} within 1 s of its start, {sum(one.abstained for one in asked):2} not answered; {sum(words)} of "
        f"{len(words)} words right; {median(frames):,.0f} frames scored ({max(frames):,} at most, "
        f"{max(frames) / candidates:.1%})"
    )


def _table(questions: Sequence[Question], asked: Sequence[Asked]) -> list[str]:
    return [
        f"      {'right' if one.right(question) else 'WRONG'}  {question.start:7.1f}–{question.end:<7.1f} "
        f"{one.start:8.1f}–{one.end:<8.1f} {one.frames:5,} frames  {one.first:5.2f} s  {one.confidence:.2f}  "
        f"{question.text}{_said(question, one)}"
        for one, question in zip(asked, questions, strict=True)
    ]


def _said(question: Question, one: Asked) -> str:
    if one.abstained:
        return "  (not answered)"
    return f"  ({one.text}{'' if one.says(question) else ', not ' + question.words})" if question.words else ""


# --- taking in ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Indexed:
    library: Path
    seconds: float
    frames: int
    encoded: int
    peak: float
    child: float


def indexed(film: Path, every: float) -> Indexed:
    """The library of the film at that rate, taken in by the command; one that is there already is kept."""
    from sightline.encoders.by_name import DEFAULT, open_encoder

    fingerprint = open_encoder(DEFAULT).card.fingerprint
    library = film.with_name(f"{film.stem}-{every:.3f}s-{fingerprint[:12]}")
    facts = library.with_name(f"{library.name}.json")
    if not facts.exists():
        _tell(f"taking in {film.name}, a frame every {every:.3f} s")
        words = ["index", str(film), "--every", f"{every:.6f}", "--effort", "skip-unreferenced"]
        began = perf_counter()
        with _command(*words, library=library) as (process, memory):
            report = json.loads(process.communicate()[0])
        took = perf_counter() - began
        if process.returncode or report["failed"]:
            raise SystemExit(f"sightline {' '.join(words)} failed: {report['failed']}")
        held = [took, report["frames_seen"], report["frames_encoded"], memory.own, memory.child]
        facts.write_text(json.dumps(held))
    return Indexed(library, *json.loads(facts.read_text()))


# --- asking -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """An answer of a fresh process, and how long it took to answer, and to answer another question after it."""

    text: str
    abstained: bool
    confidence: float
    start: float  # of the first moment cited
    end: float
    frames: int
    first: float
    second: float
    peak: float
    child: float

    def right(self, question: Question) -> bool:
        """Whether it answers, and the cited moment overlaps the event and starts inside it or hardly beside it."""
        beside = question.start - BESIDE <= self.start <= question.end + BESIDE
        overlaps = self.start < question.end and self.end > question.start
        return not self.abstained and beside and overlaps

    def says(self, question: Question) -> bool:
        return not self.abstained and question.words in self.text


def ask_all(film: LongFilm, index: Indexed, work: float = 5.0) -> list[Asked]:
    following = [*film.questions[1:], film.questions[0]]
    asked = []
    for number, (question, another) in enumerate(zip(film.questions, following, strict=True), 1):
        _tell(f"question {number} of {len(following)}, {work:g} s of work: {question.text}")
        asked.append(_ask(index, question.text, another.text if work else "", work))
    return asked


def _ask(index: Indexed, question: str, another: str, work: float) -> Asked:
    began = perf_counter()
    words = ["ask", "--chat", "--seconds-of-work", f"{work:g}"]
    with _command(*words, library=index.library) as (process, memory):
        answer, first = _answered(process, question), perf_counter() - began
        begun = perf_counter()
        if another:
            _answered(process, another)
        second = perf_counter() - begun
        memory.look()
        process.communicate()
    cited = answer["moments"][0] if answer["moments"] else {"start": -1.0, "end": -1.0}
    frames = index.frames + _looked_again(answer["trace"])
    told = (answer["text"], answer["abstained"], answer["confidence"], cited["start"], cited["end"])
    return Asked(*told, frames, first, second, memory.own, memory.child)


def _answered(process: Any, question: str) -> dict[str, Any]:
    process.stdin.write(question + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"sightline ask ended at {question!r} with {process.wait()}")
    return dict(json.loads(line))


def _looked_again(trace: Sequence[dict[str, Any]]) -> int:
    step = next(step for step in trace if step["station"] == "look again")
    return int(step["shape_out"].split()[0].replace(",", ""))


# --- processes ----------------------------------------------------------------------------------------


@dataclass
class Memory:
    """Peak memory of a process and of the largest of its children, in MB, as the kernel counts it (VmHWM)."""

    process: int
    own: float = 0.0
    child: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.ended.wait(0.05):
            self.look()

    def look(self) -> None:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                held = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except (OSError, ValueError):  # it ended while it was looked at
                continue
            if "VmHWM" not in held:
                continue
            peak = int(held["VmHWM"].split()[0]) / MEGABYTE
            if int(held["Pid"]) == self.process:
                self.own = max(self.own, peak)
            elif int(held["PPid"]) == self.process:
                self.child = max(self.child, peak)


@contextmanager
def _command(*words: str, library: Path) -> Any:
    """The command in a process of its own, with one thread of arithmetic, and its memory watched."""
    places = os.pathsep.join(place for place in sys.path if place)
    settings = {"PYTHONPATH": places, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sightline", *words, "--library", str(library), "--json"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, text=True, env={**os.environ, **settings}, **pipes)  # type: ignore[call-overload]
    memory = Memory(process.pid)
    watching = threading.Thread(target=memory.watch, daemon=True)
    watching.start()
    try:
        yield process, memory
    finally:
        memory.ended.set()
        watching.join()
        process.kill()
        process.wait()


def _tell(what: str) -> None:
    print(f"    {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print("\n".join(measure()))
