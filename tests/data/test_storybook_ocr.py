"""A reader of screen text, which knows no script, finds the words of the signs where the truth says they hang."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.draw import picture
from sightline.data.storybook.script import Script, random_script
from sightline.data.storybook.truth import screen_text
from sightline.records import Line

WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def reader():
    rapidocr = pytest.importorskip("rapidocr", reason="rapidocr is not installed (the ocr extra)")
    return rapidocr.RapidOCR()


def signs() -> list[tuple[Script, Line]]:
    scripts = [random_script(seed, Dials(sign=1.0)) for seed in range(5)]
    return [(script, line) for script in scripts for line in screen_text(script, WIDTH / HEIGHT)]


def read(reader, script: Script, second: float) -> list[tuple[str, tuple[float, float]]]:
    """Each text that is read, with its middle in shares of the picture."""
    answer = reader(np.asarray(picture(script, second, (WIDTH, HEIGHT)))[..., ::-1])
    if answer.boxes is None:
        return []
    middles = [(box[:, 0].mean() / WIDTH, box[:, 1].mean() / HEIGHT) for box in answer.boxes]
    return list(zip(answer.txts, middles, strict=True))


def test_the_words_of_the_signs_are_read_in_their_boxes(reader) -> None:
    right = []
    for script, line in signs():
        x0, y0, x1, y1 = line.box
        found = read(reader, script, (line.start + line.end) / 2)
        right.append(any(text == line.text and x0 < x < x1 and y0 < y < y1 for text, (x, y) in found))
    assert len(right) >= 12
    assert sum(right) >= 0.9 * len(right), right


def test_where_no_sign_hangs_nothing_is_read(reader) -> None:
    for seed in range(3):
        assert read(reader, random_script(seed, Dials(sign=0.0)), 5.0) == []
