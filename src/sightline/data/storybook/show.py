"""A contact sheet: the pictures of a script with their seconds, and the truth under them, on one page."""

from __future__ import annotations

from typing import Any

from sightline.data.storybook.page import MARGIN, SOFT, WIDTH, Page
from sightline.data.storybook.palette import COLOURS
from sightline.data.storybook.questions import questions
from sightline.data.storybook.script import DISSOLVE, Script
from sightline.data.storybook.truth import captions, place, sentence

COLUMNS, ROWS, GAP = 4, 3, 16


def _pictures(page: Page, script: Script) -> None:
    width = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) // COLUMNS
    step = width * 9 // 16 + 34
    for k in range(COLUMNS * ROWS):
        second = _settled(script, script.seconds * (k + 0.5) / (COLUMNS * ROWS))
        x, y = MARGIN + (k % COLUMNS) * (width + GAP), page.y + (k // COLUMNS) * step
        page.picture(script, second, x, y, width)
        page.write(x + 6, y + step - 27, f"{second:.1f} s", 15, SOFT)
    page.y += ROWS * step + 6
    page.y += page.timeline(script, MARGIN, page.y, WIDTH - 2 * MARGIN) + 4


def _settled(script: Script, second: float) -> float:
    """The second, or the end of the dissolve that it lies in: two scenes in one picture are hard to read."""
    scene = script.scenes[script.scene_at(second)]
    return max(second, scene.start + DISSOLVE) if scene.join == "dissolve" else second


def _facts(page: Page, script: Script) -> None:
    page.heading("What happens")
    for event in script.events:
        page.room(60)
        coat = COLOURS[script.things[event.thing].colour]
        page.brush.ellipse((MARGIN, page.y + 4, MARGIN + 13, page.y + 17), fill=coat.coat, outline=coat.deep)
        page.write(MARGIN + 26, page.y, f"{event.start:.1f} to {event.end:.1f} s", 17, SOFT)
        where = place(script.scene_of(event.thing).backdrop).en
        page.lines(MARGIN + 180, f"{sentence(script, event).en} {where}")
    written = [f"{s.text} ({s.start:.1f} to {s.end:.1f} s)" for s in script.signs]
    who = [script.things[s.thing].name.en for s in script.speech]
    spoken = [f"{w}: “{s.text.en}” ({s.start:.1f} to {s.end:.1f} s)" for w, s in zip(who, script.speech, strict=True)]
    for title, rows in (("Written on signs", written), ("Spoken", spoken)):
        if rows:
            page.heading(title)
            page.lines(MARGIN, "   ·   ".join(rows))
    page.heading("Captions of the scenes")
    for caption in captions(script)[1 : 1 + len(script.scenes)]:
        page.lines(MARGIN, f"{caption.start:.1f} s  {caption.text.en}")


def contact_sheet(script: Script, asked: int = 6) -> Any:
    """The page as a Pillow picture."""
    page = Page()
    page.write(MARGIN, page.y, "Storybook", 40, bold=True)
    scenes = f"{len(script.scenes)} scene{'s' * (len(script.scenes) > 1)}"
    title = f"seed {script.seed} · {script.split} · {script.seconds:g} s · {scenes}"
    page.write(MARGIN + 230, page.y + 20, title, 18, SOFT)
    page.y += 66
    _pictures(page, script)
    _facts(page, script)
    page.heading("Questions")
    for question in questions(script, asked):
        page.lines(MARGIN, f"{question.kind}: {question.question.en}")
        page.options(MARGIN + 20, [option.en for option in question.options], question.answer)
    return page.finished()
