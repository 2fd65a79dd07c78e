"""A scene written by hand, as a small YAML; every mistake names its line.

The part of YAML that is read is described in `yaml_subset.py`.

    seed: 7
    scenes:
      - backdrop: meadow              # any of the ten places
        seconds: 8
        things:
          - {is: cat, colour: red, size: small, x: 0.3}
          - {is: tree, colour: green, size: big, texture: spotted, x: 0.7}
        events:                       # seconds count from the start of the scene
          - {who: red cat, does: jumps, times: 2, from: 1, to: 3}
          - {who: red cat, does: hides, other: green tree, from: 4, to: 6}
        signs:
          - {text: HELLO, x: 0.5}
        speech:
          - {who: green tree, says: "Where is the cat?", zh: 猫在哪里？, from: 6, to: 8}
      - backdrop: night
        seconds: 4
        join: dissolve
        things:
          - {is: moon, colour: yellow}
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from sightline.data.storybook.dials import Dials
from sightline.data.storybook.script import (
    APPEARS,
    VANISHES,
    WITH_OTHER,
    Event,
    Scene,
    Script,
    Sign,
    Speech,
    Thing,
    stand,
)
from sightline.data.storybook.sprites import TEXTURES
from sightline.data.storybook.words import ACTION_NAMES, COLOUR_WORDS, PLACES, SIZE_WORDS, THINGS, Both, Word
from sightline.data.storybook.yaml_subset import BadScript, Node, mistake, parse

LONGEST_SIGN = 16  # letters


class _Fields:
    """A mapping whose every key must be known, asked for by name and kind."""

    def __init__(self, node: Node, what: str, keys: str) -> None:
        if not isinstance(node.value, dict):
            raise mistake(node.line, f"{what} is a mapping with {keys}")
        self.node, self.what, self.line = node, what, node.line
        for key, child in node.value.items():
            if key not in keys.split():
                raise mistake(child.line, f"{what} has no {key!r}{_meant(key, keys.split())}; it has {keys}")

    def line_of(self, key: str) -> int:
        node = self.node.value.get(key)
        return node.line if node else self.line

    def text(self, key: str, default: str | None = None) -> str:
        node = self.node.value.get(key)
        if node is None and default is not None:
            return default
        if node is None:
            raise mistake(self.line, f"{self.what} needs {key!r}")
        if not isinstance(node.value, str):
            raise mistake(node.line, f"{key!r} of {self.what} is a text, not a list or mapping")
        return node.value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        text = self.text(key, None if default is None else str(default))
        try:
            value = float(text)
        except ValueError:
            raise mistake(self.line_of(key), f"{key!r} is a number, not {text!r}") from None
        if not low <= value <= high:
            raise mistake(self.line_of(key), f"{key!r} goes from {low:g} to {high:g} here, not {text}")
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str | None = None) -> str:
        text, known = self.text(key, default), list(allowed)
        if text not in known:
            what = {"is": "thing", "does": "action"}.get(key, key)
            raise mistake(self.line_of(key), f"no {what} {text!r}{_meant(text, known)}; there are {', '.join(known)}")
        return text

    def word(self, key: str, table: dict[str, Word], default: str | None = None) -> str:
        """A word of the table by its key or by any of its names in English or Chinese."""
        text = self.text(key, default)
        for name, word in table.items():
            if text == name or text in word.en or text in word.zh:
                return name
        return self.choice(key, table, default)

    def children(self, key: str) -> list[Node]:
        node = self.node.value.get(key)
        if node is None:
            return []
        if not isinstance(node.value, list):
            raise mistake(node.line, f"{key!r} is a list: each of its lines begins with '- '")
        return list(node.value)


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _painted(sign: _Fields) -> str:
    """A sign's text, which the one font that is always there can paint."""
    text, line = sign.text("text"), sign.line_of("text")
    if not 1 <= len(text.strip()) <= LONGEST_SIGN:
        raise mistake(line, f"a sign has 1 to {LONGEST_SIGN} letters, not {len(text.strip())}")
    strange = next((letter for letter in text if not " " <= letter <= "~"), None)
    if strange:
        raise mistake(line, f"{strange!r} cannot be painted on a sign; take Latin letters and figures, or have it said")
    return text.strip()


class _Stage:
    """Collects what the scenes say into one script."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.scenes: list[Scene] = []
        self.events: list[Event] = []
        self.signs: list[Sign] = []
        self.speech: list[Speech] = []

    def scene(self, node: Node) -> None:
        fields = _Fields(node, "a scene", "backdrop seconds join variant things events signs speech")
        start = self.scenes[-1].end if self.scenes else 0.0
        end = start + fields.number("seconds", 0.5, 3600)
        first, members = len(self.things), fields.children("things")
        if not members:
            raise mistake(node.line, "a scene needs 'things:' with at least one thing")
        for k, child in enumerate(members):
            self._thing(child, (k + 1) / (len(members) + 1))
        cast = tuple(range(first, len(self.things)))
        scene = Scene(
            fields.word("backdrop", PLACES),
            start,
            end,
            cast,
            int(fields.number("variant", 0, 3, 0)),
            fields.choice("join", ("cut", "dissolve"), "cut"),
        )
        self.scenes.append(scene)
        for child in fields.children("events"):
            self._event(child, scene)
        for child in fields.children("signs"):
            sign = _Fields(child, "a sign", "text x from to height")
            height = sign.number("height", 0.02, 0.3, 0.1)
            span, x = self._span(sign, scene), sign.number("x", 0, 1, 0.5)
            self.signs.append(Sign(_painted(sign), *span, x, 1.15 * height, height))
        for child in fields.children("speech"):
            said = _Fields(child, "a speech line", "who says zh from to")
            text = said.text("says")
            if not text.strip():
                raise mistake(said.line_of("says"), "a speech line needs some words")
            self.speech.append(
                Speech(*self._span(said, scene), self._who(said, "who", scene), Both(text, said.text("zh", text)))
            )

    def _thing(self, node: Node, x: float) -> None:
        fields = _Fields(node, "a thing", "is colour texture size x y facing")
        prop, size = fields.word("is", THINGS), fields.word("size", SIZE_WORDS, "middle")
        thing = Thing(
            prop,
            fields.word("colour", COLOUR_WORDS),
            fields.choice("texture", TEXTURES, "plain"),
            size,
            fields.number("x", 0, 1, x),
            fields.number("y", 0, 1, stand(prop, size, 0.42)),
            fields.choice("facing", ("left", "right"), "right"),
        )
        if any((t.prop, t.colour) == (thing.prop, thing.colour) for t in self.things):
            raise mistake(node.line, f"there is already a {thing.name.en}; a name must mean one thing of the video")
        self.things.append(thing)

    def _span(self, fields: _Fields, scene: Scene) -> tuple[float, float]:
        length = scene.end - scene.start
        start = fields.number("from", 0, length, 0.0)
        end = fields.number("to", 0, length, length)
        if end <= start:
            raise mistake(fields.line_of("to"), f"ends at {end:g}, before it starts at {start:g}")
        return scene.start + start, scene.start + end

    def _who(self, fields: _Fields, key: str, scene: Scene) -> int:
        names = {name: k for k in scene.things for name in (self.things[k].name.en, self.things[k].name.zh)}
        text = fields.text(key).removeprefix("the ")
        if text not in names:
            here = ", ".join(self.things[k].name.en for k in scene.things)
            raise mistake(
                fields.line_of(key), f"no {text!r} in this scene{_meant(text, list(names))}; there are: {here}"
            )
        return names[text]

    def _event(self, node: Node, scene: Scene) -> None:
        fields = _Fields(node, "an event", "who does from to times side other")
        who, action = self._who(fields, "who", scene), fields.word("does", ACTION_NAMES)
        start, end = self._span(fields, scene)
        other = self._who(fields, "other", scene) if action in WITH_OTHER else None
        side = fields.choice("side", ("left", "right"), "right")
        event = Event(who, action, start, end, side, int(fields.number("times", 1, 5, 1)), other)
        self._check(event, node.line)
        self.events.append(event)

    def _check(self, event: Event, line: int) -> None:
        name = self.things[event.thing].name.en
        for before in (e for e in self.events if e.thing == event.thing):
            if event.start < before.end:
                raise mistake(line, f"the {name} is still busy until second {before.end:g} (it {before.action})")
            if before.action in VANISHES:
                raise mistake(line, f"the {name} is gone: it {before.action} before")
            if event.action in APPEARS:
                raise mistake(line, f"the {name} is here already, so it cannot be that it {event.action}")
        if event.other == event.thing:
            raise mistake(line, f"the {name} cannot do this with itself")
        acting = {e.thing for e in [*self.events, event]}
        for helper in {e.other for e in [*self.events, event] if e.other is not None} & acting:
            name = self.things[helper].name.en
            raise mistake(line, f"the {name} is what another hides behind or rides on; it must stand by in this scene")


def script_from(text: str) -> Script:
    """The script that a YAML text describes."""
    top = _Fields(parse(text), "a script", "seed scenes")
    stage = _Stage()
    for node in top.children("scenes"):
        stage.scene(node)
    if not stage.scenes:
        raise mistake(top.line, "a script needs 'scenes:' with at least one scene")
    seed = int(top.number("seed", 0, 2**48, 0))
    seconds = stage.scenes[-1].end
    events = tuple(sorted(stage.events, key=lambda event: (event.start, event.thing)))
    dials = Dials(seconds=max(2.0 * len(stage.scenes), min(seconds, 1024.0)), scenes=len(stage.scenes))
    return Script(
        seed,
        seconds,
        tuple(stage.scenes),
        tuple(stage.things),
        events,
        tuple(stage.signs),
        tuple(stage.speech),
        "all",
        dials,
    )


def read_script(path: str | Path) -> Script:
    """The script in a file; mistakes are named as FILE: line N: what."""
    try:
        return script_from(Path(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise BadScript(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except FileNotFoundError:
        raise BadScript(f"{path}: there is no such file") from None
    except BadScript as problem:
        raise BadScript(f"{path}: {problem}") from None
