"""Damaged and hostile model files are refused with a reason, before anything of them is run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sightline.encoders.by_name import open_encoder
from sightline.encoders.model_folder import open_folder, weight_digest
from sightline.encoders.onnx_graph import read_graph
from sightline.errors import BadModel, NoSuchEncoder
from sightline.records import Frames


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def part(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_with_weights_at(location: str) -> bytes:
    entry = part(1, b"location") + part(2, location.encode())
    return part(7, part(5, part(8, b"w") + part(13, entry)))  # model.graph.initializer.external_data


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../b", "", "..\\x"])
def test_weights_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    file = tmp_path / "vision_model.onnx"
    file.write_bytes(onnx_with_weights_at(location))
    with pytest.raises(BadModel, match="outside its folder"):
        read_graph(file)


def test_a_weight_file_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "private").write_bytes(b"x")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/weights").symlink_to(tmp_path / "private")
    (tmp_path / "m/model.onnx").write_bytes(onnx_with_weights_at("weights"))
    with pytest.raises(BadModel, match="a link that leads outside"):
        read_graph(tmp_path / "m/model.onnx")


def test_the_hubs_own_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshots/1").mkdir(parents=True)
    for name, content in (("model.onnx", onnx_with_weights_at("model.onnx_data")), ("model.onnx_data", b"x")):
        (tmp_path / "blobs" / name).write_bytes(content)
        (tmp_path / "snapshots/1" / name).symlink_to(tmp_path / "blobs" / name)
    assert read_graph(tmp_path / "snapshots/1/model.onnx").external == {"model.onnx_data"}


def test_a_missing_weight_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_with_weights_at("model.onnx_data"))
    with pytest.raises(BadModel, match="'model.onnx_data', which is missing"):
        read_graph(tmp_path / "model.onnx")


def test_operators_are_read_through_subgraphs(tmp_path: Path) -> None:
    inner = part(1, part(4, b"DynamicQuantizeLinear"))
    node = part(4, b"If") + part(5, part(6, inner))
    (tmp_path / "m.onnx").write_bytes(part(7, part(1, node)))
    graph = read_graph(tmp_path / "m.onnx")
    assert graph.operators == {"If", "DynamicQuantizeLinear"} and graph.quantises_by_batch


def test_graphs_nested_without_end_are_refused(tmp_path: Path) -> None:
    graph = part(1, part(4, b"If"))
    for _ in range(40):
        graph = part(1, part(4, b"If") + part(5, part(6, graph)))
    (tmp_path / "m.onnx").write_bytes(part(7, graph))
    with pytest.raises(BadModel, match="beyond any real model"):
        read_graph(tmp_path / "m.onnx")


def test_every_cut_of_an_onnx_file_is_refused(tmp_path: Path) -> None:
    whole = part(7, part(1, part(4, b"MatMul")) + part(5, part(8, b"w") + part(9, b"12345678")))
    file = tmp_path / "m.onnx"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(BadModel):
            read_graph(file)
    file.write_bytes(whole)
    assert read_graph(file).operators == {"MatMul"}


def test_noise_is_no_onnx_file(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    for _ in range(101):
        (tmp_path / "m.onnx").write_bytes(chance.bytes(211))
        with pytest.raises(BadModel):
            read_graph(tmp_path / "m.onnx")


def test_an_exported_file_that_was_cut_is_refused(exported, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(exported("clip")[0], folder)
    whole = (folder / "vision_model.onnx").read_bytes()
    (folder / "vision_model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadModel, match="vision_model.onnx is cut"):
        open_encoder(str(folder))


def test_weights_that_are_not_numbers_never_reach_a_library(tiny, tmp_path: Path, frames: Frames) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "m"
    shutil.copytree(tiny("clip"), folder)
    weights = load_file(folder / "model.safetensors")
    weights["visual_projection.weight"] = weights["visual_projection.weight"] * np.float32("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadModel, match="not finite"):
        open_encoder(str(folder)).see(frames)


@pytest.mark.parametrize("damage", ["cut", "header", "part", "shape", "config"])
def test_damaged_safetensors_are_refused_with_a_reason(damage: str, tiny, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "m"
    shutil.copytree(tiny("clip"), folder)
    file = folder / "model.safetensors"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-997])
    elif damage == "header":
        file.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    elif damage == "config":
        config = json.loads((folder / "config.json").read_text())
        config["text_config"]["vocab_size"] = 2_000_000_000
        (folder / "config.json").write_text(json.dumps(config))
    else:
        weights = load_file(file)
        name = "text_projection.weight"
        weights[name] = weights[name][:, :-1].copy() if damage == "shape" else weights[name]
        if damage == "part":
            del weights[name]
        save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(BadModel):
        open_encoder(str(folder))


def test_a_pickle_is_never_opened(tiny, tmp_path: Path) -> None:
    from sightline.encoders.pretrained import open_pretrained

    folder = tmp_path / "m"
    shutil.copytree(tiny("clip"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(NoSuchEncoder, match="pickle, which can run code and is never opened"):
        open_pretrained(str(folder))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"model_type": "llama"}', "of the kind 'llama'"),
        (b'{"model_type": "siglip2"}', "variable-resolution"),
        (b"[1, 2]", "holds a list"),
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b" " * (5 << 20), "is no settings file"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(BadModel, match=words):
        open_folder(tmp_path, "m")


def test_a_damaged_tokenizer_is_refused(tiny, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(tiny("clip"), folder)
    (folder / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(BadModel, match="tokenizer.json"):
        open_encoder(str(folder)).read(["snow"])


def test_one_changed_byte_in_small_weights_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1009)
    (tmp_path / "b").write_bytes(b"x" * 1008 + b"y")
    first, second = weight_digest([tmp_path / "a", tmp_path / "b"])
    assert first != second


def test_large_weights_are_sampled_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.encoders.model_folder.WHOLE", 100)
    monkeypatch.setattr("sightline.encoders.model_folder.BLOCK", 7)
    monkeypatch.setattr("sightline.encoders.model_folder.BLOCKS", 5)
    data = bytearray(1009)
    (tmp_path / "w").write_bytes(data)
    before = weight_digest([tmp_path / "w"])
    for position in (0, 501, 1008):
        changed = bytearray(data)
        changed[position] = 1
        (tmp_path / "w").write_bytes(changed)
        assert weight_digest([tmp_path / "w"]) != before
