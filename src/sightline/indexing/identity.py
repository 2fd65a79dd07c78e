"""Who a file is: the digest of its bytes, not its name.

Shapes: path -> 64 hexadecimal digits (blake2b, 256 bits)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sightline.errors import FileVanished

PIECE = 4 << 20


def digest(path: str, progress: Callable[[int], None] | None = None) -> str:
    """Reads the whole file once; two files share a digest only when they share every byte."""
    hasher = hashlib.blake2b(digest_size=32)
    try:
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(PIECE):
                hasher.update(piece)
                if progress:
                    progress(len(piece))
    except OSError as error:
        raise FileVanished(
            f"{path} could not be read ({error.strerror}); it is left as it was in the library"
        ) from error
    return hasher.hexdigest()
