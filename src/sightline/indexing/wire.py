"""The messages between the indexer and its decoding children: a JSON head and raw arrays, every length checked.

A child reads hostile files, so what it says is not trusted either: nothing is unpickled, sizes are bounded before
memory is taken, and only plain numeric arrays pass.

Shapes: one message is  b"SLW1" | u32 head length | head (JSON) | the arrays' bytes one after another, as
`head["arrays"]` lists them.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from sightline.errors import DecoderDied

MAGIC = b"SLW1"
HEAD_LIMIT = 64 << 20  # subtitles of a whole film travel in the head
ARRAY_LIMIT = 1 << 30
KINDS = {"|u1", "<f4", "<f8", "<i4", "<i8"}

Message = tuple[dict[str, Any], dict[str, np.ndarray]]


def send(stream: BinaryIO, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Writes one message and flushes it."""
    packed = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    listing = [{"name": name, "kind": a.dtype.str, "shape": list(a.shape)} for name, a in packed.items()]
    text = json.dumps({**head, "arrays": listing}).encode()
    stream.write(MAGIC + struct.pack("<I", len(text)) + text)
    for array in packed.values():
        if array.size:
            stream.write(array.data.cast("B"))
    stream.flush()


def receive(stream: BinaryIO) -> Message:
    """Reads one message; DecoderDied where the stream ends or says something it may not."""
    start = _exactly(stream, 8)
    (length,) = struct.unpack("<I", start[4:])
    if start[:4] != MAGIC or length > HEAD_LIMIT:
        raise DecoderDied(f"the decoding process sent {start!r} where a message should begin")
    head = json.loads(_exactly(stream, length))
    arrays = {entry["name"]: _array(stream, entry) for entry in head.pop("arrays", [])}
    return head, arrays


def _array(stream: BinaryIO, entry: Mapping[str, Any]) -> np.ndarray:
    shape = tuple(int(n) for n in entry["shape"])
    if entry["kind"] not in KINDS or any(n < 0 for n in shape):
        raise DecoderDied(f"the decoding process sent an array of kind {entry['kind']} and shape {shape}")
    kind = np.dtype(entry["kind"])
    size = math.prod(shape) * kind.itemsize
    if size > ARRAY_LIMIT:
        raise DecoderDied(f"the decoding process sent an array of {size} bytes; the limit is {ARRAY_LIMIT}")
    return np.frombuffer(_exactly(stream, size), dtype=kind).reshape(shape)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if data is None or len(data) < size:
        raise DecoderDied(f"the decoding process ended in the middle of a message ({len(data or b'')} of {size} bytes)")
    return data
