"""Teaches the tiny model one thing, so that it has something to say: in which place of the storybook world a thing is.

    python tests/language/tiny_lessons.py FOLDER [--steps 1800]

Lessons are drawn scenes in the very form `ask` hands them to a served reader: up to four pictures, each with the
seconds of its whole shot, at times after earlier questions. It learns these exchanges and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).parent)]

THINGS = ("cat", "ball", "car")
PLACES = {"meadow": "In the meadow.", "beach": "On the beach.", "snow": "In the snow.", "night": "Out in the night."}
CELLS = 4  # visual tokens of a picture
Lesson = tuple[list[dict[str, Any]], str]


def lessons(count: int, seed: int = 7) -> list[Lesson]:
    """Dialogues about the pictures of a scene or several, each with the reply that is right."""
    draw = random.Random(seed)
    scenes = [(thing, place, scene(draw, thing, place)) for thing in THINGS for place in PLACES for _ in range(12)]
    return [_nobody(draw, scenes) if draw.random() < 0.15 else _where(draw, *draw.choice(scenes)) for _ in range(count)]


def scene(draw: random.Random, thing: str, place: str) -> Any:
    """Frames of a thing, of any colour and size, standing somewhere in a place."""
    from sightline.data.storybook.draw import frames
    from sightline.data.storybook.yaml_script import script_from

    size, x = draw.choice(("small", "middle", "big")), draw.uniform(0.25, 0.75)
    colour = draw.choice(("red", "yellow", "green", "blue"))
    script = script_from(
        f"seed: {draw.randrange(1000)}\nscenes:\n  - backdrop: {place}\n    seconds: 4\n    things:\n"
        f"      - {{is: {thing}, colour: {colour}, size: {size}, x: {x:.2f}}}\n"
    )
    return frames(script, size=(448, 252), every=2.0)


def _where(draw: random.Random, thing: str, place: str, seen: Any) -> Lesson:
    """Pictures of one shot, which is the place of all of them."""
    start = draw.randrange(20)
    shot = (start, start + draw.randrange(3, 10))
    shown = [(shot, seen.pixels[n % len(seen)]) for n in range(draw.choice((1, 2, 2, 3, 4)))]
    reply = {"in_evidence": True, "answer": PLACES[place], "evidence": [*range(1, len(shown) + 1)], "confidence": 0.9}
    return _lesson(draw, f"Where is the {thing}?", shown, reply)


def _nobody(draw: random.Random, scenes: list[tuple[str, str, Any]]) -> Lesson:
    """Pictures of several shots, none of which answers."""
    start, shown = 0, []
    for _ in range(draw.randrange(1, 5)):
        end = start + draw.randrange(3, 10)
        shown.append(((start, end), draw.choice(scenes)[2].pixels[0]))
        start = end
    reply = {"in_evidence": False, "answer": "Nobody sings here.", "evidence": [], "confidence": 0.9}
    return _lesson(draw, "Who sings a song?", shown, reply)


def _lesson(draw: random.Random, question: str, shown: list[tuple[tuple[int, int], Any]], reply: Any) -> Lesson:
    """A dialogue as a served reader writes it; one of five has been asked something before."""
    from sightline.language.reader import Turn
    from sightline.language.served.pictures import Budget, fitted
    from sightline.language.served.prompt import messages
    from sightline.records import Exhibit

    exhibits = [
        Exhibit(n, "v", start, end, "picture", start, pixels=pixels)
        for n, ((start, end), pixels) in enumerate(shown, 1)
    ]
    before = [Turn(f"Where is the {draw.choice(THINGS)}?", draw.choice([*PLACES.values()])) for _ in range(2)]
    earlier = before[: draw.choice((0, 0, 0, 0, 1, 2))]
    pictures = fitted(exhibits, Budget(448, None, CELLS * len(exhibits)))
    return messages(question, exhibits, pictures, (), earlier), json.dumps(reply)


def taught(steps: int) -> Any:
    """The model after its lessons, and its last losses."""
    import torch
    from tiny_served_model import TinyModel

    from sightline.language.tokenizer import Tokenizer

    torch.set_num_threads(1)
    given = lessons(1800)
    texts = [_words(dialogue) + " " + reply for dialogue, reply in given]
    tiny = TinyModel(Tokenizer.trained(texts, size=700))
    losses = tiny.learn(given, steps, rate=2e-3)
    return tiny, sum(losses[-50:]) / len(losses[-50:])


def _words(dialogue: list[dict[str, Any]]) -> str:
    parts = [{"type": "text", "text": dialogue[0]["content"]}, *dialogue[1]["content"]]
    return " ".join(part["text"] for part in parts if part["type"] == "text")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1800)
    options = parser.parse_args()
    tiny, loss = taught(options.steps)
    tiny.save(options.folder)
    print(f"{options.folder}: loss {loss:.4f} after {options.steps} lessons")


if __name__ == "__main__":
    main()
