"""Teaches the tiny model one thing, so that it has something to say: in which place of the storybook world a thing is.

    python tests/language/tiny_lessons.py FOLDER [--steps 1000]

Lessons are drawn scenes in the very form a served reader sends them. It learns these exchanges and nothing else.
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
    """Dialogues of one or two pictures of a scene, each with the reply that is right."""
    draw = random.Random(seed)
    scenes = [(thing, place, scene(draw, thing, place)) for thing in THINGS for place in PLACES for _ in range(5)]
    return [_lesson(draw, *draw.choice(scenes)) for _ in range(count)]


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
    return frames(script, size=252, every=2.0)


def _lesson(draw: random.Random, thing: str, place: str, seen: Any) -> Lesson:
    from sightline.language.served.pictures import Budget, fitted
    from sightline.language.served.prompt import messages
    from sightline.records import Exhibit

    start, count = draw.uniform(0, 9), draw.choice((1, 2))
    exhibits = [
        Exhibit(n + 1, "v", start + n, start + n + 1, "picture", start + n, pixels=seen.pixels[n % len(seen)])
        for n in range(count)
    ]
    numbers = [exhibit.number for exhibit in exhibits]
    reply = {"in_evidence": True, "answer": PLACES[place], "evidence": numbers, "confidence": 0.9}
    question = f"Where is the {thing}?"
    if draw.random() < 0.15:
        question = "Who sings a song?"
        reply = {"in_evidence": False, "answer": "Nobody sings here.", "evidence": [], "confidence": 0.9}
    return messages(question, exhibits, fitted(exhibits, Budget(448, None, CELLS * count))), json.dumps(reply)


def taught(steps: int) -> Any:
    """The model after its lessons, and its last losses."""
    import torch
    from tiny_served_model import TinyModel

    from sightline.language.tokenizer import Tokenizer

    torch.set_num_threads(1)
    given = lessons(500)
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
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    tiny, loss = taught(options.steps)
    tiny.save(options.folder)
    print(f"{options.folder}: loss {loss:.4f} after {options.steps} lessons")


if __name__ == "__main__":
    main()
