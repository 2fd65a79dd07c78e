"""A long drawn film in which short events hide: each shows a thing seen nowhere else, and its seconds are known.

The film is a row of chapters of equal length, one event in each. A chapter is a storybook script as `random_script`
draws it (scenes of about 15 s, two to four things, which jump, spin, come and go), and an event is

    needle    between two scenes, a scene of 3 s elsewhere, with the thing alone, and big

or, in a crowded film, which is harder, one of two kinds by turns:

    visit     a thing drops into a scene that is running (0.4 s), stands in full view, and walks off (0.4 s): 3.4 s
    cutaway   between two scenes, a scene of 3 s elsewhere, with the thing and one of the usual things beside it

The thing of every other pair of events is of a kind that the film has nowhere else ("the teapot"); the others share
their kind with things in other colours ("the blue car" among red and green cars). No other thing has both kind and
colour of an event's. Everything else is distraction: its things wear the same colours, in the same places.
The seeds and the split ("test": half its pairs of kind and colour are in no training picture) are fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import TypeVar

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.draw import picture
from sightline.data.storybook.motion import pose_at, visible_spans
from sightline.data.storybook.props import PROPS, SKY
from sightline.data.storybook.script import DISSOLVE, SIZES, Event, Scene, Script, Sign, Thing, random_script, stand
from sightline.data.storybook.splits import colours_of, props_in
from sightline.data.storybook.words import COLOUR_WORDS, PLACES, THINGS, Both

RATE = 5  # frames a second
KEYFRAMES = 10.0  # seconds between them at most, as in films of 25 frames a second
SCENE = 15.0  # seconds, about
CUTAWAY, COMES_AND_GOES = 3.0, 0.4  # seconds
SPLIT, SEED = "test", 60
EDGE = 2.0  # seconds that a visit stays away from its scene's borders
Timed = TypeVar("Timed", Event, Sign)


@dataclass(frozen=True)
class Question:
    """In words, with the seconds that answer it; `words`: what the answer must say ("" where seconds say it all)."""

    text: str
    start: float
    end: float
    words: str = ""


@dataclass(frozen=True)
class LongFilm:
    chapters: tuple[Script, ...]
    questions: tuple[Question, ...]

    @property
    def seconds(self) -> float:
        return sum(chapter.seconds for chapter in self.chapters)


def long_film(seconds: int, events: int, crowded: bool = False) -> LongFilm:
    """The film of that length with that many events; always the same."""
    dice = Random(f"long film {SEED}")
    sought = _sought(events, dice)
    rare = {prop for k, (prop, _) in enumerate(sought) if _is_kind(k)}
    chapters, questions, began = [], [], 0.0
    for number, (prop, colour) in enumerate(sought):
        length = _on_a_frame(seconds * (number + 1) / events) - began
        visits = crowded and number % 2 == 0
        plain = _chapter(number, length if visits else length - CUTAWAY, rare, set(sought), dice)
        thing, jumps = Thing(prop, colour), _form(number) == "jumps"
        chapter = (
            _with_visit(plain, thing, jumps, dice) if visits else _with_cutaway(plain, thing, jumps, dice, not crowded)
        )
        language = "en" if number < events / 2 else "zh"
        questions.append(_question(number, chapter, len(plain.things), began, language))
        chapters.append(chapter)
        began += length
    return LongFilm(tuple(chapters), tuple(questions))


def _is_kind(number: int) -> bool:
    """Whether the event's thing is the only one of its kind."""
    return number // 2 % 2 == 0


def _sought(events: int, dice: Random) -> list[tuple[str, str]]:
    """The things of the events: kinds that differ, in colours of the split."""
    return [(prop, dice.choice(colours_of(prop, SPLIT))) for prop in dice.sample(list(PROPS), events)]


def _chapter(number: int, seconds: float, rare: set[str], sought: set[tuple[str, str]], dice: Random) -> Script:
    """A script of the usual kind; a thing that an event keeps for itself is exchanged for another of its colour."""
    dials = Dials(seconds=seconds, scenes=max(1, round(seconds / SCENE)), speech=0.0, sign=0.3, dissolve=0.2)
    script = random_script(1000 * SEED + number, dials, SPLIT)
    return replace(script, things=tuple(_usual(thing, rare, sought, dice) for thing in script.things))


def _usual(thing: Thing, rare: set[str], sought: set[tuple[str, str]], dice: Random) -> Thing:
    if thing.prop not in rare and (thing.prop, thing.colour) not in sought:
        return thing
    others = [
        prop
        for prop in props_in(thing.colour, SPLIT)
        if prop not in rare and (prop, thing.colour) not in sought and (prop in SKY) == (thing.prop in SKY)
    ]
    return replace(thing, prop=dice.choice(others))


def _with_visit(script: Script, thing: Thing, jumps: bool, dice: Random) -> Script:
    """The thing drops in where nothing else happens, in the widest gap between those who are there."""
    length = CUTAWAY + COMES_AND_GOES
    free = [
        (number, start)
        for number, scene in enumerate(script.scenes)
        for start in _starts(scene, length)
        if not any(event.start < start + length and event.end > start for event in script.events)
    ]
    fewest = min(len(script.scenes[number].things) for number, _ in free)
    number, start = dice.choice([one for one in free if len(script.scenes[one[0]].things) == fewest])
    scene, own = script.scenes[number], len(script.things)
    placed = replace(thing, x=_gap([script.things[k].x for k in scene.things]), y=stand(thing.prop, thing.size, 0.42))
    scenes = list(script.scenes)
    scenes[number] = replace(scene, things=(*scene.things, own))
    acts = [Event(own, "falls", start, start + COMES_AND_GOES)]
    acts += [_jumping(own, start + COMES_AND_GOES, start + length - COMES_AND_GOES)] if jumps else []
    acts += [Event(own, "leaves", start + length - COMES_AND_GOES, start + length)]
    return _whole(script, scenes, [*script.things, placed], [*script.events, *acts], script.seconds)


def _starts(scene: Scene, length: float) -> list[float]:
    first, last = scene.start + EDGE, scene.end - EDGE - length
    return [_on_a_frame(first) + k / RATE for k in range(1, max(int((last - first) * RATE), 1))]


def _gap(xs: list[float]) -> float:
    """The middle of the widest gap."""
    edges = sorted([0.0, *xs, 1.0])
    left, right = max(zip(edges, edges[1:], strict=False), key=lambda pair: pair[1] - pair[0])
    return min(max((left + right) / 2, SIZES["middle"] / 2), 1 - SIZES["middle"] / 2)


def _with_cutaway(script: Script, thing: Thing, jumps: bool, dice: Random, alone: bool) -> Script:
    """A scene of its own between two others; what comes after it comes later by its length."""
    place = dice.randrange(1, len(script.scenes)) if len(script.scenes) > 1 else 1
    before, after = script.scenes[:place], script.scenes[place:]
    start, own, beside = _on_a_frame(before[-1].end), len(script.things), dice.choice(script.things)
    x = dice.choice((0.3, 0.7))
    size, shown = ("big", [(thing, x)]) if alone else ("middle", [(thing, x), (beside, 1.0 - x)])
    cast = [replace(one, size=size, x=at, y=stand(one.prop, size, 0.42)) for one, at in shown]
    elsewhere = [name for name in PLACES if name not in {scene.backdrop for scene in (*before[-1:], *after[:1])}]
    # A dissolve out of it would show it longer than its three seconds.
    after = tuple(replace(scene, join="cut") for scene in after[:1]) + after[1:]
    scenes = [
        *(replace(scene, end=min(scene.end, start)) for scene in before),
        Scene(dice.choice(elsewhere), start, start + CUTAWAY, tuple(range(own, own + len(cast)))),
        *(replace(scene, start=max(scene.start, start) + CUTAWAY, end=scene.end + CUTAWAY) for scene in after),
    ]
    acts = [_jumping(own, start, start + CUTAWAY)] if jumps else []
    events = [*(_later(event, start) for event in script.events), *acts]
    script = replace(script, signs=tuple(_later(sign, start) for sign in script.signs))
    return _whole(script, scenes, [*script.things, *cast], events, script.seconds + CUTAWAY)


def _later(one: Timed, border: float) -> Timed:
    """What begins at a border or after it (which may have moved by half a frame) begins later by a cutaway."""
    if one.start < border - 0.5 / RATE:
        return one
    return replace(one, start=one.start + CUTAWAY, end=one.end + CUTAWAY)


def _jumping(thing: int, start: float, end: float) -> Event:
    return Event(thing, "jumps", start, end, times=3)


def _whole(script: Script, scenes: list[Scene], things: list[Thing], events: list[Event], seconds: float) -> Script:
    ordered = tuple(sorted(events, key=lambda event: (event.start, event.thing)))
    return replace(script, scenes=tuple(scenes), things=tuple(things), events=ordered, seconds=seconds)


def _on_a_frame(second: float) -> float:
    return round(second * RATE) / RATE


# --- what is asked ------------------------------------------------------------------------------------

FORMS = {
    "colour": Both("What colour is the {thing.en}?", "{thing.zh}是什么颜色的？"),
    "appears": Both("When does the {name.en} appear?", "{name.zh}出现在什么时候？"),
    "jumps": Both("When does the {name.en} jump?", "{name.zh}跳了，这是什么时候？"),
    "where": Both("Where is the {name.en}?", "{name.zh}在哪里？"),
    "seen": Both("When can one see the {name.en}?", "什么时候能看到{name.zh}？"),
}


def _question(number: int, chapter: Script, thing: int, began: float, language: str) -> Question:
    """What can be asked of the event's thing, the forms in turn; a colour only of the one thing of its kind."""
    form = _form(number)
    one, scene = chapter.things[thing], chapter.scene_of(thing)
    name, kind = one.name, Both(THINGS[one.prop].en[0], THINGS[one.prop].zh[0])
    says = {"colour": COLOUR_WORDS[one.colour], "where": PLACES[scene.backdrop]}.get(form)
    start, end = visible_spans(chapter, thing)[0]
    return Question(
        getattr(FORMS[form], language).format(name=name, thing=kind),
        began + start,
        began + end,
        getattr(says, language)[0] if says else "",
    )


def _form(number: int) -> str:
    form = list(FORMS)[(number + number // len(FORMS)) % len(FORMS)]
    return "appears" if form == "colour" and not _is_kind(number) else form


# --- the file -----------------------------------------------------------------------------------------


def drawn(film: LongFilm, path: Path, size: tuple[int, int], tell: Callable[[str], None]) -> Path:
    """The film as an mp4, drawn a chapter at a time; chapters that are there already are kept."""
    if path.exists():
        return path
    parts = path.with_suffix("")
    parts.mkdir(parents=True, exist_ok=True)
    files = [parts / f"{number:02d}.mp4" for number in range(len(film.chapters))]
    for number, (chapter, file) in enumerate(zip(film.chapters, files, strict=True)):
        if not file.exists():
            tell(f"drawing chapter {number + 1} of {len(files)}")
            unfinished = file.with_suffix(".part")
            _draw(chapter, unfinished, size)
            unfinished.rename(file)
    unfinished = path.with_suffix(".part")
    _joined(files, [chapter.seconds for chapter in film.chapters], unfinished)
    unfinished.rename(path)
    rmtree(parts)
    return path


def _draw(chapter: Script, path: Path, size: tuple[int, int]) -> None:
    import av

    options = {"crf": "20", "preset": "veryfast", "g": str(round(KEYFRAMES * RATE))}
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        shown, before = None, None
        for number in range(round(chapter.seconds * RATE)):
            now = _shown(chapter, number / RATE, size)
            if now != before:
                shown, before = picture(chapter, number / RATE, size), now
            out.mux(stream.encode(av.VideoFrame.from_image(shown)))
        out.mux(stream.encode(None))


def _shown(chapter: Script, second: float, size: tuple[int, int]) -> object:
    """All that the picture depends on: where nothing moves, the one before is shown again."""
    number = chapter.scene_at(second)
    scene = chapter.scenes[number]
    poses = [pose_at(chapter, thing, second, size[0] / size[1]) for thing in scene.things]
    signs = [sign for sign in chapter.signs if sign.start <= second < sign.end]
    joining = scene.join == "dissolve" and second < scene.start + DISSOLVE
    return number, poses, signs, second if joining else None


def _joined(files: list[Path], seconds: list[float], path: Path) -> None:
    """One file of them all, packet by packet, each part later by the length of those before it."""
    import av

    began = Fraction(0)
    with av.open(str(path), "w", format="mp4") as out:
        stream = None
        for file, length in zip(files, seconds, strict=True):
            with av.open(str(file)) as part:
                original = part.streams.video[0]
                stream = stream or out.add_stream_from_template(original)
                shift = int(began / Fraction(original.time_base or 1))
                for packet in part.demux(original):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        out.mux(packet)
            began += Fraction(round(length * RATE), RATE)
