"""What can go wrong with a served model, each as one line with its cure.

`notes` holds what was at hand when it happened, so that nothing is lost: the words of an answer that broke off.
"""

from __future__ import annotations

from typing import Any

from sightline.errors import SightlineError


class ServerError(SightlineError):
    """The server refused, or something about the address is wrong."""

    code = "server"

    def __init__(self, message: str, notes: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.notes = notes or {}


class NoKey(ServerError):
    code = "no-key"


class NoSuchModel(ServerError):
    code = "no-model"


class NoVision(ServerError):
    code = "no-vision"


class TooLong(ServerError):
    """The question with its exhibits does not fit; `frames`: how many pictures the server takes, where it says so."""

    code = "too-long"

    def __init__(self, message: str, frames: int | None = None) -> None:
        super().__init__(message)
        self.frames = frames


class ServerBusy(ServerError):
    code = "server-busy"


class Unreachable(ServerError):
    code = "unreachable"


class BrokenOff(ServerError):
    """The connection ended in the middle of an answer; `notes["partial"]` has what had come."""

    code = "broken-off"


class NotAnAnswer(ServerError):
    """The model answered in another form than it was asked for, twice."""

    code = "no-answer"


class NotAServer(ServerError):
    """Something answers at this address, but it does not speak the OpenAI form."""

    code = "not-a-server"
