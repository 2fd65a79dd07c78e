"""From a script to pictures: backdrop, shadows, things from far to near, signs, speech bubbles, cuts and dissolves.

Shapes: `frames` gives records.Frames, pixels [T, 3, H, W] uint8; the picture at second t depends on t alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sightline.data.storybook.backdrops import backdrop
from sightline.data.storybook.motion import Pose, pose_at
from sightline.data.storybook.palette import CREAM, INK, WOOD, mix
from sightline.data.storybook.props import SKY
from sightline.data.storybook.script import DISSOLVE, SIZES, Script, Sign
from sightline.data.storybook.shapes import OVERSAMPLING, Sheet
from sightline.data.storybook.sprites import sprite
from sightline.records import Frames

Size = int | tuple[int, int]


def _width_height(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


@lru_cache(maxsize=256)
def _shadow(width: int) -> Any:
    from PIL import Image, ImageDraw, ImageFilter

    height = max(3, width // 4)
    shade = Image.new("L", (width, height), 0)
    ImageDraw.Draw(shade).ellipse((width * 0.1, height * 0.2, width * 0.9, height * 0.8), fill=70)
    picture = Image.new("RGBA", shade.size, (*INK, 0))
    picture.putalpha(shade.filter(ImageFilter.GaussianBlur(max(0.5, height * 0.12))))
    return picture


@lru_cache(maxsize=256)
def sign_board(text: str, letters: int) -> Any:
    """A wooden board that hangs on two strings, with readable words on it; `letters` is their height in pixels."""
    from PIL import Image, ImageDraw, ImageFont

    big = letters * OVERSAMPLING
    font = ImageFont.load_default(big * 1.35)  # a capital letter is about three quarters of the font's size
    left, top, right, bottom = font.getbbox(text)
    width, height = int(right - left + big * 0.95), int(big * 1.8)
    rope = int(big * 0.5)
    board = Image.new("RGBA", (width, height + rope), (*WOOD, 0))
    brush = ImageDraw.Draw(board)
    for x in (0.2, 0.8):
        brush.line((width * x, 0, width * x, rope * 1.3), fill=mix(WOOD, INK, 0.3), width=max(1, big // 12))
    brush.rounded_rectangle((0, rope, width - 1, rope + height - 1), big * 0.35, fill=mix(WOOD, INK, 0.15))
    inset = big * 0.14
    brush.rounded_rectangle((inset, rope + inset, width - 1 - inset, rope + height - 1 - inset), big * 0.26, fill=CREAM)
    brush.text((width / 2, rope + height / 2), text, fill=INK, font=font, anchor="mm")
    return board.reduce(OVERSAMPLING)


@lru_cache(maxsize=64)
def _bubble(height: int) -> Any:
    sheet = Sheet(height, round(height * 1.3))
    sheet.poly([(40, 70), (26, 98), (62, 74)], mix(INK, CREAM, 0.35), soft=3)
    sheet.box(2, 4, 128, 82, mix(INK, CREAM, 0.35), 38)
    sheet.poly([(42, 66), (30, 91), (62, 70)], CREAM, soft=2)
    sheet.box(6, 8, 124, 78, CREAM, 34)
    for x in (38, 65, 92):
        sheet.oval(x, 43, 8.5, 8.5, INK)
    return sheet.reduced()[0]


def sign_box(sign: Sign, width: int, height: int) -> tuple[int, int, int, int]:
    """Where the board hangs, in pixels: it always fits into the picture, if its letters can."""
    board = sign_board(sign.text, max(4, round(sign.height * height)))
    x = min(max(round(sign.x * width - board.width / 2), 0), max(0, width - board.width))
    y = max(0, round(sign.y * height - board.height / 2))
    return x, y, x + board.width, y + board.height


def _stage(script: Script, number: int, second: float, width: int, height: int) -> Any:
    """One scene at one second, without its joins."""
    scene = script.scenes[number]
    picture = backdrop(scene.backdrop, scene.variant, width, height).copy()
    poses = [(k, pose) for k in scene.things if (pose := pose_at(script, k, second, width / height)) is not None]
    for k, pose in poses:
        thing = script.things[k]
        if thing.prop not in SKY and scene.backdrop != "underwater":
            floor = thing.y + 0.45 * SIZES[thing.size] + 0.008  # it stays there when the thing jumps
            _paste(picture, _shadow(max(4, round(pose.size * 0.8 * height))), pose.x * width, floor * height)
    for k, pose in sorted(poses, key=lambda pair: pair[1].depth):
        _paste_thing(picture, script, k, pose)
    for line in script.speech:
        if line.start <= second < line.end and (teller := dict(poses).get(line.thing)) is not None:
            bubble = _bubble(max(6, round(0.12 * height)))
            y = max(teller.y - 0.5 * teller.size - 0.04, 0.07) * height
            _paste(picture, bubble, min(teller.x * width + 0.3 * teller.size * height, width * 0.92), y)
    for sign in script.signs:
        if sign.start <= second < sign.end:
            x, y, _, _ = sign_box(sign, width, height)
            board = sign_board(sign.text, max(4, round(sign.height * height)))
            picture.paste(board, (x, y), board)
    return picture


def _paste(picture: Any, piece: Any, x: float, y: float) -> None:
    picture.paste(piece, (round(x - piece.width / 2), round(y - piece.height / 2)), piece)


def _paste_thing(picture: Any, script: Script, k: int, pose: Pose) -> None:
    thing = script.things[k]
    piece = sprite(
        thing.prop, thing.colour, thing.texture, max(4, round(pose.size * picture.height)), pose.angle, pose.mirrored
    )
    _paste(picture, piece, pose.x * picture.width, pose.y * picture.height)


def picture(script: Script, second: float, size: Size = 64) -> Any:
    """The RGB picture shown at a second."""
    from PIL import Image

    width, height = _width_height(size)
    if script.dials.hold:
        second = second // script.dials.hold * script.dials.hold
    number = script.scene_at(second)
    scene = script.scenes[number]
    now = _stage(script, number, second, width, height)
    if scene.join == "dissolve" and number and second < scene.start + DISSOLVE:
        before = _stage(script, number - 1, script.scenes[number - 1].end, width, height)
        return Image.blend(before, now, (second - scene.start) / DISSOLVE)
    return now


def frames(script: Script, size: Size = 64, every: float = 0.5, start: float = 0.0, end: float | None = None) -> Frames:
    """The pictures at start, start + every, … before `end` (the script's own end by default)."""
    end = script.seconds if end is None else min(end, script.seconds)
    seconds = np.arange(start, end - 1e-9, every, dtype=np.float64)
    width, height = _width_height(size)
    pixels = np.empty((len(seconds), 3, height, width), np.uint8)
    for k, second in enumerate(seconds):
        pixels[k] = np.asarray(picture(script, float(second), size)).transpose(2, 0, 1)
    return Frames(pixels, seconds, video=f"storybook {script.seed}", duration=script.seconds)
