"""Reads what a server says when it refuses, and names the fault with its cure.

From: the answers of vLLM, SGLang, llama.cpp, Ollama, LM Studio, TGI and the service whose form they share. None of them
agrees on codes, so the words are read.
"""

from __future__ import annotations

import re
from typing import Any

from sightline.language.fence import visible
from sightline.language.served.address import KEYS, Address
from sightline.language.served.failures import (
    NoKey,
    NoSuchModel,
    NotAServer,
    NoVision,
    ServerBusy,
    ServerError,
    TooLong,
)

_NO_VISION = re.compile(
    r"at most 0 image|not a multi-?modal|no vision|mmproj|missing data required for image|"
    r"(?:image|vision|multi-?modal).{0,60}(?:not (?:support|enabled|available)|unsupported|only supported|not allowed)|"
    r"(?:not support|n't support|unsupported|cannot (?:accept|process|take|handle)).{0,40}(?:image|vision|multimodal)",
    re.IGNORECASE,
)
_FRAMES = re.compile(r"at most (\d+) image", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.{0,12}(?:length|size|window)|too long|too many (?:tokens|images)|too large|max_model_len|input length|"
    r"tokens?\b.{0,60}(?:exceed|maximum|limit)|exceeds?.{0,60}(?:tokens?|context|length)|must be <=",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(r"insufficient_quota|billing|credit balance|payment", re.IGNORECASE)
SHOWN = 200  # characters of a server's own words


def short(words: object, address: Address) -> str:
    """A server's own words on one line, cut, and without the key should the server repeat it."""
    line = " ".join(visible(str(words)).split())
    if address.key:
        line = line.replace(address.key, "…")
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def said(error: Any) -> str:
    """What an error of the client carries: the server's message, however it is wrapped."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
        code = inner.get("code") if isinstance(inner, dict) else None
        return f"{message or body}" + (f" ({code})" if isinstance(code, str) else "")
    return str(body or getattr(error, "message", error))


def refusal(status: int, words: str, address: Address, model: str, pictures: bool) -> ServerError:
    """The fault behind a status and the server's words; `pictures`: whether any were sent."""
    line, where = short(words, address), address.url
    if status in (401, 403):
        found = f"the key from {address.key_from} was refused" if address.key else "no key was sent"
        return NoKey(f"{where} asks for a key and {found}; set {KEYS[0]} to one that this server knows ({line})")
    if pictures and _NO_VISION.search(words):
        return NoVision(
            f"{model} at {where} takes no pictures; choose a model that sees, or ask it with words alone "
            f"(pictures=False) ({line})"
        )
    if status == 413 or (status < 500 or pictures) and (_TOO_LONG.search(words) or _FRAMES.search(words)):
        most = _FRAMES.search(words)
        return TooLong(
            f"the exhibits are too long for {model} at {where}; ask with fewer frames or tokens ({line})",
            int(most.group(1)) if most else None,
        )
    if status == 429 and _NO_MONEY.search(words):
        return ServerBusy(f"{where} has no quota left for this key; add credit or use another server ({line})")
    if status == 429 or status >= 500 and status != 501:
        return ServerBusy(f"{where} is busy or failing (status {status}) and stayed so; ask again later ({line})")
    if 300 <= status < 400:
        return NotAServer(f"{where} sends on to another address, which is not followed; give that address ({line})")
    return ServerError(f"{where} refused the question (status {status}): {line}")


def no_such_model(model: str, known: list[str], address: Address) -> ServerError:
    """What a 404 means, once the server was asked which models it has."""
    if known:
        return NoSuchModel(f"{address.url} has no model {model!r}; it has: {listed(known, address)}")
    return NotAServer(
        f"{address.url} answers, but has neither models nor chat completions: does its address end in /v1?"
    )


def listed(known: list[str], address: Address, most: int = 8) -> str:
    names = ", ".join(short(name, address) for name in known[:most])
    return names + (f" and {len(known) - most} more" if len(known) > most else "")
