"""Tiny real models: our path against the models' own processors and padding, and ONNX against both."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sightline.encoders.by_name import open_encoder
from sightline.records import Frames

TEXTS = ["snow", "a red car on the left of a street", "Two people: talking!", "一只猫坐在窗台上"]
FAMILIES = ("clip", "siglip", "altclip", "chinese_clip", "metaclip_2")
EXPORTED = [
    "clip",
    "siglip",
    pytest.param("altclip", marks=pytest.mark.slow),
    pytest.param("chinese_clip", marks=pytest.mark.slow),
    pytest.param("metaclip_2", marks=pytest.mark.slow),
]


def unit(rows) -> np.ndarray:
    rows = getattr(rows, "pooler_output", rows).numpy()
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def reference(folder, family: str, frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """The usual way with transformers alone: its processor, its tokenizer, its padding to one length."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    kind = transformers.SiglipImageProcessorPil if family == "siglip" else transformers.CLIPImageProcessorPil
    pictures = kind(**json.loads((folder / "preprocessor_config.json").read_text()))(
        list(frames.pixels), return_tensors="pt"
    )
    pad = json.loads((folder / "tokenizer_config.json").read_text())["pad_token"]
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), pad_token=pad, padding_side="right"
    )
    with torch.inference_mode():
        seen = model.get_image_features(pixel_values=pictures["pixel_values"])
        if family == "siglip":
            lower = [text.lower() for text in TEXTS]
            ids = tokenizer(lower, padding="max_length", max_length=64, truncation=True, return_tensors="pt")[
                "input_ids"
            ]
            return unit(seen), unit(model.get_text_features(input_ids=ids))
        longest = {"clip": 23, "metaclip_2": 23, "altclip": 39, "chinese_clip": 41}[family]
        given = tokenizer(TEXTS, padding=True, max_length=longest, truncation=True, return_tensors="pt")
        read = model.get_text_features(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
    return unit(seen), unit(read)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_transformers_model_gives_its_own_vectors(family: str, tiny, frames: Frames) -> None:
    seen, read = reference(tiny(family), family, frames)
    encoder = open_encoder(str(tiny(family)))
    np.testing.assert_allclose(encoder.see(frames).vectors[0], seen, atol=2e-4)
    np.testing.assert_allclose(encoder.read(TEXTS).vector, read, atol=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_different_texts_and_pictures_get_different_vectors(family: str, tiny, frames: Frames) -> None:
    encoder = open_encoder(str(tiny(family)))
    for rows in (encoder.see(frames).vectors[0], encoder.read(TEXTS).vector):
        likeness = rows @ rows.T - np.eye(len(rows))
        assert likeness.max() < 0.999


@pytest.mark.parametrize("family", EXPORTED)
def test_onnx_and_transformers_agree(family: str, tiny, exported, frames: Frames) -> None:
    original, (folder, report) = open_encoder(str(tiny(family))), exported(family)
    onnx = open_encoder(str(folder))
    assert (original.see(frames).vectors * onnx.see(frames).vectors).sum(axis=-1).min() >= 0.9999
    assert (original.read(TEXTS).vector * onnx.read(TEXTS).vector).sum(axis=-1).min() >= 0.9999
    assert report.picture_cosine >= 0.9999 and report.text_cosine >= 0.9999
    print(f"{family}: int8 pictures {report.int8_picture_cosine}, texts {report.int8_text_cosine}")


@pytest.mark.parametrize("family", EXPORTED)
def test_int8_stays_near_the_original_and_the_report_says_how_near(family: str, tiny, exported) -> None:
    from sightline.encoders.export import TEXTS as MEASURED
    from sightline.encoders.export import drawn_pictures

    folder, report = exported(family)
    small, original = open_encoder(f"{folder}@int8"), open_encoder(str(tiny(family)))
    pictures = (original.see(drawn_pictures()).vectors * small.see(drawn_pictures()).vectors).sum(axis=-1).min()
    texts = (original.read(MEASURED).vector * small.read(MEASURED).vector).sum(axis=-1).min()
    assert report.int8_picture_cosine == pytest.approx(pictures, abs=1e-5)
    assert report.int8_text_cosine == pytest.approx(texts, abs=1e-5)
    assert 0.97 < min(pictures, texts) < 1


def test_the_export_tells_what_it_holds(exported) -> None:
    folder, report = exported("clip")
    told = json.loads((folder / "sightline.json").read_text())
    assert told["family"] == "clip" and told["width"] == 19
    assert told["fingerprint"] == report.fingerprint == open_encoder(str(folder)).card.fingerprint
    assert told["int8_fingerprint"] == open_encoder(f"{folder}@int8").card.fingerprint != told["fingerprint"]


def test_an_onnx_folder_of_the_published_layout_is_found(exported, tmp_path, frames: Frames) -> None:
    import shutil

    folder, _ = exported("siglip")
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model/onnx").mkdir()
    for tower in ("vision_model", "text_model"):
        (tmp_path / f"model/{tower}.onnx").rename(tmp_path / f"model/onnx/{tower}.onnx")
        (tmp_path / f"model/{tower}_int8.onnx").rename(tmp_path / f"model/onnx/{tower}_quantized.onnx")
    moved = open_encoder(str(tmp_path / "model"))
    np.testing.assert_array_equal(moved.see(frames).vectors, open_encoder(str(folder)).see(frames).vectors)
    assert open_encoder(f"{tmp_path / 'model'}@int8").card.fingerprint != moved.card.fingerprint


def test_one_file_with_both_towers_works(exported, tmp_path, frames: Frames) -> None:
    import shutil

    import onnx
    from onnx import compose

    folder, _ = exported("clip")
    towers = [onnx.load(folder / f"{tower}.onnx") for tower in ("vision_model", "text_model")]
    for tower in towers:
        del tower.graph.value_info[:]
    prefixed = compose.add_prefix(towers[0], "picture_", rename_inputs=False, rename_outputs=False)
    both = compose.merge_models(prefixed, towers[1], io_map=[])
    for file in folder.glob("*.json"):
        shutil.copy(file, tmp_path)
    onnx.save(both, tmp_path / "model.onnx")
    one, two = open_encoder(str(tmp_path)), open_encoder(str(folder))
    np.testing.assert_allclose(one.see(frames).vectors, two.see(frames).vectors, atol=1e-5)
    np.testing.assert_allclose(one.read(TEXTS).vector, two.read(TEXTS).vector, atol=1e-5)


def test_a_long_text_is_cut_and_keeps_its_end_token(tiny) -> None:
    encoder = open_encoder(str(tiny("clip")))
    vectors = encoder.read(["snow " * 40 + "red", "snow " * 60 + "a cat"]).vector
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_siglip_reads_small_and_capital_letters_alike(tiny) -> None:
    rows = open_encoder(str(tiny("siglip"))).read(["A Red CAR", "a red car"]).vector
    np.testing.assert_array_equal(rows[0], rows[1])


def test_the_first_siglip_drops_punctuation_and_the_second_keeps_it(tiny, tmp_path) -> None:
    import shutil

    texts = ["two people talking!", "two people talking"]
    second = open_encoder(str(tiny("siglip"))).read(texts).vector
    shutil.copytree(tiny("siglip"), tmp_path / "first")
    settings = {"pad_token": "<pad>", "tokenizer_class": "SiglipTokenizer"}
    (tmp_path / "first/tokenizer_config.json").write_text(json.dumps(settings))
    first = open_encoder(str(tmp_path / "first")).read(texts).vector
    np.testing.assert_array_equal(first[0], first[1])
    assert second[0] @ second[1] < 0.9999


def test_bf16_stays_near_float(tiny, frames: Frames) -> None:
    exact, quick = open_encoder(str(tiny("clip"))), open_encoder(f"{tiny('clip')}@bf16")
    assert (exact.see(frames).vectors * quick.see(frames).vectors).sum(axis=-1).min() > 0.99
    assert exact.card.fingerprint == quick.card.fingerprint


def test_a_query_is_remembered(tiny) -> None:
    encoder = open_encoder(str(tiny("clip")))
    encoder.read(["snow"])
    assert list(encoder._remembered) == ["snow"]
    encoder.read([f"snow {n}" for n in range(520)])
    assert len(encoder._remembered) == 512 and "snow" not in encoder._remembered
