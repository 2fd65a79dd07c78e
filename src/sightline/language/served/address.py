"""The name a person types for a served model, taken apart: which server, which model, which key.

Forms: `openai:MODEL@http://host:port/v1`, `openai:MODEL` (the service of that name), and an address alone,
`http://host:port/v1`, whose only model is taken. An address without a path gets `/v1`, where every such server answers.
The key comes from the caller, SIGHTLINE_API_KEY or OPENAI_API_KEY, in this order, and from nowhere else.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sightline.language.served.failures import ServerError

OFFICIAL = "https://api.openai.com/v1"
KEYS = ("SIGHTLINE_API_KEY", "OPENAI_API_KEY")
_FORMS = "write openai:MODEL@http://host:port/v1, or the address alone if it serves one model"


@dataclass(frozen=True)
class Address:
    url: str
    model: str | None
    key: str | None = field(default=None, repr=False)  # never printed
    key_from: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: the only place anything is sent to."""
        parts = urlsplit(self.url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_here(self) -> bool:
        """Whether the server runs on this machine, so that nothing crosses a network."""
        host = self.origin[1]
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def warning(self) -> str | None:
        if self.key is None or self.origin[0] == "https" or self.is_here:
            return None
        return (
            f"the key from {self.key_from} goes to {self.origin[1]} over plain http, readable by every machine on the "
            "way: use https, or a tunnel to localhost"
        )


def address_of(name: str, key: str | None = None) -> Address:
    """The address behind a name; nothing is sent yet."""
    model, url = _taken_apart(name.strip())
    found, source = _key(key)
    return Address(_checked(url, name), model, found, source)


def _taken_apart(name: str) -> tuple[str | None, str]:
    if name.startswith(("http://", "https://")):
        return None, name
    if not name.startswith("openai:"):
        raise ServerError(f"{name!r} is no name of a served model: {_FORMS}")
    rest = name.removeprefix("openai:")
    for scheme in ("http://", "https://"):
        model, at, host = rest.partition(f"@{scheme}")
        if at:
            return model or None, scheme + host
    if not rest or "://" in rest:
        raise ServerError(f"{name!r} names no model before its address: {_FORMS}")
    return rest, OFFICIAL


def _checked(url: str, name: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as cause:
        raise ServerError(f"the address in {name!r} cannot be read ({cause}): {_FORMS}") from cause
    if parts.username is not None or parts.password is not None:
        raise ServerError(f"an address must not carry a name or password; set {KEYS[0]} instead, it is sent as the key")
    if not parts.hostname or parts.query or parts.fragment or port == 0:
        raise ServerError(f"the address in {name!r} is not of the form http://host:port/v1: {_FORMS}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/models")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def _key(given: str | None) -> tuple[str | None, str]:
    if given:
        return given.strip(), "the caller"
    for variable in KEYS:
        if os.environ.get(variable, "").strip():
            return os.environ[variable].strip(), variable
    return None, ""
