"""Looks into an ONNX file before it is run: is it whole, which other files would it read, how was it quantised.

From: the protobuf wire format and the field numbers of onnx.proto3; read here in place, without the `onnx` package
and without copying a weight, because the answer decides whether the file is opened at all.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sightline.errors import BadModel

# message -> field number -> the message inside. Fields not listed are stepped over.
INSIDE = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},  # external_data
}
OP_TYPE = 4  # of a node
DEEPEST = 32  # graphs inside graphs; real models have two or three
PARTS = 2_000_000  # messages looked at; real models have tens of thousands


@dataclass
class OnnxGraph:
    """What a file says of itself."""

    external: set[str] = field(default_factory=set)  # locations of weights in other files, as written
    operators: set[str] = field(default_factory=set)

    @property
    def quantises_by_batch(self) -> bool:
        """Dynamic int8 picks one scale for a whole batch: there, a picture's vector would depend on its neighbours."""
        return "DynamicQuantizeLinear" in self.operators


def read_graph(path: Path) -> OnnxGraph:
    """BadModel where the file is cut, is no ONNX, or refers to a file outside its folder."""
    found = OnnxGraph()
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise BadModel(f"{path} is empty; fetch or export it again")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _walk(data, path, found)
    for location in sorted(found.external):
        _check_location(path, location)
    return found


def also_giving(model: bytes, names: Iterable[str]) -> bytes:
    """The model with these values of its graph among its outputs.

    A message that comes twice in a protobuf file is merged, and repeated fields are joined: what is appended here is
    a second `graph` that holds nothing but outputs.
    """
    return model + _wrapped(7, b"".join(_wrapped(12, _wrapped(1, name.encode())) for name in names))


def _wrapped(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    length, size = len(content), b""
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


def _walk(data: mmap.mmap, path: Path, found: OnnxGraph) -> None:
    stack = [("model", 0, len(data), 0)]
    looked = graphs = 0
    while stack:
        kind, start, end, depth = stack.pop()
        looked += 1
        if depth > DEEPEST or looked > PARTS:
            raise BadModel(f"{path} is nested or split beyond any real model; it is not opened")
        graphs += kind == "graph"
        key = b""
        for number, begin, finish in _fields(data, start, end, path):
            inner = INSIDE.get(kind, {}).get(number)
            if inner == "entry":
                found.external |= _location(data, begin, finish, path)
            elif inner:
                stack.append((inner, begin, finish, depth + 1))
            elif kind == "node" and number == OP_TYPE:
                key = data[begin:finish]
                found.operators.add(key.decode("utf-8", "replace"))
    if not graphs:
        raise BadModel(f"{path} is not an ONNX model; fetch or export it again")


def _location(data: mmap.mmap, start: int, end: int, path: Path) -> set[str]:
    """The value of one external_data entry, where its key is `location`."""
    fields = {number: data[begin:finish] for number, begin, finish in _fields(data, start, end, path)}
    return {fields.get(2, b"").decode("utf-8", "replace")} if fields.get(1) == b"location" else set()


def _fields(data: mmap.mmap, position: int, end: int, path: Path) -> Iterator[tuple[int, int, int]]:
    """The length-delimited fields of a message: number, where the content begins and ends."""
    while position < end:
        tag, position = _varint(data, position, end, path)
        wire = tag & 7
        if wire == 2:
            length, position = _varint(data, position, end, path)
            if position + length > end:
                raise BadModel(
                    f"{path} is cut: it ends {position + length - end:,} bytes early; fetch or export it again"
                )
            yield tag >> 3, position, position + length
            position += length
        elif wire == 0:
            _, position = _varint(data, position, end, path)
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            raise BadModel(f"{path} is not an ONNX model (wire type {wire}); fetch or export it again")
    if position != end:
        raise BadModel(f"{path} is cut: a number runs past its end; fetch or export it again")


def _varint(data: mmap.mmap, position: int, end: int, path: Path) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise BadModel(f"{path} is not an ONNX model, or is cut; fetch or export it again")


def _check_location(path: Path, location: str) -> None:
    """A weight file must lie in the model's folder; in the hub's cache it is a link to the cache's own `blobs`."""
    folder = path.parent
    asked = folder / location
    if not location or Path(location).is_absolute() or ".." in Path(location).parts or "\\" in location:
        raise BadModel(f"{path} refers to weights at {location!r}, outside its folder; it is not opened")
    if not asked.is_file():
        raise BadModel(f"{path} keeps its weights in {location!r}, which is missing; fetch it too")
    homes = {folder.resolve(), path.resolve().parent}
    if not homes & set(asked.resolve().parents):
        raise BadModel(
            f"{path} refers to weights at {location!r}, a link that leads outside its folder; it is not opened"
        )
