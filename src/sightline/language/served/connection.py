"""Sends requests to a served model, hears the answer as it comes, and waits and asks again where that helps.

From: the chat completions form, streamed; back-off that doubles, with jitter.
Departures: what a server refuses (a response_format, log-probabilities) is left out from then on. The question itself
never changes. The caller is told of every wait.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sightline.language.fence import visible
from sightline.language.served.address import OFFICIAL, Address
from sightline.language.served.client import client_of
from sightline.language.served.failures import BrokenOff, NotAServer, ServerBusy, ServerError, Unreachable
from sightline.language.served.refusals import listed, no_such_model, refusal, said, short

TRIES = 4
LONGEST_REPLY = 65536  # characters; an answer with its form has some hundreds
LONGEST_WAIT = 60.0  # seconds; a server that asks for more patience is reported instead
_SPARED_FIRST = ("response_format", "logprobs", "stream_options", "temperature", "max_tokens")  # where nothing is named


@dataclass(frozen=True)
class Piece:
    """One token with its log-probability; `others`: the likeliest tokens at its place."""

    text: str
    size: int  # bytes
    logprob: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass
class Reply:
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    finish: str | None = None
    declined: bool = False  # the model refused, in words of its own
    tokens_in: int | None = None
    tokens_out: int | None = None


class Connection:
    def __init__(
        self, address: Address, *, timeout: float, say: Callable[[str], None], backoff: float = 0.5, tries: int = TRIES
    ) -> None:
        self.address, self.backoff, self.tries, self.timeout = address, backoff, tries, timeout
        self.hears = say  # who is told of waits and retries
        self.lines: list[str] = []  # what was told since the last question
        self.spared: set[str] = set()  # what this server has refused
        self.met = False  # whether it ever answered
        self._client = client_of(address, timeout)

    def say(self, line: str) -> None:
        self.lines.append(line)
        self.hears(line)

    def models(self) -> list[str]:
        """Which models the server has; an error says what is there instead of a server."""
        import openai

        try:
            page = self._again(lambda: self._client.models.list())
            return [str(model.id) for model in page.data]
        except openai.APIStatusError as error:
            if error.status_code == 404:
                raise no_such_model("", [], self.address) from error
            raise refusal(error.status_code, said(error), self.address, "", False) from error
        except (TypeError, AttributeError, ValueError, openai.APIResponseValidationError) as error:
            raise NotAServer(f"{self.address.url} does not list models as an OpenAI-compatible server does") from error

    def only_model(self) -> str:
        """The one model there is."""
        known = self.models()
        if not known or any(visible(name) != name for name in known):
            raise no_such_model("", [], self.address)
        if len(known) == 1:
            return known[0]
        raise ServerError(
            f"{self.address.url} serves {len(known)} models; name one as openai:MODEL@{self.address.url}: "
            + listed(known, self.address)
        )

    def ask(
        self, model: str, messages: Sequence[dict[str, Any]], extras: dict[str, Any], hear: Callable[[str], None]
    ) -> Reply:
        """The model's reply; `hear` gets its text as it comes."""
        import openai

        while True:
            wanted = {name: value for name, value in extras.items() if name not in self.spared}
            reply = Reply()
            try:
                return self._again(partial(self._stream, model, messages, wanted, hear, reply), reply)
            except openai.APIStatusError as error:
                words, pictures = said(error), _has_pictures(messages)
                fault = refusal(error.status_code, words, self.address, model, pictures)
                if type(fault) is ServerError and self._spares(words, wanted, error.status_code):
                    continue
                if error.status_code == 404:
                    raise no_such_model(model, self._known(), self.address) from error
                raise fault from error

    def _stream(
        self,
        model: str,
        messages: Sequence[dict[str, Any]],
        wanted: dict[str, Any],
        hear: Callable[[str], None],
        reply: Reply,
    ) -> Reply:
        body = _as_this_server_calls_them(wanted, self.address)
        with self._client.chat.completions.create(model=model, messages=messages, stream=True, **body) as chunks:
            for text in self._texts(chunks, reply):
                reply.text += text
                hear(text)
                if len(reply.text) > LONGEST_REPLY:
                    raise NotAServer(f"{self.address.url} talks without end: more than {LONGEST_REPLY} characters")
        if not reply.text and reply.finish is None:
            raise NotAServer(f"{self.address.url} sent no answer: it does not stream chat completions")
        if reply.finish is None and not reply.text.rstrip().endswith("}"):
            raise self._broken(reply, "it closed the connection")
        return reply

    def _texts(self, chunks: Any, reply: Reply) -> Iterator[str]:
        """The reply's words; what comes with them goes into the reply."""
        try:
            for chunk in chunks:
                yield from _taken(chunk, reply)
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError) as cause:
            raise NotAServer(f"{self.address.url} sent words that are no chat completion ({cause})") from cause

    def _again(self, act: Callable[[], Any], reply: Reply | None = None) -> Any:
        """Does it, and again after a wait where the server is busy or cannot be reached, and nothing was heard yet."""
        import openai

        for attempt in range(1, self.tries + 1):
            last = attempt == self.tries
            try:
                done = act()
                self.met = True
                return done
            except openai.APITimeoutError as error:
                raise self._silent(error, reply) from error
            except openai.APIConnectionError as error:
                if reply and reply.text:
                    raise self._broken(reply, _reason(error)) from error
                if isinstance(error.__cause__, ServerError):
                    raise error.__cause__ from error
                refused = isinstance(_innermost(error), ConnectionRefusedError) and not self.met
                if last or refused:  # nobody has ever been there: waiting is for servers that come back
                    tries = "" if refused else f": {self.tries} tries were made"
                    raise Unreachable(
                        f"no server answers at {self.address.url} ({short(_reason(error), self.address)}); start it, "
                        f"or check the address{tries}"
                    ) from error
                self._wait(attempt, "cannot be reached", None)
            except openai.APIStatusError as error:
                self.met = True
                if last or not self._may_pass(error):
                    raise
                self._wait(attempt, f"is busy (status {error.status_code})", error.response.headers.get("retry-after"))
            except openai.APIError as error:  # the stream itself carried an error
                raise self._in_stream(error, reply) from error
        raise AssertionError("every try ends above")

    def _may_pass(self, error: Any) -> bool:
        """Whether waiting can help: not where a server says `busy` but means no vision, no room or no money."""
        if error.status_code not in (408, 409, 429) and (error.status_code < 500 or error.status_code == 501):
            return False
        fault = refusal(error.status_code, said(error), self.address, "", True)
        return type(fault) is ServerBusy and "quota" not in str(fault)

    def _wait(self, attempt: int, trouble: str, asked: str | None) -> None:
        seconds = self.backoff * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        if asked and asked.replace(".", "", 1).isdigit():
            seconds = float(asked)
        if seconds > LONGEST_WAIT:
            raise ServerBusy(f"{self.address.url} {trouble} and asks to wait {seconds:.0f} s; ask again then")
        self.say(f"{self.address.url} {trouble}; asking again in {seconds:.1f} s ({attempt + 1} of {self.tries})")
        time.sleep(seconds)

    def _spares(self, words: str, wanted: dict[str, Any], status: int) -> bool:
        """Leaves out what the server did not take: what it names, else what is likeliest."""
        named = [name for name in wanted if name in words]
        unsure = [name for name in _SPARED_FIRST if name in wanted] if status in (400, 422, 501) else []
        for name in named or unsure[:1]:
            self.spared |= {name, "top_logprobs"} if name == "logprobs" else {name}
            self.say(f"{self.address.url} does not take {name}; asking without it")
        return bool(named or unsure)

    def _known(self) -> list[str]:
        try:
            return self.models()
        except ServerError:
            return []

    def _silent(self, error: Exception, reply: Reply | None) -> ServerError:
        if reply and reply.text:
            return self._broken(reply, f"nothing more came for {self.timeout:.0f} s")
        return Unreachable(
            f"{self.address.url} said nothing for {self.timeout:.0f} s; it may still be loading its model: ask again, "
            "with a longer timeout or fewer frames"
        )

    def _broken(self, reply: Reply, why: str) -> ServerError:
        return BrokenOff(
            f"{self.address.url} broke off after {len(reply.text)} characters of the answer "
            f"({short(why, self.address)}); nothing is lost: ask again once it is back",
            {"partial": reply.text},
        )

    def _in_stream(self, error: Any, reply: Reply | None) -> ServerError:
        if reply and reply.text:
            return self._broken(reply, said(error))
        status = int(error.code) if str(error.code or "").isdigit() else 500
        return refusal(status, said(error), self.address, "the model", True)


def _as_this_server_calls_them(wanted: dict[str, Any], address: Address) -> dict[str, Any]:
    body = dict(wanted)
    if address.url == OFFICIAL and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")  # the old name is refused there
    return body


def _taken(chunk: Any, reply: Reply) -> Iterator[str]:
    if usage := getattr(chunk, "usage", None):
        reply.tokens_in, reply.tokens_out = usage.prompt_tokens, usage.completion_tokens
    for choice in (chunk.choices or [])[:1]:
        reply.finish = choice.finish_reason or reply.finish
        declined = choice.delta.refusal if choice.delta else None
        text = (choice.delta.content or declined or "") if choice.delta else ""
        reply.declined |= bool(declined) or choice.finish_reason == "content_filter"
        for token in (choice.logprobs.content if choice.logprobs else None) or []:
            others = tuple((other.token, other.logprob) for other in token.top_logprobs or [])
            size = len(token.bytes if token.bytes is not None else token.token.encode())
            reply.pieces.append(Piece(token.token, size, token.logprob, others))
        if text:
            yield text


def _has_pictures(messages: Sequence[dict[str, Any]]) -> bool:
    parts = (part for message in messages if isinstance(message["content"], list) for part in message["content"])
    return any(part["type"] == "image_url" for part in parts)


def _reason(error: BaseException) -> str:
    """The innermost cause, which is the one that says something."""
    cause = _innermost(error)
    return str(cause) or type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error
