"""A sheet of paper that truth is laid out on: text, rounded pictures, timelines, rows of options.

The page speaks English: the font that comes with Pillow has no Chinese glyphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.data.storybook.backdrops import backdrop
from sightline.data.storybook.draw import picture
from sightline.data.storybook.palette import COLOURS, CREAM, INK, RGB, WHITE, mix
from sightline.data.storybook.script import Script

WIDTH, MARGIN = 1280, 40
SOFT: RGB = mix(INK, CREAM, 0.45)


class Page:
    """Written from top to bottom at `y`; grows as it is written on, and is cut off below the last line."""

    def __init__(self) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self.paper = Image.new("RGB", (WIDTH, 2000), CREAM)
        self.brush = ImageDraw.Draw(self.paper)
        self._font = ImageFont.load_default
        self.y = MARGIN

    def room(self, height: int) -> None:
        """Makes sure that so much paper is left."""
        from PIL import Image, ImageDraw

        if self.y + height > self.paper.height:
            longer = Image.new("RGB", (WIDTH, self.paper.height * 2 + height), CREAM)
            longer.paste(self.paper, (0, 0))
            self.paper, self.brush = longer, ImageDraw.Draw(longer)

    def finished(self) -> Any:
        self.room(MARGIN)
        return self.paper.crop((0, 0, WIDTH, self.y + MARGIN))

    # --- text -----------------------------------------------------------------------------------

    def write(self, x: float, y: float, words: str, size: int = 17, paint: RGB = INK, bold: bool = False) -> None:
        self.brush.text((x, y), words, fill=paint, font=self._font(size), stroke_width=0.6 if bold else 0)

    def width(self, words: str, size: int) -> float:
        return float(self._font(size).getlength(words))

    def lines(self, x: int, words: str, size: int = 17, paint: RGB = INK, right: int = WIDTH - MARGIN) -> None:
        """Text in as many lines as it takes."""
        line = ""
        for word in [*words.split(), ""]:
            if not word or (line and self.width(f"{line} {word}", size) > right - x):
                self.room(size * 2)
                self.write(x, self.y, line, size, paint)
                self.y += round(size * 1.4)
                line = ""
            line = f"{line} {word}".strip()

    def heading(self, words: str) -> None:
        self.room(80)
        self.write(MARGIN, self.y + 14, words, 20, COLOURS["red"].dark, bold=True)
        self.y += 46

    def options(self, x: int, texts: Sequence[str], right: int) -> None:
        """Options as pills, the right one in green."""
        self.room(40 * len(texts))
        at: float = x
        for k, text in enumerate(texts):
            wide = self.width(text, 15) + 22
            if at + wide > WIDTH - MARGIN:
                at, self.y = x, self.y + 30
            fill = mix(COLOURS["green"].coat, WHITE, 0.55) if k == right else mix(CREAM, INK, 0.06)
            self.brush.rounded_rectangle((at, self.y, at + wide, self.y + 24), 12, fill=fill)
            self.write(at + 11, self.y + 3, text, 15, INK if k == right else SOFT)
            at += wide + 8
        self.y += 36

    # --- pictures ---------------------------------------------------------------------------------

    def picture(self, script: Script, second: float, x: int, y: int, width: int) -> None:
        """The script's picture at a second, 16:9, with round corners and a soft shadow."""
        from PIL import Image, ImageDraw

        height = width * 9 // 16
        corner = Image.new("L", (width * 2, height * 2), 0)
        ImageDraw.Draw(corner).rounded_rectangle((0, 0, width * 2 - 1, height * 2 - 1), width // 12, fill=255)
        shade = (x + 3, y + 4, x + width + 3, y + height + 4)
        self.brush.rounded_rectangle(shade, width // 24, fill=mix(CREAM, INK, 0.12))
        shown = picture(script, second, (width * 2, height * 2)).reduce(2)
        self.paper.paste(shown, (x, y), corner.reduce(2))

    def timeline(self, script: Script, x: int, y: int, width: int, tall: int = 46) -> int:
        """Scenes as a strip of their backdrops, events as bars in their things' colours below; returns its height."""

        def at(second: float) -> int:
            return x + round(width * second / script.seconds)

        for scene in script.scenes:
            strip = backdrop(scene.backdrop, scene.variant, 480, 120)
            wide = max(1, at(scene.end) - at(scene.start) - 2)
            self.paper.paste(strip.resize((wide, tall)), (at(scene.start), y))
        ends: list[float] = []
        bar = max(6, tall // 5)
        for event in script.events:
            lane = next((k for k, end in enumerate(ends) if end <= event.start), len(ends))
            ends[lane : lane + 1] = [event.end]
            top, coat = y + tall + 6 + (bar + 4) * lane, COLOURS[script.things[event.thing].colour]
            ends_at = max(at(event.end), at(event.start) + 5)
            self.brush.rounded_rectangle((at(event.start), top, ends_at, top + bar), bar // 2, coat.coat, coat.deep)
        return tall + 6 + (bar + 4) * len(ends)
