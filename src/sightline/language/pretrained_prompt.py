"""Writes the prompt of a `transformers` model: numbered exhibits first, the question last, so that prompts share their
beginning.

From: LLaVA-Video's way of telling times (how long, how many frames, the time of each), the chat template of the model's
own tokenizer.
Departures: frames are named by their exhibit's number beside their time. A template that cannot be used (it drops the
text, or wants other content) is replaced by plain USER and ASSISTANT lines. Words of a video stand in a fence; words of
the question that spell a special piece of the tokenizer are broken up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightline.language.fence import fenced
from sightline.language.reader import Turn
from sightline.language.served.prompt import ORDERS, letters
from sightline.records import Exhibit

BEGINNING = '{"in_evidence": '  # of every answer; the model fills in the blanks of a form that is written for it
_KINDS = {"speech": "said", "screen": "on the screen"}


@dataclass(frozen=True)
class Clip:
    """The pictures that come from one video, in the order of time."""

    pictures: list[Exhibit]

    @property
    def seconds(self) -> list[float]:
        return [exhibit.second for exhibit in self.pictures]


def clips_of(exhibits: Sequence[Exhibit], frames: int | None, tokens: int | None = None) -> list[Clip]:
    """The pictures by video; of more than `frames` so many, evenly spread, the first and last among them.

    Where there are more videos than `tokens`, those with the best pictures: each video is shown by a token or more.
    """
    pictures = [exhibit for exhibit in exhibits if exhibit.source == "picture" and exhibit.pixels is not None]
    if frames is not None and len(pictures) > frames:
        step = (len(pictures) - 1) / max(frames - 1, 1)
        pictures = [pictures[round(i * step)] for i in range(frames)]
    videos: dict[str, list[Exhibit]] = {}
    for exhibit in pictures:
        videos.setdefault(exhibit.video, []).append(exhibit)
    best = sorted(videos, key=lambda video: -max(exhibit.score for exhibit in videos[video]))[:tokens]
    shown = [videos[video] for video in videos if video in best]
    return [Clip(sorted(pictures, key=lambda exhibit: exhibit.second)) for pictures in shown]


def written(
    clips: Sequence[Clip],
    placeholders: Sequence[str],
    exhibits: Sequence[Exhibit],
    question: str,
    options: Sequence[str],
    earlier: Sequence[Turn],
    tokenizer: Any,
) -> str:
    """The user's whole message, with the placeholders of each clip in it."""
    videos = {video: place for place, video in enumerate(dict.fromkeys(e.video for e in exhibits), 1)}
    lines = [ORDERS]
    for clip, holder in zip(clips, placeholders, strict=True):
        lines.append(f"{_told(clip, videos[clip.pictures[0].video])}\n{holder}")
    for exhibit in exhibits:
        if exhibit.source in _KINDS:
            when = f"{exhibit.start:.3f} s to {exhibit.end:.3f} s of video {videos[exhibit.video]}"
            lines.append(f"[{exhibit.number}] {_KINDS[exhibit.source]}, {when}: {fenced(exhibit.text)}")
    lines += [f"Asked before: {fenced(turn.question)} Answered: {fenced(turn.answer)}" for turn in earlier]
    lines.append(f"Question: {harmless(question, tokenizer)}")
    if options:
        listed = zip(letters(options), options, strict=True)
        lines += [f"{letter}. {harmless(option, tokenizer)}" for letter, option in listed]
        lines.append('The "answer" is the letter of one of these alone.')
    return "\n".join(lines)


def _told(clip: Clip, place: int) -> str:
    start, end = clip.pictures[0].second, clip.pictures[-1].second
    times = ", ".join(f"[{exhibit.number}] {exhibit.second:.3f} s" for exhibit in clip.pictures)
    return f"Video {place}, {len(clip.pictures)} frames over {end - start:.3f} seconds: {times}"


def harmless(text: str, tokenizer: Any) -> str:
    """The text with every special piece of the tokenizer broken up by a space, so that it is read as letters."""
    special = {str(piece) for piece in (*tokenizer.all_special_tokens, *tokenizer.get_added_vocab())}
    pieces = sorted((piece for piece in special if len(piece.split()) == 1 and len(piece) > 1), key=len, reverse=True)
    while found := next((piece for piece in pieces if piece in text), None):  # ends: each round splits a word in two
        text = text.replace(found, f"{found[0]} {found[1:]}")
    return text


def ids_of(text: str, tokenizer: Any) -> list[int]:
    """The whole prompt in the model's own chat form, up to and with the beginning of the answer."""
    for content in ([{"type": "text", "text": text}], text):
        rendered = _rendered(content, text, tokenizer)
        if rendered is not None:
            return list(tokenizer(rendered + BEGINNING, add_special_tokens=False)["input_ids"])
    return list(tokenizer(f"USER: {text}\nASSISTANT: {BEGINNING}")["input_ids"])


def _rendered(content: Any, text: str, tokenizer: Any) -> str | None:
    """None where there is no template, or none that passes the text on as it is."""
    import jinja2

    if not getattr(tokenizer, "chat_template", None):
        return None
    try:
        whole = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
    except (jinja2.TemplateError, TypeError, KeyError, ValueError):
        return None
    return whole if isinstance(whole, str) and whole.count(text) == 1 else None
