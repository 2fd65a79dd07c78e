"""Videos through the built-in picture tower, once: what every system learns on, drawn by storybook or brought along.

Frames stand at the middles of T equal segments. A frame becomes a small grid of tokens (what its places show; the
tower's own weight of a place is in its token's length) and one vector; texts become vectors of the same space. All of
it is kept on disk under the tower's fingerprint (training/kept.py): frames are never encoded inside a loop.

Departures: a text's share of unknown words is left off its vector, so such a text is shorter.
Shapes: pixels [T, 3, H, W] -> tokens [T, rows * columns, D], vectors [T, D]; texts -> [n, D]
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sightline.data.storybook.desk import Question
from sightline.data.storybook.dials import Dials
from sightline.data.storybook.draw import picture
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import Script, random_script
from sightline.encoders.built_in import HOME, WORDS, open_built_in, scaled
from sightline.encoders.built_in_places import GRID
from sightline.encoders.lexicon import Lexicon
from sightline.errors import BadQuery
from sightline.records import Frames
from sightline.training.asked import Asked, read_asked
from sightline.training.kept import Film, Kept, kept

Array = Any
Told = Callable[[str], None]

SHAPE = (112, 64)  # of a drawn picture: width, height
SEEN_IN_ONE = ("what", "colour", "where", "which", "present", "whom")  # one right picture answers these
SEEN_IN_ORDER = ("action", "direction", "how many", "first", "after", "while")  # several pictures do
VERSION = 4  # raised when the same facts would give other tokens


@dataclass(frozen=True)
class World:
    """Which storybook videos are drawn, and what is asked about them."""

    videos: int
    frames: int
    each: int = 8  # questions about a video
    split: str = "train"
    seed: int = 0
    kinds: tuple[str, ...] = SEEN_IN_ONE
    languages: tuple[str, ...] = ("en",)
    dials: Dials = field(default_factory=Dials)


def seen_world(world: World, tower: Path = HOME, told: Told | None = None) -> Kept:
    """The world's videos as the tower saw them, drawn and seen now if that was never done before."""
    eye = Eye.opened(tower)
    scripts = [random_script(world.seed * 1_000_003 + k, world.dials, world.split) for k in range(world.videos)]
    asked: list[Asked] = []
    for script in scripts:
        made = questions(script, world.each, world.kinds, world.seed)
        asked += [as_asked(question, world.languages[k % len(world.languages)]) for k, question in enumerate(made)]
    facts = {"kind": world.split, "tower": eye.mark, "grid": GRID, "version": VERSION, "world": asdict(world)}
    facts["drawn"] = _digest(drawn(scripts[0], 1).pixels.tobytes(), *map(repr, asked))  # storybook itself may change

    def films() -> Iterator[Film]:
        for k, script in enumerate(scripts):
            if told and k % 50 == 0:
                told(f"seeing {world.split} videos: {k} of {world.videos}")
            yield eye.film(name_of(script), drawn(script, world.frames))

    return kept(facts, films, lambda: asked, eye.read)


def _digest(*parts: bytes | str) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
    return digest.hexdigest()


def name_of(script: Script) -> str:
    return f"{script.split}-{script.seed:06d}"


def drawn(script: Script, frames: int) -> Frames:
    """The pictures at the middles of equal segments."""
    seconds = (np.arange(frames) + 0.5) * script.seconds / frames
    pixels = np.stack([np.asarray(picture(script, float(s), SHAPE), np.uint8).transpose(2, 0, 1) for s in seconds])
    return Frames(pixels, seconds, name_of(script), script.seconds)


def as_asked(question: Question, language: str) -> Asked:
    def said(both: Any) -> str:
        return str(getattr(both, language))

    options = tuple(said(option) for option in question.options)
    spans = tuple((float(start), float(end)) for start, end in question.seconds)
    return Asked(
        question.video,
        said(question.question),
        options,
        question.answer,
        spans,
        said(question.event),
        question.kind,
        language,
    )


def seen_files(
    folder: Path,
    frames: int,
    taken: Callable[[int], bool] = lambda place: True,
    tower: Path = HOME,
    told: Told | None = None,
) -> Kept:
    """Somebody's own videos: a folder with questions.jsonl, whose `video` names files in it (training/asked.py).

    `taken` says by a video's place among all whether it is in, to learn on some and be examined on others.
    """
    from sightline.video.fetch import by_count

    path = folder / "questions.jsonl"
    every = read_asked(path)
    names = sorted({question.video for question in every})
    chosen = [name for k, name in enumerate(names) if taken(k)]
    lost = next((name for name in chosen if not (folder / name).is_file()), None)
    if lost is not None:
        raise BadQuery(
            f"{path} asks about {lost!r}, and {folder / lost} is not a file; name videos beside the questions"
        )
    eye = Eye.opened(tower)
    asked = [question for question in every if question.video in set(chosen)]
    stamps = [(name, (folder / name).stat().st_size, (folder / name).stat().st_mtime_ns) for name in chosen]
    facts = {"kind": "own", "tower": eye.mark, "grid": GRID, "version": VERSION, "frames": frames}
    facts |= {"films": stamps, "questions": [asdict(question) for question in asked]}

    def films() -> Iterator[Film]:
        for name in chosen:
            if told:
                told(f"seeing {name}")
            yield eye.film(name, by_count(folder / name, frames, side=128))

    return kept(facts, films, lambda: asked, eye.read)


@dataclass(frozen=True)
class Eye:
    """The built-in towers, opened for tokens as well as vectors."""

    pictures: Any
    texts: Any
    words: Lexicon
    mark: str

    @classmethod
    def opened(cls, folder: Path) -> Eye:
        return _opened(folder)

    def read(self, texts: Sequence[str]) -> Array:
        """Where most of a text is strange to the tower ("What colour is the bell?"), its known words are read alone."""
        rows = np.array(self.texts.read(list(texts)).vector)[:, :-1]
        strange = np.flatnonzero(~rows.any(axis=1))
        known = [" ".join(word for word in self.words.split(texts[k]) if word) for k in strange.tolist()]
        rows[strange] = np.asarray(self.texts.read(known).vector)[:, :-1]
        return rows

    def film(self, name: str, frames: Frames) -> Film:
        tokens, vectors = self.see(scaled(np.asarray(frames.pixels)))
        mask = np.ones(len(vectors), dtype=bool)
        return Film(name, tokens, vectors, np.asarray(frames.seconds), mask)

    def see(self, pixels: Array, batch: int = 16) -> tuple[Array, Array]:
        """Shapes: [T, 3, H, W] uint8 -> [T, N, D], [T, D] float16"""
        import torch

        tokens, vectors, weights = [], [], []
        hook = self.pictures.weight.register_forward_hook(lambda _part, _given, made: weights.append(made))
        with torch.inference_mode():
            for part in torch.from_numpy(pixels).split(batch):
                vector, shown = self.pictures.at_places(part)
                what = self.pictures.what(shown.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # [T, D, h, w]
                weight = torch.nn.functional.softplus(weights.pop().float())
                tokens.append(as_tokens(what, weight, vector).half().numpy())
                vectors.append(vector.half().numpy())
        hook.remove()
        return np.concatenate(tokens), np.concatenate(vectors)


@cache
def _opened(folder: Path) -> Eye:
    from sightline.recipes.built_in import load

    texts = open_built_in(folder, threads=1)
    return Eye(load(folder).pictures, texts, Lexicon.read(folder / WORDS), texts.card.fingerprint)


def as_tokens(what: Any, weight: Any, vector: Any) -> Any:
    """What the cells of a coarser grid show, salient ones longer, with half of the whole picture's vector in each.

    Shapes: what [T, D, h, w], weight [T, 1, h, w], vector [T, D] -> [T, rows * columns, D]
    """
    import torch.nn.functional as F

    cells, matter = (
        F.adaptive_avg_pool2d(part, GRID).flatten(2).transpose(1, 2).float() for part in (what * weight, weight)
    )
    return as_tokens_of_cells(cells, matter, vector)


def as_tokens_of_cells(cells: Any, matter: Any, vector: Any) -> Any:
    """Shapes: cells [..., N, D], matter [..., N, 1], vector [..., D] -> [..., N, D]"""
    import torch.nn.functional as F

    share = matter / matter.mean(dim=-2, keepdim=True)
    return F.normalize(cells, dim=-1) * share.sqrt().clamp(0.2, 2.0) + 0.5 * vector[..., None, :]
