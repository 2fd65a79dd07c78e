"""Every error a user can meet: each says what was asked, what was found, and what to do.

The library raises these; only `cli/` turns them into one line and an exit code.
`code` is the short reason that the ledger and reports carry, so that counts can be added up.
"""

from importlib.util import find_spec


class SightlineError(Exception):
    """The root: catching it catches everything Sightline raises on purpose."""

    code = "error"


# --- the file itself -------------------------------------------------------------------------


class MediaError(SightlineError):
    """A file that cannot be watched; one line in the report, nothing else."""

    code = "unreadable"


class NotMedia(MediaError):
    code = "not-media"


class NoVideoStream(MediaError):
    code = "no-video"


class NoFrames(MediaError):
    code = "no-frames"


class TooLarge(MediaError):
    code = "too-large"


class FileVanished(MediaError):
    code = "vanished"


class FileChanged(MediaError):
    """The bytes under a name changed while they were being read."""

    code = "changed"


class TookTooLong(MediaError):
    code = "timeout"


class DecoderDied(MediaError):
    code = "crashed"


class OutOfMemory(MediaError):
    code = "memory"


class BadTimedText(MediaError):
    code = "bad-text"


# --- the library on disk ---------------------------------------------------------------------


class LibraryError(SightlineError):
    code = "library"


class NoLibrary(LibraryError):
    code = "no-library"


class LibraryBusy(LibraryError):
    code = "busy"


class LibraryDamaged(LibraryError):
    code = "damaged"


class LibraryTooNew(LibraryError):
    code = "too-new"


class EncoderMismatch(LibraryError):
    code = "encoder-mismatch"


# --- what was asked --------------------------------------------------------------------------


class BadQuery(SightlineError):
    code = "bad-query"


class BadRecord(SightlineError, ValueError):
    """A record was given lengths that disagree; the message prints both."""

    code = "bad-record"


class NoSuchEncoder(SightlineError):
    code = "no-encoder"


class BadModel(NoSuchEncoder):
    """The files of a model are there, but cannot be trusted or do not fit together."""

    code = "bad-model"


class NoWorkers(SightlineError):
    """Decoding processes cannot be started; nothing is wrong with any file."""

    code = "no-workers"


class SystemSays(SightlineError):
    """The operating system refused something: a folder that cannot be made, a full disk."""

    code = "system"


class MissingExtra(SightlineError):
    """An optional part is not installed; the message is the one line that says how to get it."""

    code = "missing-extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part; get it with: pip install 'sightline[{extra}]'")
        self.extra = extra


def require(what: str, extra: str, *modules: str) -> None:
    """Raises MissingExtra where one of the modules that `what` needs is not installed; imports none of them."""
    if not all(map(find_spec, modules)):
        raise MissingExtra(what, extra)


class ExportError(SightlineError):
    code = "export"
