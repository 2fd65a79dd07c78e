"""Which bytes can still become JSON of a schema: what holds the tiny model to the form it was asked for."""

from __future__ import annotations

import json
from typing import Any

LONGEST_STRING = 40  # characters, in JSON: noise does not end by itself


class _Unfinished(Exception):
    """The text is over, and right so far."""


class _Wrong(Exception):
    """The text cannot become JSON of this schema."""


def may_become(text: bytes, schema: dict[str, Any]) -> bool:
    """Whether JSON of this schema can begin, or be, so: objects, strings, enumerations, lists, numbers, booleans."""
    try:
        return _after(text, schema) == b"" and _is_utf8(text)
    except _Unfinished:
        return _is_utf8(text)
    except _Wrong:
        return False


def is_whole(text: bytes, schema: dict[str, Any]) -> bool:
    """Whether the text is JSON of this schema, to its end."""
    try:
        return _after(text, schema) == b""
    except (_Unfinished, _Wrong):
        return False


def _after(text: bytes, schema: dict[str, Any]) -> bytes:
    """What follows the value that the text begins with."""
    if "enum" in schema:
        return _one_of(text, [json.dumps(value).encode() for value in schema["enum"]])
    if schema["type"] == "object":
        for place, (name, inner) in enumerate(schema["properties"].items()):
            text = _literal(text, ("{" if place == 0 else ", ").encode() + json.dumps(name).encode() + b": ")
            text = _after(text, inner)
        return _literal(text, b"}")
    if schema["type"] == "array":
        return _list(_literal(text, b"["), [json.dumps(value).encode() for value in schema["items"]["enum"]])
    if schema["type"] == "string":
        return _string(_literal(text, b'"'))
    return _one_of(
        text, [b"true", b"false"] if schema["type"] == "boolean" else [b"%.1f" % (n / 10) for n in range(11)]
    )


def _list(text: bytes, left: list[bytes]) -> bytes:
    """Each number at most once, so that no list is endless."""
    opening = b""
    while not text.startswith(b"]"):
        before = _literal(text, opening) if left else _literal(text, b"]")
        text = _one_of(before, left)
        left = [value for value in left if value != before[: len(before) - len(text)]]
        opening = b", "
    return text[1:]


def _string(text: bytes) -> bytes:
    inside, quote, rest = text.partition(b'"')
    if len(inside.decode(errors="replace")) > LONGEST_STRING or any(byte < 32 or byte == 92 for byte in inside):
        raise _Wrong
    if not quote:
        raise _Unfinished
    if not inside:
        raise _Wrong  # an answer without a word would test nothing
    return rest


def _one_of(text: bytes, values: list[bytes]) -> bytes:
    """After the longest of the values; a number is over when something else follows it."""
    if any(value.startswith(text) and value != text for value in values) or not text:
        raise _Unfinished
    for value in sorted(values, key=len, reverse=True):
        if text.startswith(value):
            return text[len(value) :]
    raise _Wrong


def _literal(text: bytes, wanted: bytes) -> bytes:
    if text.startswith(wanted):
        return text[len(wanted) :]
    raise _Unfinished if wanted.startswith(text) else _Wrong


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8, or the beginning of it."""
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        return fault.reason == "unexpected end of data"
    return True
