"""One page that shows every dial at three settings, all else and the seed being equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.page import MARGIN, SOFT, WIDTH, Page
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import DISSOLVE, Script, random_script

SETTINGS: dict[str, tuple[Any, Any, Any]] = {
    "seconds": (10.0, 60.0, 300.0),
    "scenes": (1, 3, 8),
    "things": ((2, 2), (3, 3), (5, 5)),
    "evidence": (0.5, 1.5, 4.0),
    "concentration": (0.0, 0.5, 1.0),
    "similarity": (0.0, 0.5, 1.0),
    "glyph": (0.05, 0.1, 0.2),
    "hold": (0.0, 2.0, 6.0),
    "sign": (0.0, 0.5, 1.0),
    "speech": (0.0, 0.5, 1.0),
    "dissolve": (0.0, 0.5, 1.0),
    "motion": (0.0, 0.5, 1.0),
    "generic": (0.0, 0.5, 1.0),
}
ASKING = ("motion", "generic")  # these turn the questions, not the pictures
BASE = Dials(seconds=24.0, scenes=4, sign=1.0)
GAP = 20


def _meaning(name: str) -> str:
    """The dial's line in the table of `dials.py`, which is where its meaning is written down."""
    from sightline.data.storybook import dials

    row = next(line for line in (dials.__doc__ or "").splitlines() if line.startswith(f"| `{name}`"))
    return row.split("|")[2].strip()


def _shown(script: Script, name: str) -> list[float]:
    """Three seconds in the middle of thirds; of `dissolve`, those at which scenes join."""
    if name == "dissolve":
        return [scene.start + DISSOLVE / 2 for scene in script.scenes[1:4]]
    return [script.seconds * (2 * k + 1) / 6 for k in range(3)]


def _cell(page: Page, script: Script, name: str, x: int, y: int, width: int) -> int:
    """Three pictures over a timeline, or three questions; returns its height."""
    if name in ASKING:
        page.y = y
        for question in questions(script, 3):
            page.lines(x, f"{question.kind}: {question.question.en}", 14, right=x + width)
        return page.y - y
    small = (width - 12) // 3
    for k, second in enumerate(_shown(script, name)):
        page.picture(script, second, x + k * (small + 6), y, small)
    top = small * 9 // 16 + 10
    return top + page.timeline(script, x, y + top, width, tall=18)


def dial_page(seed: int = 7, split: str = "train") -> Any:
    """The page as a Pillow picture."""
    page = Page()
    page.write(MARGIN, page.y, "Storybook: the dials", 40, bold=True)
    page.y += 60
    width = (WIDTH - 2 * MARGIN - 2 * GAP) // 3
    for name, values in SETTINGS.items():
        page.heading(name)
        page.write(MARGIN + page.width(name, 20) + 20, page.y - 30, _meaning(name), 15, SOFT)
        page.room(260)
        top, heights = page.y, []
        for k, value in enumerate(values):
            x = MARGIN + k * (width + GAP)
            script = random_script(seed, replace(BASE, **{name: value}), split)
            shown = f"{value[0]}" if isinstance(value, tuple) else f"{value:g}"
            page.write(x, top, shown, 15, SOFT)
            heights.append(_cell(page, script, name, x, top + 24, width))
        page.y = top + 24 + max(heights)
    return page.finished()
