"""The official client, held to one address: every request goes there or nowhere, and says nothing about this machine.

From: the package `openai` over httpx2.
Departures: no redirect is followed, the client's own retries are off, its headers about system and version are taken
off, and no organisation, project or other address is read from the environment.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sightline.errors import MissingExtra
from sightline.language.served.address import Address
from sightline.language.served.failures import ServerError

_SENT_HEADERS = {"host", "accept", "accept-encoding", "connection", "content-type", "content-length", "authorization"}


def client_of(address: Address, timeout: float) -> Any:
    """A client that reaches this address and nothing else."""
    try:
        import httpx2
        import openai
    except ImportError as cause:
        raise MissingExtra("a model behind an OpenAI-compatible server", "llm") from cause

    def guard(request: Any) -> None:
        target = (
            request.url.scheme,
            request.url.host,
            request.url.port or (443 if request.url.scheme == "https" else 80),
        )
        if target != address.origin:
            raise ServerError(f"a request to {request.url.host} was stopped: only {address.url} was asked for")
        for header in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
            del request.headers[header]
        if address.key is None:
            request.headers.pop("authorization", None)

    http = httpx2.Client(
        follow_redirects=False,
        trust_env=not address.is_here,  # a proxy is for what lies beyond this machine
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        event_hooks={"request": [partial(_guard, address)]},
    )
    return openai.OpenAI(
        base_url=address.url, api_key=address.key or "none", max_retries=0, http_client=http, timeout=timeout
    )


def _guard(address: Address, request: Any) -> None:
    """Runs on every request before it leaves."""
    url = request.url
    if (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)) != address.origin:
        raise ServerError(f"a request to {url.host} was stopped: only {address.url} was asked for")
    for header in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
        del request.headers[header]
    if address.key is None:
        request.headers.pop("authorization", None)
