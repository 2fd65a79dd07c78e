"""Ask: from a question to an answer that stands on exact seconds.

The path: understand -> find -> look again finer -> choose K -> compress to M -> read -> cite -> check. Every station
is one method of `_Asking` and leaves one Step in the trace. Seconds are the decoder's: readers cite exhibits by number,
and numbers become seconds here. Below the line the answer is "not in these videos", with the nearest thing seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from sightline.asking.checking import carrying, scorer
from sightline.asking.citing import cited_exhibits, moments_of, option_of_times
from sightline.asking.comparing import ComparingReader
from sightline.asking.evidence import CHOOSER, Frame, candidates, choose, exhibits
from sightline.asking.eyes import ChildEyes
from sightline.asking.happening import Happening, Part
from sightline.asking.judging_reader import JudgingReader, judge_for
from sightline.asking.memory import PIECE, Eyes, Memory, RememberedWords, Work
from sightline.asking.moving import Watched
from sightline.asking.places import MOST, Place, Video, places
from sightline.asking.question import IN_WORDS, Asked, about_the_same, plain, understand
from sightline.asking.readers import NAMES, open_reader
from sightline.errors import BadQuery
from sightline.finding import sources as of
from sightline.finding.query import Filters
from sightline.finding.statements import Said, Statements
from sightline.keyframes import CHOOSERS
from sightline.language.fence import looks_like_orders
from sightline.language.reader import Reader, Turn, Wants
from sightline.records import Answer, Exhibit, Moment, Reading, Step
from sightline.search import find_moments

Array = Any
FRAMES = 8
SECONDS_OF_WORK = 5.0
FINER_PLACES = 6  # are looked at finer, the most promising first
FINER_FRAMES = 240  # are looked at again for one question; the place under way is finished
LIKELIER = 20.0  # times as often chance reaches a moment's score as it reaches the best one's: then it is none
LINES = 24  # of speech and screen text in the evidence
FAINT = 0.1  # a moment this unsure is still looked at, where nothing better is found
ONE_THING = frozenset({"when", "where", "colour"})  # asked of a thing that is named: its best moment is meant
QUOTATION = frozenset('"“”「」『』')
NOTHING = {  # what is said where nothing is answered, what leads to the nearest thing seen, and where nothing could be
    "en": (
        "not in these videos",
        "; the nearest thing seen: ",
        "not answered: the encoder {} does not know these words or pictures (others: sightline encoders list)",
    ),
    "zh": (
        "这些视频里没有",
        "；最接近的是：",
        "没有回答：编码器 {} 不认识这些词或这些画面（其他编码器：sightline encoders list）",
    ),
}


def ask_library(
    library: Any,
    question: str,
    *,
    videos: Sequence[str] | None = None,
    options: Sequence[str] = (),
    frames: int = FRAMES,
    tokens: int | None = None,
    seconds_of_work: float = SECONDS_OF_WORK,
    reader: str | Reader = "built-in",
    connector: str | None = None,
    chooser: str = CHOOSER,
    language: str | None = None,
    conversation: Conversation | None = None,
    told: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Answer:
    """The answer to `question` from an open library, or from the videos of it that are named.

    `options`: nothing else can be answered. `frames`: at most so many pictures; `tokens`: visual tokens for a reader
    that counts them; `seconds_of_work`: at most so long is looked at files again. `connector`: compresses them in a
    model that is loaded by its folder's name. A `conversation` keeps what was seen, and the models that were opened.
    `told` hears the answer's words as a reader writes them, `tell` the name of each station as it begins.
    """
    _check(frames, tokens, seconds_of_work, chooser, options, language)
    with nullcontext(conversation) if conversation else Conversation(library) as talk, library.view() as view:
        path = _Asking(talk, view, question, tuple(options), frames, tokens, Work(seconds_of_work), chooser, tell)
        path.understand(language)
        path.open(reader, connector)
        path.find(videos)
        path.look_again()
        chosen = path.choose()
        shown = path.compress(chosen)
        reading = path.read(shown, told)
        cited = path.cite(shown, reading)
        answer = path.check(shown, reading, cited)
        talk.remember(path.asked.text, answer, shown)
        return answer


def _check(
    frames: int, tokens: int | None, seconds: float, chooser: str, options: Sequence[str], language: str | None
) -> None:
    if frames < 1:
        raise BadQuery(f"asked for {frames} frames; ask for at least 1")
    if tokens is not None and tokens < 1:
        raise BadQuery(f"asked for {tokens} visual tokens; ask for at least 1, or leave it to the reader")
    if not seconds >= 0:
        raise BadQuery(f"seconds of work are 0 (look at no file again) or more, not {seconds:g}")
    if chooser not in CHOOSERS:
        raise BadQuery(f"there is no way of choosing {chooser!r}; choose one of {', '.join(CHOOSERS)}")
    if len(options) == 1 or any(not plain(option) for option in options):
        raise BadQuery("options are two answers or more, none of them empty; give --options A --options B")
    if language not in (None, "en", "zh"):
        raise BadQuery(f"questions are understood in 'en' and 'zh', not {language!r}")


# --- what stays between questions -----------------------------------------------------------------


class Conversation:
    """One library, its encoder and its readers, opened once; what was looked at, and what was asked and answered."""

    def __init__(self, library: Any, *, encoder: Any = None, eyes: Eyes | None = None) -> None:
        self.library = library
        self.turns: list[Turn] = []
        self.exhibits: list[Exhibit] = []  # the evidence of the last answer
        self.eyes = eyes or ChildEyes(_children)
        self.memory = Memory(self.eyes)
        self.readers: dict[tuple[str, str | None], Reader] = {}  # models by name and connector: each is loaded once
        self._encoder = RememberedWords(encoder) if encoder else None
        self._generation: int | None = None

    def encoder(self, view: Any) -> Any:
        """The encoder that made this library's vectors; None where it holds no pictures."""
        if not view.generation or not view.generation.width:
            return None
        if self._generation not in (None, view.generation.id):  # rebuilt since: what was seen is of another encoder
            self.memory, self._encoder = Memory(self.eyes), None
        self._generation = view.generation.id
        if self._encoder is None:
            from sightline.encoders.by_name import open_encoder

            self._encoder = RememberedWords(open_encoder(view.generation.name))
        if isinstance(self.eyes, ChildEyes):
            self.eyes.encoder = view.generation.name
        return self._encoder

    def remember(self, question: str, answer: Answer, shown: Sequence[Exhibit]) -> None:
        self.turns.append(Turn(question, answer.text))
        self.exhibits = list(shown)

    def close(self) -> None:
        if isinstance(self.eyes, ChildEyes):
            self.eyes.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _children() -> Any:
    from sightline.indexing.pool import Pool

    return Pool(1)


# --- the path -------------------------------------------------------------------------------------


@dataclass
class _Asking:
    """One question on its way: what each station found is what the next one works with."""

    talk: Conversation
    view: Any
    question: str
    options: tuple[str, ...]
    frames: int
    tokens: int | None
    work: Work
    chooser: str
    tell: Callable[[str], None] | None
    trace: list[Step] = field(default_factory=list)
    asked: Asked = field(init=False)
    known: Statements = field(init=False)
    statements: tuple[str, ...] = ()
    found: dict[str, list[Moment]] = field(default_factory=dict)  # by statement, surest first
    marks: list[Moment] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    named: str | Reader = "built-in"
    reader: Reader = field(init=False)

    def understand(self, language: str | None) -> None:
        with self._step("understand", "question", f"{len(self.question)} characters") as told:
            before = self.talk.turns[-1].question if self.talk.turns else ""
            self.asked = understand(about_the_same(self.question, before), language)
            self.statements = self._statements()
            order = f", {self.asked.order} {self.asked.mark!r}" if self.asked.order else ""
            told(f"{len(self.statements)} statements", f"{self.asked.kind}: {self.asked.look_for!r}{order}")

    def open(self, reader: str | Reader, connector: str | None = None) -> None:
        """A model is opened once, before anything is looked at: what is wrong with its name is told at once."""
        self.named = reader
        if not isinstance(reader, str):
            if connector is not None:
                raise BadQuery(f"the reader {reader.name} is open already; give it the connector when it is opened")
        elif reader not in NAMES or connector is not None:
            key = (reader, connector)
            if key not in self.talk.readers:
                with self._step("open", "reader", reader) as told:
                    self.talk.readers[key] = open_reader(reader, lambda: None, connector=connector)
                    told(self.talk.readers[key].name, connector or "")
            self.named = self.talk.readers[key]

    def find(self, videos: Sequence[str] | None) -> None:
        with self._step("find", "search", f"{len(self.view.videos)} videos, {self.view.rows:,} frames") as told:
            if not self.view.videos:
                raise BadQuery("the library holds no video yet; index some with: sightline index FOLDER")
            contents = of.scope(self.view, Filters(tuple(videos or ()))).contents or list(self.view.videos)
            encoder = self.talk.encoder(self.view)
            self.known = Statements(self.talk.library, self.view, contents, encoder, self.talk.memory.finer)
            self.found = {statement: self._search(statement) for statement in self.statements}
            self.marks = self._search(self.asked.mark) if self.asked.mark else []
            self.places = self._places()
            self.said = self._lines()
            told(f"{len(self.places)} places, {len(self.said)} lines", _spans(self.places))

    def look_again(self) -> None:
        """Denser frames inside the promising places, as far as the work allows; their moments are grown anew."""
        with self._step("look again", "finer", f"{len(self.places)} places") as told:
            for place in self._promising():
                if self.work.frames < FINER_FRAMES:
                    self.talk.memory.watch(place.video, *self._window(place), self.work)
            if self.talk.memory.finer_videos:
                self.found = {s: self._regrown(s, several) for s, several in self.found.items()}
                self.marks = self._regrown(self.asked.mark, self.marks)
                self.places = self._places()
            refused = f", {self.work.refused} pieces did not fit" if self.work.refused else ""
            spent = f"{self.work.spent:.2f} of {self.work.seconds:g} s of work{refused}"
            told(f"{self.work.frames} frames", f"{self.view.rows + self.work.frames:,} scored in all, {spent}")

    def choose(self) -> list[Frame]:
        """K of the known frames of the places: as many as are asked for, and no more than the reader can use."""
        with self._step("choose", self.chooser, f"{len(self.places)} places") as told:
            if isinstance(self.named, str):  # of the base install: made from what was seen for this question
                self.reader = open_reader(self.named, self._comparing, self.asked.language, judging=self._judging)
            else:
                self.reader = self.named
            k = min(self.frames, self.reader.wants.frames or self.frames)
            seen = self.known.encoder is not None
            found = candidates(self.places, self.known.known, self.known.measure, self.asked.order) if seen else []
            several = len(self.statements) > 1 or self.asked.kind == "times"
            chosen = choose(found, k, self.chooser, each=several) if found else []
            told(f"{len(chosen)} of {len(found)} frames", ", ".join(f"{one.second:.2f}" for one in chosen))
            return chosen

    def compress(self, chosen: Sequence[Frame]) -> list[Exhibit]:
        """The exhibits, with pictures where the reader looks at pictures; how many tokens they become is its own."""
        with self._step("compress", "exhibits", f"{len(chosen)} frames, {len(self.said)} lines") as told:
            shown = exhibits(chosen, self.said, self._course)
            if self.reader.wants.pictures:
                shown = self._with_pictures(shown, self.reader.wants)
            marked = [one.number for one in shown if one.text and looks_like_orders(one.text)]
            orders = f"; looks like an instruction: {', '.join(map(str, marked))}" if marked else ""
            told(f"{len(shown)} exhibits", f"{self.tokens or 'any number of'} visual tokens{orders}")
            return shown

    def read(self, shown: Sequence[Exhibit], told: Callable[[str], None] | None) -> Reading:
        with self._step("read", self.reader.name, f"{len(shown)} exhibits") as tell:
            # Models are told the earlier turns; the readers of the base install get a question that stands alone.
            question = self.asked.text if self.reader.name in NAMES else self.question
            reading = self.reader.answer(
                question,
                shown,
                options=self.options,
                tokens=self.tokens,
                earlier=tuple(self.talk.turns),
                told=told,
            )
            tell("abstains" if reading.abstained else f"{len(reading.text)} characters", _noted(reading.notes))
            return reading

    def cite(self, shown: Sequence[Exhibit], reading: Reading) -> list[Moment]:
        with self._step("cite", "numbers to seconds", f"{len(reading.cited)} numbers") as told:
            cited = cited_exhibits(reading.cited, shown)
            moments = moments_of([self._tightened(one, reading) for one in cited], reading.confidence)
            told(f"{len(moments)} moments", _spans(moments))
            return moments

    def check(self, shown: Sequence[Exhibit], reading: Reading, cited: list[Moment]) -> Answer:
        """The moments that carry the answer; nothing is answered that the reader is not sure of."""
        with self._step("check", "ablation and the line", f"{len(cited)} moments") as told:
            score = None if reading.abstained or len(cited) < 2 else scorer(self.reader, self.asked.text, reading)
            cited = carrying(score, shown, cited) if score else cited
            text = reading.text if self.asked.kind != "when" or not cited else self._times(cited[0])
            if reading.abstained or not text:
                guess = f"the guess was {text!r}" if reading.text and text else reading.notes.get("why", "")
                told("abstains", str(guess))
                return self._nothing(reading, cited)
            told("answered", _spans(cited))
            return Answer(text, cited, reading.confidence, False, self.trace)

    # --- finding and looking ---------------------------------------------------------------------

    def _statements(self) -> tuple[str, ...]:
        """What is looked for: the question's statement; where it has none, every option's."""
        if self.asked.look_for and self.asked.kind != "other":
            return (self.asked.look_for,)
        if self.asked.who:
            return (self.asked.who,)
        if self.options and not self.asked.mark and self.asked.kind in ("which", "gist", "event", "other"):
            return self.options
        return (self.asked.look_for,) if self.asked.look_for else ()

    def _search(self, statement: str) -> list[Moment]:
        """Moments that show a statement, surest first, faint ones too; the nearest thing seen where there is none."""
        if self.known.encoder is None or not statement:
            return []
        few = len(self.known.contents) <= MOST
        everywhere = len(self.known.contents) == len(self.view.videos)
        found = find_moments(
            self.talk.library,
            '"' + "".join(" " if c in QUOTATION else c for c in statement) + '"',  # no word of it is an order word
            sources=["picture"],
            videos=None if everywhere else list(self.known.paths),
            min_confidence=0.0 if few else FAINT,
            limit=2 * MOST,
            encoder=self.known.encoder,
        )
        shown = zip(found.moments, found.occurrences, strict=True)
        several = [one for moment, others in shown for one in (moment, *others)]
        return sorted(several, key=lambda m: -m.confidence) or ([found.nearest] if found.nearest else [])

    def _places(self) -> list[Place]:
        found = {statement: self._likely(statement, moments) for statement, moments in self.found.items() if moments}
        return places(self.asked, found, self.marks, list(self.known.paths), self._course)

    def _likely(self, statement: str, moments: list[Moment]) -> list[Moment]:
        """Of a thing that is named, what chance does not bring about far more easily than the best moment.

        Confidence tells too little here: it is all but 1 for both where both stand out from a long film.
        """
        if self.asked.kind not in ONE_THING or self.asked.order or len(self.found) > 1 or self._moves(statement):
            return moments
        best = max(moment.score for moment in moments)
        return [moment for moment in moments if self.known.rarer(best, moment.score) <= LIKELIER]

    def _course(self, video: str) -> Video:
        content = self.known.paths[video]
        return Video(*of.extent(self.view, content), self.view.shots(content))

    def _lines(self) -> list[Said]:
        """Lines that hold the question's words, and what is said and written at the places of the answer."""
        found = self.known.lines(self.asked.text, LINES)
        for place in self.places:
            if place.role == "answer":
                found += self.known.lines_between(place.video, place.start, place.end, place.sureness)
        best: dict[tuple[str, float, str, str], Said] = {}
        for one in sorted(found, key=lambda one: (-one.score, one.video, one.line.start)):
            best.setdefault((one.video, one.line.start, one.line.source, one.line.text), one)
        return list(best.values())[:LINES]

    def _promising(self) -> list[Place]:
        """The places worth the work: the first few; none where pictures are not read, or nothing says where to look."""
        if self.known.encoder is None or not self.known.encoder.card.words:
            return []
        return [place for place in self.places if place.statement or self.asked.mark][:FINER_PLACES]

    def _window(self, place: Place) -> tuple[float, float]:
        """The part of a place that is looked at finer: all of a short one, three pieces of a long one."""
        reach = 3 * PIECE
        if not place.statement:  # only its border is known
            length = min(reach, place.end - place.start)
            begin = place.end - length if self.asked.order == "before" else place.start
            return begin, begin + length
        start, end = self._unseen_around(place)
        if end - start <= reach:
            return start, end
        seconds, vectors = self.known.known(place.video)
        inside = np.flatnonzero((seconds >= place.start) & (seconds < place.end))
        sure = self.known.measure(place.statement, place.video, vectors[inside])
        middle = float(seconds[inside[int(sure.argmax())]]) if len(inside) else place.start
        begin = min(max(middle - reach / 2, start), end - reach)
        return begin, begin + reach

    def _unseen_around(self, place: Place) -> tuple[float, float]:
        """The place, and what lies unseen beside it: up to a step of the index, where no cut ends it."""
        video, step = self._course(place.video), float(self.view.generation.sampling.get("every", 1.0))
        cuts = {shot.start for shot in video.shots} | {video.first, video.last}
        start = place.start if place.start in cuts else max(place.start - step, video.first)
        end = place.end if place.end in cuts else min(place.end + step, video.last)
        return start, end

    def _regrown(self, statement: str, moments: Sequence[Moment]) -> list[Moment]:
        """The moments of the videos that were looked at again, from the finer curve; the others as they were."""
        finer = self.talk.memory.finer_videos
        kept = [moment for moment in moments if moment.video not in finer]
        again = dict.fromkeys(moment.video for moment in moments if moment.video in finer)
        grown = [moment for video in again for moment in self.known.moments(statement, video)]
        return sorted([*kept, *self._happening(statement, grown)], key=lambda moment: -moment.confidence)

    def _moves(self, statement: str) -> Happening | None:
        return Happening.said(statement, self.known.encoder, lambda: of.sample(self.view))

    def _happening(self, statement: str, moments: Sequence[Moment]) -> list[Moment]:
        """Where something is said to move, the seconds in which it does, as a search finds them."""
        told = self._moves(statement)
        if told is None:
            return list(moments)

        def cut(one: Moment, part: Part) -> Moment:
            sure = part.share * one.confidence
            return replace(one, start=part.start, end=part.end, confidence=sure, thumbnail=part.second)

        parts = told.parts(moments, lambda moment: moment.video, self._watched)
        return [cut(one, part) if part else one for one, part in parts]

    def _with_pictures(self, shown: Sequence[Exhibit], wants: Wants) -> list[Exhibit]:
        """A frame whose picture cannot be had any more is no exhibit to a reader who must have it."""
        wanted = [(one.video, one.second) for one in shown if one.source == "picture"]
        pictures = self.talk.memory.look(wanted, wants.side)
        kept = [
            one for one in shown if not wants.must or one.source != "picture" or (one.video, one.second) in pictures
        ]
        return [replace(one, pixels=pictures.get((one.video, one.second)), number=k) for k, one in enumerate(kept, 1)]

    # --- reading and after -----------------------------------------------------------------------

    def _comparing(self) -> ComparingReader | None:
        if self.known.encoder is None:
            return None
        language, trust, background = self.asked.language, self.known.trust, of.sample(self.view)
        return ComparingReader(self.known.encoder, self._vector_of, background, trust, language, self._watched)

    def _judging(self) -> JudgingReader | None:
        """The trained judge, where the library was seen by its tower and it learned this kind of question."""
        if self.known.encoder is None:
            return None
        judge = judge_for(self.known.encoder, self.known.trust, self.asked.language)
        return judge if judge and judge.reads(self.asked, self.options) else None

    def _watched(self, video: str) -> Watched:
        return Watched(*self.known.known(video), self._course(video).shots)

    def _vector_of(self, one: Exhibit) -> Array:
        seconds, vectors = self.known.known(one.video)
        return vectors[int(np.searchsorted(seconds, one.second))]

    def _tightened(self, one: Exhibit, reading: Reading) -> Exhibit:
        """The stretch of what the answer states around a cited frame; where an order placed it, inside that place."""
        if one.source != "picture" or reading.notes.get("by") != "pictures":
            return one
        if "stretch" in reading.notes:  # of known frames, around one that need not be among the exhibits
            start, end = reading.notes["stretch"]
            return replace(one, start=start, end=end, second=reading.notes["second"])
        itself = ("present", "yes", "when", "times", *(() if self.options else ("other",)))  # no answer is put into it
        states = self.asked.kind not in itself
        statement = self.asked.filled(reading.text) if states else self.asked.look_for
        grown = self.known.moments(statement, one.video)
        around = next((moment for moment in grown if moment.start <= one.second < moment.end), None)
        if around is None:
            return one
        start, end = around.start, around.end
        if self.asked.mark:
            start, end = max(start, one.start), min(end, one.end)
        return replace(one, start=min(start, one.second), end=max(end, one.second))

    def _times(self, moment: Moment) -> str:
        """The option that names these seconds, or the seconds themselves: the decoder's, never a reader's."""
        return option_of_times(self.options, moment) or f"{moment.start:.3f}–{moment.end:.3f} s"

    def _nothing(self, reading: Reading, cited: list[Moment]) -> Answer:
        """Not in these videos, or not to be told by this encoder; the nearest thing seen stands in `moments`."""
        seen = [*cited, *(moment for several in self.found.values() for moment in several[:1]), *self.marks[:1]]
        nearest = max(seen, key=lambda moment: moment.confidence, default=None)
        text, near, blind = NOTHING[self.asked.language]
        if self._is_blind():
            text = blind.format(self.view.generation.name)
        if nearest is not None:
            text += f"{near}{PurePath(nearest.video).name} {nearest.start:.3f}–{nearest.end:.3f} s"
        return Answer(text, [nearest] if nearest else [], reading.confidence, True, self.trace)

    def _is_blind(self) -> bool:
        """Whether pictures were asked for what the encoder has no words for, or in videos of which it knows nothing."""
        asked = [statement for statement in (*self.statements, self.asked.mark) if statement]
        if self.known.encoder is None or self.asked.kind in IN_WORDS or not asked:
            return False
        videos = dict.fromkeys([place.video for place in self.places] or list(self.known.paths)[:MOST])
        return max(self.known.trust(statement, video) for statement in asked for video in videos) < FAINT

    @contextmanager
    def _step(self, station: str, part: str, given: str) -> Iterator[Callable[[str, str], None]]:
        """One station: what it was given, what it gave (told by the station itself), and how long it took."""
        if self.tell:
            self.tell(station)
        began = time.perf_counter()
        said = ["", ""]

        def told(out: str, kept: str = "") -> None:
            said[:] = [out, kept]

        yield told
        self.trace.append(Step(station, part, given, said[0], (time.perf_counter() - began) * 1000, said[1]))


def _noted(notes: dict[str, Any]) -> str:
    """What a reader notes, for the trace; of a long list only how long it is (thousands of tokens have a span each)."""
    shown = {key: f"{len(v)} of them" if isinstance(v, list) and len(v) > 8 else v for key, v in notes.items()}
    return ", ".join(f"{key} {value}" for key, value in shown.items())


def _spans(stretches: Sequence[Place] | Sequence[Moment]) -> str:
    first: list[Any] = list(stretches[:4])
    return ", ".join(f"{PurePath(one.video).name} {one.start:.2f}–{one.end:.2f}" for one in first)
