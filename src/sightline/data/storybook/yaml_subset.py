"""Reads the small part of YAML in which scenes are written by hand, keeping the line of every value.

Block mappings and lists by indentation, `{key: value}` mappings on one line, plain and quoted text, comments. Nothing
else of YAML (anchors, tags, several documents, multi-line text) is read; whatever is not understood is a mistake with
its line, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sightline.errors import SightlineError


class BadScript(SightlineError):
    """A hand-written scene that cannot be drawn; the message begins with its line."""

    code = "bad-script"


@dataclass(frozen=True)
class Node:
    """A value with the line it stands on: text, a list of nodes, or a mapping of nodes."""

    value: Any
    line: int


def mistake(line: int, message: str) -> BadScript:
    return BadScript(f"line {line}: {message}")


_PAIR = re.compile(r"([A-Za-z_]\w*)\s*:(?:\s+(.*))?$")
_PIECE = re.compile(r"""[^,:]*:\s*(?:"[^"]*"|'[^']*')|[^,]+""")
_DEEPEST = 40  # spaces; scenes need six


def _without_comment(text: str) -> str:
    quote = ""
    for k, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and (k == 0 or text[k - 1] in " {,:"):
            quote = letter
        elif letter == "#" and (k == 0 or text[k - 1] == " "):
            return text[:k].rstrip()
    return text.rstrip()


def _scalar(text: str, line: int) -> Node:
    text = text.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise mistake(line, f"a {{ without its }} in {text!r}")
        return _pairs(_PIECE.findall(text[1:-1]), line)
    if text[:1] in ("[", "&", "*", "!", "|", ">", "%", "@"):
        raise mistake(line, f"{text[:1]!r} is not part of the YAML that is read here; quote the text if it is meant so")
    if text[:1] in ("'", '"'):
        if len(text) < 2 or text[-1] != text[0]:
            raise mistake(line, f"a quote is not closed in {text}")
        return Node(text[1:-1], line)
    if ": " in text:
        raise mistake(line, f"a second ': ' in {text!r}; quote the text if it is meant so")
    return Node(text, line)


def _pairs(pieces: Iterable[str], line: int) -> Node:
    mapping: dict[str, Node] = {}
    for piece in pieces:
        found = _PAIR.match(piece.strip())
        if not found or not found[2]:
            raise mistake(line, f"expected 'key: value', found {piece.strip()!r}")
        if found[2].startswith("{"):
            raise mistake(line, "a { inside a {; give the inner mapping lines of its own")
        _put(mapping, found[1], _scalar(found[2], line), line)
    return Node(mapping, line)


def _put(mapping: dict[str, Node], key: str, node: Node, line: int) -> None:
    if key in mapping:
        raise mistake(line, f"{key!r} is given twice, first on line {mapping[key].line}")
    mapping[key] = node


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines: list[tuple[int, int, str]] = []
        for number, raw in enumerate(text.splitlines(), start=1):
            if "\t" in raw[: len(raw) - len(raw.lstrip())]:
                raise mistake(number, "indent with spaces, not with tabs")
            content = _without_comment(raw)
            if len(content) - len(content.lstrip()) > _DEEPEST:
                raise mistake(number, f"indented by more than {_DEEPEST} spaces")
            if content == "---" and not self.lines:
                continue  # where a document begins
            if content.strip():
                self.lines.append((number, len(content) - len(content.lstrip()), content.strip()))
        self.at = 0

    def block(self, indent: int) -> Node:
        """The list or mapping whose lines begin at `indent`."""
        line, _, content = self.lines[self.at]
        items: list[Node] = []
        mapping: dict[str, Node] = {}
        listed = content.startswith("- ") or content == "-"
        while self.at < len(self.lines) and self.lines[self.at][1] == indent:
            number, _, content = self.lines[self.at]
            if listed != (content.startswith("- ") or content == "-"):
                raise mistake(number, "a list item and a 'key: value' cannot stand side by side")
            if listed:
                items.append(self._item(number, indent, content[1:].lstrip()))
            else:
                self._pair(mapping, number, indent, content)
        if self.at < len(self.lines) and self.lines[self.at][1] > indent:
            raise mistake(
                self.lines[self.at][0], f"indented by {self.lines[self.at][1]} spaces where {indent} are expected"
            )
        return Node(items if listed else mapping, line)

    def _item(self, number: int, indent: int, rest: str) -> Node:
        if rest.startswith("{") or not _PAIR.match(rest):
            self.at += 1
            return _scalar(rest, number)
        inner = indent + len(self.lines[self.at][2]) - len(rest)
        self.lines[self.at] = (number, inner, rest)  # the item's first pair, read as a line of its own
        return self.block(inner)

    def _pair(self, mapping: dict[str, Node], number: int, indent: int, content: str) -> None:
        found = _PAIR.match(content)
        if not found:
            raise mistake(number, f"expected 'key: value', found {content!r}")
        self.at += 1
        if found[2]:
            _put(mapping, found[1], _scalar(found[2], number), number)
        elif self.at < len(self.lines) and self.lines[self.at][1] > indent:
            _put(mapping, found[1], self.block(self.lines[self.at][1]), number)
        else:
            raise mistake(number, f"nothing is given for {found[1]!r}")


def parse(text: str) -> Node:
    reader = _Reader(text)
    if not reader.lines:
        raise mistake(1, "the script is empty; it needs 'scenes:'")
    node = reader.block(reader.lines[0][1])
    if reader.at < len(reader.lines):
        raise mistake(reader.lines[reader.at][0], "indented less than the first line")
    return node
