"""Every fault that reading a file can meet becomes one of Sightline's errors, here and nowhere else.

Departures: FFmpeg's own texts are dropped, except for a short reason; they may carry bytes of the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import FileVanished, MediaError, NotMedia, OutOfMemory, SightlineError


def shown(path: str | os.PathLike[str], most: int = 300) -> str:
    """A file name that is safe to print: control characters escaped, very long names shortened in the middle."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in os.fspath(path))
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 2 :]}"


def ordinary_file(path: str | os.PathLike[str]) -> Path:
    """The absolute path of a regular, non-empty file; a pipe would wait for ever, a device might never end."""
    found = Path(os.path.abspath(path))
    with reading(found):
        status = found.stat()
    if stat.S_ISDIR(status.st_mode):
        raise NotMedia(f"{shown(found)} is a folder, not a media file")
    if not stat.S_ISREG(status.st_mode):
        raise NotMedia(f"{shown(found)} is not an ordinary file (a pipe, socket or device), so it is not opened")
    if status.st_size == 0:
        raise NotMedia(f"{shown(found)} is empty (0 bytes); copy or download it again")
    return found


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Inside this block, whatever FFmpeg or the system raises about the file leaves as a MediaError.

    Python's own errors are let through: they would be mistakes of this program, not of the file.
    """
    import av

    try:
        yield
    except SightlineError:
        raise
    except MemoryError as fault:
        raise OutOfMemory(f"{shown(path)} asks for more memory than there is") from fault
    except (av.FFmpegError, OSError, EOFError, UnicodeError) as fault:
        raise as_media_error(path, fault) from fault


def as_media_error(path: str | os.PathLike[str], fault: BaseException) -> MediaError:
    """The error that tells a user what happened to this file."""
    import av

    name = shown(path)
    if isinstance(fault, FileNotFoundError):
        return FileVanished(f"{name} is not there; it was moved or deleted, or its disk is not connected")
    if isinstance(fault, (av.error.DecoderNotFoundError, av.error.PatchWelcomeError)):
        return MediaError(f"{name} uses a codec or a feature that this FFmpeg does not decode ({reason(fault)})")
    if isinstance(fault, OSError) and not isinstance(fault, EOFError):
        return MediaError(f"{name} cannot be read: {reason(fault)}")
    return NotMedia(f"{name} is not a media file that can be read: {reason(fault)}")


def reason(fault: BaseException) -> str:
    """A few printable words of a fault, without paths."""
    words = getattr(fault, "strerror", None) or type(fault).__name__
    return shown(str(words), most=80)
